//! Small files for tests, right and wrong.

use serde_json::{Map, json};

use super::DataType;

/// A file with these tensors, whatever their shapes and bytes.
pub(crate) fn build(tensors: &[(&str, DataType, Vec<usize>, Vec<u8>)]) -> Vec<u8> {
    let mut header = Map::new();
    let mut data = Vec::new();
    for (name, data_type, shape, bytes) in tensors {
        let offsets = [data.len(), data.len() + bytes.len()];
        let entry = json!({"dtype": data_type.name(), "shape": shape, "data_offsets": offsets});
        header.insert((*name).to_owned(), entry);
        data.extend(bytes);
    }
    with_header(&serde_json::to_string(&header).unwrap(), &data)
}

/// A file with this header.
pub(crate) fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}
