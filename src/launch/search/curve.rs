//! A trial's values of the metric that decides, followed as they are written.

use loradeck_core::config::Goal;
use loradeck_core::error::FileError;
use loradeck_core::metrics::{EventSink, EventTail};
use loradeck_core::run::RunFolder;

/// Steps and values of one metric.
#[derive(Debug, Default)]
struct OneMetric {
    tag: String,
    points: Vec<(u64, f64)>,
}

impl EventSink for OneMetric {
    fn scalar(&mut self, tag: &str, step: u64, _time: f64, value: f64) {
        if tag == self.tag {
            self.points.push((step, value));
        }
    }

    fn purge(&mut self, step: u64) {
        self.points.retain(|(at, _)| *at < step);
    }

    fn clear(&mut self) {
        self.points.clear();
    }
}

/// The curve of one trial.
pub(super) struct TrialCurve {
    tail: EventTail,
    metric: OneMetric,
}

impl TrialCurve {
    pub(super) fn new(run: &RunFolder, tag: &str) -> Self {
        let metric = OneMetric { tag: tag.to_owned(), points: Vec::new() };
        Self { tail: EventTail::new(&run.logs()), metric }
    }

    /// Reads what is new.
    pub(super) fn poll(&mut self) -> Result<(), FileError> {
        self.tail.poll(&mut self.metric).map(drop)
    }

    /// Steps, ascending, and values.
    pub(super) fn points(&self) -> &[(u64, f64)] {
        &self.metric.points
    }

    /// The best finite value.
    pub(super) fn best(&self, goal: Goal) -> Option<f64> {
        let finite = self.metric.points.iter().map(|(_, value)| *value).filter(|value| value.is_finite());
        finite.reduce(|best, value| match goal {
            Goal::Minimize => best.min(value),
            Goal::Maximize => best.max(value),
        })
    }
}
