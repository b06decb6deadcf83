//! How fast a run goes of late, from what its summary said at different times.

use loradeck_core::run::Summary;

/// Observations kept: at one summary every 2 s, about the last minute.
const KEPT: usize = 30;
/// The shortest stretch, in seconds, that says anything about the pace.
const SHORTEST: f64 = 4.0;

/// The newest observations of one attempt: when, and how many steps were done.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    attempt: u32,
    seen: std::collections::VecDeque<(f64, u64)>,
}

impl Pace {
    /// Takes up what a summary says.
    pub(super) fn note(&mut self, summary: &Summary) {
        let now = (summary.updated.seconds(), summary.step);
        let goes_on = self.attempt == summary.attempt
            && self.seen.back().is_none_or(|last| last.0 <= now.0 && last.1 <= now.1);
        if !goes_on {
            self.seen.clear();
        }
        self.attempt = summary.attempt;
        if self.seen.back() != Some(&now) {
            self.seen.push_back(now);
        }
        if self.seen.len() > KEPT {
            self.seen.pop_front();
        }
    }

    /// Steps per second: of the observed stretch, or, before there is one, of the whole training so far.
    pub(super) fn steps_per_second(&self, summary: &Summary) -> Option<f64> {
        self.observed()
            .or_else(|| (summary.seconds > 0.0).then(|| summary.step as f64 / summary.seconds))
            .filter(|rate| *rate > 0.0 && rate.is_finite())
    }

    fn observed(&self) -> Option<f64> {
        let (first, last) = (self.seen.front()?, self.seen.back()?);
        let seconds = last.0 - first.0;
        (seconds >= SHORTEST && last.1 > first.1).then(|| (last.1 - first.1) as f64 / seconds)
    }
}
