//! `attempts/NN.json`: one record per start. Its appearance by `link(2)` is the claim, so no attempt starts twice.

use std::fs;
use std::io;

use serde::{Deserialize, Serialize};

use crate::error::{FileError, WithPath};
use crate::file;
use crate::run::{Host, RunFolder};
use crate::time::Moment;

/// One start of a run: who, where, with what. Written once, by whoever claims it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// From 1.
    pub attempt: u32,
    /// Where it was claimed.
    #[serde(flatten)]
    pub host: Host,
    /// The slot's devices, such as `cpu` or a GPU's UUID.
    pub devices: Vec<String>,
    /// Version and build of the program that claimed it.
    pub program: String,
    /// Overrides in force, as `key=value`.
    #[serde(default)]
    pub overrides: Vec<String>,
    /// When.
    pub time: Moment,
    /// The Slurm job whose element claimed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<ClusterJob>,
    /// Claimed only so that nobody starts it: the run left the queue while a cluster might have started it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

/// An element of a Slurm array job, in one of its starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterJob {
    /// The submission's id, which the job's name holds.
    pub submission: String,
    /// The element as Slurm names it, such as `123_4`.
    pub id: String,
    /// How often Slurm had started it before (`SLURM_RESTART_COUNT`).
    pub restart: u32,
}

/// Where an attempt is at work, seen from one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On this host, where its locks tell whether it lives.
    Here,
    /// On another one, where its heartbeat does.
    OtherHost,
    /// On a node of Slurm's, where neither is to be trusted: the dispatcher asks Slurm, and writes the end of a run
    /// whose job is over.
    Slurm,
}

impl Attempt {
    /// Where it is at work, seen from `here`.
    pub fn place(&self, here: &Host) -> Place {
        match self.job {
            Some(_) => Place::Slurm,
            None if self.host.host != here.host => Place::OtherHost,
            None => Place::Here,
        }
    }
}

/// How a claim ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The attempt is ours to start.
    Won,
    /// Somebody else has claimed it.
    Taken,
}

/// Claims `record.attempt`: the record is written under a name of its own and linked into place.
pub fn claim(run: &RunFolder, record: &Attempt) -> Result<Claim, FileError> {
    file::create_folder(&run.attempts())?;
    let path = run.attempt(record.attempt);
    let text = serde_json::to_vec_pretty(record).map_err(io::Error::from).with_path(&path, "encode")?;
    Ok(if file::make_once(&path, &text)? { Claim::Won } else { Claim::Taken })
}

/// The highest attempt claimed; 0 where there is none.
pub fn latest_attempt(run: &RunFolder) -> u32 {
    let Ok(entries) = fs::read_dir(run.attempts()) else { return 0 };
    entries
        .flatten()
        .filter_map(|entry| attempt_number(&entry.file_name().to_string_lossy()))
        .max()
        .unwrap_or(0)
}

/// All attempts, ascending; unreadable records are passed over.
pub fn read_attempts(run: &RunFolder) -> Vec<Attempt> {
    (1..=latest_attempt(run))
        .filter_map(|number| file::read_json(&run.attempt(number)).ok().flatten())
        .collect()
}

/// Whether the run was ever started; an attempt that was only withdrawn is no start.
pub fn has_started(run: &RunFolder) -> bool {
    (1..=latest_attempt(run)).any(|number| read_attempt(run, number).is_none_or(|attempt| !attempt.withdrawn))
}

/// The record of one attempt; `None` where there is none, or none that can be read.
pub fn read_attempt(run: &RunFolder, number: u32) -> Option<Attempt> {
    file::read_json(&run.attempt(number)).ok().flatten()
}

fn attempt_number(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".json")?;
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(attempt: u32) -> Attempt {
        Attempt {
            attempt,
            host: Host { host: "a".into(), boot_id: "b".into() },
            devices: vec!["cpu".into()],
            program: "test".into(),
            overrides: Vec::new(),
            time: Moment(1),
            job: None,
            withdrawn: false,
        }
    }

    #[test]
    fn another_boot_of_this_host_is_here_and_a_job_with_slurm() {
        let seen = |attempt: &Attempt, host: &str| {
            attempt.place(&Host { host: host.into(), boot_id: "another".into() })
        };
        assert_eq!(seen(&record(1), "a"), Place::Here);
        assert_eq!(seen(&record(1), "b"), Place::OtherHost);
        let job = ClusterJob { submission: "s".into(), id: "7_1".into(), restart: 0 };
        assert_eq!(seen(&Attempt { job: Some(job), ..record(1) }, "a"), Place::Slurm);
    }

    #[test]
    fn a_withdrawn_attempt_is_no_start() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        assert!(!has_started(&run));
        claim(&run, &Attempt { withdrawn: true, ..record(1) }).unwrap();
        assert!(!has_started(&run) && latest_attempt(&run) == 1);
        claim(&run, &record(2)).unwrap();
        assert!(has_started(&run));
    }

    #[test]
    fn of_many_claimants_one_wins() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        let won = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| claim(&run, &record(1)).unwrap())).collect();
            threads
                .into_iter()
                .filter(|_| true)
                .map(|t| t.join().unwrap())
                .filter(|c| *c == Claim::Won)
                .count()
        });
        assert_eq!(won, 1);
        assert_eq!(latest_attempt(&run), 1);
        assert_eq!(read_attempts(&run), [record(1)]);
        assert_eq!(fs::read_dir(run.attempts()).unwrap().count(), 1, "no staged file is left");
    }
}
