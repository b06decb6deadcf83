//! Reading never runs what a workspace names: a workspace that came from somewhere starts nothing until its user has
//! seen what that would be and said yes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::semicolon_if_nothing_returned)]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use loradeck::launch::{NewRun, Order, submit};
use loradeck_core::config::read_frozen;
use loradeck_core::run::{QueueEntry, RunFolder, State, Status, Workspace};
use loradeck_core::time::Moment;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use support::{Deck, state, wait_for_end, wait_until};

/// A user of this machine who is not the one that runs the tests.
const SOMEBODY: u32 = 65534;

/// A workspace as it comes out of an archive: one run waits in it, whose command writes beside it.
struct Foreign {
    workspace: Workspace,
    run: RunFolder,
}

impl Foreign {
    fn at(root: &Path) -> Self {
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        };
        write("loradeck.yaml", "format: 1\ntrainer: ./trainer.sh\n");
        write("trainer.sh", "#!/bin/sh\necho trainer >> marker\n");
        write("mark.sh", "#!/bin/sh\necho \"$@\" >> marker\n");
        write("experiments/x/experiment.yaml", "command: [./mark.sh, again]\n");
        let workspace = Workspace::find(root).unwrap();
        let text = "command: [./mark.sh, queued, \"a\\eb\"]\non_finish: [./mark.sh, hook]\n";
        let (settings, provenance) = read_frozen(Path::new("e.yaml"), text, &[]).unwrap();
        let new = NewRun { slug: String::new(), settings, provenance, entry: QueueEntry::default() };
        let submission = submit(&workspace, &workspace.experiment("x"), &[new], &Order::default()).unwrap();
        let run = submission.runs[0].clone();
        Self { workspace, run }
    }

    fn of(deck: &Deck) -> Self {
        Self::at(&deck.workspace.root().with_file_name("foreign"))
    }

    fn root(&self) -> &Path {
        self.workspace.root()
    }

    /// What its programs have written.
    fn marks(&self) -> Vec<String> {
        marks(self.root())
    }

    /// That nothing was started: no program wrote, and no dispatcher was even tried (its log is opened first).
    fn assert_untouched(&self, after: &str) {
        assert_eq!(self.marks(), Vec::<String>::new(), "{after}");
        assert!(!self.workspace.dispatch_log().exists(), "{after} started a dispatcher");
        assert_eq!(state(&self.run), State::Queued, "{after}");
    }

    fn waits_words(&self) -> String {
        format!("waits: this workspace is not trusted here: `loradeck trust {}`", self.root().display())
    }
}

fn marks(root: &Path) -> Vec<String> {
    fs::read_to_string(root.join("marker")).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn run_in(deck: &Deck, root: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = deck.command_in(root, arguments).output().unwrap();
    (output.status.code(), said(&output))
}

fn trust(deck: &Deck, root: &Path, more: &[&str]) -> (Option<i32>, String) {
    run_in(deck, root, &[&["trust", ".", "--yes"], more].concat())
}

/// Every path below a folder, for seeing that nothing was written. The mark of a look at the queue is none.
fn everything_in(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(everything_in(&entry.path()));
        }
        found.push(entry.path());
    }
    found.sort();
    found
}

#[test]
fn looking_starts_nothing_and_says_why_it_waits() {
    let deck = Deck::new();
    let foreign = Foreign::of(&deck);
    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["show", "x/1"],
        &["show", "x/1", "--json"],
        &["queue"],
        &["queue", "--json"],
        &["queue", "resume"],
    ] {
        let (code, text) = run_in(&deck, foreign.root(), arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {text}");
        let is_change = arguments == ["queue", "resume"];
        assert!(is_change || text.contains(&foreign.waits_words()), "{arguments:?}: {text}");
        foreign.assert_untouched(&arguments.join(" "));
    }
    for arguments in [&["doctor"][..], &["doctor", "--json"]] {
        let (_, text) = run_in(&deck, foreign.root(), arguments);
        assert!(text.contains("not trusted: no program that its files name is started"), "{text}");
        assert!(text.contains("trainer.sh, which loradeck.yaml names, was not started"), "{text}");
        foreign.assert_untouched("doctor");
    }
    for arguments in
        [&["check", "x"][..], &["run", "x", "--dry-run"], &["metrics", "x/1"], &["logs", "x/1"], &["compare"]]
    {
        run_in(&deck, foreign.root(), arguments);
        foreign.assert_untouched(&arguments.join(" "));
    }
}

#[test]
fn the_dashboard_starts_nothing_and_says_why_it_waits() {
    let deck = Deck::new();
    let foreign = Foreign::of(&deck);
    let mut terminal = Terminal::open(&deck, foreign.root(), &[]);
    terminal.wait_for("queued: waits: this workspace");
    terminal.type_in("q");
    terminal.wait_for("\u{1b}[?1049l");
    foreign.assert_untouched("the dashboard");
}

#[test]
fn what_adds_work_is_refused_before_anything_is_written() {
    let deck = Deck::new();
    let foreign = Foreign::of(&deck);
    let before = everything_in(foreign.root());
    for arguments in [
        &["run", "x"][..],
        &["run", "x", "command=[./mark.sh,other]"],
        &["retry", "x/1"],
        &["resume", "x/1"],
        &["dispatch"],
        &["dispatch", "--detached"],
        &["sample", "x/1", "--prompt", "a"],
    ] {
        let (code, text) = run_in(&deck, foreign.root(), arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {text}");
        assert!(
            text.contains("is not trusted here: it has not been trusted on this machine"),
            "{arguments:?}: {text}"
        );
        assert!(text.contains("`loradeck trust "), "{arguments:?}: {text}");
    }
    assert_eq!(everything_in(foreign.root()), before);
    foreign.assert_untouched("refusals");
}

#[test]
fn the_internal_commands_by_hand_start_nothing_either() {
    let deck = Deck::new();
    let foreign = Foreign::of(&deck);
    Status::new(State::Running, 1, Moment::now()).write(&foreign.run).unwrap();
    let path = foreign.run.path().display().to_string();
    let (code, text) = run_in(&deck, foreign.root(), &["exec", &path, "--attempt", "1"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("is not trusted here"), "{text}");
    Status::new(State::Starting, 1, Moment::now()).write(&foreign.run).unwrap();
    run_in(&deck, foreign.root(), &["supervise", &path, "--attempt", "1"]);
    assert_eq!(foreign.marks(), Vec::<String>::new());
}

#[test]
fn trust_shows_everything_and_then_it_runs() {
    let deck = Deck::new();
    let foreign = Foreign::of(&deck);
    let (code, shown) = run_in(&deck, foreign.root(), &["trust", "--list", "."]);
    assert_eq!(code, Some(0));
    for part in [
        "trainer        ./trainer.sh",
        "(loradeck.yaml:2)",
        "./mark.sh again",
        "(experiments/x/experiment.yaml:1)",
        r"./mark.sh queued 'a\u{1b}b'",
        "on_finish      ./mark.sh hook",
        "runs/0001/config.yaml:",
        "would start at once: 1",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    let (code, text) = run_in(&deck, foreign.root(), &["trust"]);
    assert_eq!(code, Some(2), "cannot ask: {text}");
    assert!(text.contains("--yes"), "{text}");
    foreign.assert_untouched("a trust that nobody confirmed");
    let (code, text) = trust(&deck, foreign.root(), &[]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(wait_for_end(&foreign.run).state, State::Finished);
    wait_until("the hook has run", || foreign.marks().len() == 2);
    assert_eq!(foreign.marks(), ["queued a\u{1b}b", "hook"]);
    let (code, text) = run_in(&deck, foreign.root(), &["run", "x", "--wait"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(foreign.marks().contains(&"again".to_owned()));
    let (_, text) = run_in(&deck, foreign.root(), &["trust", "--list"]);
    assert!(text.contains(&foreign.root().display().to_string()), "{text}");
}

#[test]
fn a_person_at_a_terminal_is_asked() {
    let deck = Deck::new();
    let foreign = Foreign::of(&deck);
    let mut terminal = Terminal::open(&deck, foreign.root(), &["trust"]);
    terminal.wait_for("[y/N]");
    terminal.type_in("\n");
    terminal.wait_for("it is not trusted");
    foreign.assert_untouched("a no");
    let mut terminal = Terminal::open(&deck, foreign.root(), &["trust"]);
    terminal.wait_for("[y/N]");
    terminal.type_in("y\n");
    assert_eq!(wait_for_end(&foreign.run).state, State::Finished);
}

#[test]
fn what_is_trusted_no_more_starts_nothing_further() {
    let deck = Deck::new();
    let foreign = Foreign::of(&deck);
    trust(&deck, foreign.root(), &[]);
    wait_for_end(&foreign.run);
    wait_until("its dispatcher ends", || {
        !loradeck_core::run::is_held(&foreign.workspace.dispatch_lock()).unwrap()
    });
    let (code, text) = run_in(&deck, foreign.root(), &["untrust"]);
    assert!(code == Some(0) && text.contains("no longer trusted"), "{text}");
    assert_eq!(run_in(&deck, foreign.root(), &["run", "x"]).0, Some(2));
    trust(&deck, foreign.root(), &[]);
    assert_eq!(run_in(&deck, foreign.root(), &["run", "x", "--wait"]).0, Some(0));
    assert_eq!(
        run_in(&deck, deck.workspace.root(), &["trust", "--revoke", &foreign.root().display().to_string()]).0,
        Some(0)
    );
    assert_eq!(run_in(&deck, foreign.root(), &["run", "x"]).0, Some(2));
}

#[test]
fn a_dispatcher_at_work_starts_nothing_more_once_trust_is_taken_back() {
    let deck = Deck::new();
    let runs = deck.queue(&["wait", "finish"]);
    let mut dispatcher = deck.dispatch();
    wait_until("the first trains", || support::starts(&runs[0]).len() == 1);
    assert_eq!(run_in(&deck, deck.workspace.root(), &["untrust"]).0, Some(0));
    fs::write(runs[0].path().join("go"), "").unwrap();
    assert_eq!(wait_for_end(&runs[0]).state, State::Finished, "what runs goes on");
    dispatcher.wait().unwrap();
    assert_eq!((state(&runs[1]), support::starts(&runs[1]).len()), (State::Queued, 0));
    trust(&deck, deck.workspace.root(), &[]);
    assert_eq!(wait_for_end(&runs[1]).state, State::Finished);
}

#[test]
fn a_moved_or_copied_workspace_is_not_trusted_and_a_link_to_it_is() {
    let deck = Deck::new();
    let foreign = Foreign::of(&deck);
    run_in(&deck, foreign.root(), &["queue", "pause"]);
    trust(&deck, foreign.root(), &[]);
    let beside = |name: &str| foreign.root().with_file_name(name);
    symlink(foreign.root(), beside("link")).unwrap();
    let (_, text) = run_in(&deck, &beside("link"), &["list"]);
    assert!(!text.contains("not trusted"), "{text}");

    assert!(Command::new("cp").arg("-a").args([foreign.root(), &beside("copy")]).status().unwrap().success());
    let (code, text) = run_in(&deck, &beside("copy"), &["run", "x"]);
    assert!(code == Some(2) && text.contains("has not been trusted on this machine"), "{text}");

    fs::rename(foreign.root(), beside("moved")).unwrap();
    let (code, text) = run_in(&deck, &beside("moved"), &["run", "x"]);
    assert!(code == Some(2) && text.contains("has been moved since"), "{text}");
    let (code, text) = run_in(&deck, &beside("moved"), &["queue", "resume"]);
    assert_eq!(code, Some(0), "{text}");

    // Another one is unpacked in the old one's place; the link leads to it now.
    let again = Foreign::at(foreign.root());
    fs::copy(beside("moved").join(".loradeck/trust-mark"), again.root().join(".loradeck/trust-mark"))
        .unwrap();
    for place in [again.root().to_path_buf(), beside("link")] {
        let (code, text) = run_in(&deck, &place, &["run", "x"]);
        assert!(code == Some(2) && text.contains("another folder was at this path"), "{text}");
    }
    run_in(&deck, again.root(), &["list"]);
    again.assert_untouched("list");
    for root in ["moved", "copy"] {
        assert_eq!(marks(&beside(root)), Vec::<String>::new());
    }
}

#[test]
fn a_folder_that_was_removed_and_unpacked_again_is_another_one() {
    let deck = Deck::new();
    let foreign = Foreign::of(&deck);
    run_in(&deck, foreign.root(), &["queue", "pause"]);
    trust(&deck, foreign.root(), &[]);
    // The new folder is likely to get the same inode.
    fs::remove_dir_all(foreign.root()).unwrap();
    let again = Foreign::at(foreign.root());
    run_in(&deck, again.root(), &["list"]);
    again.assert_untouched("list");
}

#[test]
fn what_belongs_to_somebody_else_is_never_trusted_silently() {
    let deck = Deck::new();
    let foreign = Foreign::of(&deck);
    if chown(foreign.root(), Some(SOMEBODY), Some(SOMEBODY)).is_err() {
        assert!(std::env::var_os("LORADECK_REQUIRE_ALL").is_none(), "only root can give folders away");
        eprintln!("skipped: only root can give folders away");
        return;
    }
    let (code, text) = trust(&deck, foreign.root(), &[]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("belongs to another user (65534)") && text.contains("--foreign-owner"), "{text}");
    run_in(&deck, foreign.root(), &["list"]);
    foreign.assert_untouched("list");
    let mut terminal = Terminal::open(&deck, foreign.root(), &["trust"]);
    terminal.wait_for("to continue");
    terminal.type_in("y\n");
    terminal.wait_for("it is not trusted");
    foreign.assert_untouched("a yes that was not meant for this");
    assert_eq!(trust(&deck, foreign.root(), &["--foreign-owner"]).0, Some(0));
    assert_eq!(wait_for_end(&foreign.run).state, State::Finished);
    // A trusted workspace whose experiments were given away since.
    let own = deck.workspace.experiments_folder();
    fs::create_dir_all(&own).unwrap();
    chown(&own, Some(SOMEBODY), None).unwrap();
    let (code, text) = run_in(&deck, deck.workspace.root(), &["dispatch"]);
    assert!(code == Some(2) && text.contains("experiments belongs to another user"), "{text}");
}

#[test]
fn what_everybody_may_write_into_is_never_trusted_silently() {
    let deck = Deck::new();
    let foreign = Foreign::of(&deck);
    fs::set_permissions(foreign.workspace.experiments_folder(), fs::Permissions::from_mode(0o777)).unwrap();
    let (code, text) = trust(&deck, foreign.root(), &["--foreign-owner"]);
    assert!(code == Some(2) && text.contains("everybody may write into experiments (mode 777)"), "{text}");
    foreign.assert_untouched("trust");
    assert_eq!(trust(&deck, foreign.root(), &["--others-may-write"]).0, Some(0));
    assert_eq!(wait_for_end(&foreign.run).state, State::Finished);
}

#[test]
fn init_trusts_what_it_makes_and_not_what_came_with_runs() {
    let deck = Deck::new();
    let beside = |name: &str| deck.workspace.root().with_file_name(name);
    let (code, text) = run_in(&deck, deck.workspace.root(), &["init", &beside("new").display().to_string()]);
    assert!(code == Some(0) && !text.contains("not trusted"), "{text}");
    fs::create_dir_all(beside("new/experiments/x")).unwrap();
    fs::write(beside("new/experiments/x/experiment.yaml"), "command: [sh, -c, 'echo ran > marker']\n")
        .unwrap();
    assert_eq!(run_in(&deck, &beside("new"), &["run", "x", "--wait"]).0, Some(0));
    assert_eq!(marks(&beside("new")), ["ran"]);

    let foreign = Foreign::of(&deck);
    for is_left_out in [false, true] {
        if is_left_out {
            fs::remove_file(foreign.workspace.settings_file()).unwrap();
        }
        let (code, text) = run_in(&deck, foreign.root(), &["init"]);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("not trusted"), "{text}");
        run_in(&deck, foreign.root(), &["list"]);
        foreign.assert_untouched("init");
    }
}

#[test]
fn another_users_word_or_a_store_that_others_may_write_does_not_count() {
    let deck = Deck::new();
    let file = deck.state_home().join("loradeck/trust.json");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o622)).unwrap();
    let (code, text) = run_in(&deck, deck.workspace.root(), &["dispatch"]);
    assert!(code == Some(2) && text.contains("list of trusted workspaces is ignored"), "{text}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let mine = fs::read_to_string(&file).unwrap();
    let user = rustix_user();
    fs::write(&file, mine.replace(&format!("\"user\": {user}"), "\"user\": 4242")).unwrap();
    let (code, text) = run_in(&deck, deck.workspace.root(), &["dispatch"]);
    assert!(code == Some(2) && text.contains("has not been trusted on this machine"), "{text}");
}

fn rustix_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The program in a terminal.
struct Terminal {
    keys: Box<dyn Write + Send>,
    said: std::sync::mpsc::Receiver<Vec<u8>>,
    text: String,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Terminal {
    fn open(deck: &Deck, root: &Path, arguments: &[&str]) -> Self {
        let size = PtySize { rows: 40, cols: 200, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        // The shell stays the terminal's session leader when the program ends, as it does where people type.
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", "\"$0\" \"$@\"; read line", env!("CARGO_BIN_EXE_loradeck")]);
        command.args(arguments);
        command.cwd(root);
        for (name, value) in deck.command(&[]).get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            }
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (send, said) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if send.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { keys, said, text: String::new(), _master: pair.master }
    }

    fn type_in(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn wait_for(&mut self, words: &str) {
        while !self.text.contains(words) {
            let said = self.said.recv_timeout(std::time::Duration::from_secs(120));
            let bytes = said.unwrap_or_else(|error| panic!("{error}: no '{words}' in {}", self.text));
            self.text.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
}
