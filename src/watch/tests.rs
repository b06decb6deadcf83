//! The watcher over real folders, with and without the kernel's help.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use loradeck_core::run::{ExperimentFolder, RunFolder, State, Status};
use loradeck_core::time::Moment;

use super::announce::{Announce, Refusal};
use super::*;

/// Long enough for any machine; a test that passes never waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Looks often, so that tests of polling do not wait.
const FAST: Rhythm = Rhythm {
    gather: Duration::from_millis(1),
    on_screen: Duration::from_millis(20),
    live: Duration::from_millis(50),
    locks: Duration::from_millis(50),
};

struct Watched {
    folder: tempfile::TempDir,
    messages: Receiver<Message>,
    watcher: Watcher,
}

/// Refuses to watch anything, as a kernel does whose limit is used up.
struct Exhausted;

impl Announce for Exhausted {
    fn watch(&mut self, _folder: &Path) -> Result<(), Refusal> {
        Err(Refusal::Refused(String::from("the limit fs.inotify.max_user_watches is used up")))
    }
    fn unwatch(&mut self, _folder: &Path) {}
}

impl Watched {
    fn start(kernel: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("experiments/a/runs/0001-x/logs")).unwrap();
        fs::create_dir_all(folder.path().join(".loradeck")).unwrap();
        let (sender, messages) = channel();
        let workspaces = [Workspace::at(folder.path())];
        let send = move |message| sender.send(message).is_ok();
        let running = if kernel {
            Watcher::start(&workspaces, send)
        } else {
            Watcher::start_with(&workspaces, |_| Ok(Box::new(Exhausted)), FAST, send)
        };
        let mut watched = Self { folder, messages, watcher: running };
        watched.wait_for(&Change::Everything);
        watched
    }

    fn run(&self, name: &str) -> RunFolder {
        RunFolder::new(self.folder.path().join("experiments/a/runs").join(name))
    }

    /// Waits until `change` is among what is sent; returns everything that was sent until then.
    fn wait_for(&mut self, change: &Change) -> BTreeSet<Change> {
        let until = Instant::now() + PATIENCE;
        let mut seen = BTreeSet::new();
        while !seen.contains(change) {
            let left = until.saturating_duration_since(Instant::now());
            match self.messages.recv_timeout(left) {
                Ok(Message::Changes(changes)) => seen.extend(changes),
                Ok(Message::Notice(_)) => {}
                Err(error) => panic!("{change:?} did not come ({error}); seen: {seen:?}"),
            }
        }
        seen
    }

    fn follow_live(&self, run: &RunFolder, on_screen: bool) {
        let path = run.path().to_path_buf();
        let on_screen = if on_screen { vec![path.clone()] } else { Vec::new() };
        self.watcher.follow(Followed { live: vec![path], on_screen, queued: Vec::new() });
    }
}

fn exercise(mut watched: Watched) {
    let run = watched.run("0001-x");
    let path = run.path().to_path_buf();
    watched.follow_live(&run, true);
    Status::new(State::Running, 1, Moment(0)).write(&run).unwrap();
    watched.wait_for(&Change::Run(path.clone()));
    fs::write(run.logs().join("events.out.tfevents.1.h"), "record").unwrap();
    watched.wait_for(&Change::Metrics(path.clone()));
    fs::write(run.train_log(), "line\n").unwrap();
    watched.wait_for(&Change::Log(path));
    let root = watched.folder.path().to_path_buf();
    let new = watched.run("0002-y");
    fs::create_dir_all(new.path()).unwrap();
    watched.wait_for(&Change::Runs(root.join("experiments/a")));
    fs::create_dir_all(ExperimentFolder::at(root.join("experiments/b")).runs_folder()).unwrap();
    watched.wait_for(&Change::Experiments(root));
}

#[test]
fn changes_of_followed_runs_and_lists_are_announced() {
    exercise(Watched::start(true));
}

#[test]
fn without_the_kernels_help_polling_sees_the_same() {
    exercise(Watched::start(false));
}

#[test]
fn used_up_limits_are_named_once() {
    let folder = tempfile::tempdir().unwrap();
    let (sender, messages) = channel();
    let watcher = Watcher::start_with(
        &[Workspace::at(folder.path())],
        |_| Ok(Box::new(Exhausted)),
        FAST,
        move |message| sender.send(message).is_ok(),
    );
    // The root is refused at the start, and again at every new list of runs to follow.
    let mut notices = Vec::new();
    let mut looks = 0;
    while looks < 3 {
        match messages.recv_timeout(PATIENCE).unwrap() {
            Message::Notice(text) => notices.push(text),
            Message::Changes(_) => {
                looks += 1;
                watcher.follow(Followed::default());
            }
        }
    }
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains("max_user_watches"), "{notices:?}");
}

#[test]
fn a_held_queue_lock_and_new_queue_settings_are_announced() {
    let mut watched = Watched::start(true);
    let workspace = Workspace::at(watched.folder.path());
    drop(workspace.queue_lock().unwrap());
    watched.wait_for(&Change::States(workspace.root().into()));
    fs::write(workspace.queue_settings(), "{}").unwrap();
    watched.wait_for(&Change::Queue(workspace.root().into()));
}

#[test]
fn a_run_made_with_its_folders_is_followed_from_its_first_line() {
    let mut watched = Watched::start(true);
    let root = watched.folder.path().to_path_buf();
    fs::create_dir_all(root.join("experiments/new/runs")).unwrap();
    watched.wait_for(&Change::Runs(root.join("experiments/new")));
    let run = RunFolder::new(root.join("experiments/new/runs/0001-z"));
    fs::create_dir_all(run.path()).unwrap();
    watched.wait_for(&Change::Runs(root.join("experiments/new")));
    watched.follow_live(&run, false);
    watched.wait_for(&Change::Run(run.path().into()));
    fs::create_dir_all(run.logs()).unwrap();
    fs::write(run.logs().join("events.out.tfevents.1.h"), "record").unwrap();
    let seen = watched.wait_for(&Change::Metrics(run.path().into()));
    assert!(!seen.contains(&Change::Everything));
}

#[test]
fn locks_of_live_runs_are_asked_again_and_again() {
    let mut watched = Watched::start(false);
    watched.follow_live(&watched.run("0001-x"), false);
    watched.wait_for(&Change::Liveness);
    watched.wait_for(&Change::Liveness);
}
