//! From absolute paths to paths inside the working tree, through symbolic links and removed folders.

use std::path::{Component, Path, PathBuf};

use super::outcome::{Reason, Stop};

/// `path` relative to `root` (a real path), with every folder above it resolved and the last component kept as it is.
pub(super) fn relative_to(root: &Path, path: &Path) -> Result<PathBuf, Stop> {
    let outside = || Stop::Waiting(Reason::Outside(path.to_path_buf()));
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Err(outside()) };
    let real = resolved(folder).ok_or_else(outside)?.join(name);
    let relative = real.strip_prefix(root).map_err(|_| outside())?;
    if let Some(nested) =
        relative.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()).find(|folder| {
            // A submodule has a file there, a repository a folder.
            root.join(folder).join(".git").exists()
        })
    {
        return Err(Stop::Waiting(Reason::Nested(root.join(nested))));
    }
    Ok(relative.to_path_buf())
}

/// The real path of a folder of which the last components may be gone.
fn resolved(folder: &Path) -> Option<PathBuf> {
    let mut missing = Vec::new();
    for ancestor in folder.ancestors() {
        if let Ok(real) = ancestor.canonicalize() {
            return Some(missing.iter().rev().fold(real, |path, name| path.join(name)));
        }
        match ancestor.components().next_back()? {
            Component::Normal(name) => missing.push(name.to_owned()),
            _ => return None,
        }
    }
    None
}
