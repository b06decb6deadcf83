//! Commands on the cluster's hosts, each of which has its own name and its own view of the workspace.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output};

use crate::cluster::Cluster;
use crate::support::kill_9;

/// One host of a cluster.
pub struct Host<'a> {
    cluster: &'a Cluster,
    pub name: &'a str,
}

impl Cluster {
    pub fn host<'a>(&'a self, name: &'a str) -> Host<'a> {
        Host { cluster: self, name }
    }
}

impl Host<'_> {
    /// The words before a command that have it run here, in `folder`.
    pub fn words(&self, folder: &Path) -> Vec<OsString> {
        let target = format!("--target={}", self.cluster.door(self.name));
        // Entering a namespace of mounts leaves the folder in which one was: `env` goes there again, through the mount.
        let words = ["nsenter", &target, "--uts", "--mount", "--", "env", "--chdir"];
        words.iter().map(OsString::from).chain([folder.into()]).collect()
    }

    /// The same command, here.
    pub fn command(&self, command: &Command) -> Command {
        let words = self.words(command.get_current_dir().unwrap());
        let mut entered = Command::new(&words[0]);
        entered.args(&words[1..]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                // Hosts do not share their slots.
                Some(value) if name == "LORADECK_SLOT_LOCKS" => {
                    entered.env(name, Path::new(value).with_extension(self.name))
                }
                Some(value) => entered.env(name, value),
                None => entered.env_remove(name),
            };
        }
        entered
    }

    /// What a shell here says, in `folder`.
    pub fn shell(&self, folder: &Path, script: &str) -> Output {
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(folder);
        self.command(&command).output().unwrap()
    }

    /// The processes here whose command line holds `words`.
    fn processes(&self, words: &str) -> Vec<u32> {
        let target = self.cluster.door(self.name);
        let output = Command::new("pgrep")
            .args(["--ns", &target, "--nslist", "uts", "--full", words])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect()
    }

    pub fn has(&self, words: &str) -> bool {
        !self.processes(words).is_empty()
    }

    /// Kills the one process whose command line holds `words`.
    pub fn kill_9(&self, words: &str) {
        let [one] = self.processes(words)[..] else {
            panic!("no one process with '{words}' on {}", self.name)
        };
        kill_9(one);
    }

    pub fn says(&self, folder: &Path, script: &str) -> String {
        let output = self.shell(folder, script);
        assert!(output.status.success(), "{script}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}
