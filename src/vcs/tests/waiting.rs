//! States in which git takes no commit: nothing is changed, and the reason is named.

use std::fs;
use std::os::unix::fs::chown;

use super::*;
use crate::vcs::identity::identity;
use crate::vcs::open::open;
use crate::vcs::outcome::{Operation, Reason};

/// The reason, after seeing that neither HEAD nor index nor working tree changed.
fn reason(sandbox: &Sandbox, files: &[PathBuf]) -> Reason {
    let before =
        (sandbox.git(&["ls-files", "-s"]), sandbox.status(), fs::read(sandbox.path(".git/HEAD")).unwrap());
    let outcome = sandbox.commit(files);
    let after =
        (sandbox.git(&["ls-files", "-s"]), sandbox.status(), fs::read(sandbox.path(".git/HEAD")).unwrap());
    assert_eq!(before, after);
    match outcome {
        Outcome::Waiting(reason) => {
            assert!(!reason.to_string().is_empty() && !reason.hint().is_empty());
            reason
        }
        other => panic!("did not wait: {other:?}"),
    }
}

#[test]
fn without_a_repository() {
    forget_own_configuration();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("README.md");
    fs::write(&file, "x").unwrap();
    let outcome = commit_from(folder.path(), &[file]).unwrap();
    assert!(matches!(&outcome, Outcome::Waiting(Reason::NoRepository(_))), "{outcome:?}");
}

#[test]
fn in_a_bare_repository() {
    let sandbox = Sandbox::new();
    let bare = sandbox.folder.path().canonicalize().unwrap().join("bare.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let file = bare.join("README.md");
    fs::write(&file, "x").unwrap();
    let outcome = commit_from(&bare, &[file]).unwrap();
    assert!(matches!(&outcome, Outcome::Waiting(Reason::Bare(_))), "{outcome:?}");
}

/// Two branches that change the same line.
fn diverged() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.git(&["checkout", "-qb", "side"]);
    sandbox.write("code.py", "print(2)\n");
    sandbox.git(&["commit", "-qam", "side"]);
    sandbox.git(&["checkout", "-q", "main"]);
    sandbox.write("code.py", "print(3)\n");
    sandbox.git(&["commit", "-qam", "main"]);
    sandbox
}

#[test]
fn amid_a_merge_rebase_cherry_pick_or_revert() {
    let cases: [(&[&str], Operation); 4] = [
        (&["merge", "side"], Operation::Merge),
        (&["rebase", "side"], Operation::Rebase),
        (&["cherry-pick", "side"], Operation::CherryPick),
        (&["revert", "side"], Operation::Revert),
    ];
    for (command, operation) in cases {
        let sandbox = diverged();
        assert!(!git_in(&sandbox.root, command).status.success());
        let files = sandbox.run_files();
        assert_eq!(reason(&sandbox, &files), Reason::Busy(operation));
        git_in(&sandbox.root, &[command[0], "--abort"]);
        committed(&sandbox.commit(&files));
    }
}

#[test]
fn amid_a_bisect() {
    let sandbox = diverged();
    sandbox.git(&["bisect", "start"]);
    assert_eq!(reason(&sandbox, &sandbox.run_files()), Reason::Busy(Operation::Bisect));
}

#[test]
fn without_an_identity() {
    let sandbox = Sandbox::new();
    sandbox.git(&["config", "--unset", "user.name"]);
    let files = sandbox.run_files();
    assert_eq!(reason(&sandbox, &files), Reason::NoIdentity);
    sandbox.git(&["config", "user.name", "  "]);
    assert_eq!(reason(&sandbox, &files), Reason::NoIdentity);
}

#[test]
fn the_environment_names_who_commits() {
    let sandbox = Sandbox::new();
    let repository = open(&sandbox.root).map_err(|_| "open").unwrap();
    let environment = |name: &str| (name == "GIT_AUTHOR_NAME").then(|| "Grace".to_owned());
    let who = identity(&repository, &environment, NOW).map_err(|_| "identity").unwrap();
    assert_eq!((who.author.name(), who.author.email()), (Ok("Grace"), Ok("ada@example.org")));
    assert_eq!(who.committer.name(), Ok("Ada"));
}

#[test]
fn while_the_users_git_holds_the_index() {
    let sandbox = Sandbox::new();
    let files = sandbox.run_files();
    let lock = sandbox.write(".git/index.lock", "");
    assert_eq!(reason(&sandbox, &files), Reason::IndexLocked(lock.clone()));
    assert!(lock.exists());
    fs::remove_file(lock).unwrap();
    committed(&sandbox.commit(&files));
    sandbox.check_health();
}

#[test]
fn while_the_branch_is_locked_the_report_is_staged() {
    let sandbox = Sandbox::new();
    let lock = sandbox.write(".git/refs/heads/main.lock", "");
    let files = sandbox.run_files();
    assert_eq!(sandbox.commit(&files), Outcome::Waiting(Reason::HeadMoves));
    assert!(sandbox.status().starts_with("A  experiments/"));
    fs::remove_file(lock).unwrap();
    committed(&sandbox.commit(&files));
    assert_eq!(sandbox.status(), "");
}

#[test]
fn on_an_ignored_file_until_it_is_tracked() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitignore", "*.md\n");
    let files = sandbox.run_files();
    let ignored = PathBuf::from("experiments/a/runs/0001-x/README.md");
    assert_eq!(reason(&sandbox, &files), Reason::Ignored(vec![ignored]));
    sandbox.git(&["add", "-f", "experiments"]);
    committed(&sandbox.commit(&files));
}

#[test]
fn on_a_path_outside_or_in_a_repository_inside() {
    let sandbox = Sandbox::new();
    let outside = sandbox.folder.path().join("outside.md");
    fs::write(&outside, "x").unwrap();
    assert!(matches!(reason(&sandbox, &[outside]), Reason::Outside(_)));
    let nested = sandbox.write("vendor/lib/README.md", "x");
    git_in(&sandbox.path("vendor/lib"), &["init", "-q"]);
    assert_eq!(reason(&sandbox, &[nested]), Reason::Nested(sandbox.path("vendor/lib")));
}

#[test]
fn on_a_filter_program() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitattributes", "*.md filter=lfs\n");
    let files = sandbox.run_files();
    assert!(matches!(reason(&sandbox, &files), Reason::Filtered { filter, .. } if filter == "lfs"));
}

#[test]
fn on_a_secret_which_is_never_stored() {
    let sandbox = Sandbox::new();
    let token = format!("hf_{}", "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zAbCdE");
    let file = sandbox.write("config.yaml", &format!("lora_rank: 8\nenv: {token}\n"));
    let Reason::Secrets(findings) = reason(&sandbox, &[file]) else { panic!("no secret found") };
    assert_eq!(findings[0].to_string(), "config.yaml:2: a Hugging Face token");
    assert!(sandbox.git(&["count-objects"]).starts_with("3 objects,"));
}

#[test]
fn on_a_folder_that_git_distrusts() {
    let sandbox = Sandbox::new();
    let files = sandbox.run_files();
    // Only root may give a folder away; for others the code of the error is what decides.
    if chown(&sandbox.root, Some(54321), None).is_err()
        || chown(sandbox.path(".git"), Some(54321), None).is_err()
    {
        return;
    }
    let outcome = sandbox.commit(&files);
    assert!(
        matches!(&outcome, Outcome::Waiting(reason @ Reason::DubiousOwnership(_))
            if reason.hint().contains("safe.directory")),
        "{outcome:?}"
    );
}

#[test]
fn a_folder_is_no_file() {
    let sandbox = Sandbox::new();
    sandbox.run_files();
    assert!(matches!(sandbox.try_commit(&[sandbox.path("experiments")]), Err(CommitError::NotAFile(_))));
}
