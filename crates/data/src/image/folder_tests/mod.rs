//! Broken and odd folders: each is named or handled as docs/images.md says, and nothing else is lost.

mod captions;
mod layouts;
mod load;
mod pictures;
mod tables;
mod views;

use std::path::Path;

use loradeck_core::config::{Diagnostics, ImageSettings, OnBadSample};
use tempfile::TempDir;

use super::likeness::tests::blobs;
use super::{ImageCheck, ImageData, ImageRequest, PlanRequest};
use crate::order::PlanLength;

/// Settings at which small pictures do.
fn settings() -> ImageSettings {
    let (resolution, min_bucket_reso, max_bucket_reso, bucket_reso_steps) = (64, 32, 128, 8);
    let basic = super::testing::settings();
    ImageSettings { resolution, min_bucket_reso, max_bucket_reso, bucket_reso_steps, ..basic }
}

fn skipping() -> ImageSettings {
    ImageSettings { on_bad_sample: OnBadSample::Skip, ..settings() }
}

/// A committed file made with Pillow.
macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/image_folders/", $name)).as_slice()
    };
}
use fixture;

/// A picture that nothing is wrong with; seeds look different.
fn good(seed: u64) -> Vec<u8> {
    blobs(seed, 64, 64).to_png()
}

struct Workspace(TempDir);

impl Workspace {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    fn load(&self, dir: &str, settings: &ImageSettings) -> Result<ImageData, Diagnostics> {
        let request = ImageRequest {
            root: self.root(),
            train_data_dir: dir,
            eval_data_dir: None,
            eval_split: 0.0,
            split_seed: 0,
            settings,
        };
        ImageData::load(&request, &|_| {})
    }

    /// What a load with the basic settings refuses.
    fn error(&self, dir: &str) -> String {
        self.load(dir, &settings()).unwrap_err().to_string()
    }

    fn loaded(&self, dir: &str) -> ImageData {
        self.load(dir, &settings()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The notes of a load that skips.
    fn notes(&self, dir: &str) -> String {
        self.load(dir, &skipping()).unwrap().notes(&skipping()).join("\n")
    }
}

fn check(data: &ImageData, settings: &ImageSettings) -> ImageCheck {
    let length = PlanLength::Epochs(10.0);
    data.check(settings, PlanRequest { batch_size: 2, gradient_accumulation: 1, length, seed: 0 })
}

/// Paths and captions of the training pictures.
fn captions(data: &ImageData) -> Vec<(&str, &str)> {
    data.train.samples.iter().map(|sample| (sample.relative.as_str(), sample.caption.as_str())).collect()
}

/// Puts a file beside a good picture: it must be refused by name, or left out alone. Gives the words.
fn bad(name: &str, bytes: &[u8]) -> String {
    let workspace = Workspace::new();
    workspace.write("d/good.png", good(1)).write("d/good.txt", "a").write(&format!("d/{name}"), bytes);
    refused(&workspace, name)
}

fn refused(workspace: &Workspace, name: &str) -> String {
    let error = workspace.error("d");
    assert!(error.starts_with(&format!("d/{name}: ")) && !error.contains("good"), "{error}");
    let skipped = workspace.load("d", &skipping()).unwrap();
    assert_eq!(captions(&skipped), [("good.png", "a")]);
    let told: Vec<String> = skipped.skipped.iter().map(ToString::to_string).collect();
    assert_eq!(told.join("\n"), error);
    let lines = check(&skipped, &skipping()).lines().join("\n");
    assert!(lines.contains(&format!("left out (1):\n  {}", error.lines().next().unwrap())), "{lines}");
    error
}
