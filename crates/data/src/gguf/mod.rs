//! The GGUF weight file of llama.cpp (ggml's docs/gguf.md): metadata, tensor table and block-quantised tensors.
//!
//! A file is untrusted: every count and length in it is held against the bytes that are really there before anything
//! is allocated.

mod block;
mod cursor;
mod dequantize;
mod dequantize_k;
mod header;
mod value;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use loradeck_core::error::FileError;

pub use block::BlockType;
pub use dequantize::dequantize;
pub use header::{Malformed, TensorInfo};
pub use value::{Array, Value};

use crate::mapped::MappedFile;

/// Why a GGUF file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// The file cannot be opened or mapped.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not what docs/gguf.md describes, or uses what this reader does not know.
    #[error("cannot read {} as GGUF: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        #[source]
        problem: Malformed,
    },
}

/// An open GGUF file: metadata parsed, tensors mapped.
#[derive(Debug)]
pub struct GgufFile {
    file: MappedFile,
    metadata: HashMap<String, Value>,
    tensors: Vec<TensorInfo>,
    by_name: HashMap<String, usize>,
    data_start: usize,
}

impl GgufFile {
    /// Maps the file and reads its header; tensor data stays on the disk until it is asked for.
    pub fn open(path: &Path) -> Result<Self, GgufError> {
        let file = MappedFile::open(path)?;
        let header = header::parse(file.bytes())
            .map_err(|problem| GgufError::Malformed { path: path.to_path_buf(), problem })?;
        let by_name = header.tensors.iter().enumerate().map(|(i, tensor)| (tensor.name.clone(), i)).collect();
        Ok(Self {
            file,
            metadata: header.metadata,
            tensors: header.tensors,
            by_name,
            data_start: header.data_start,
        })
    }

    /// The value of a metadata key.
    pub fn metadata(&self, name: &str) -> Option<&Value> {
        self.metadata.get(name)
    }

    /// The names of all metadata keys, in no order.
    pub fn metadata_keys(&self) -> impl Iterator<Item = &str> {
        self.metadata.keys().map(String::as_str)
    }

    /// `general.architecture`, such as `llama`.
    pub fn architecture(&self) -> Option<&str> {
        self.metadata("general.architecture").and_then(Value::as_text)
    }

    /// All tensors in the file's order.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// A tensor's table entry by its GGUF name, such as `blk.0.attn_q.weight`.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.by_name.get(name).map(|index| &self.tensors[*index])
    }

    /// A tensor's bytes as they stand in the file. The entry must be one of this file's.
    pub fn bytes(&self, tensor: &TensorInfo) -> &[u8] {
        // The header's parser has checked the range; an entry of another file may not fit and gives nothing.
        self.file.bytes().get(tensor.offset..tensor.offset.saturating_add(tensor.byte_length)).unwrap_or(&[])
    }

    /// A tensor's values in row-major order, bit for bit as `PyPI` `gguf`'s `dequantize` gives them.
    pub fn dequantize(&self, tensor: &TensorInfo) -> Vec<f32> {
        dequantize::dequantize(tensor.block_type, self.bytes(tensor))
    }

    /// Everything before the tensor data.
    pub fn header_bytes(&self) -> &[u8] {
        self.file.bytes().get(..self.data_start).unwrap_or(self.file.bytes())
    }

    /// The whole file.
    pub fn file(&self) -> &MappedFile {
        &self.file
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
