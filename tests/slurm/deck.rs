//! A workspace whose runs go to a cluster.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use loradeck::launch::{NewRun, Order, submit};
use loradeck_core::config::read_frozen;
use loradeck_core::run::{QueueEntry, RunFolder, State, Status};

use crate::cluster::{Cluster, submissions};
use crate::support::{Deck, status};

pub struct SlurmDeck<'a> {
    pub deck: Deck,
    pub cluster: &'a Cluster,
}

impl<'a> SlurmDeck<'a> {
    pub fn new(cluster: &'a Cluster) -> Self {
        Self { deck: Deck::new(), cluster }
    }

    /// The same in a git repository.
    pub fn in_git(cluster: &'a Cluster) -> Self {
        Self { deck: Deck::in_git(), cluster }
    }

    pub fn root(&self) -> &Path {
        self.deck.workspace.root()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.deck.command(arguments);
        command.env("SLURM_CONF", self.cluster.configuration());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        output
    }

    /// Waits for the run's end, while Slurm lets its job `job` start as soon as it may.
    pub fn hurry_to_end(&self, run: &RunFolder, job: &str) -> Status {
        wait_long("it ends", || {
            self.cluster.hurry(job);
            status(run).state.is_end()
        });
        status(run)
    }

    pub fn text(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.run(arguments).stdout).unwrap()
    }

    /// Queues one run per mode of the stand-in trainer, with these settings of Slurm.
    pub fn queue(&self, modes: &[&str], slurm: &str) -> Vec<RunFolder> {
        self.queue_as(&QueueEntry::default(), modes, &for_slurm(slurm))
    }

    /// The same with this place in the queue; `more` ends the configuration and says who starts the run.
    pub fn queue_as(&self, entry: &QueueEntry, modes: &[&str], more: &str) -> Vec<RunFolder> {
        let runs: Vec<NewRun> = modes
            .iter()
            .map(|mode| {
                let text = format!("base_model: m.gguf\ntrain_data_dir: data\nnotes: {mode}\n{more}");
                let (settings, provenance) = read_frozen(Path::new("e.yaml"), &text, &[]).unwrap();
                NewRun { slug: (*mode).into(), settings, provenance, entry: entry.clone() }
            })
            .collect();
        let workspace = &self.deck.workspace;
        submit(workspace, &workspace.experiment("x"), &runs, &Order::default()).unwrap().runs
    }

    pub fn dispatch(&self) -> std::process::Child {
        self.command(&["dispatch", "--detached"]).spawn().unwrap()
    }

    /// What Slurm last said of the run, as `queue` shows it.
    pub fn words(&self, run: &RunFolder) -> String {
        let queue = self.text(&["queue"]);
        queue.lines().find(|line| line.contains(&run.name())).unwrap_or_default().to_owned()
    }

    /// The only submission's job, as `array_index`.
    pub fn job(&self, index: u32) -> String {
        let [id] = submissions(self.root()).try_into().unwrap();
        let jobs = self.cluster.jobs(&format!("loradeck-{id}"));
        let array = jobs.first().and_then(|job| job.split('|').next()).unwrap().to_owned();
        format!("{array}_{index}")
    }

    /// Every array that this workspace has in Slurm, ended ones too.
    pub fn arrays(&self) -> Vec<String> {
        let mut arrays: Vec<String> = submissions(self.root())
            .iter()
            .flat_map(|id| self.cluster.jobs(&format!("loradeck-{id}")))
            .filter_map(|job| job.split('|').next().map(str::to_owned))
            .collect();
        arrays.sort();
        arrays.dedup();
        arrays
    }

    pub fn wait_until_quiet(&self) {
        wait_long("the dispatcher goes", || !self.deck.dispatcher_is_at_work());
    }
}

/// What a configuration says of Slurm.
pub fn for_slurm(settings: &str) -> String {
    format!("launcher: slurm\nslurm: {settings}\n")
}

impl Drop for SlurmDeck<'_> {
    /// A failed test leaves no job behind that holds the cluster's node.
    fn drop(&mut self) {
        for array in self.arrays() {
            self.cluster.ask("scancel", &[&array]);
        }
    }
}

/// Waits for what takes Slurm its time.
pub fn wait_long(what: &str, mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(100);
    while !condition() {
        assert!(Instant::now() < until, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn wait_for_end(run: &RunFolder) -> Status {
    wait_long(&format!("{} ends", run.label()), || status(run).state.is_end());
    status(run)
}

pub fn states(runs: &[RunFolder]) -> Vec<State> {
    runs.iter().map(|run| status(run).state).collect()
}
