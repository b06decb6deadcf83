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
    let staged = file::staging_path(&path);
    let text = serde_json::to_vec_pretty(record).map_err(io::Error::from).with_path(&path, "encode")?;
    file::replace(&staged, &text, file::Durability::Synced)?;
    let linked = fs::hard_link(&staged, &path);
    let _ = fs::remove_file(&staged);
    match linked {
        Ok(()) => {
            file::sync_folder_of(&path)?;
            Ok(Claim::Won)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Claim::Taken),
        Err(error) => Err(FileError::new(&path, "claim", error)),
    }
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
        }
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
