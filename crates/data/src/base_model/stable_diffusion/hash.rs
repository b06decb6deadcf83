//! What a model is known by: sizes and hashes of its weight files.

use std::path::Path;
use std::time::SystemTime;

use super::super::known_hash;
use super::StableDiffusion;
use crate::mapped::{MappedFile, sha256_hex};
use crate::safetensors::SafetensorsFile;

/// The piece of a file that the `WebUI`'s short hash is taken of.
pub(crate) const SHORT_HASH: std::ops::Range<usize> = 0x10_0000..0x11_0000;

impl StableDiffusion {
    /// The weight files' sizes in bytes, added up.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.file().bytes().len() as u64).sum()
    }

    /// sha256 over each weight file's header and size (u64, little endian): quick, and different for different models,
    /// though not for weights changed in place. In hexadecimal.
    pub fn header_hash(&self) -> String {
        let sizes: Vec<[u8; 8]> =
            self.files.iter().map(|file| (file.file().bytes().len() as u64).to_le_bytes()).collect();
        let pieces =
            self.files.iter().zip(&sizes).flat_map(|(file, size)| [file.header_bytes(), size.as_slice()]);
        sha256_hex(pieces)
    }

    /// sha256 of the weight files one after the other (text encoder, UNet, VAE), which for a checkpoint file is that
    /// file's own; reads every byte. In hexadecimal.
    pub fn full_hash(&self) -> String {
        sha256_hex(self.files.iter().map(|file| file.file().bytes()))
    }

    /// [`Self::full_hash`], remembered in the folder `cache` for as long as the weight files are left as they are: place,
    /// device, inode, size and times. A cache that cannot be used costs the reading, nothing else.
    pub fn known_hash(&self, cache: Option<&Path>) -> String {
        let files: Vec<&MappedFile> = self.files.iter().map(SafetensorsFile::file).collect();
        known_hash::of(&files, cache, SystemTime::now())
    }

    /// The short hash by which the `WebUI` and kohya's `ss_sd_model_hash` know a checkpoint file: the first eight digits
    /// of the sha256 of its bytes from 1 MiB on, 64 KiB of them. `None` for a folder and for a shorter file.
    pub fn model_hash(&self) -> Option<String> {
        let [file] = self.files.as_slice() else { return None };
        let mut hash = sha256_hex([file.file().bytes().get(SHORT_HASH)?]);
        hash.truncate(8);
        Some(hash)
    }
}
