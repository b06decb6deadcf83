//! The sizes in a header, held against the file before the `safetensors` crate sees them.
//!
//! The crate (0.8) adds the end of the last tensor and the header's length unchecked (`SafeTensors::read_metadata`): a
//! hostile header makes it panic where overflow is checked. `the_crate_alone_overflows_on_a_hostile_header` shows it
//! and says when this check can go.

use safetensors::tensor::TensorInfo;
use serde_json::{Map, Value};

/// The format's own limit for a header.
const LONGEST_HEADER: usize = 100_000_000;
/// Bytes of the header's length.
pub(super) const LENGTH_BYTES: usize = 8;

/// Checks that the header lies within the file, that no entry's numbers overflow, that every tensor lies within the
/// file, and that all together are no larger than it. The error is what is wrong, without the file's name.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    let length = bytes.first_chunk::<LENGTH_BYTES>().ok_or("it is shorter than 8 bytes")?;
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let room = bytes.len() - LENGTH_BYTES;
    if length > LONGEST_HEADER || length > room {
        return Err(format!("its header claims {length} bytes"));
    }
    let json: Map<String, Value> = serde_json::from_slice(&bytes[LENGTH_BYTES..LENGTH_BYTES + length])
        .map_err(|error| format!("its header is no JSON: {error}"))?;
    let data = room - length;
    let mut sum = 0usize;
    for (name, value) in json.into_iter().filter(|(name, _)| name != "__metadata__") {
        let size =
            entry(value, data).map_err(|problem| format!("its entry '{name}' is not valid: {problem}"))?;
        sum = sum
            .checked_add(size)
            .filter(|sum| *sum <= data)
            .ok_or_else(|| format!("its entry '{name}' is not valid: the tensors overlap"))?;
    }
    Ok(())
}

/// The bytes of one tensor, whose place must be within the `data` bytes behind the header.
fn entry(value: Value, data: usize) -> Result<usize, String> {
    let info: TensorInfo = serde_json::from_value(value).map_err(|error| error.to_string())?;
    let (start, end) = info.data_offsets;
    if start > end || end > data {
        return Err(format!("bytes {start} to {end} of {data}"));
    }
    let elements = info.shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
    let bits = elements.and_then(|elements| elements.checked_mul(info.dtype.bitsize()));
    if bits.is_none_or(|bits| bits % 8 != 0 || bits / 8 != end - start) {
        let shape = &info.shape;
        return Err(format!("{} bytes for the shape {shape:?} of {}", end - start, info.dtype));
    }
    Ok(end - start)
}
