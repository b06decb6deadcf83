//! The base model that an experiment names: a GGUF file, or a Hugging Face folder with one safetensors file. Both give
//! the same shape, the same weights under Hugging Face's names, and the same tokenizer interface.

mod error;
mod find;
mod keys;
mod known_hash;
mod llama;
pub mod stable_diffusion;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use error::BaseModelError;
pub use llama::{
    Llama3Scaling, LlamaShape, PROJECTIONS, RopeScaling, WeightData, WeightView, Weights, projection_names,
};

use crate::gguf::GgufFile;
use crate::mapped::{MappedFile, sha256_hex};
use crate::safetensors::SafetensorsFile;
use crate::tokenizer::Tokenizer;

/// In which form a base model lies on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseModelKind {
    /// One `.gguf` file.
    Gguf,
    /// A folder with `config.json` and `model.safetensors`.
    HuggingFace,
}

impl BaseModelKind {
    /// The word for it in reports and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gguf => "gguf",
            Self::HuggingFace => "huggingface",
        }
    }
}

#[derive(Debug)]
enum Source {
    Gguf(GgufFile),
    HuggingFace { config: serde_json::Value, weights: SafetensorsFile },
}

/// An opened base model: its shape is known and supported, its weights are mapped.
#[derive(Debug)]
pub struct BaseModel {
    path: PathBuf,
    shape: LlamaShape,
    source: Source,
}

impl BaseModel {
    /// Opens what `text` (the value of `base_model`) names: a path as it stands or relative to `root`.
    pub fn find(root: &Path, text: &str) -> Result<Self, BaseModelError> {
        find::find(root, text)
    }

    /// The form on the disk.
    pub fn kind(&self) -> BaseModelKind {
        match self.source {
            Source::Gguf(_) => BaseModelKind::Gguf,
            Source::HuggingFace { .. } => BaseModelKind::HuggingFace,
        }
    }

    /// The `.gguf` file or the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file with the weights: the `.gguf` file or the folder's `model.safetensors`.
    pub fn weight_file(&self) -> &Path {
        self.file().path()
    }

    fn file(&self) -> &MappedFile {
        match &self.source {
            Source::Gguf(gguf) => gguf.file(),
            Source::HuggingFace { weights, .. } => weights.file(),
        }
    }

    /// The weight file's size in bytes.
    pub fn size(&self) -> u64 {
        self.file().bytes().len() as u64
    }

    /// sha256 over the weight file's header and its size (u64, little endian): quick, and different for different
    /// models, though not for weights changed in place. In hexadecimal.
    pub fn header_hash(&self) -> String {
        let header = match &self.source {
            Source::Gguf(gguf) => gguf.header_bytes(),
            Source::HuggingFace { weights, .. } => weights.header_bytes(),
        };
        sha256_hex([header, &self.size().to_le_bytes()])
    }

    /// sha256 of the whole weight file, in hexadecimal; reads every byte of it.
    pub fn full_hash(&self) -> String {
        sha256_hex([self.file().bytes()])
    }

    /// [`Self::full_hash`], remembered in the folder `cache` for as long as the weight file is left as it is: place,
    /// device, inode, size and times. A cache that cannot be used costs the reading, nothing else.
    pub fn known_hash(&self, cache: Option<&Path>) -> String {
        known_hash::of(&[self.file()], cache, SystemTime::now())
    }

    /// The model's sizes and constants.
    pub fn shape(&self) -> &LlamaShape {
        &self.shape
    }

    /// The model's weights under Hugging Face's names.
    pub fn weights(&self) -> Weights<'_> {
        Weights::new(self)
    }

    /// The id to pad batches with: the tokenizer's, where it is a row of the embedding, else 0. Padding is masked
    /// everywhere, so that its id decides nothing; but it must be one that the embedding can look up.
    pub fn pad_id(&self, tokenizer: &Tokenizer) -> u32 {
        let pad = tokenizer.pad_id();
        if (pad as usize) < self.shape.vocabulary { pad } else { 0 }
    }

    /// The GGUF file, where the model is one.
    pub fn gguf(&self) -> Option<&GgufFile> {
        if let Source::Gguf(gguf) = &self.source { Some(gguf) } else { None }
    }

    /// The folder's `config.json`, where the model is one.
    pub fn config(&self) -> Option<&serde_json::Value> {
        if let Source::HuggingFace { config, .. } = &self.source { Some(config) } else { None }
    }

    /// What an exported PEFT adapter names as `base_model_name_or_path`, so that PEFT loads the base that was trained
    /// on: the folder itself; for a GGUF file the repository it was made from, where it names one, else the file. A
    /// folder's `_name_or_path` is its parent's name, whose weights may be others.
    pub fn peft_name(&self) -> String {
        let whole = || {
            let path = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
            path.to_string_lossy().into_owned()
        };
        let key = "general.source.huggingface.repository";
        let repository = self.gguf().and_then(|gguf| gguf.metadata(key)?.as_text()).and_then(repository_id);
        repository.map_or_else(whole, str::to_owned)
    }

    /// The model's own name, or the last part of its path: the same wherever the model lies.
    pub fn name(&self) -> String {
        self.own_name().unwrap_or_else(|| self.last_name())
    }

    /// For a GGUF file the repository it came from or its own name, for a folder its `_name_or_path`.
    fn own_name(&self) -> Option<String> {
        let named = match &self.source {
            Source::Gguf(gguf) => ["general.source.huggingface.repository", "general.name"]
                .iter()
                .find_map(|key| gguf.metadata(key)?.as_text().filter(|text| !text.is_empty())),
            Source::HuggingFace { config, .. } => {
                config.get("_name_or_path").and_then(|name| name.as_str()).filter(|text| !text.is_empty())
            }
        };
        named.map(str::to_owned)
    }

    fn last_name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// `owner/name` of a text that is one, or is the address of one on huggingface.co.
fn repository_id(text: &str) -> Option<&str> {
    let id = text.strip_prefix("https://huggingface.co/").unwrap_or(text).trim_end_matches('/');
    let plain = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let (owner, name) = id.split_once('/')?;
    (plain(owner) && plain(name)).then_some(id)
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
