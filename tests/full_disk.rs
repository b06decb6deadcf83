//! A disk of its own that fills up while a run trains: what the run came to is written once there is room again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::semicolon_if_nothing_returned)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use loradeck_core::run::{RunFolder, State, is_held};
use support::{Deck, path_text, state, wait_for_end, wait_until};

/// A file system of 300 MiB over a folder.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn over(folder: &Path) -> Self {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=300m,mode=755", "tmpfs"])
            .arg(folder)
            .status();
        assert!(mounted.unwrap().success());
        Self(folder.to_path_buf())
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Writes until nothing more can be written.
    fn fill(&self) {
        let from = fs::File::open("/dev/zero").unwrap();
        let (mut from, mut to) = (from, fs::File::create(self.filler()).unwrap());
        assert!(std::io::copy(&mut from, &mut to).is_err());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a dispatcher that is about to go may still have it open.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
#[ignore = "child: `just test-system` runs it, as root, with a real full disk"]
fn a_run_that_ends_on_a_full_disk_is_not_lost() {
    let deck = Deck::new();
    let root = deck.workspace.root().to_path_buf();
    let (go, ended) = (deck.slots().with_extension("go"), deck.slots().with_extension("ended"));
    let disk = SmallDisk::over(&root);
    fs::write(root.join("loradeck.yaml"), "format: 1\n").unwrap();
    let experiment = deck.workspace.experiment("x");
    fs::create_dir_all(experiment.path()).unwrap();
    let script = format!(
        "while [ ! -e {go} ]; do sleep 0.02; done; touch {ended}",
        go = path_text(&go),
        ended = path_text(&ended)
    );
    fs::write(experiment.file(), format!("command: [sh, -c, {script:?}]\n")).unwrap();
    // The disk's folder is another one than the deck made and trusts.
    assert!(deck.run(&["trust", "--yes"]).status.success());
    assert!(deck.run(&["run", "x"]).status.success());
    let run: RunFolder = experiment.runs().remove(0);
    wait_until("the command is at work", || {
        fs::read_to_string(run.logs().join("journal/trainer.jsonl"))
            .is_ok_and(|text| text.contains("command_pid"))
    });
    disk.fill();
    let refused = deck.run(&["run", "x"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.matches("No space left").count() == 1, "{said}");
    fs::write(&go, "").unwrap();
    wait_until("the command has ended", || ended.exists());
    let seen_at = Instant::now();
    wait_until("its end has been tried more than once", || {
        assert!(is_held(&run.run_lock()).unwrap() && is_held(&run.train_lock()).unwrap());
        seen_at.elapsed() > Duration::from_secs(2)
    });
    assert_eq!(state(&run), State::Running);
    fs::remove_file(disk.filler()).unwrap();
    assert_eq!(wait_for_end(&run).state, State::Finished);
    wait_until("the dispatcher has ended", || !deck.dispatcher_is_at_work());
}
