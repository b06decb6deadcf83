//! How often in a row the cluster has ended a run at the same checkpoint: read from its journal.

use loradeck_core::run::{JournalEntry, RunFolder};

use super::job_state::Ending;

/// The journal's word for an attempt that the cluster ended and the next one continues.
pub(crate) fn requeue_entry(run: &RunFolder, attempt: u32, ending: Ending) -> JournalEntry {
    let entry = JournalEntry::new("requeue", attempt).with("message", ending.words());
    match run.checkpoint_steps().last() {
        Some(step) => entry.with("checkpoint", *step),
        None => entry,
    }
}

/// How many ends in a row, one that happens now included, found the newest checkpoint at step `newest`.
pub(crate) fn ends_at(newest: Option<u64>, entries: &[JournalEntry]) -> usize {
    let step = |entry: &JournalEntry| entry.facts.get("checkpoint").and_then(serde_json::Value::as_u64);
    let requeues = entries.iter().rev().filter(|entry| entry.kind == "requeue");
    1 + requeues.take_while(|entry| step(entry) == newest).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(step: Option<u64>) -> JournalEntry {
        let entry = JournalEntry::new("requeue", 1);
        step.map_or(entry.clone(), |step| entry.with("checkpoint", step))
    }

    #[test]
    fn a_new_checkpoint_begins_the_count_again() {
        assert_eq!(ends_at(None, &[]), 1);
        assert_eq!(ends_at(Some(200), &[at(Some(100))]), 1);
        assert_eq!(ends_at(Some(100), &[at(Some(100))]), 2);
        assert_eq!(ends_at(None, &[at(None), at(None)]), 3);
        assert_eq!(ends_at(Some(200), &[at(Some(100)), at(Some(200)), JournalEntry::new("end", 1)]), 2);
    }
}
