//! A real sshd on loopback: the connection drops hard while a sweep trains, and nothing is lost by it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::semicolon_if_nothing_returned)]

mod support;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use loradeck_core::run::State;
use support::{Deck, kill_9, starts, state, wait_until};

/// An sshd of our own, which lets in whoever has the key that it was given.
struct Sshd {
    folder: tempfile::TempDir,
    port: u16,
    daemon: Child,
}

impl Sshd {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["host", "key"] {
            let path = folder.path().join(name);
            let made =
                Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&path).status();
            assert!(made.unwrap().success());
        }
        fs::copy(folder.path().join("key.pub"), folder.path().join("authorized")).unwrap();
        fs::set_permissions(folder.path().join("authorized"), fs::Permissions::from_mode(0o600)).unwrap();
        // Without this folder sshd refuses to start.
        fs::create_dir_all("/run/sshd").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let daemon = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f", "/dev/null", "-p", &port.to_string()])
            .args(["-o", "ListenAddress=127.0.0.1", "-o", "StrictModes=no", "-o", "PermitRootLogin=yes"])
            .args(["-o", "PidFile=none", "-o", "UsePAM=no"])
            .arg("-o")
            .arg(format!("AuthorizedKeysFile={}", folder.path().join("authorized").display()))
            .arg("-h")
            .arg(folder.path().join("host"))
            .stderr(log)
            .spawn()
            .unwrap();
        wait_until("sshd listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { folder, port, daemon }
    }

    /// A session that runs `line` in a terminal of its own.
    fn session(&self, line: &str, output: &Path) -> Child {
        let output = fs::File::create(output).unwrap();
        Command::new("ssh")
            .args([
                "-tt",
                "-q",
                "-F",
                "/dev/null",
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "UserKnownHostsFile=/dev/null",
            ])
            .arg("-i")
            .arg(self.folder.path().join("key"))
            .args(["-p", &self.port.to_string(), "127.0.0.1", line])
            .stdin(Stdio::piped())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .process_group(0)
            .spawn()
            .unwrap()
    }

    /// The processes that sshd started for its sessions.
    fn sessions(&self) -> Vec<u32> {
        let children = format!("/proc/{0}/task/{0}/children", self.daemon.id());
        let text = fs::read_to_string(children).unwrap_or_default();
        text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.sessions().into_iter().for_each(kill_9);
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// A command line for the other side, which has none of this process's environment.
fn remote(deck: &Deck, arguments: &str) -> String {
    let command = deck.command(&[]);
    let variables: Vec<String> = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}='{}'", name.to_str()?, value?.to_str()?)))
        .collect();
    let program = PathBuf::from(command.get_program());
    let root = deck.workspace.root().display();
    format!("cd '{root}' && TERM=xterm {} '{}' {arguments}", variables.join(" "), program.display())
}

#[test]
#[ignore = "child: `just test-system` runs it, as root, with a real sshd"]
fn a_connection_that_drops_hard_costs_nothing() {
    let sshd = Sshd::start();
    let deck = Deck::in_git();
    let runs = deck.queue(&["wait", "wait", "finish", "finish"]);
    let seen = sshd.folder.path().join("seen");
    // The dashboard, over ssh: it wakes the queue.
    let mut client = sshd.session(&remote(&deck, ""), &seen);
    wait_until("the first trains", || starts(&runs[0]).len() == 1);
    wait_until("it is shown", || fs::read(&seen).is_ok_and(|bytes| bytes.len() > 500));
    assert_eq!(state(&runs[1]), State::Queued);
    // No goodbye on either side: the laptop's lid, and the server's end of the line.
    kill_9(client.id());
    sshd.sessions().into_iter().for_each(kill_9);
    client.wait().unwrap();
    fs::write(runs[0].path().join("go"), "").unwrap();
    wait_until("the second trains, with nobody there", || starts(&runs[1]).len() == 1);
    fs::write(runs[1].path().join("go"), "").unwrap();
    wait_until("all have finished", || runs.iter().all(|run| state(run) == State::Finished));
    // Coming back.
    let again = sshd.folder.path().join("again");
    let mut client = sshd.session(&remote(&deck, "list"), &again);
    assert!(client.wait().unwrap().success(), "{}", fs::read_to_string(&again).unwrap());
    assert_eq!(fs::read_to_string(&again).unwrap().matches("finished").count(), 4);
    assert!(runs.iter().all(|run| starts(run).len() == 1));
    wait_until("all is committed", || deck.git(&["ls-files"]).matches("README.md").count() == 4);
}
