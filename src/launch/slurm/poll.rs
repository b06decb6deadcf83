//! One look at Slurm for all open submissions: one call of squeue, and one of sacct only for what squeue has
//! forgotten.

use std::collections::HashMap;
use std::path::Path;

use loradeck_core::time::Moment;

use super::job_state::{Ending, JobState};
use super::listing::{Element, parse_sacct, parse_squeue, sacct_arguments, squeue_arguments};
use super::submission::Filed;
use super::tools::{self, SlurmError};

/// What Slurm said of our jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Poll {
    by_name: HashMap<String, Vec<Element>>,
}

impl Poll {
    /// Asks about these submissions.
    pub(crate) fn of(open: &[Filed], root: &Path) -> Result<Self, SlurmError> {
        if open.is_empty() {
            return Ok(Self::default());
        }
        let names: Vec<String> = open.iter().map(|filed| filed.submission.job_name()).collect();
        let mut poll =
            Self::from_elements(parse_squeue(&tools::ask("squeue", root, &squeue_arguments(&names))?));
        let forgotten: Vec<&Filed> = open.iter().filter(|filed| poll.has_forgotten(filed)).collect();
        if !forgotten.is_empty() {
            poll.ask_accounts(&forgotten, root);
        }
        Ok(poll)
    }

    fn from_elements(elements: Vec<Element>) -> Self {
        let mut by_name: HashMap<String, Vec<Element>> = HashMap::new();
        for element in elements {
            by_name.entry(element.name.clone()).or_default().push(element);
        }
        Self { by_name }
    }

    fn has_forgotten(&self, filed: &Filed) -> bool {
        let Some(job) = filed.submission.job else { return false };
        let indices = (1..).zip(&filed.submission.elements).filter(|(_, run)| !run.over);
        indices.into_iter().any(|(index, _)| self.find(&filed.submission.job_name(), job, index).is_none())
    }

    /// Sites without accounting answer with an error, which tells nothing more than squeue did.
    fn ask_accounts(&mut self, forgotten: &[&Filed], root: &Path) {
        let names: Vec<String> = forgotten.iter().map(|filed| filed.submission.job_name()).collect();
        let since = forgotten.iter().map(|filed| filed.submission.time).min().unwrap_or_else(Moment::now);
        let Ok(text) = tools::ask("sacct", root, &sacct_arguments(&names, since)) else { return };
        for element in parse_sacct(&text) {
            if self.find(&element.name, element.array, element.index).is_none() {
                self.by_name.entry(element.name.clone()).or_default().push(element);
            }
        }
    }

    fn find(&self, name: &str, job: u64, index: u32) -> Option<&Element> {
        let elements = self.by_name.get(name)?;
        elements.iter().find(|element| element.array == job && element.index == index)
    }

    /// What was said of one element; `None` where Slurm knows it no more.
    pub(crate) fn element(&self, filed: &Filed, index: u32) -> Option<&Element> {
        self.find(&filed.submission.job_name(), filed.submission.job?, index)
    }

    /// Where an element stands.
    pub(crate) fn state(&self, filed: &Filed, index: u32) -> JobState {
        self.element(filed, index).map_or(JobState::Over(Ending::Unknown), |element| element.state)
    }

    /// Whether an element of that array is not over.
    pub(crate) fn is_alive(&self, name: &str, array: u64) -> bool {
        let of_array = self.by_name.get(name).into_iter().flatten().filter(|element| element.array == array);
        of_array.into_iter().any(|element| !matches!(element.state, JobState::Over(_)))
    }

    /// The numbers of all arrays of that name, lowest first.
    pub(crate) fn arrays(&self, name: &str) -> Vec<u64> {
        let mut arrays: Vec<u64> =
            self.by_name.get(name).into_iter().flatten().map(|element| element.array).collect();
        arrays.sort_unstable();
        arrays.dedup();
        arrays
    }
}

#[cfg(test)]
mod tests {
    use loradeck_core::run::Workspace;

    use super::super::submission::SubmittedRun;
    use super::*;

    #[test]
    fn elements_are_found_by_submission_and_place() {
        let poll = Poll::from_elements(parse_squeue(include_str!("recorded/squeue-22.05.8.txt")));
        let run = SubmittedRun { run: "0001".into(), attempt: 1, held: false, over: false };
        let mut filed = Filed::new(Workspace::at("/w").experiment("x"), vec![run.clone(); 9], Moment(1));
        filed.submission.id = "0123".into();
        assert_eq!(poll.arrays("loradeck-0123"), [1]);
        assert_eq!(poll.arrays("loradeck-9999"), [11, 12]);
        assert!(poll.element(&filed, 1).is_none(), "its job is not known yet");
        filed.submission.job = Some(1);
        assert_eq!(poll.state(&filed, 5), JobState::Over(Ending::TimedOut));
        assert!(!poll.has_forgotten(&filed));
        filed.submission.elements.push(run);
        assert!(poll.has_forgotten(&filed));
        assert_eq!(poll.state(&filed, 10), JobState::Over(Ending::Unknown));
    }
}
