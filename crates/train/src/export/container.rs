//! Writing safetensors: `u64` header length, JSON header padded to a multiple of eight, raw little-endian data.
//!
//! Not by the `safetensors` crate, which keeps the metadata in a hash map: its header would differ from one process to
//! the next, and ours is the same for the same training. What is written is held against that crate in the test.

use std::collections::BTreeMap;

use loradeck_data::mapped::sha256_hex;
use serde_json::{Map, Value, json};
use tch::{Device, Kind, TchError, Tensor};

/// A whole safetensors file in memory.
#[derive(Clone, Debug)]
pub struct Container {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// sha256 of the tensor-data section, in hexadecimal.
    pub data_sha256: String,
}

/// Lays out `tensors` by name, in fp32, with `metadata`; the same input gives the same bytes.
pub fn container(
    tensors: &[(String, Tensor)],
    metadata: &BTreeMap<String, String>,
) -> Result<Container, TchError> {
    let mut sorted: Vec<&(String, Tensor)> = tensors.iter().collect();
    sorted.sort_by(|left, right| left.0.cmp(&right.0));
    let mut header = Map::new();
    if !metadata.is_empty() {
        header.insert("__metadata__".to_owned(), json!(metadata));
    }
    let mut data = Vec::new();
    for (name, tensor) in sorted {
        let start = data.len();
        append(&mut data, tensor)?;
        let entry = json!({ "dtype": "F32", "shape": tensor.size(), "data_offsets": [start, data.len()] });
        header.insert(name.clone(), entry);
    }
    let mut text = Value::Object(header).to_string();
    let padded = text.len().next_multiple_of(8);
    text.extend(std::iter::repeat_n(' ', padded - text.len()));
    let mut bytes = Vec::with_capacity(8 + text.len() + data.len());
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(&data);
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
    use super::*;
    use loradeck_data::safetensors::SafetensorsFile;

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
