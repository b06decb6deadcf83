//! What is at work, waits and has ended.

use super::App;
use crate::store::{Run, RunId, ShownState};

impl App {
    /// The runs of the queue screen: at work, waiting in their order, and the last that ended.
    pub fn queue_rows(&self) -> Vec<RunId> {
        let mut live: Vec<&Run> = self.runs.iter().filter(|run| run.state().is_live()).collect();
        live.sort_by_key(|run| run.summary.as_ref().map(|summary| summary.started));
        let mut waiting: Vec<&Run> = self
            .runs
            .iter()
            .filter(|run| matches!(run.state(), ShownState::Queued | ShownState::Held))
            .collect();
        // In the order in which they would start; where that is not known yet, by what the queue goes by.
        waiting.sort_by_key(|run| {
            let waiting = self.runs.queue.waiting_of(run.id);
            let place = waiting.map_or(usize::MAX, |(place, _)| place);
            // What somebody holds back comes after what goes on by itself.
            let held = run.state() == ShownState::Held;
            let paused = waiting.is_some_and(|(_, reason)| !reason.may_pass());
            (held, paused, place, std::cmp::Reverse(run.queue.priority), run.queue.queued_at, run.id)
        });
        let mut ended: Vec<&Run> = self.runs.iter().filter(|run| is_ended(run)).collect();
        ended.sort_by_key(|run| std::cmp::Reverse(run.status.as_ref().map(|status| status.since)));
        ended.truncate(20);
        live.into_iter().chain(waiting).chain(ended).map(|run| run.id).collect()
    }

    /// Seconds until everything at work and waiting will be through, if that can be guessed: what remains of the runs
    /// at work, and for each waiting one the mean length of those that finished, shared by the slots.
    pub fn all_done_in(&self) -> Option<f64> {
        let remaining: Vec<f64> = self.runs.iter().filter_map(|run| run.seconds_left(self.now)).collect();
        let waiting = self.runs.iter().filter(|run| run.state() == ShownState::Queued).count();
        let finished = self.runs.iter().filter(|run| run.state() == ShownState::Finished);
        let lengths: Vec<f64> =
            finished.filter_map(|run| run.summary.as_ref().map(|summary| summary.seconds)).collect();
        if waiting > 0 && lengths.is_empty() || waiting == 0 && remaining.is_empty() {
            return None;
        }
        let mean = lengths.iter().sum::<f64>() / lengths.len().max(1) as f64;
        let slots = self.runs.queue.slots.iter().filter(|slot| !slot.foreign).count().max(1);
        let longest = remaining.iter().copied().fold(0.0, f64::max);
        let shared = (remaining.iter().sum::<f64>() + mean * waiting as f64) / slots as f64;
        Some(shared.max(longest))
    }
}

fn is_ended(run: &Run) -> bool {
    matches!(
        run.state(),
        ShownState::Finished
            | ShownState::Failed
            | ShownState::Stopped
            | ShownState::Pruned
            | ShownState::Lost
    )
}
