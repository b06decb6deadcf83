//! Latents on the disk, shared by all trainings of a user: one small file for each look at a picture, under a name that
//! is a hash of everything its numbers depend on. A file that is damaged counts as not there.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use loradeck_core::cache;
use loradeck_core::file::{self, Durability};
use loradeck_data::base_model::stable_diffusion::{Component, StableDiffusion};
use loradeck_data::base_model::{WeightData, WeightView};
use loradeck_data::mapped::sha256_hex;
use loradeck_data::safetensors::SafetensorsFile;
use tch::{Device, Kind, Tensor};

use super::latents::Look;
use crate::error::TrainError;
use crate::export::container;

/// All files together take at most this many bytes.
const LIMIT: u64 = 4 << 30;
/// Changes whenever a file means something else than before.
const FORMAT: &str = "loradeck latents 1";

/// The files of one autoencoder on one machine.
#[derive(Debug)]
pub struct LatentStore {
    folder: PathBuf,
    /// What the numbers depend on besides picture and view.
    circumstances: String,
    device: Device,
}

/// What was found under a key.
#[derive(Debug)]
pub enum Fetched {
    /// The look.
    Whole(Look),
    /// Nothing, or nothing whole.
    Missing,
}

impl LatentStore {
    /// The files in `folder` that the autoencoder with the hash `encoder` made on `machine`. Numbers from another
    /// kind of processor may differ in their last bits, and equal runs shall have equal weights: so they count as
    /// others.
    pub fn new(folder: PathBuf, encoder: &str, machine: &str, device: Device) -> Self {
        Self { folder, circumstances: format!("{FORMAT}\0{encoder}\0{machine}"), device }
    }

    fn key(&self, look: &str) -> String {
        sha256_hex([self.circumstances.as_bytes(), b"\0", look.as_bytes()])
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(&key[..2]).join(format!("{key}.safetensors"))
    }

    /// The look with the key `look`, which names picture and view. Numbers are those that were kept, to the bit.
    pub fn fetch(&self, look: &str) -> Result<Fetched, TrainError> {
        let key = self.key(look);
        let path = self.path(&key);
        let Some(file) = SafetensorsFile::open(&path).ok().filter(|file| is_whole(file, &key)) else {
            return Ok(Fetched::Missing);
        };
        let mut parts = [None, None, None];
        for (part, name) in parts.iter_mut().zip(["mean", "deviation", "mask"]) {
            *part = tensor(&file, name, self.device)?;
        }
        let [Some(mean), Some(deviation), mask] = parts else { return Ok(Fetched::Missing) };
        if mean.dim() != 3 || deviation.size() != mean.size() {
            return Ok(Fetched::Missing);
        }
        mark_as_used(&path);
        Ok(Fetched::Whole(Look { mean, deviation, mask }))
    }

    /// Keeps a look under its key, in the place of what may be there.
    pub fn keep(&self, look: &str, numbers: &Look) -> Result<(), TrainError> {
        let key = self.key(look);
        let path = self.path(&key);
        let mut tensors = vec![
            ("mean".to_owned(), numbers.mean.shallow_clone()),
            ("deviation".to_owned(), numbers.deviation.shallow_clone()),
        ];
        tensors.extend(numbers.mask.as_ref().map(|mask| ("mask".to_owned(), mask.shallow_clone())));
        let plain = container(&tensors, &BTreeMap::new())?;
        let facts = BTreeMap::from([("key".to_owned(), key), ("sha256".to_owned(), plain.data_sha256)]);
        let made = container(&tensors, &facts)?;
        if let Some(folder) = path.parent() {
            file::create_folder(folder)?;
        }
        // A file that a power cut spoils is found out by its hash.
        Ok(file::replace(&path, &made.bytes, Durability::Renamed)?)
    }

    /// Removes what was not used for the longest time, where there is too much.
    pub fn trim(&self) -> u64 {
        cache::trim(&self.folder, LIMIT)
    }
}

/// Whether the file says that it is this key's, and its numbers are those that were written.
fn is_whole(file: &SafetensorsFile, key: &str) -> bool {
    let said = |name: &str| file.metadata().get(name).map(String::as_str);
    let data = file.file().bytes().get(file.header_bytes().len()..).unwrap_or_default();
    said("key") == Some(key) && said("sha256") == Some(sha256_hex([data]).as_str())
}

fn tensor(file: &SafetensorsFile, name: &str, device: Device) -> Result<Option<Tensor>, TrainError> {
    let Some(entry) = file.entries().get(name) else { return Ok(None) };
    let Some(dtype) = SafetensorsFile::data_type(entry) else { return Ok(None) };
    let view = WeightView { dtype, shape: entry.shape.clone(), data: WeightData::Stored(file.bytes(entry)) };
    let size: Vec<i64> = view.shape.iter().map(|length| *length as i64).collect();
    let tensor = Tensor::f_from_slice(&view.to_f32())?.f_view(size.as_slice())?;
    Ok(Some(tensor.f_to_device_(device, Kind::Float, false, false)?))
}

/// So that it is not among the first to go. Where that is not allowed the file only seems older than it is.
fn mark_as_used(path: &Path) {
    if let Ok(file) = File::options().write(true).open(path) {
        let _ = file.set_modified(SystemTime::now());
    }
}

/// The hash of the weights that turn pictures into latents, `names` among all that the autoencoder loads, and of its
/// configuration.
pub fn encoder_hash<'n>(
    base: &StableDiffusion,
    names: impl Iterator<Item = &'n String>,
) -> Result<String, TrainError> {
    let mut hashes = vec![format!("{:?}", base.vae())];
    for name in names.filter(|name| name.starts_with("encoder.") || name.starts_with("quant_conv.")) {
        let view =
            base.weight(Component::Vae, name).map_err(|error| TrainError::Refused(error.to_string()))?;
        let numbers: Vec<u8> = view.to_f32().iter().flat_map(|number| number.to_le_bytes()).collect();
        hashes.push(format!("{name} {:?} {}", view.shape, sha256_hex([numbers.as_slice()])));
    }
    Ok(sha256_hex(hashes.iter().map(String::as_bytes)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn look(masked: bool) -> Look {
        let part = |first: f32| {
            Tensor::from_slice(&[first, f32::MIN_POSITIVE, -0.0, 1.0 / 3.0, 5.0, 6.0]).view([1, 2, 3])
        };
        Look { mean: part(1.5), deviation: part(0.25), mask: masked.then(|| part(0.5)) }
    }

    fn store(folder: &Path, encoder: &str, machine: &str) -> LatentStore {
        LatentStore::new(folder.to_path_buf(), encoder, machine, Device::Cpu)
    }

    fn found(store: &LatentStore, key: &str) -> Option<Look> {
        match store.fetch(key).unwrap() {
            Fetched::Whole(look) => Some(look),
            Fetched::Missing => None,
        }
    }

    fn bits(tensor: &Tensor) -> Vec<u32> {
        Vec::<f32>::try_from(tensor.contiguous().view(-1)).unwrap().into_iter().map(f32::to_bits).collect()
    }

    #[test]
    fn what_was_kept_is_found_to_the_bit_and_by_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let ours = store(folder.path(), "encoder", "cpu");
        for (key, masked) in [("one", true), ("other", false)] {
            ours.keep(key, &look(masked)).unwrap();
            let (found, kept) = (found(&ours, key).unwrap(), look(masked));
            assert_eq!(
                (bits(&found.mean), bits(&found.deviation)),
                (bits(&kept.mean), bits(&kept.deviation))
            );
            assert_eq!(found.mask.as_ref().map(bits), kept.mask.as_ref().map(bits));
            assert_eq!(found.mean.size(), [1, 2, 3]);
        }
        assert!(found(&ours, "third").is_none());
        for (encoder, machine) in [("another encoder", "cpu"), ("encoder", "gpu"), ("encode", "rcpu")] {
            assert!(found(&store(folder.path(), encoder, machine), "one").is_none(), "{encoder} {machine}");
        }
    }

    #[test]
    fn damaged_files_count_as_missing_and_are_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let ours = store(folder.path(), "encoder", "cpu");
        ours.keep("one", &look(true)).unwrap();
        ours.keep("other", &look(false)).unwrap();
        let path = ours.path(&ours.key("one"));
        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        *flipped.last_mut().unwrap() ^= 1;
        let others = fs::read(ours.path(&ours.key("other"))).unwrap();
        for damage in [flipped, whole[..whole.len() - 4].to_vec(), Vec::new(), b"nonsense".to_vec(), others] {
            fs::write(&path, damage).unwrap();
            assert!(found(&ours, "one").is_none());
        }
        ours.keep("one", &look(true)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole);
        assert!(found(&ours, "one").is_some());
    }
}
