//! Whether this workspace's files may name what is started: asked before anything of it is.

mod inventory;

use std::path::{Path, PathBuf};

use loradeck_core::run::Workspace;
use loradeck_core::trust::TrustStore;

pub use inventory::{Inventory, Named, inventory};

use super::door::Permit;

/// Nothing that the workspace names may be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this workspace is not trusted here: {why} (hint: `{}` shows what it would run, and asks)",
    trust_command(.root)
)]
pub struct NotTrusted {
    /// The workspace's root.
    pub root: PathBuf,
    /// Why not.
    pub why: String,
}

/// The leave to start what the workspace's files name, if its user has given it on this machine. A store that cannot be
/// read gives none.
pub fn permit(workspace: &Workspace) -> Result<Permit, NotTrusted> {
    let refuse = |why: String| NotTrusted { root: workspace.root().to_path_buf(), why };
    let verdict = TrustStore::of_user().and_then(|store| store.verdict(workspace));
    match verdict {
        Ok(Ok(())) => Ok(Permit::granted(workspace)),
        Ok(Err(distrust)) => Err(refuse(distrust.to_string())),
        Err(error) => Err(refuse(error.to_string())),
    }
}

/// What is said of every run that waits for trust.
pub fn waits_for_trust(root: &Path) -> String {
    format!("waits: this workspace is not trusted here: `{}`", trust_command(root))
}

/// The command that shows what the workspace would run, and asks.
pub fn trust_command(root: &Path) -> String {
    let path = root.display().to_string();
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+@%:,".contains(letter);
    if path.chars().all(is_plain) {
        return format!("loradeck trust {path}");
    }
    format!("loradeck trust '{}'", path.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_blanks_is_one_word() {
        assert_eq!(trust_command(Path::new("/a/b-1")), "loradeck trust /a/b-1");
        assert_eq!(trust_command(Path::new("/a b/it's")), r"loradeck trust '/a b/it'\''s'");
        let waits = waits_for_trust(Path::new("/w"));
        assert_eq!(waits, "waits: this workspace is not trusted here: `loradeck trust /w`");
    }
}
