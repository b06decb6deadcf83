//! A real cluster of one node for a test, ended with the test.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::Mutex;

pub struct Cluster {
    folder: tempfile::TempDir,
    conversation: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    child: Child,
}

impl Cluster {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/system/slurm/cluster.py"))
            .arg(folder.path().join("cluster"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let conversation = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let cluster = Self { folder, conversation: Mutex::new(conversation), child };
        cluster.expect("ready");
        cluster
    }

    fn expect(&self, word: &str) {
        let mut line = String::new();
        self.conversation.lock().unwrap().1.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), word, "the cluster's script");
    }

    /// The node and everything on it dies, as by a power cut.
    pub fn kill_node(&self) {
        self.say("kill-node");
    }

    /// The node comes back.
    pub fn start_node(&self) {
        self.say("start-node");
    }

    fn say(&self, command: &str) {
        writeln!(self.conversation.lock().unwrap().0, "{command}").unwrap();
        self.expect("ok");
    }

    pub fn configuration(&self) -> PathBuf {
        self.folder.path().join("cluster/slurm.conf")
    }

    /// Calls one of Slurm's programs.
    pub fn ask(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(arguments).env("SLURM_CONF", self.configuration()).output().unwrap()
    }

    /// squeue's lines `array|index|state|reason` of jobs of this name, ended ones too.
    pub fn jobs(&self, name: &str) -> Vec<String> {
        let name = format!("--name={name}");
        let output = self.ask("squeue", &["-h", "--array", "--states=all", "--format=%F|%K|%T|%r", &name]);
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    /// Slurm lets a requeued job wait for two minutes; a test does not.
    pub fn hurry(&self, job: &str) {
        self.ask("scontrol", &["update", &format!("jobid={job}"), "starttime=now"]);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.child),
            rustix::process::Signal::TERM,
        );
        let _ = self.child.wait();
    }
}

/// What stands in the job's name after `loradeck-`, for each submission of the workspace.
pub fn submissions(root: &Path) -> Vec<String> {
    let folder = root.join("experiments/x/sweeps/slurm");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
