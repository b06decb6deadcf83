//! A real cluster for a test, ended with the test.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::Mutex;

use loradeck_core::time::Moment;

/// The node of a cluster that has only one.
pub const NODE: &str = "node";

type Conversation = (ChildStdin, BufReader<ChildStdout>);

pub struct Cluster {
    folder: tempfile::TempDir,
    conversation: Mutex<Conversation>,
    child: Child,
}

impl Cluster {
    /// A cluster of one node, [`NODE`], which sees all files as this process does.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A cluster of these nodes, beside other hosts. Each host sees `shared` through a mount of its own, as over NFS.
    pub fn of_hosts(shared: &Path, nodes: &[&str], others: &[&str]) -> Self {
        let mut arguments = vec!["--shared", shared.to_str().unwrap()];
        arguments.extend(nodes.iter().flat_map(|name| ["--node", name]));
        arguments.extend(others.iter().flat_map(|name| ["--host", name]));
        Self::with(&arguments)
    }

    /// As [`Cluster::start`], with accounting, and a controller that soon forgets jobs that are over.
    pub fn with_accounts() -> Self {
        Self::with(&["--accounting", "--forget-after", "2"])
    }

    fn with(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/system/slurm/cluster.py"))
            .arg(folder.path().join("cluster"))
            .args(arguments)
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
        assert_eq!(listen(&mut self.conversation.lock().unwrap()), word, "the cluster's script");
    }

    /// The host and everything on it dies, as by a power cut.
    pub fn kill(&self, host: &str) {
        assert_eq!(self.say(&format!("kill {host}")), "ok");
    }

    /// The host comes back.
    pub fn start_again(&self, host: &str) {
        assert_eq!(self.say(&format!("start {host}")), "ok");
    }

    /// A process of the host, by which others enter it.
    pub fn door(&self, host: &str) -> String {
        self.say(&format!("pid {host}"))
    }

    fn say(&self, command: &str) -> String {
        let mut conversation = self.conversation.lock().unwrap();
        writeln!(conversation.0, "{command}").unwrap();
        listen(&mut conversation)
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

fn listen(conversation: &mut Conversation) -> String {
    let mut line = String::new();
    conversation.1.read_line(&mut line).unwrap();
    line.trim().to_owned()
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
