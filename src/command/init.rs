//! `loradeck init [DIR]`: a workspace with its settings file, .gitignore and git repository. Doing it again changes
//! nothing that is there.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use loradeck_core::config::WORKSPACE_FILE_TEXT;
use loradeck_core::file::{self, Durability};
use loradeck_core::run::{Workspace, WorkspaceError};
use loradeck_core::trust::{Accepted, TrustStore, others_may_add, own_user, see};

use super::{OK, out};
use crate::launch::{inventory, permit};
use crate::vcs::{self, Initialised};

pub(super) fn init(folder: Option<PathBuf>) -> Result<u8> {
    let folder = folder.unwrap_or_else(|| PathBuf::from("."));
    let made = make(&folder)?;
    for path in &made.written {
        out::line(&format!("wrote {}", made.workspace.relative(path).display()));
    }
    if made.written.is_empty() {
        out::line("the workspace is there already; nothing was changed");
    }
    out::line(&match &made.repository {
        Initialised::Made(_) => "made a git repository".to_owned(),
        Initialised::Found(root) => format!("uses the git repository {}", root.display()),
    });
    settle_trust(&made);
    if vcs::identity(made.workspace.root())?.is_none() {
        out::note(
            "git knows no name for you: reports will be written but wait for their commits\n  hint: git config user.name \"…\" && git config user.email \"…\"",
        );
    }
    out::line("next: `loradeck new NAME` starts an experiment");
    Ok(OK)
}

/// Trusts a workspace that was made just now, and says so where its files name programs already. One that holds runs or
/// sweeps came from somewhere: these would start without another word, so that `loradeck trust` shows them first.
fn settle_trust(made: &Made) {
    let found = inventory(&made.workspace);
    let is_new = made.written.contains(&made.workspace.settings_file()) && found.runs_and_sweeps == 0;
    if is_new && let Err(problem) = trust_if_ours(&made.workspace, "init") {
        return out::note(&format!("it could not be trusted: {problem:#}"));
    }
    match permit(&made.workspace) {
        Ok(_) if is_new && !found.named.is_empty() => {
            out::line("it is trusted: `loradeck trust --list .` shows what its files would start");
        }
        Ok(_) => {}
        Err(refusal) => out::note(&refusal.to_string()),
    }
}

/// What `make` found and did.
pub(super) struct Made {
    pub(super) workspace: Workspace,
    pub(super) written: Vec<PathBuf>,
    pub(super) repository: Initialised,
}

/// Makes `folder` a workspace, as far as it is none yet.
pub(super) fn make(folder: &Path) -> Result<Made> {
    file::create_folder(folder)?;
    let root = std::fs::canonicalize(folder).with_context(|| format!("cannot find {}", folder.display()))?;
    if root.to_str().is_none() {
        return Err(WorkspaceError::NotText(root).into());
    }
    let workspace = Workspace::at(&root);
    let mut written = Vec::new();
    for (path, text) in [
        (workspace.settings_file(), WORKSPACE_FILE_TEXT.to_owned()),
        (root.join(".gitignore"), String::new()),
    ] {
        let text = if text.is_empty() { ignore_text(&path)? } else { (!path.exists()).then_some(text) };
        if let Some(text) = text {
            file::replace(&path, text.as_bytes(), Durability::Synced)?;
            written.push(path);
        }
    }
    file::create_folder(&workspace.experiments_folder())?;
    workspace.ensure_state_folder()?;
    let repository = vcs::init(&root)?;
    Ok(Made { workspace, written, repository })
}

/// Trusts a workspace whose folders nobody else can write into.
pub(super) fn trust_if_ours(workspace: &Workspace, by: &str) -> Result<()> {
    let accepted = Accepted::default();
    if others_may_add(&see(workspace)?, own_user(), &accepted).is_none() {
        TrustStore::of_user()?.trust(workspace, accepted, by)?;
    }
    Ok(())
}

/// The .gitignore with our lines after whatever the user has in it; `None` where they are there.
fn ignore_text(path: &Path) -> Result<Option<String>> {
    let ours = vcs::workspace_gitignore();
    let theirs = match file::read_if_exists(path)? {
        Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        None => String::new(),
    };
    let known = |line: &str| theirs.lines().any(|known| known == line);
    if ours.lines().all(known) {
        return Ok(None);
    }
    let gap = if theirs.is_empty() || theirs.ends_with("\n\n") {
        ""
    } else if theirs.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    Ok(Some(format!("{theirs}{gap}{ours}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_time_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".gitignore"), "*.bak").unwrap();
        let first = make(folder.path()).unwrap();
        assert_eq!(first.written.len(), 2);
        assert!(matches!(first.repository, Initialised::Made(_)));
        let read = || std::fs::read_to_string(folder.path().join(".gitignore")).unwrap();
        let ignored = read();
        assert!(ignored.starts_with("*.bak\n\n# Written by"), "{ignored}");
        let again = make(folder.path()).unwrap();
        assert!(again.written.is_empty() && matches!(again.repository, Initialised::Found(_)));
        assert_eq!(read(), ignored);
        assert!(Workspace::find(folder.path()).is_ok());
    }
}
