//! Which base model and data a run was made of, for its provenance: read once for all trials that share them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use loradeck_core::config::{DataIdentity, FileIdentity, Provenance, Settings};
use loradeck_data::base_model::BaseModel;
use loradeck_data::dataset;
use loradeck_data::image::image_identity;
use loradeck_data::image_check::open_base;

/// What was identified so far. What cannot be read has no identity; `check` says why.
pub(super) struct Identities {
    root: PathBuf,
    /// By path, and whether it is an image model.
    models: HashMap<(String, bool), Option<FileIdentity>>,
    /// By path, and whether it is read as pictures.
    data: HashMap<(String, bool), Option<DataIdentity>>,
}

impl Identities {
    /// Nothing yet; paths are relative to `root`.
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_path_buf(), models: HashMap::new(), data: HashMap::new() }
    }

    /// Writes the identities of what `settings` name into the provenance.
    pub(super) fn note(&mut self, provenance: &mut Provenance, settings: &Settings) {
        let is_image = settings.is_image();
        let named = |path: &String| (!path.is_empty()).then(|| path.clone());
        provenance.base_model = named(&settings.base_model).and_then(|path| self.model(&path, is_image));
        provenance.data = named(&settings.train_data_dir).and_then(|path| self.data(&path, is_image));
        provenance.eval_data = settings.eval_data_dir.as_deref().and_then(|path| self.data(path, is_image));
    }

    fn model(&mut self, path: &str, is_image: bool) -> Option<FileIdentity> {
        let root = &self.root;
        let identify = || {
            if is_image {
                let base = open_base(root, path).ok()?;
                let (size, header_hash) = (base.size(), base.header_hash());
                return Some(FileIdentity { path: path.to_owned(), size, header_hash });
            }
            let model = BaseModel::find(root, path).ok()?;
            Some(FileIdentity { path: path.to_owned(), size: model.size(), header_hash: model.header_hash() })
        };
        self.models.entry((path.to_owned(), is_image)).or_insert_with(identify).clone()
    }

    fn data(&mut self, path: &str, is_image: bool) -> Option<DataIdentity> {
        let root = &self.root;
        let identify = || {
            let identity = if is_image { image_identity(root, path) } else { dataset::identity(root, path) };
            identity.ok()
        };
        self.data.entry((path.to_owned(), is_image)).or_insert_with(identify).clone()
    }
}
