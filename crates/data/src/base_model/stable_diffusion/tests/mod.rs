mod layouts;
mod names;
mod refusals;

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::testing::*;
use super::*;

const COMPONENTS: [Component; 3] = [Component::TextEncoder, Component::Unet, Component::Vae];

/// Changes a JSON file in a folder.
fn edit(folder: &Path, name: &str, change: impl FnOnce(&mut Value)) {
    let path = folder.join(name);
    let mut value: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut value);
    std::fs::write(path, value.to_string()).unwrap();
}

/// A folder that holds the tiny model as a diffusers folder.
fn diffusers(tiny: &Tiny) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    tiny.write_folder(folder.path());
    folder
}

/// A checkpoint file of these tensors, in a folder of its own.
fn checkpoint(tensors: &[Tensor]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.safetensors");
    write(&path, tensors);
    (folder, path)
}

/// A text's worth of bytes as a tensor.
fn tensor(name: &str, values: &[f32], shape: &[usize]) -> Tensor {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    (name.to_owned(), crate::safetensors::DataType::F32, shape.to_vec(), bytes)
}
