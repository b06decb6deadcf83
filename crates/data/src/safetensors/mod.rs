//! The safetensors container: a length, a JSON header, raw little-endian tensors. The door of the crate `safetensors`,
//! which reads headers and says where tensors lie; here are one mapped file that keeps what was read, and the check of
//! all sizes in front of the crate (`sizes`).

mod sizes;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use loradeck_core::error::FileError;
use safetensors::SafeTensors;
use safetensors::tensor::TensorInfo;

use crate::mapped::MappedFile;

/// The number type of a stored tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of a single.
    BF16,
}

impl DataType {
    /// Bytes per number.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
        }
    }

    /// The name in a safetensors header.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::F32, Self::F16, Self::BF16].into_iter().find(|data_type| data_type.name() == name)
    }
}

/// Why a safetensors file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SafetensorsError {
    /// The file cannot be opened or mapped.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not what the format describes.
    #[error("cannot read {} as safetensors: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// One tensor of the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number type's name as it stands in the header.
    pub dtype: String,
    /// Its sizes, outermost first.
    pub shape: Vec<usize>,
    start: usize,
    end: usize,
}

/// A mapped safetensors file.
#[derive(Debug)]
pub struct SafetensorsFile {
    file: MappedFile,
    entries: HashMap<String, Entry>,
    metadata: HashMap<String, String>,
    data_start: usize,
}

impl SafetensorsFile {
    /// Maps the file and reads its header.
    pub fn open(path: &Path) -> Result<Self, SafetensorsError> {
        let file = MappedFile::open(path)?;
        let header = parse(file.bytes())
            .map_err(|problem| SafetensorsError::Malformed { path: path.to_path_buf(), problem })?;
        let Header { entries, metadata, data_start } = header;
        Ok(Self { file, entries, metadata, data_start })
    }

    /// The tensors by name.
    pub fn entries(&self) -> &HashMap<String, Entry> {
        &self.entries
    }

    /// The texts under `__metadata__`.
    pub fn metadata(&self) -> &HashMap<String, String> {
        &self.metadata
    }

    /// A tensor's bytes, straight from the map.
    pub fn bytes(&self, entry: &Entry) -> &[u8] {
        self.file.bytes().get(entry.start..entry.end).unwrap_or(&[])
    }

    /// The number type of an entry, where it is one of those that weights come in.
    pub fn data_type(entry: &Entry) -> Option<DataType> {
        DataType::from_name(&entry.dtype)
    }

    /// Everything before the tensor data.
    pub fn header_bytes(&self) -> &[u8] {
        self.file.bytes().get(..self.data_start).unwrap_or(&[])
    }

    /// The whole file.
    pub fn file(&self) -> &MappedFile {
        &self.file
    }
}

struct Header {
    entries: HashMap<String, Entry>,
    metadata: HashMap<String, String>,
    data_start: usize,
}

fn parse(bytes: &[u8]) -> Result<Header, String> {
    sizes::check(bytes)?;
    let (length, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let data_start = sizes::LENGTH_BYTES + length;
    let entries = header.tensors().into_iter().map(|(name, info)| (name, entry(info, data_start))).collect();
    Ok(Header { entries, metadata: header.metadata().clone().unwrap_or_default(), data_start })
}

fn entry(info: &TensorInfo, data_start: usize) -> Entry {
    let (start, end) = info.data_offsets;
    Entry {
        dtype: info.dtype.to_string(),
        shape: info.shape.clone(),
        start: data_start + start,
        end: data_start + end,
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
