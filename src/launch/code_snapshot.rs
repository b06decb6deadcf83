//! `code: snapshot`: a run's command sees the code as it was when the run was submitted, whatever the working tree has
//! become. Runs of the same code share one folder below `.loradeck/code/`.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use loradeck_core::config::Provenance;
use loradeck_core::error::WithPath;
use loradeck_core::file::{self, Durability, staging_path};
use loradeck_core::run::{FileLock, RunFolder, Workspace};
use sha2::{Digest, Sha256};

use crate::vcs;

/// Written last: a folder without it is half made.
const MARK: &str = ".complete";

/// The folder that stands for the workspace's root in the run's frozen code, made where it is missing.
pub(super) fn code_folder(
    workspace: &Workspace,
    run: &RunFolder,
    provenance: &Provenance,
) -> Result<PathBuf> {
    let Some(commit) = &provenance.code_commit else {
        bail!("code: snapshot needs a commit, and this workspace had none when the run was submitted")
    };
    let patch = file::read_if_exists(&run.code_patch())?.unwrap_or_default();
    if patch.is_empty() && provenance.code_changed == Some(true) {
        bail!("code: snapshot: the uncommitted changes were too long to be kept (hint: commit them)")
    }
    let digest = Sha256::new().chain_update(commit).chain_update(&patch).finalize();
    let name = digest.iter().take(8).fold(String::new(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    });
    let codes = workspace.ensure_state_folder()?.join("code");
    file::create_folder(&codes)?;
    let target = codes.join(&name);
    let _making = FileLock::wait(&codes.join(format!("{name}.lock")))?;
    if let Some(inside) = file::read_if_exists(&target.join(MARK))? {
        return Ok(target.join(String::from_utf8_lossy(&inside).as_ref()));
    }
    let staged = staging_path(&target);
    let inside = vcs::export_code(workspace.root(), commit, &patch, &staged)?
        .context("code: snapshot needs a git repository")?;
    let inside = inside.strip_prefix(&staged).unwrap_or(&inside).display().to_string();
    file::replace(&staged.join(MARK), inside.as_bytes(), Durability::Synced)?;
    if target.exists() {
        fs::remove_dir_all(&target).with_path(&target, "remove the incomplete copy of")?;
    }
    fs::rename(&staged, &target).with_path(&target, "put in place")?;
    Ok(target.join(inside))
}
