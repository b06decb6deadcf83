//! Writing safetensors: the crate's types say and check where each tensor lies, and spell it in the header.
//!
//! Own is what frames it, as the crate's `serialize` keeps the metadata in a hash map and writes it in another order
//! each time, where the same training must give the same bytes (`the_crates_own_writer_is_not_deterministic` shows
//! it): the sorted `__metadata__`, the header's length, and spaces up to a multiple of eight.

use std::collections::BTreeMap;

use loradeck_data::mapped::sha256_hex;
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::Serialize;
use tch::{Device, Kind, TchError, Tensor};

/// A whole safetensors file in memory.
#[derive(Clone, Debug)]
pub struct Container {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// sha256 of the tensor-data section, in hexadecimal.
    pub data_sha256: String,
}

/// The header's JSON: the metadata sorted by key, then the tensors in their order in the file.
#[derive(Serialize)]
struct Header<'a> {
    #[serde(rename = "__metadata__", skip_serializing_if = "BTreeMap::is_empty")]
    metadata: &'a BTreeMap<String, String>,
    #[serde(flatten)]
    tensors: Metadata,
}

/// Lays out `tensors` by name, in fp32, with `metadata`; the same input gives the same bytes.
pub fn container(
    tensors: &[(String, Tensor)],
    metadata: &BTreeMap<String, String>,
) -> Result<Container, TchError> {
    let mut sorted: Vec<&(String, Tensor)> = tensors.iter().collect();
    sorted.sort_by(|left, right| left.0.cmp(&right.0));
    let mut data = Vec::new();
    let mut infos = Vec::with_capacity(sorted.len());
    for (name, tensor) in sorted {
        let start = data.len();
        append(&mut data, tensor)?;
        let shape = tensor.size().into_iter().map(|size| size as usize).collect();
        let info = TensorInfo { dtype: Dtype::F32, shape, data_offsets: (start, data.len()) };
        infos.push((name.clone(), info));
    }
    let unwritable = |problem: String| TchError::FileFormat(format!("safetensors: {problem}"));
    let tensors = Metadata::new(None, infos).map_err(|error| unwritable(error.to_string()))?;
    let header = Header { metadata, tensors };
    let mut header = serde_json::to_vec(&header).map_err(|error| unwritable(error.to_string()))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    let length = (header.len() as u64).to_le_bytes();
    let bytes = [length.as_slice(), &header, &data].concat();
    Ok(Container { bytes, data_sha256: sha256_hex([data.as_slice()]) })
}

fn append(data: &mut Vec<u8>, tensor: &Tensor) -> Result<(), TchError> {
    let host = tensor.f_to_device_(Device::Cpu, Kind::Float, false, false)?.f_contiguous()?;
    let mut numbers = vec![0f32; host.numel()];
    let count = numbers.len();
    host.f_copy_data(&mut numbers, count)?;
    data.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use loradeck_data::safetensors::SafetensorsFile;
    use safetensors::tensor::TensorView;

    use super::*;

    #[test]
    fn the_crate_of_the_format_reads_it_and_the_same_input_gives_the_same_bytes() {
        let tensors = [
            ("b".to_owned(), Tensor::from_slice(&[1f32, 2.0, 3.0]).view([1, 3])),
            ("a".to_owned(), Tensor::from_slice(&[4f32])),
        ];
        let metadata: BTreeMap<String, String> =
            (0..20).map(|number| (format!("key{number}"), format!("\"{number}\n"))).collect();
        let made = container(&tensors, &metadata).unwrap();
        let turned = [&tensors[1], &tensors[0]].map(|(name, tensor)| (name.clone(), tensor.shallow_clone()));
        assert_eq!(container(&turned, &metadata).unwrap().bytes, made.bytes);
        // It refuses holes and bytes behind the last tensor.
        let read = safetensors::SafeTensors::deserialize(&made.bytes).unwrap();
        let b = read.tensor("b").unwrap();
        assert_eq!((b.dtype(), b.shape()), (safetensors::Dtype::F32, [1, 3].as_slice()));
        assert_eq!(b.data(), [1f32, 2.0, 3.0].map(f32::to_le_bytes).concat());
        let (_, header) = safetensors::SafeTensors::read_metadata(&made.bytes).unwrap();
        assert_eq!(header.offset_keys(), ["a", "b"]);
        assert_eq!(header.metadata().as_ref().unwrap()["key7"], "\"7\n");
    }

    /// The crate's own writer, with the metadata in a new hash map.
    fn by_the_crate(tensors: &[(String, Tensor)], metadata: &BTreeMap<String, String>) -> Vec<u8> {
        let data: Vec<Vec<u8>> = tensors
            .iter()
            .map(|(_, tensor)| {
                let mut data = Vec::new();
                append(&mut data, tensor).unwrap();
                data
            })
            .collect();
        let views = tensors.iter().zip(&data).map(|((name, tensor), data)| {
            let shape = tensor.size().into_iter().map(|size| size as usize).collect();
            (name.clone(), TensorView::new(Dtype::F32, shape, data).unwrap())
        });
        let metadata: HashMap<String, String> = metadata.clone().into_iter().collect();
        safetensors::serialize(views, (!metadata.is_empty()).then_some(metadata)).unwrap()
    }

    #[test]
    fn the_crates_own_writer_is_not_deterministic() {
        let tensors = [
            ("b".to_owned(), Tensor::from_slice(&[1f32, 2.0, 3.0]).view([1, 3])),
            ("a.ä\"".to_owned(), Tensor::from_slice(&[4f32])),
            ("alpha".to_owned(), Tensor::from(2f32)),
        ];
        let metadata = |keys: usize| -> BTreeMap<String, String> {
            (0..keys).map(|key| (format!("key{key}"), format!("ß\"\n{key}"))).collect()
        };
        for keys in [0, 1] {
            let ours = container(&tensors, &metadata(keys)).unwrap().bytes;
            assert_eq!(ours, by_the_crate(&tensors, &metadata(keys)), "{keys} keys have one order");
        }
        // Once these are equal the crate can write the whole file.
        assert_ne!(by_the_crate(&tensors, &metadata(40)), by_the_crate(&tensors, &metadata(40)));
    }

    /// The bytes of the first releases: adapters written by different versions are compared by their files' hashes.
    #[test]
    fn the_bytes_are_what_they_were() {
        let tensors = [("w".to_owned(), Tensor::from_slice(&[1f32, 2.0]).view([1, 2]))];
        let metadata = BTreeMap::from([("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1".to_owned())]);
        let header =
            r#"{"__metadata__":{"a":"1","b":"2"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}"#;
        let header = format!("{header:<width$}", width = header.len().next_multiple_of(8));
        let data = [1f32, 2.0].map(f32::to_le_bytes).concat();
        let expected = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat();
        assert_eq!(container(&tensors, &metadata).unwrap().bytes, expected);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let tensors = [
            ("b".to_owned(), Tensor::from_slice(&[1f32, 2.0]).view([1, 2])),
            ("a".to_owned(), Tensor::from_slice(&[3f32])),
        ];
        let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
        let made = container(&tensors, &metadata).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.safetensors");
        std::fs::write(&path, &made.bytes).unwrap();
        let file = SafetensorsFile::open(&path).unwrap();
        assert_eq!(file.metadata()["format"], "pt");
        assert_eq!(file.entries()["b"].shape, [1, 2]);
        let bytes = file.bytes(&file.entries()["a"]);
        assert_eq!(bytes, 3f32.to_le_bytes());
        assert_eq!(file.header_bytes().len() % 8, 0);
    }
}
