//! Builds small GGUF files for tests.

use super::block::BlockType;

/// A GGUF file being written.
#[derive(Default)]
pub(crate) struct Builder {
    metadata: Vec<u8>,
    metadata_count: u64,
    tensors: Vec<(String, Vec<usize>, u32, Vec<u8>)>,
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

impl Builder {
    fn key(&mut self, key: &str, number: u32) -> &mut Vec<u8> {
        put_text(&mut self.metadata, key);
        self.metadata.extend(number.to_le_bytes());
        self.metadata_count += 1;
        &mut self.metadata
    }

    pub(crate) fn u32(mut self, key: &str, value: u32) -> Self {
        self.key(key, 4).extend(value.to_le_bytes());
        self
    }

    pub(crate) fn f32(mut self, key: &str, value: f32) -> Self {
        self.key(key, 6).extend(value.to_le_bytes());
        self
    }

    pub(crate) fn bool(mut self, key: &str, value: bool) -> Self {
        self.key(key, 7).push(u8::from(value));
        self
    }

    pub(crate) fn text(mut self, key: &str, value: &str) -> Self {
        put_text(self.key(key, 8), value);
        self
    }

    pub(crate) fn texts(mut self, key: &str, values: &[&str]) -> Self {
        let out = self.key(key, 9);
        out.extend(8u32.to_le_bytes());
        out.extend((values.len() as u64).to_le_bytes());
        for value in values {
            put_text(out, value);
        }
        self
    }

    pub(crate) fn i32s(mut self, key: &str, values: &[i32]) -> Self {
        let out = self.key(key, 9);
        out.extend(5u32.to_le_bytes());
        out.extend((values.len() as u64).to_le_bytes());
        out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self
    }

    /// Adds a tensor by ggml type number; `dims` outermost first.
    pub(crate) fn raw_tensor(mut self, name: &str, dims: &[usize], number: u32, bytes: Vec<u8>) -> Self {
        self.tensors.push((name.to_owned(), dims.to_vec(), number, bytes));
        self
    }

    pub(crate) fn f32_tensor(self, name: &str, dims: &[usize], values: &[f32]) -> Self {
        assert_eq!(dims.iter().product::<usize>(), values.len());
        assert_eq!(BlockType::from_number(0), Some(BlockType::F32));
        self.raw_tensor(name, dims, 0, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3u32.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend(self.metadata_count.to_le_bytes());
        out.extend(&self.metadata);
        let mut offset = 0u64;
        for (name, dims, number, bytes) in &self.tensors {
            put_text(&mut out, name);
            out.extend((dims.len() as u32).to_le_bytes());
            dims.iter().rev().for_each(|size| out.extend((*size as u64).to_le_bytes()));
            out.extend(number.to_le_bytes());
            out.extend(offset.to_le_bytes());
            offset += (bytes.len() as u64).div_ceil(32) * 32;
        }
        out.resize(out.len().div_ceil(32) * 32, 0);
        for (.., bytes) in &self.tensors {
            out.extend(bytes);
            out.resize(out.len().div_ceil(32) * 32, 0);
        }
        out
    }
}
