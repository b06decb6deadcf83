//! The safetensors container: a length, a JSON header, raw little-endian tensors. Only what a reader of one mapped
//! file needs; the header is held against the file's size before anything is used. The `safetensors` crate (0.8) adds
//! the header's sizes up unchecked: a hostile file makes it panic, or wrap round to a size that seems to fit.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use loradeck_core::error::FileError;
use serde_json::{Map, Value};

use crate::mapped::MappedFile;

/// The format's own limit for a header.
const LONGEST_HEADER: usize = 100_000_000;

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
        Ok(Self { file, entries: header.entries, metadata: header.metadata, data_start: header.data_start })
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
    let length = bytes.first_chunk::<8>().ok_or("it is shorter than 8 bytes")?;
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if length > LONGEST_HEADER || length > bytes.len() - 8 {
        return Err(format!("its header claims {length} bytes"));
    }
    let data_start = 8 + length;
    let json: Map<String, Value> = serde_json::from_slice(&bytes[8..data_start])
        .map_err(|error| format!("its header is no JSON: {error}"))?;
    let (mut entries, mut metadata) = (HashMap::new(), HashMap::new());
    for (name, value) in json {
        if name == "__metadata__" {
            metadata = serde_json::from_value(value).map_err(|_| "its __metadata__ are not all texts")?;
        } else {
            let entry =
                entry(&value, data_start, bytes.len()).ok_or(format!("its entry '{name}' is not valid"))?;
            entries.insert(name, entry);
        }
    }
    Ok(Header { entries, metadata, data_start })
}

fn entry(value: &Value, data_start: usize, file_size: usize) -> Option<Entry> {
    let dtype = value.get("dtype")?.as_str()?.to_owned();
    let sizes = |value: &Value| -> Option<Vec<usize>> {
        value.as_array()?.iter().map(|size| usize::try_from(size.as_u64()?).ok()).collect()
    };
    let shape = sizes(value.get("shape")?)?;
    let offsets = sizes(value.get("data_offsets")?)?;
    let &[begin, end] = offsets.as_slice() else { return None };
    let (start, end) = (data_start.checked_add(begin)?, data_start.checked_add(end)?);
    let elements = shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size))?;
    let fits = start <= end && end <= file_size;
    let whole = DataType::from_name(&dtype)
        .is_none_or(|data_type| elements.checked_mul(data_type.bytes()) == Some(end.wrapping_sub(start)));
    (fits && whole).then_some(Entry { dtype, shape, start, end })
}

#[cfg(test)]
pub(crate) fn build(tensors: &[(&str, DataType, Vec<usize>, Vec<u8>)]) -> Vec<u8> {
    let mut header = Map::new();
    let mut data = Vec::new();
    for (name, data_type, shape, bytes) in tensors {
        let offsets = [data.len(), data.len() + bytes.len()];
        let entry = serde_json::json!({"dtype": data_type.name(), "shape": shape, "data_offsets": offsets});
        header.insert((*name).to_owned(), entry);
        data.extend(bytes);
    }
    let header = serde_json::to_vec(&header).unwrap();
    [&(header.len() as u64).to_le_bytes(), header.as_slice(), data.as_slice()].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tensor_is_read_in_place() {
        let bytes = build(&[
            ("a", DataType::BF16, vec![2], vec![1, 2, 3, 4]),
            ("b", DataType::F32, vec![1], vec![5; 4]),
        ]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.safetensors");
        std::fs::write(&path, bytes).unwrap();
        let file = SafetensorsFile::open(&path).unwrap();
        let entry = &file.entries()["b"];
        assert_eq!(
            (file.bytes(entry), SafetensorsFile::data_type(entry)),
            ([5u8; 4].as_slice(), Some(DataType::F32))
        );
        assert_eq!(file.bytes(&file.entries()["a"]), [1, 2, 3, 4]);
    }

    #[test]
    fn an_entry_that_does_not_fit_is_refused() {
        for (shape, bytes) in [(vec![3], vec![0; 4]), (vec![usize::MAX, 4], vec![0; 4])] {
            let file = build(&[("a", DataType::BF16, shape, bytes)]);
            assert_eq!(parse(&file).err().unwrap(), "its entry 'a' is not valid");
        }
        let whole = build(&[("a", DataType::F32, vec![1], vec![0; 4])]);
        assert!(parse(&whole[..whole.len() - 1]).is_err());
        assert!(parse(&[255; 16]).is_err());
    }

    #[test]
    fn sizes_that_wrap_round_are_refused() {
        let large = usize::MAX / 8;
        let mut header = Map::new();
        for number in 0..8 {
            let offsets = [number * large, (number + 1) * large];
            let entry = serde_json::json!({"dtype": "I8", "shape": [large], "data_offsets": offsets});
            header.insert(number.to_string(), entry);
        }
        let header = serde_json::to_vec(&header).unwrap();
        let file = [&(header.len() as u64).to_le_bytes(), header.as_slice()].concat();
        assert!(parse(&file).err().unwrap().contains("is not valid"));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(length in 0u64..64, bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse(&bytes);
            let _ = parse(&[length.to_le_bytes().as_slice(), &bytes].concat());
        }
    }
}
