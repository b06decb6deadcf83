//! `.loradeck/slurm.json`: what the dispatcher last heard from Slurm about the runs it has there, for whoever shows
//! them. Deleting it loses nothing: it is written again at the next poll.

use std::collections::BTreeMap;

use loradeck_core::error::FileError;
use loradeck_core::file::{self, Durability};
use loradeck_core::run::{RunFolder, Workspace};
use loradeck_core::time::Moment;
use serde::{Deserialize, Serialize};

use crate::launch::schedule::Waiting;

/// What Slurm said of one run's element.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownJob {
    /// The element, such as `123_4`; empty before Slurm has it.
    pub job: String,
    /// Slurm's word for its state.
    pub state: String,
    /// Why it waits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When it started or, while it waits, when Slurm expects it to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Moment>,
    /// Its nodes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub nodes: String,
}

/// Everything that Slurm said at one poll.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownJobs {
    /// When.
    pub time: Moment,
    /// What went wrong, where Slurm did not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// By the run's label.
    #[serde(default)]
    pub runs: BTreeMap<String, ShownJob>,
}

impl ShownJob {
    /// In words, for a line of the queue.
    pub fn words(&self) -> String {
        if self.job.is_empty() {
            return "is being given to Slurm".to_owned();
        }
        let reason = match self.reason.as_str() {
            "" | "None" => String::new(),
            reason => format!(" ({reason})"),
        };
        let place = match (&self.start, self.nodes.as_str()) {
            (Some(start), "") => format!(", expected to start {}", start.to_minute()),
            (None, "") => String::new(),
            (_, nodes) => format!(" on {nodes}"),
        };
        format!("Slurm {}: {}{reason}{place}", self.job, self.state.to_lowercase())
    }
}

impl ShownJob {
    /// The same with what we hold it back for ourselves, where we do.
    pub fn words_beside(&self, reason: Option<&Waiting>, now: Moment) -> String {
        match reason {
            None | Some(Waiting::Nothing) => self.words(),
            Some(reason) => format!("{}; {}", self.words(), reason.words(now)),
        }
    }
}

impl ShownJobs {
    fn path(workspace: &Workspace) -> std::path::PathBuf {
        workspace.state_folder().join("slurm.json")
    }

    /// What was last heard; nothing where there is no such file, or none that can be read.
    pub fn read(workspace: &Workspace) -> Self {
        file::read_json(&Self::path(workspace)).ok().flatten().unwrap_or_default()
    }

    /// What was last heard of one run.
    pub fn of(&self, run: &RunFolder) -> Option<&ShownJob> {
        self.runs.get(&run.label())
    }

    pub(crate) fn write(&self, workspace: &Workspace) -> Result<(), FileError> {
        file::replace_json(&Self::path(workspace), self, Durability::Renamed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_told_in_a_line() {
        let waiting = ShownJob {
            job: "7_1".into(),
            state: "PENDING".into(),
            reason: "Resources".into(),
            start: Some(Moment(0)),
            nodes: String::new(),
        };
        let expected = format!("Slurm 7_1: pending (Resources), expected to start {}", Moment(0).to_minute());
        assert_eq!(waiting.words(), expected);
        let why = Waiting::GroupPaused("night".into());
        assert_eq!(
            waiting.words_beside(Some(&why), Moment(0)),
            format!("{expected}; the group 'night' is paused")
        );
        assert_eq!(waiting.words_beside(Some(&Waiting::Nothing), Moment(0)), expected);
        let running =
            ShownJob { state: "RUNNING".into(), reason: "None".into(), nodes: "n1".into(), ..waiting };
        assert_eq!(running.words(), "Slurm 7_1: running on n1");
        assert_eq!(ShownJob::default().words(), "is being given to Slurm");
    }
}
