//! Reports and comparisons as they stand on disk.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// More of a file is not read; reports are a few kilobytes.
const LONGEST: u64 = 1 << 20;

/// The text of a report or comparison.
///
/// # Errors
/// A sentence where there is none yet, or it cannot be read.
pub fn read_document(path: &Path) -> Result<String, String> {
    let sentence = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "not written yet: that is done when a run ends".to_owned(),
        _ => format!("cannot read {}: {error}", path.display()),
    };
    // Only files: opening a pipe that somebody left there would wait for ever.
    if !std::fs::metadata(path).map_err(sentence)?.is_file() {
        return Err(format!("{} is no file", path.display()));
    }
    let file = File::open(path).map_err(sentence)?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(sentence)?;
    let is_cut = bytes.len() as u64 > LONGEST;
    bytes.truncate(LONGEST as usize);
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if is_cut {
        text.push_str("\n\n**Only the first MiB is shown.**\n");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_too_long_or_no_file_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("README.md");
        assert!(read_document(&path).unwrap_err().contains("not written yet"));
        std::fs::write(&path, b"# a\xff\n").unwrap();
        assert_eq!(read_document(&path).unwrap(), "# a\u{fffd}\n");
        std::fs::write(&path, vec![b'x'; LONGEST as usize + 5]).unwrap();
        assert!(read_document(&path).unwrap().ends_with("first MiB is shown.**\n"));
        assert!(read_document(folder.path()).unwrap_err().ends_with("is no file"));
    }
}
