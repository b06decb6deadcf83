//! A Stable Diffusion adapter's files: `pytorch_lora_weights.safetensors` for diffusers, and the single file that
//! sd-scripts writes and AUTOMATIC1111's WebUI, Forge and ComfyUI read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use loradeck_core::file::{self, Durability};
use loradeck_data::lora_names::{
    ChosenSite, HeaderAdapter, KohyaFacts, Role, diffusers_header, sshs_model_hash,
};
use tch::{Kind, TchError, Tensor};

use super::container::{Container, container};
use crate::adapters::{AdapterSet, Matrix};
use crate::error::TrainError;

/// The raw state in a checkpoint: what a training goes on from.
pub const TRAINED_WEIGHTS: &str = "adapter.safetensors";
/// What diffusers loads.
pub const DIFFUSERS_WEIGHTS: &str = "pytorch_lora_weights.safetensors";

/// diffusers' file. The scale is folded into B and the header says alpha = rank, so that readers that look at the
/// header and readers that do not find the same strength; `metadata` joins the header.
pub fn diffusers(
    adapters: &AdapterSet,
    chosen: &[ChosenSite],
    metadata: &BTreeMap<String, String>,
) -> Result<Container, TchError> {
    let mut tensors = Vec::with_capacity(2 * chosen.len());
    for (index, chosen) in chosen.iter().enumerate() {
        let a = adapters.view(&adapters.parameters, index, Matrix::A)?;
        let b = adapters.view(&adapters.parameters, index, Matrix::B)?;
        let folded = b.f_mul_scalar(chosen.scale())?;
        for (role, tensor) in [(Role::Down, a), (Role::Up, folded)] {
            tensors.extend(chosen.site.diffusers_key(role).map(|key| (key, tensor)));
        }
    }
    let described: Vec<HeaderAdapter<'_>> = chosen
        .iter()
        .map(|chosen| HeaderAdapter { site: &chosen.site, rank: chosen.rank as usize, magnitude: false })
        .collect();
    let mut header = metadata.clone();
    header.extend(diffusers_header(&described));
    container(&tensors, &header)
}

/// The single file: factors as trained, with an `alpha` tensor each, and `facts` and `metadata` in the header.
pub fn kohya(
    adapters: &AdapterSet,
    chosen: &[ChosenSite],
    facts: &KohyaFacts,
    metadata: &BTreeMap<String, String>,
) -> Result<Container, TchError> {
    let mut tensors = Vec::with_capacity(3 * chosen.len());
    for (index, chosen) in chosen.iter().enumerate() {
        let a = adapters.view(&adapters.parameters, index, Matrix::A)?;
        let b = adapters.view(&adapters.parameters, index, Matrix::B)?;
        let alpha = Tensor::f_full([] as [i64; 0], chosen.alpha, (Kind::Float, a.device()))?;
        for (role, tensor) in [(Role::Down, a), (Role::Up, b), (Role::Alpha, alpha)] {
            tensors.push((chosen.site.kohya_key(role), tensor));
        }
    }
    let mut header = facts.metadata();
    // The data section does not depend on the header: its hash can stand in it.
    let bare = container(&tensors, &BTreeMap::new())?;
    header.insert("sshs_model_hash".to_owned(), sshs_model_hash([data_of(&bare)]));
    header.extend(metadata.iter().map(|(key, value)| (key.clone(), value.clone())));
    container(&tensors, &header)
}

fn data_of(container: &Container) -> &[u8] {
    let bytes = &container.bytes;
    let length = bytes.get(..8).map_or(0, |head| {
        let mut number = [0; 8];
        number.copy_from_slice(head);
        u64::from_le_bytes(number) as usize
    });
    bytes.get(8 + length..).unwrap_or_default()
}

/// The first of `NAME.safetensors`, `NAME-2.safetensors`, … that is not there or holds the same bytes: a released file
/// is never overwritten.
pub fn release_path(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let mut number = 1;
    loop {
        let file =
            if number == 1 { format!("{name}.safetensors") } else { format!("{name}-{number}.safetensors") };
        let path = folder.join(file);
        match std::fs::read(&path) {
            Ok(present) if present != bytes => number += 1,
            _ => return path,
        }
    }
}

/// The final files in `folder`. Returns the SHA-256 of diffusers' tensors, and the single file's name.
pub fn write_final(
    folder: &Path,
    made: &Container,
    single: &Container,
    name: &str,
) -> Result<(String, String), TrainError> {
    file::create_folder(folder)?;
    // The released file last: its name is taken for good, so that a second try would release another one.
    file::replace(&folder.join(DIFFUSERS_WEIGHTS), &made.bytes, Durability::Synced)?;
    let path = release_path(folder, name, &single.bytes);
    file::replace(&path, &single.bytes, Durability::Synced)?;
    let released = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((made.data_sha256.clone(), released))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_released_where_the_other_file_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(DIFFUSERS_WEIGHTS)).unwrap();
        let empty = || container(&[], &BTreeMap::new()).unwrap();
        assert!(write_final(folder.path(), &empty(), &empty(), "charlie").is_err());
        assert!(!folder.path().join("charlie.safetensors").exists());
    }

    #[test]
    fn a_released_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let name = |bytes: &[u8]| {
            let path = release_path(folder.path(), "charlie_v2", bytes);
            std::fs::write(&path, bytes).unwrap();
            path.file_name().unwrap().to_string_lossy().into_owned()
        };
        assert_eq!(name(b"one"), "charlie_v2.safetensors");
        assert_eq!(name(b"one"), "charlie_v2.safetensors");
        assert_eq!(name(b"two"), "charlie_v2-2.safetensors");
        assert_eq!(name(b"two"), "charlie_v2-2.safetensors");
        assert_eq!(std::fs::read(folder.path().join("charlie_v2.safetensors")).unwrap(), b"one");
    }
}
