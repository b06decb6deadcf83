//! Decides whether to requeue a run that Slurm ended. Refused if it cannot be resumed, or made no progress in three
//! attempts.

use loradeck_core::run::{JournalEntry, RunFolder, Summary, read_journal};

use super::job_state::Ending;
use crate::launch::exec;

/// How often in a row a job may be ended from outside without its run having come any further.
const FRUITLESS_LIMIT: usize = 3;

/// Why a run that ended so should not go on, in words for people.
pub(crate) fn obstacle(run: &RunFolder, ending: Ending) -> Option<String> {
    if let Some(why) = exec::why_not_resumable(run) {
        return Some(format!("{}, and {why}", ending.words()));
    }
    let reached = Reached::by(run);
    let times = reached.ends_here(&read_journal(run).entries);
    (times >= FRUITLESS_LIMIT).then(|| reached.fruitless_words(ending, times))
}

/// The journal's word for an attempt that the cluster ended and the next one continues.
pub(crate) fn requeue_entry(run: &RunFolder, attempt: u32, ending: Ending) -> JournalEntry {
    Reached::by(run).note(JournalEntry::new("requeue", attempt).with("message", ending.words()))
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    /// The step of the newest checkpoint.
    Checkpoint(Option<u64>),
    /// Another trainer's checkpoints are its own affair; this is the last step of its metrics.
    Step(u64),
}

impl Reached {
    fn by(run: &RunFolder) -> Self {
        if exec::is_foreign(run) {
            let summary = Summary::read(run).ok().flatten();
            Self::Step(summary.map_or(0, |summary| summary.step))
        } else {
            Self::Checkpoint(run.checkpoint_steps().last().copied())
        }
    }

    fn note(self, entry: JournalEntry) -> JournalEntry {
        match self {
            Self::Checkpoint(Some(step)) => entry.with("checkpoint", step),
            Self::Checkpoint(None) => entry,
            Self::Step(step) => entry.at(step),
        }
    }

    /// How many ends in a row, one that happens now included, came no further than this.
    fn ends_here(self, entries: &[JournalEntry]) -> usize {
        let had = |entry: &JournalEntry| match self {
            Self::Checkpoint(newest) => {
                entry.facts.get("checkpoint").and_then(serde_json::Value::as_u64) >= newest
            }
            Self::Step(step) => entry.step >= Some(step),
        };
        let requeues = entries.iter().rev().filter(|entry| entry.kind == "requeue");
        1 + requeues.take_while(|entry| had(entry)).count()
    }

    fn fruitless_words(self, ending: Ending, times: usize) -> String {
        let (what, hint) = match self {
            Self::Checkpoint(_) => ("a new checkpoint", "a smaller save_steps"),
            Self::Step(_) => ("a new step", "more frequent checkpoints of its own"),
        };
        format!(
            "{}; interrupted {times} times in a row without {what} (hint: a longer slurm: time, or {hint})",
            ending.words()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(step: Option<u64>) -> JournalEntry {
        Reached::Checkpoint(step).note(JournalEntry::new("requeue", 1))
    }

    #[test]
    fn a_new_checkpoint_begins_the_count_again() {
        let ends_at = |newest, entries: &[JournalEntry]| Reached::Checkpoint(newest).ends_here(entries);
        assert_eq!(ends_at(None, &[]), 1);
        assert_eq!(ends_at(Some(200), &[at(Some(100))]), 1);
        assert_eq!(ends_at(Some(100), &[at(Some(100))]), 2);
        assert_eq!(ends_at(None, &[at(None), at(None)]), 3);
        assert_eq!(ends_at(Some(200), &[at(Some(100)), at(Some(200)), JournalEntry::new("end", 1)]), 2);
    }

    #[test]
    fn another_trainer_comes_further_by_its_steps() {
        let after = |step| Reached::Step(step).note(JournalEntry::new("requeue", 1));
        let ends_at = |step, entries: &[JournalEntry]| Reached::Step(step).ends_here(entries);
        assert_eq!(ends_at(40, &[after(10), after(20), after(30)]), 1, "as long as it takes");
        assert_eq!(ends_at(39, &[after(40), after(41)]), 3, "one that begins again each time");
        assert_eq!(ends_at(0, &[after(0), after(0)]), 3, "one of which nothing is seen");
    }

    /// A run with this configuration whose first attempt has begun a command.
    fn begun(config: &str) -> (tempfile::TempDir, RunFolder) {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        std::fs::write(run.config(), config).unwrap();
        let mut journal =
            loradeck_core::run::Journal::open(&run, loradeck_core::run::Writer::Trainer).unwrap();
        journal.append(&JournalEntry::new("command", 1)).unwrap();
        (folder, run)
    }

    #[test]
    fn a_command_that_cannot_go_on_is_not_queued_again() {
        let (_folder, run) = begun("command: [train]\n");
        let why = obstacle(&run, Ending::TimedOut).unwrap();
        assert!(
            why.starts_with("the job reached its time limit, and its command cannot resume")
                && why.contains("retry"),
            "{why}"
        );
        let (_folder, run) = begun("command: [train]\nresume_command: [train, --resume]\n");
        assert_eq!(obstacle(&run, Ending::TimedOut), None);
    }

    #[test]
    fn what_comes_to_nothing_is_told_with_a_hint() {
        let words = Reached::Step(4).fruitless_words(Ending::Preempted, 3);
        assert!(words.starts_with("another job took the node; interrupted 3 times in a row"), "{words}");
        assert!(words.contains("slurm: time"), "{words}");
    }
}
