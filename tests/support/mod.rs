//! A workspace of its own for a test, driven through the real programs.

#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use loradeck::launch::{NewRun, Order, SweepOf, submit};
use loradeck_core::config::{Provenance, read_frozen};
use loradeck_core::run::{QueueEntry, RunFolder, State, Status, Workspace, is_held};
use loradeck_core::trust::{Accepted, TrustStore};

pub struct Deck {
    folder: tempfile::TempDir,
    pub workspace: Workspace,
    program: PathBuf,
    /// `None`: the one that stands beside the program.
    trainer: Option<PathBuf>,
}

/// The trainer as it was built beside the deck; `None`, and said to be skipped, where it was not.
pub fn real_trainer() -> Option<PathBuf> {
    let trainer = Path::new(env!("CARGO_BIN_EXE_loradeck")).with_file_name("loradeck-train");
    if trainer.exists() {
        return Some(trainer);
    }
    assert!(std::env::var_os("LORADECK_REQUIRE_ALL").is_none(), "{} is not built", trainer.display());
    eprintln!("skipped: {} is not built", trainer.display());
    None
}

impl Deck {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("workspace");
        std::fs::create_dir_all(&root).unwrap();
        std::fs::write(root.join("loradeck.yaml"), "format: 1\n").unwrap();
        let workspace = Workspace::find(&root).unwrap();
        trust(folder.path(), &workspace);
        let trainer = Some(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/trainer.sh")));
        Self { folder, workspace, program: PathBuf::from(env!("CARGO_BIN_EXE_loradeck")), trainer }
    }

    /// From now on fresh copies of the programs are used, in the place of those before, as an upgrade puts them there.
    pub fn upgrade(&mut self) {
        let built = PathBuf::from(env!("CARGO_BIN_EXE_loradeck"));
        self.program = self.install(&built);
        if self.trainer.is_none() {
            self.install(&built.with_file_name("loradeck-train"));
        }
    }

    /// From now on the real trainer trains; both programs stand beside each other as they are installed.
    pub fn train_for_real(&mut self) {
        let libraries = concat!(env!("CARGO_MANIFEST_DIR"), "/.libtorch/lib");
        std::os::unix::fs::symlink(libraries, self.folder.path().join("lib")).unwrap();
        self.trainer = None;
        self.upgrade();
    }

    fn install(&self, built: &Path) -> PathBuf {
        let folder = self.folder.path().join("bin");
        std::fs::create_dir_all(&folder).unwrap();
        let place = folder.join(built.file_name().unwrap());
        let fresh = place.with_extension("fresh");
        // By another process: a file that this one has open for writing goes to whatever its other threads start at that
        // moment, and cannot be executed meanwhile ("Text file busy").
        assert!(Command::new("cp").arg(built).arg(&fresh).status().unwrap().success());
        std::fs::rename(&fresh, &place).unwrap();
        place
    }

    /// The same, in a git repository that ignores what it should.
    pub fn in_git() -> Self {
        let deck = Self::new();
        assert!(deck.run(&["init", "."]).status.success());
        deck.git(&["config", "user.name", "test"]);
        deck.git(&["config", "user.email", "test@example.invalid"]);
        deck.git(&["add", "."]);
        deck.git(&["commit", "-qm", "begin"]);
        deck
    }

    /// What git says in the workspace.
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(self.workspace.root())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The folder that this test's processes share their slots in; their environment names it.
    pub fn slots(&self) -> PathBuf {
        self.folder.path().join("slots")
    }

    /// Another workspace on the same host: it shares the slots.
    pub fn neighbour(&self, name: &str) -> Workspace {
        let root = self.folder.path().join(name);
        std::fs::create_dir_all(&root).unwrap();
        std::fs::write(root.join("loradeck.yaml"), "format: 1\n").unwrap();
        let workspace = Workspace::find(&root).unwrap();
        trust(self.folder.path(), &workspace);
        workspace
    }

    /// The folder that stands for this user's `XDG_STATE_HOME`.
    pub fn state_home(&self) -> PathBuf {
        state_home(self.folder.path())
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_in(self.workspace.root(), arguments)
    }

    pub fn command_in(&self, root: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(root)
            .env("LORADECK_SLOT_LOCKS", self.slots())
            .env("LORADECK_DEVICE", "cpu")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("HOME", self.folder.path())
            .env("XDG_STATE_HOME", self.state_home())
            .env_remove("LORADECK_CRASH_AT");
        match &self.trainer {
            Some(trainer) => command.env("LORADECK_TRAIN", trainer),
            None => command.env_remove("LORADECK_TRAIN"),
        };
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Queues one run per mode, without starting a dispatcher.
    pub fn queue(&self, modes: &[&str]) -> Vec<RunFolder> {
        Self::queue_in(&self.workspace, modes)
    }

    pub fn queue_in(workspace: &Workspace, modes: &[&str]) -> Vec<RunFolder> {
        Self::submit_to(workspace, modes, &Order::default())
    }

    /// Queues one trial of a new sweep per mode.
    pub fn queue_sweep(&self, modes: &[&str]) -> Vec<RunFolder> {
        let sweep = SweepOf::New(serde_json::json!({"format": 1}));
        Self::submit_to(&self.workspace, modes, &Order { sweep, ..Order::default() })
    }

    /// Submits a sweep that draws its own trials; `sweep` is its YAML, indented by two.
    pub fn submit_search(&self, sweep: &str) {
        self.submit_search_of("finish", sweep);
    }

    /// The same with trials of a mode.
    pub fn submit_search_of(&self, mode: &str, sweep: &str) {
        let text = format!("base_model: m.gguf\ntrain_data_dir: data\nnotes: {mode}\nsweep:\n{sweep}");
        let (_, plan) = loradeck_core::config::plan(Path::new("e.yaml"), &text, &[], None).unwrap();
        // The trials of a grid are written down, and left to the dispatcher to queue.
        let trials: Vec<loradeck_core::config::Assignment> = plan
            .trials
            .iter()
            .map(|trial| trial.varied.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
            .collect();
        let sweep = SweepOf::New(serde_json::json!({"format": 1, "search": plan.search, "trials": trials}));
        submit(&self.workspace, &self.workspace.experiment("x"), &[], &Order { sweep, ..Order::default() })
            .unwrap();
    }

    fn submit_to(workspace: &Workspace, modes: &[&str], order: &Order) -> Vec<RunFolder> {
        let runs: Vec<NewRun> = modes
            .iter()
            .zip(1..)
            .map(|(mode, trial)| {
                let text = format!("base_model: m.gguf\ntrain_data_dir: data\nnotes: {mode}\n");
                let (settings, provenance) = read_frozen(Path::new("e.yaml"), &text, &[]).unwrap();
                let provenance = Provenance { trial: Some(trial), ..provenance };
                NewRun { slug: (*mode).into(), settings, provenance, entry: QueueEntry::default() }
            })
            .collect();
        submit(workspace, &workspace.experiment("x"), &runs, order).unwrap().runs
    }

    /// Starts a detached dispatcher, as every command that adds work does.
    pub fn dispatch(&self) -> std::process::Child {
        self.command(&["dispatch", "--detached"]).spawn().unwrap()
    }

    /// Runs `command`, which is to die at the named crash point; whether it came past it.
    pub fn dies_at(&self, mut command: Command, point: &str) -> bool {
        let mark = self.workspace.state_folder().join("crash-mark");
        let _ = std::fs::remove_file(&mark);
        command.env("LORADECK_CRASH_AT", point).env("LORADECK_CRASH_MARK", &mark);
        command.spawn().unwrap().wait().unwrap();
        mark.exists()
    }

    pub fn dispatcher_is_at_work(&self) -> bool {
        is_held(&self.workspace.dispatch_lock()).unwrap()
    }
}

fn state_home(folder: &Path) -> PathBuf {
    folder.join("state")
}

/// As `loradeck trust --yes` records it, in the state folder of the test in `folder`.
pub fn trust(folder: &Path, workspace: &Workspace) {
    TrustStore::at(state_home(folder).join("loradeck"))
        .trust(workspace, Accepted::default(), "trust")
        .unwrap();
}

pub fn status(run: &RunFolder) -> Status {
    Status::read(run).unwrap().unwrap()
}

/// Nothing where the run is just being made.
pub fn try_status(run: &RunFolder) -> Option<Status> {
    Status::read(run).ok().flatten()
}

pub fn state(run: &RunFolder) -> State {
    status(run).state
}

/// How often the trainer was really started.
pub fn starts(run: &RunFolder) -> Vec<String> {
    let text = std::fs::read_to_string(run.path().join("starts")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// What its journals tell, in a word for each happening.
pub fn kinds_of(run: &RunFolder) -> Vec<String> {
    loradeck_core::run::read_journal(run).entries.into_iter().map(|entry| entry.kind).collect()
}

pub fn started_pid(run: &RunFolder) -> u32 {
    starts(run).last().unwrap().split(' ').nth(1).unwrap().parse().unwrap()
}

pub fn supervisor_pid(run: &RunFolder) -> u32 {
    let beat = || loradeck_core::run::Heartbeat::read(run).ok().flatten();
    wait_until("the supervisor beats", || beat().is_some());
    beat().unwrap().pid
}

pub fn kill_9(pid: u32) {
    send(pid, rustix::process::Signal::KILL);
}

pub fn send(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// Waits for a condition; a test never sleeps for a fixed time. What takes a moment takes many on a busy machine: the
/// limit is only there so that a test ends.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(120);
    while !condition() {
        assert!(Instant::now() < until, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

pub fn wait_for_end(run: &RunFolder) -> Status {
    wait_until(&format!("{} ends", run.label()), || state(run).is_end());
    status(run)
}

pub fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

pub fn missing(paths: &[PathBuf]) -> Vec<&PathBuf> {
    paths.iter().filter(|path| !path.exists()).collect()
}
