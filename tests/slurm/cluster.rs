//! A real cluster of one node for a test, ended with the test.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::Mutex;

use loradeck_core::time::Moment;

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

    /// Slurm lets a requeued job wait for two minutes; a test lets it start with the next second. Not in the same one:
    /// the node counts what it revoked by whole seconds, and takes a new credential of that second for a revoked one
    /// (`cred->ctime <= j->revoked` in Slurm's `slurm_cred.c`), upon which the controller ends the job. Changes nothing
    /// of a job that is to start soon, so that asking again and again does not put it off.
    pub fn hurry(&self, job: &str) {
        let soon = Moment::now().0 / 1000 + 1;
        if self.may_start_from(job).is_some_and(|from| from > soon) {
            self.ask("scontrol", &["update", &format!("jobid={job}"), "starttime=now+1"]);
        }
    }

    /// The second from which a waiting job may start.
    fn may_start_from(&self, job: &str) -> Option<i64> {
        let mut command = Command::new("scontrol");
        command.args(["--oneliner", "show", "job", job]).env("SLURM_CONF", self.configuration());
        let output = command.env("SLURM_TIME_FORMAT", "%s").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let field = |name: &str| text.split_whitespace().find_map(|field| field.strip_prefix(name));
        (field("JobState=") == Some("PENDING")).then(|| field("EligibleTime=")?.parse().ok())?
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
    let names = |folder: PathBuf| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let experiments = root.join("experiments");
    let of = |name: String| names(experiments.join(name).join("sweeps/slurm"));
    names(experiments.clone()).into_iter().flat_map(of).collect()
}
