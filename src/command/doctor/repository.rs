//! Whether reports can be committed.

use std::path::Path;

use loradeck_core::run::Workspace;

use super::finding::Finding;
use crate::vcs;

pub(super) fn examine(workspace: Option<&Workspace>) -> Option<Finding> {
    let root = workspace?.root();
    Some(repository(root))
}

fn repository(root: &Path) -> Finding {
    if !root.ancestors().any(|folder| folder.join(".git").exists()) {
        return Finding::advice(
            "git",
            "the workspace is not in a git repository, so reports are not committed",
        )
        .with("`loradeck init` makes one");
    }
    match vcs::identity(root) {
        Err(error) => Finding::bad("git", format!("{error}")),
        Ok(None) => Finding::advice("git", "git does not know who commits, so reports wait")
            .with("git config --global user.name NAME; git config --global user.email ADDRESS")
            .with("then `loradeck commit --pending`"),
        Ok(Some((name, address))) if has_gitignore(root) => {
            Finding::good("git", format!("reports are committed by {name} <{address}>"))
        }
        Ok(Some(_)) => {
            Finding::advice("git", "the .gitignore lacks loradeck's lines: weights could be committed")
                .with("`loradeck init` adds them")
        }
    }
}

fn has_gitignore(root: &Path) -> bool {
    std::fs::read_to_string(root.join(".gitignore"))
        .is_ok_and(|text| text.contains(&vcs::workspace_gitignore()))
}
