//! What a commit holds and leaves alone.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::vcs::outcome::Skipped;
use crate::vcs::{init, submodules, workspace_gitignore};

const REPORT: &str = "experiments/a/runs/0001-x/README.md";
const CONFIG: &str = "experiments/a/runs/0001-x/config.yaml";

#[test]
fn a_commit_holds_exactly_our_paths_and_leaves_a_clean_tree() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.commit(&sandbox.run_files());
    assert_eq!(committed(&outcome), [REPORT, CONFIG]);
    assert_eq!(sandbox.head_files(), [REPORT, CONFIG]);
    assert_eq!(sandbox.status(), "");
    assert_eq!(sandbox.log(), ["Report of a/1", "first"]);
    assert_eq!(
        sandbox.git(&["show", "-s", "--format=%an <%ae> %at", "HEAD"]),
        "Ada <ada@example.org> 1795559400\n"
    );
    let reflog = sandbox.git(&["reflog", "show", "--format=%gs"]);
    assert_eq!(reflog.lines().next(), Some("commit: Report of a/1"));
    assert_eq!(sandbox.git(&["reflog", "show", "main", "--format=%gs"]), reflog);
    sandbox.check_health();
}

#[test]
fn a_second_commit_of_the_same_files_changes_nothing() {
    let sandbox = Sandbox::new();
    let files = sandbox.run_files();
    sandbox.commit(&files);
    let index = fs::read(sandbox.path(".git/index")).unwrap();
    assert_eq!(sandbox.commit(&files), Outcome::NothingChanged);
    assert_eq!(fs::read(sandbox.path(".git/index")).unwrap(), index);
    assert_eq!(sandbox.log().len(), 2);
}

#[test]
fn a_removed_file_leaves_head_too() {
    let sandbox = Sandbox::new();
    let files = sandbox.run_files();
    sandbox.commit(&files);
    fs::remove_dir_all(sandbox.path("experiments/a/runs")).unwrap();
    assert_eq!(committed(&sandbox.commit(&files)), [REPORT, CONFIG]);
    assert_eq!(sandbox.git(&["ls-tree", "-r", "--name-only", "HEAD"]), "code.py\n");
    assert_eq!(sandbox.status(), "");
    assert_eq!(sandbox.commit(&files), Outcome::NothingChanged);
    sandbox.check_health();
}

#[test]
fn an_unborn_branch_gets_its_first_commit() {
    let sandbox = Sandbox::unborn();
    sandbox.write("staged.py", "x\n");
    sandbox.git(&["add", "staged.py"]);
    sandbox.commit(&sandbox.run_files());
    assert_eq!(sandbox.git(&["rev-parse", "--abbrev-ref", "HEAD"]), "main\n");
    assert_eq!(sandbox.git(&["ls-tree", "-r", "--name-only", "HEAD"]), format!("{REPORT}\n{CONFIG}\n"));
    assert_eq!(sandbox.status(), "A  staged.py\n");
    sandbox.check_health();
}

#[test]
fn a_detached_head_moves_and_no_branch_does() {
    let sandbox = Sandbox::new();
    let main = sandbox.git(&["rev-parse", "main"]);
    sandbox.git(&["checkout", "-q", "--detach"]);
    sandbox.commit(&sandbox.run_files());
    assert_eq!(sandbox.git(&["rev-parse", "main"]), main);
    assert_eq!(sandbox.git(&["rev-parse", "HEAD~1"]), main);
    assert_eq!(sandbox.status(), "");
}

#[test]
fn a_linked_worktree_has_its_own_index_and_branch() {
    let sandbox = Sandbox::new();
    let tree = sandbox.folder.path().canonicalize().unwrap().join("tree");
    sandbox.git(&["worktree", "add", "-q", "-b", "side", tree.to_str().unwrap()]);
    let report = tree.join("README.md");
    fs::write(&report, "# Report\n").unwrap();
    assert_eq!(committed(&commit_from(&tree, &[report]).unwrap()), ["README.md"]);
    assert_eq!(git_in(&tree, &["status", "--porcelain"]).stdout, b"");
    assert_eq!(sandbox.git(&["log", "--format=%s", "side"]), "Report of a/1\nfirst\n");
    assert_eq!(sandbox.log(), ["first"]);
    sandbox.check_health();
}

#[test]
fn a_workspace_in_a_submodule_commits_there() {
    let outer = Sandbox::new();
    let inner = Sandbox::new();
    let source = inner.root.to_str().unwrap().to_owned();
    outer.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &source, "work/space"]);
    outer.git(&["commit", "-qm", "submodule"]);
    assert_eq!(submodules(&outer.root).unwrap(), [PathBuf::from("work/space")]);
    assert!(submodules(&inner.root).unwrap().is_empty());
    let folder = outer.path("work/space");
    git_in(&folder, &["config", "user.name", "Ada"]);
    git_in(&folder, &["config", "user.email", "ada@example.org"]);
    let report = outer.write("work/space/README.md", "# Report\n");
    commit_from(&folder, std::slice::from_ref(&report)).unwrap();
    assert_eq!(git_in(&folder, &["status", "--porcelain"]).stdout, b"");
    assert_eq!(outer.status(), " M work/space\n");
    // From the outer repository the same path belongs to somebody else.
    let refused = outer.commit(&[report]);
    assert!(matches!(&refused, Outcome::Waiting(reason) if reason.code() == "nested"), "{refused:?}");
}

#[test]
fn a_path_through_a_symbolic_link_is_the_real_one() {
    let sandbox = Sandbox::new();
    let link = sandbox.folder.path().join("link");
    symlink(&sandbox.root, &link).unwrap();
    sandbox.run_files();
    let outcome = commit_from(&link, &[link.join(REPORT), sandbox.path(CONFIG)]).unwrap();
    assert_eq!(committed(&outcome), [REPORT, CONFIG]);
    assert_eq!(sandbox.status(), "");
}

#[test]
fn a_symbolic_link_is_committed_as_one() {
    let sandbox = Sandbox::new();
    sandbox.write("shared.yaml", "lora_rank: 4\n");
    sandbox.git(&["add", "."]);
    let link = sandbox.path("experiment.yaml");
    symlink("shared.yaml", &link).unwrap();
    sandbox.commit(&[link]);
    assert_eq!(sandbox.git(&["ls-files", "-s", "experiment.yaml"]).split(' ').next(), Some("120000"));
    assert_eq!(sandbox.status(), "A  shared.yaml\n");
}

#[test]
fn line_endings_go_through_gits_settings() {
    for setting in [&["core.autocrlf", "true"], &["core.autocrlf", "input"]] {
        let sandbox = Sandbox::new();
        sandbox.git(&["config", setting[0], setting[1]]);
        let report = sandbox.write("report.md", "one\r\ntwo\r\n");
        sandbox.commit(std::slice::from_ref(&report));
        assert_eq!(sandbox.git(&["cat-file", "-p", "HEAD:report.md"]), "one\ntwo\n");
        assert_eq!(sandbox.status(), "");
        assert_eq!(sandbox.commit(&[report]), Outcome::NothingChanged);
    }
}

#[test]
fn attributes_convert_too() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitattributes", "*.md text eol=crlf\n");
    sandbox.git(&["add", ".gitattributes"]);
    sandbox.git(&["commit", "-qm", "attributes"]);
    let report = sandbox.write("report.md", "one\r\n");
    sandbox.commit(&[report]);
    assert_eq!(sandbox.git(&["cat-file", "-p", "HEAD:report.md"]), "one\n");
    assert_eq!(sandbox.status(), "");
}

#[test]
fn what_git_would_have_done_besides_is_named() {
    let sandbox = Sandbox::new();
    sandbox.git(&["config", "commit.gpgsign", "true"]);
    sandbox.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 1\n");
    let outcome = sandbox.commit(&sandbox.run_files());
    let Outcome::Committed { skipped, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(skipped, [Skipped::Signature, Skipped::Hook("pre-commit".into())]);
}

#[test]
fn a_workspace_below_the_root_commits_with_its_own_ignores() {
    let sandbox = Sandbox::new();
    sandbox.write("lab/.gitignore", &workspace_gitignore());
    sandbox.git(&["add", "."]);
    sandbox.git(&["commit", "-qm", "workspace"]);
    let names =
        ["README.md", "config.yaml", "logs/training_curve.svg", "samples/000100-0.txt", "summary.json"];
    let run = |name: &str| format!("lab/experiments/a/runs/0001-x/{name}");
    let files: Vec<_> = names.iter().map(|name| sandbox.write(&run(name), name)).collect();
    for name in
        ["status.json", "run.lock", "logs/train.log", "checkpoints/step-00000100/a.safetensors", "queue.json"]
    {
        sandbox.write(&run(name), name);
    }
    sandbox.write("lab/experiments/a/runs/next", "2");
    sandbox.write("lab/experiments/a/sweeps/01/sweep.json", "{}");
    sandbox.write("lab/.loradeck/queue.lock", "");
    let outcome = commit_from(&sandbox.path("lab"), &files).unwrap();
    assert_eq!(committed(&outcome), names.map(run));
    assert_eq!(sandbox.status(), "");
}

#[test]
fn every_committed_name_passes_the_workspaces_ignores() {
    let sandbox = Sandbox::new();
    sandbox.write(".gitignore", &workspace_gitignore());
    for name in crate::vcs::COMMITTED_IN_RUN {
        let file = if name.ends_with('/') { format!("{name}a.txt") } else { name.to_owned() };
        sandbox.write(&format!("experiments/a/runs/0001-x/{file}"), "x");
    }
    for name in crate::vcs::COMMITTED_IN_EXPERIMENT {
        let file = if name.ends_with('/') { format!("{name}a.svg") } else { name.to_owned() };
        sandbox.write(&format!("experiments/a/{file}"), "x");
    }
    let untracked = sandbox.git(&["status", "--porcelain", "-uall"]);
    assert_eq!(
        untracked.lines().filter(|line| line.contains("/runs/")).count(),
        crate::vcs::COMMITTED_IN_RUN.len()
    );
    let beside = untracked.lines().filter(|line| line.contains("experiments/a/") && !line.contains("/runs/"));
    assert_eq!(beside.count(), crate::vcs::COMMITTED_IN_EXPERIMENT.len());
}

#[test]
fn a_new_repository_begins_on_main_and_an_old_one_stays_as_it_is() {
    let sandbox = Sandbox::new();
    let before = fs::read(sandbox.path(".git/config")).unwrap();
    let inside = sandbox.path("deep");
    fs::create_dir(&inside).unwrap();
    assert_eq!(init(&inside).unwrap(), crate::vcs::Initialised::Found(sandbox.root.clone()));
    assert_eq!(fs::read(sandbox.path(".git/config")).unwrap(), before);

    sandbox.write(".gitignore", "/deep/\n");
    assert_eq!(init(&inside).unwrap(), crate::vcs::Initialised::Made(inside.clone()));
    assert_eq!(git_in(&inside, &["symbolic-ref", "HEAD"]).stdout, b"refs/heads/main\n");

    let fresh = sandbox.folder.path().join("fresh");
    fs::create_dir(&fresh).unwrap();
    assert!(matches!(init(&fresh).unwrap(), crate::vcs::Initialised::Made(_)));
}
