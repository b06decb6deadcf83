//! The user's index: our entries new, every other as it was.

use std::fs;
use std::time::SystemTime;

use super::*;
use crate::vcs::index;
use crate::vcs::open::open;
use crate::vcs::stage;

/// Everything the index holds but our run's files: mode, object, stage, flags and stat data.
fn other_entries(sandbox: &Sandbox) -> String {
    let flags = sandbox.git(&["ls-files", "-s", "-v", "--debug"]);
    let mut kept = String::new();
    let mut ours = false;
    for line in flags.lines() {
        if !line.starts_with(' ') {
            ours = line.contains("experiments/");
        }
        if !ours {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// Sets a file's time a minute back, so that its index entry is not racy.
fn age(sandbox: &Sandbox, relative: &str) {
    let minute_ago = SystemTime::now() - Duration::from_mins(1);
    fs::File::options().write(true).open(sandbox.path(relative)).unwrap().set_modified(minute_ago).unwrap();
}

#[test]
fn staged_work_and_every_flag_stay() {
    let sandbox = Sandbox::new();
    for name in ["staged.py", "both.py", "assumed.py", "skipped.py", "removed.py", "code.py"] {
        sandbox.write(name, "one\n");
        age(&sandbox, name);
    }
    sandbox.git(&["add", "."]);
    sandbox.git(&["commit", "-qm", "second"]);
    sandbox.write("staged.py", "second\n");
    sandbox.write("both.py", "second\n");
    sandbox.write("new.py", "new\n");
    sandbox.write("intended.py", "later\n");
    for name in ["staged.py", "both.py", "new.py"] {
        age(&sandbox, name);
    }
    sandbox.git(&["add", "staged.py", "both.py", "new.py"]);
    sandbox.git(&["add", "-N", "intended.py"]);
    sandbox.git(&["rm", "-q", "--cached", "removed.py"]);
    sandbox.git(&["update-index", "--assume-unchanged", "assumed.py"]);
    sandbox.git(&["update-index", "--skip-worktree", "skipped.py"]);
    sandbox.write("both.py", "three!\n");
    let (entries, status) = (other_entries(&sandbox), sandbox.status());
    assert!(
        status.contains("MM both.py") && entries.contains("h 100644") && entries.contains("S 100644"),
        "{status}"
    );

    sandbox.commit(&sandbox.run_files());
    assert_eq!(other_entries(&sandbox), entries);
    assert_eq!(sandbox.status(), status);
    assert!(sandbox.head_files().iter().all(|name| name.starts_with("experiments/")));
    sandbox.check_health();

    // The next plain commit takes the staged work and keeps the report.
    sandbox.git(&["commit", "-qm", "mine"]);
    assert!(sandbox.git(&["ls-tree", "-r", "--name-only", "HEAD"]).contains("README.md"));
}

#[test]
fn conflicts_outside_our_paths_stay() {
    let sandbox = Sandbox::new();
    sandbox.write("code.py", "print(2)\n");
    sandbox.git(&["stash", "-q"]);
    sandbox.write("code.py", "print(3)\n");
    sandbox.git(&["commit", "-qam", "other"]);
    assert!(!git_in(&sandbox.root, &["stash", "pop"]).status.success());
    let entries = sandbox.git(&["ls-files", "-u"]);
    assert_eq!(entries.lines().count(), 3);
    sandbox.commit(&sandbox.run_files());
    assert_eq!(sandbox.git(&["ls-files", "-u"]), entries);
    assert_eq!(sandbox.status(), "UU code.py\n");
    sandbox.check_health();
}

#[test]
fn a_conflict_on_our_path_waits() {
    let sandbox = Sandbox::new();
    let report = sandbox.write("report.md", "one\n");
    sandbox.commit(std::slice::from_ref(&report));
    sandbox.write("report.md", "two\n");
    sandbox.git(&["stash", "-q"]);
    sandbox.write("report.md", "three\n");
    sandbox.git(&["commit", "-qam", "other"]);
    assert!(!git_in(&sandbox.root, &["stash", "pop"]).status.success());
    let outcome = sandbox.commit(&[report]);
    assert!(matches!(&outcome, Outcome::Waiting(reason) if reason.code() == "conflicted"), "{outcome:?}");
}

#[test]
fn a_change_in_the_second_of_the_index_is_not_hidden() {
    // The racy case by hand: same size, same time as the index entry, other contents.
    let sandbox = Sandbox::new();
    let soon = SystemTime::now() + Duration::from_hours(1);
    let set = |relative: &str| {
        fs::File::options().write(true).open(sandbox.path(relative)).unwrap().set_modified(soon).unwrap();
    };
    sandbox.write("racy.py", "one\n");
    set("racy.py");
    sandbox.git(&["add", "racy.py"]);
    sandbox.git(&["commit", "-qm", "racy"]);
    fs::write(sandbox.path("racy.py"), "two\n").unwrap();
    set("racy.py");
    set(".git/index");
    sandbox.commit(&sandbox.run_files());
    let later = soon + Duration::from_mins(1);
    fs::File::options().write(true).open(sandbox.path(".git/index")).unwrap().set_modified(later).unwrap();
    assert_eq!(sandbox.status(), " M racy.py\n");
}

#[test]
fn index_versions_stay_and_all_are_understood() {
    for version in ["2", "3", "4"] {
        let sandbox = Sandbox::new();
        sandbox.git(&["update-index", "--index-version", version]);
        sandbox.git(&["config", "index.skipHash", "true"]);
        sandbox.git(&["update-index", "--force-write-index"]);
        sandbox.commit(&sandbox.run_files());
        assert_eq!(sandbox.status(), "", "version {version}");
        sandbox.check_health();
    }
}

#[test]
fn untracked_cache_and_fsmonitor_extensions_do_no_harm() {
    let sandbox = Sandbox::new();
    sandbox.git(&["update-index", "--untracked-cache"]);
    sandbox.git(&["status"]);
    sandbox.write("loose.txt", "x\n");
    sandbox.commit(&sandbox.run_files());
    assert_eq!(sandbox.status(), "?? loose.txt\n");
}

#[test]
fn a_split_index_waits_instead_of_losing_entries() {
    let sandbox = Sandbox::new();
    sandbox.git(&["update-index", "--split-index"]);
    let files = sandbox.run_files();
    let outcome = sandbox.commit(&files);
    assert!(matches!(&outcome, Outcome::Waiting(reason) if reason.code() == "unsupported"), "{outcome:?}");
    assert_eq!(sandbox.log(), ["first"]);
    assert_eq!(sandbox.git(&["ls-files"]), "code.py\n");
    sandbox.git(&["update-index", "--no-split-index"]);
    committed(&sandbox.commit(&files));
}

#[test]
fn a_death_between_index_and_ref_leaves_the_report_staged() {
    let sandbox = Sandbox::new();
    let files = sandbox.run_files();
    let stopped_after_index = || {
        let repository = open(&sandbox.root).map_err(|_| "open").unwrap();
        let changes =
            stage::changes(&repository, &sandbox.root, None, &files).map_err(|_| "changes").unwrap();
        index::update(&repository, &sandbox.root, &changes, Duration::ZERO).map_err(|_| "index").unwrap();
    };
    stopped_after_index();
    let staged = "A  experiments/a/runs/0001-x/README.md\nA  experiments/a/runs/0001-x/config.yaml\n";
    assert_eq!(sandbox.status(), staged);
    // Either the user's next commit takes it …
    sandbox.git(&["commit", "-qm", "mine"]);
    assert_eq!(sandbox.commit(&files), Outcome::NothingChanged);
    // … or ours does.
    sandbox.write("experiments/a/runs/0001-x/README.md", "# Report, again\n");
    stopped_after_index();
    assert_eq!(committed(&sandbox.commit(&files)), ["experiments/a/runs/0001-x/README.md"]);
    assert_eq!(sandbox.status(), "");
    sandbox.check_health();
}

#[test]
fn an_older_staged_state_of_our_path_gives_way() {
    let sandbox = Sandbox::new();
    let files = sandbox.run_files();
    sandbox.git(&["add", "experiments"]);
    sandbox.write("experiments/a/runs/0001-x/README.md", "# Newer\n");
    sandbox.commit(&files);
    assert_eq!(sandbox.status(), "");
    assert_eq!(sandbox.git(&["show", "HEAD:experiments/a/runs/0001-x/README.md"]), "# Newer\n");
}

#[test]
fn many_small_commits_of_two_writers_all_arrive() {
    let sandbox = Sandbox::new();
    let write = |writer: usize| {
        let patience = Patience { index: Duration::from_secs(20), head: Duration::from_millis(1) };
        for number in 0..10 {
            let path = sandbox.write(&format!("w{writer}/{number}.md"), "x\n");
            loop {
                let outcome =
                    commit_in(&sandbox.root, std::slice::from_ref(&path), "one", NOW, &|_| None, patience);
                match outcome.unwrap() {
                    Outcome::Waiting(_) => {}
                    _ => break,
                }
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| write(1));
        scope.spawn(|| write(2));
    });
    assert_eq!(sandbox.git(&["ls-tree", "-r", "--name-only", "HEAD"]).lines().count(), 21);
    assert_eq!(sandbox.status(), "");
    assert_eq!(sandbox.log().len(), 21);
    sandbox.check_health();
}
