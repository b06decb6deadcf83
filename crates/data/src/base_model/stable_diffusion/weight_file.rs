//! Opens a weight file, and says of one that cannot be read what it is instead.

use std::path::Path;

use crate::base_model::BaseModelError;
use crate::mapped::MappedFile;
use crate::safetensors::{SafetensorsError, SafetensorsFile};

pub(super) fn open(path: &Path) -> Result<SafetensorsFile, BaseModelError> {
    match SafetensorsFile::open(path) {
        Err(SafetensorsError::Malformed { problem, .. }) => {
            let file = MappedFile::open(path)?;
            let problem =
                explain(file.bytes()).unwrap_or(format!("it cannot be read as safetensors: {problem}"));
            Err(BaseModelError::Unsupported { path: path.to_path_buf(), problem })
        }
        other => Ok(other?),
    }
}

/// What a file is that is no whole safetensors file.
fn explain(bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() {
        return Some("the file is empty".into());
    }
    // PyTorch's own files: a zip archive of pickles, or a pickle.
    if bytes.starts_with(b"PK\x03\x04") || (bytes[0] == 0x80 && bytes.get(1).is_some_and(|byte| *byte <= 5)) {
        return Some(format!("a pickle under the name of a safetensors file. {PICKLE}"));
    }
    if bytes.starts_with(b"version https://git-lfs") {
        return Some("a Git LFS pointer, not the file itself: run `git lfs pull` in its folder".into());
    }
    if bytes.starts_with(b"<") {
        return Some("a web page, not a model: the download has failed".into());
    }
    let length = bytes.first_chunk::<8>().map_or(0, |length| u64::from_le_bytes(*length));
    if bytes.get(8) == Some(&b'{') && length < 100_000_000 && length + 8 > bytes.len() as u64 {
        return Some(format!(
            "the file is truncated: its header is {length} bytes long, the file {}; copy or download it again",
            bytes.len()
        ));
    }
    let promised = promised_size(bytes)?;
    (promised > bytes.len() as u64).then(|| {
        format!(
            "the file is truncated: its header describes {promised} bytes, {} are there; copy or download it again",
            bytes.len()
        )
    })
}

/// Why pickles are not read, and what to do.
pub(super) const PICKLE: &str = "Pickles can run any code when they are read, so they are not; \
    convert it: load it in diffusers and call save_pretrained(FOLDER, safe_serialization=True)";

/// The size of the file that a header describes; `None` where the header itself is cut off or broken.
fn promised_size(bytes: &[u8]) -> Option<u64> {
    let length = u64::from_le_bytes(*bytes.first_chunk::<8>()?);
    let header = bytes.get(8..usize::try_from(length.checked_add(8)?).ok()?)?;
    let header: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(header).ok()?;
    let ends = header.values().filter_map(|entry| entry.get("data_offsets")?.get(1)?.as_u64());
    ends.max()?.checked_add(length)?.checked_add(8)
}
