//! The uncommitted changes of the code at submit, as a patch that `git apply` takes.

use std::path::{Path, PathBuf};

use git2::{Delta, DiffDelta, DiffFormat, DiffOptions, Repository, Tree};

use super::commit::{head, tree_of};
use super::open::open_if_any;
use super::outcome::{CommitError, InGit};
use super::secrets;

/// Untracked files longer than this are data or results rather than code.
const UNTRACKED_LIMIT: u64 = 64 << 10;

/// What the files hold beyond HEAD: changes of tracked files, and untracked text files whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// The patch; empty where it would be longer than the limit.
    pub text: Vec<u8>,
    /// Its whole length in bytes, kept or not.
    pub bytes: usize,
    /// The files it changes, relative to the repository's root.
    pub files: Vec<PathBuf>,
    /// Files left out because their names say that they hold secrets, or because what they would add to the patch
    /// looks like one.
    pub withheld: Vec<PathBuf>,
    /// Untracked files left out because they are long or no text.
    pub left_out: Vec<PathBuf>,
}

impl Patch {
    /// What a person must know who takes the patch for the whole of the code.
    pub fn notes(&self) -> Vec<String> {
        let limit = UNTRACKED_LIMIT >> 10;
        let lists = [
            (&self.withheld, "may hold a secret".to_owned()),
            (&self.left_out, format!("is untracked and no text, or longer than {limit} KiB")),
        ];
        let mut notes: Vec<String> = lists
            .into_iter()
            .filter_map(|(files, why)| {
                let first = files.first()?;
                let others = files.len() - 1;
                let more = if others == 0 { String::new() } else { format!(" (and {others} more)") };
                Some(format!("code.patch leaves {}{more} out: it {why}", first.display()))
            })
            .collect();
        if self.text.is_empty() && self.bytes > 0 {
            notes.push(format!("the uncommitted changes are too long to be kept ({} bytes)", self.bytes));
        }
        notes
    }
}

/// The patch from HEAD to the files around `start` as they are on disk; `None` where nothing differs.
///
/// Left out: what loradeck itself writes and commits (run folders, comparisons), `.env*`, `*.pem`, `id_*`, files in whose
/// changes something looks like a secret, ignored files, and untracked ones that are longer than 64 KiB or no text.
pub fn uncommitted_patch(start: &Path, limit: usize) -> Result<Option<Patch>, CommitError> {
    let Some(repository) = open_if_any(start)? else { return Ok(None) };
    if repository.is_bare() {
        return Ok(None);
    }
    let tree = head(&repository)?.map(|id| tree_of(&repository, id)).transpose()?;
    let mut patch = Patch::default();
    let changed = changed_files(&repository, tree.as_ref(), &mut patch)?;
    let parts = parts_of(&repository, tree.as_ref(), &changed, limit, &mut patch)?;
    for part in parts {
        if secrets::scan(&part.file, &part.text).is_empty() {
            patch.bytes += part.bytes;
            patch.text.extend_from_slice(&part.text);
            patch.files.push(part.file);
        } else {
            patch.withheld.push(part.file);
        }
    }
    if patch.bytes > limit {
        patch.text.clear();
    }
    Ok((!patch.files.is_empty() || !patch.withheld.is_empty() || !patch.left_out.is_empty()).then_some(patch))
}

/// The files that a patch is to hold, by names and sizes alone: base models and checkpoints that nobody ignores lie beside
/// the code, and reading them would take longer than all the rest.
fn changed_files(
    repository: &Repository,
    tree: Option<&Tree<'_>>,
    patch: &mut Patch,
) -> Result<Vec<PathBuf>, CommitError> {
    let mut options = DiffOptions::new();
    options.include_typechange(true).ignore_submodules(true);
    options.include_untracked(true).recurse_untracked_dirs(true);
    let diff = repository
        .diff_tree_to_workdir_with_index(tree, Some(&mut options))
        .in_git("compare the files", repository.path())?;
    let root = repository.workdir().map(Path::to_path_buf).unwrap_or_default();
    let mut kept = Vec::new();
    for delta in diff.deltas() {
        let file = path_of(&delta);
        match fate(&delta, &file, &root) {
            Fate::Ours => {}
            Fate::Withheld => note(&mut patch.withheld, file),
            Fate::LeftOut => note(&mut patch.left_out, file),
            Fate::Kept => note(&mut kept, file),
        }
    }
    Ok(kept)
}

/// The patches of `files`, of each as much as the whole may be long.
fn parts_of(
    repository: &Repository,
    tree: Option<&Tree<'_>>,
    files: &[PathBuf],
    limit: usize,
    patch: &mut Patch,
) -> Result<Vec<Part>, CommitError> {
    let mut parts: Vec<Part> = Vec::new();
    // Without a name it would be all files.
    if files.is_empty() {
        return Ok(parts);
    }
    let mut options = DiffOptions::new();
    options.show_binary(true).include_typechange(true).ignore_submodules(true).disable_pathspec_match(true);
    options.include_untracked(true).recurse_untracked_dirs(true).show_untracked_content(true);
    for file in files {
        options.pathspec(file);
    }
    let diff = repository
        .diff_tree_to_workdir_with_index(tree, Some(&mut options))
        .in_git("compare the files", repository.path())?;
    let printed = diff.print(DiffFormat::Patch, |delta, _, line| {
        let file = path_of(&delta);
        if delta.status() == Delta::Untracked && delta.flags().is_binary() {
            note(&mut patch.left_out, file);
        } else {
            append(&mut parts, file, line.origin(), line.content(), limit);
        }
        true
    });
    printed.in_git("write the patch", repository.path())?;
    Ok(parts)
}

enum Fate {
    Kept,
    Withheld,
    LeftOut,
    Ours,
}

fn path_of(delta: &DiffDelta<'_>) -> PathBuf {
    delta.new_file().path().or_else(|| delta.old_file().path()).map(Path::to_path_buf).unwrap_or_default()
}

fn fate(delta: &DiffDelta<'_>, path: &Path, root: &Path) -> Fate {
    if is_ours(path) {
        Fate::Ours
    } else if is_secretive(path) {
        Fate::Withheld
    } else if delta.status() == Delta::Untracked && !is_short(&root.join(path)) {
        Fate::LeftOut
    } else {
        Fate::Kept
    }
}

fn is_short(path: &Path) -> bool {
    std::fs::symlink_metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.len() <= UNTRACKED_LIMIT)
}

fn note(list: &mut Vec<PathBuf>, path: PathBuf) {
    if list.last() != Some(&path) {
        list.push(path);
    }
}

/// One file's part of the patch.
struct Part {
    file: PathBuf,
    /// Its beginning: all of it, unless it is longer than the whole patch may be.
    text: Vec<u8>,
    bytes: usize,
}

fn append(parts: &mut Vec<Part>, file: PathBuf, origin: char, content: &[u8], limit: usize) {
    if parts.last().is_none_or(|part| part.file != file) {
        parts.push(Part { file, text: Vec::new(), bytes: 0 });
    }
    let Some(part) = parts.last_mut() else { return };
    let marked = matches!(origin, '+' | '-' | ' ');
    part.bytes += content.len() + usize::from(marked);
    if part.bytes <= limit.max(UNTRACKED_LIMIT as usize) {
        if marked {
            part.text.push(origin as u8);
        }
        part.text.extend_from_slice(content);
    }
}

/// Whether a file's name says that it holds a secret.
fn is_secretive(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let extension = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pem"));
    name.starts_with(".env") || name.starts_with("id_") || extension
}

/// Whether loradeck writes the file: it changes with every run and says nothing about the code.
fn is_ours(path: &Path) -> bool {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.windows(3).any(|three| {
        three[0] == "experiments"
            && matches!(
                three[2].as_ref(),
                "runs" | "sweeps" | "trash" | "curves" | "comparison.md" | "comparison.csv"
            )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secret_files_are_known() {
        for name in [".env", "a/.env.local", "keys/server.PEM", "id_ed25519"] {
            assert!(is_secretive(Path::new(name)), "{name}");
        }
        for name in ["environment.yaml", "grid_id.py", "a/model.py"] {
            assert!(!is_secretive(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn run_folders_are_ours_and_the_experiment_is_the_users() {
        assert!(is_ours(Path::new("sub/experiments/a/runs/0001-x/README.md")));
        assert!(is_ours(Path::new("experiments/a/comparison.md")));
        assert!(!is_ours(Path::new("experiments/a/experiment.yaml")));
    }
}
