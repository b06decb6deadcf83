//! `loradeck init [DIR]`: a workspace with its settings file, .gitignore and git repository. Doing it again changes
//! nothing that is there.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use loradeck_core::file::{self, Durability};
use loradeck_core::run::Workspace;

use super::{OK, out};
use crate::vcs::{self, Initialised};

const SETTINGS: &str = "\
# A loradeck workspace. Everything about a run is in its folder below experiments/.
format: 1
# trainer: path/to/loradeck-train   # another trainer program than the one beside loradeck
";

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
    if vcs::identity(made.workspace.root())?.is_none() {
        out::note(
            "git knows no name for you: reports will be written but wait for their commits\n  hint: git config user.name \"…\" && git config user.email \"…\"",
        );
    }
    out::line("next: `loradeck new NAME` starts an experiment");
    Ok(OK)
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
    let workspace = Workspace::at(&root);
    let mut written = Vec::new();
    for (path, text) in
        [(workspace.settings_file(), SETTINGS.to_owned()), (root.join(".gitignore"), String::new())]
    {
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
