//! Questions that change nothing.

use std::fs;

use super::*;
use crate::vcs::{CommitId, file_at, head_commit, head_contains, history, is_dirty, names_in_head, pending};
use crate::vcs::{Patch, uncommitted_patch};

/// The number of files in the object database.
fn objects(sandbox: &Sandbox) -> String {
    sandbox.git(&["count-objects"])
}

#[test]
fn what_differs_from_head_is_pending() {
    let sandbox = Sandbox::new();
    let mut files = sandbox.run_files();
    files.push(sandbox.path("experiments/a/runs/0001-x/never.md"));
    assert_eq!(pending(&sandbox.root, &files).unwrap(), files[..2]);
    sandbox.commit(&files[..2]);
    let before = objects(&sandbox);
    assert_eq!(pending(&sandbox.root, &files).unwrap(), Vec::<PathBuf>::new());
    assert!(head_contains(&sandbox.root, &files[..2]).unwrap());
    assert!(!head_contains(&sandbox.root, &files).unwrap());
    // Touched but equal, changed, gone.
    sandbox.write("experiments/a/runs/0001-x/README.md", "# Report\n");
    assert_eq!(pending(&sandbox.root, &files).unwrap(), Vec::<PathBuf>::new());
    sandbox.write("experiments/a/runs/0001-x/README.md", "# Rapport\n");
    fs::remove_file(&files[1]).unwrap();
    assert_eq!(pending(&sandbox.root, &files).unwrap(), files[..2]);
    assert_eq!(objects(&sandbox), before);
}

#[test]
fn converted_line_endings_are_not_pending() {
    let sandbox = Sandbox::new();
    sandbox.git(&["config", "core.autocrlf", "true"]);
    let report = sandbox.write("report.md", "one\r\n");
    sandbox.commit(std::slice::from_ref(&report));
    sandbox.write("report.md", "one\r\n");
    assert!(head_contains(&sandbox.root, &[report]).unwrap());
}

#[test]
fn without_a_repository_all_that_exists_is_pending() {
    forget_own_configuration();
    let folder = tempfile::tempdir().unwrap();
    let (here, gone) = (folder.path().join("a"), folder.path().join("b"));
    fs::write(&here, "x").unwrap();
    assert_eq!(pending(folder.path(), &[here.clone(), gone]).unwrap(), [here]);
    assert_eq!(head_commit(folder.path()).unwrap(), None);
    assert!(!is_dirty(folder.path()).unwrap());
}

#[test]
fn head_and_its_tree_are_told() {
    let sandbox = Sandbox::new();
    sandbox.commit(&sandbox.run_files());
    let head = CommitId(sandbox.git(&["rev-parse", "HEAD"]).trim().to_owned());
    assert_eq!(head_commit(&sandbox.path("experiments/a")).unwrap(), Some(head.clone()));
    fs::remove_dir_all(sandbox.path("experiments")).unwrap();
    assert_eq!(names_in_head(&sandbox.path("experiments/a/runs")).unwrap(), ["0001-x"]);
    assert_eq!(names_in_head(&sandbox.root).unwrap(), ["code.py", "experiments"]);
    assert_eq!(names_in_head(&sandbox.path("nothing")).unwrap(), Vec::<String>::new());
    let report = sandbox.path("experiments/a/runs/0001-x/README.md");
    assert_eq!(file_at(&head, &report).unwrap().as_deref(), Some(&b"# Report\n"[..]));
    assert_eq!(file_at(&head, &sandbox.path("nothing")).unwrap(), None);
    let titles: Vec<_> = history(&sandbox.root, 5).unwrap().into_iter().map(|(_, _, title)| title).collect();
    assert_eq!(titles, ["Report of a/1", "first"]);
}

#[test]
fn tracked_changes_make_it_dirty_and_untracked_files_do_not() {
    let sandbox = Sandbox::new();
    sandbox.write("new.py", "x\n");
    assert!(!is_dirty(&sandbox.root).unwrap());
    sandbox.write("code.py", "print(22)\n");
    assert!(is_dirty(&sandbox.root).unwrap());
}

#[test]
fn the_patch_of_uncommitted_code_applies() {
    let sandbox = Sandbox::new();
    sandbox.write("id_key", "one\n");
    sandbox.write("experiments/a/comparison.md", "one\n");
    sandbox.git(&["add", "."]);
    sandbox.git(&["commit", "-qm", "more"]);
    assert_eq!(uncommitted_patch(&sandbox.root, 1000).unwrap(), None);
    for name in ["id_key", "experiments/a/comparison.md", "new/untracked.py"] {
        sandbox.write(name, "two\n");
    }
    sandbox.write("weights.bin", "\0\u{1}\0");
    sandbox.write("notes.txt", &format!("{}{}\n", "hf_", "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAbCdE"));
    sandbox.write("long.jsonl", &"x\n".repeat(40_000));
    sandbox.write("code.py", "print(1)\nprint(2)\n");
    let patch = uncommitted_patch(&sandbox.root, 1000).unwrap().unwrap();
    assert_eq!(patch.files, ["code.py", "new/untracked.py"].map(PathBuf::from));
    assert_eq!(patch.left_out, ["long.jsonl", "weights.bin"].map(PathBuf::from));
    assert_eq!(patch.withheld, ["id_key", "notes.txt"].map(PathBuf::from));
    assert!(!String::from_utf8_lossy(&patch.text).contains("hf_"));
    assert_eq!(
        patch.notes(),
        [
            "code.patch leaves id_key (and 1 more) out: it may hold a secret",
            "code.patch leaves long.jsonl (and 1 more) out: it is untracked and no text, or longer than 64 KiB"
        ]
    );
    assert_eq!(patch.bytes, patch.text.len());
    sandbox.git(&["checkout", "-q", "code.py"]);
    fs::remove_file(sandbox.path("new/untracked.py")).unwrap();
    fs::write(sandbox.path("p.patch"), &patch.text).unwrap();
    sandbox.git(&["apply", "p.patch"]);
    assert_eq!(fs::read_to_string(sandbox.path("code.py")).unwrap(), "print(1)\nprint(2)\n");
    assert_eq!(fs::read_to_string(sandbox.path("new/untracked.py")).unwrap(), "two\n");
    fs::remove_file(sandbox.path("p.patch")).unwrap();
    let Patch { text, bytes, .. } = uncommitted_patch(&sandbox.root, 20).unwrap().unwrap();
    assert_eq!((text, bytes), (Vec::new(), patch.bytes));
}

#[test]
fn long_untracked_files_are_not_read() {
    let sandbox = Sandbox::new();
    // Nobody reads a terabyte of nothing in time.
    let weights = fs::File::create(sandbox.path("weights.safetensors")).unwrap();
    weights.set_len(1 << 40).unwrap();
    let root = sandbox.root.clone();
    let (answer, answered) = std::sync::mpsc::channel();
    std::thread::spawn(move || answer.send(uncommitted_patch(&root, 1000).unwrap().unwrap()));
    let patch = answered.recv_timeout(std::time::Duration::from_secs(60)).expect("it reads them");
    assert_eq!(patch.left_out, [PathBuf::from("weights.safetensors")]);
}
