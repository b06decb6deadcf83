//! Which metric a run is judged by, and which way is better. No IO.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use loradeck_core::config::{Goal as ConfigGoal, Provenance};
use loradeck_core::metrics::{Goal, registry};
use loradeck_core::run::MetricBest;

use super::markdown::inline;

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricGoal(Goal);

impl MetricGoal {
    /// Whether lower is better.
    pub fn is_lower(self) -> bool {
        self.0 == Goal::Minimise
    }

    /// Whether `left` is better than `right`.
    pub fn is_better(self, left: f64, right: f64) -> bool {
        if self.is_lower() { left < right } else { left > right }
    }

    /// The better first; what has no value, or none that is a number, last.
    pub fn order(self, left: Option<f64>, right: Option<f64>) -> Ordering {
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        match (finite(left), finite(right)) {
            (Some(left), Some(right)) if self.is_lower() => left.total_cmp(&right),
            (Some(left), Some(right)) => right.total_cmp(&left),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        }
    }
}

/// The tag that a run is judged by: its sweep's metric, else the validation loss, else the training loss, of those
/// that it has measured.
pub fn key_metric(provenance: &Provenance, metrics: &BTreeMap<String, MetricBest>) -> Option<String> {
    let named = provenance.metric.as_ref().map(|metric| registry::canonical(&metric.name).to_owned());
    let candidates = named.into_iter().chain(["eval/loss".to_owned(), "train/loss".to_owned()]);
    candidates.into_iter().find(|tag| metrics.contains_key(tag))
}

/// Which way `tag` is better, as the sweep says or else as such metrics are.
pub fn goal_of(provenance: &Provenance, tag: &str) -> MetricGoal {
    let named = provenance.metric.as_ref().filter(|metric| registry::canonical(&metric.name) == tag);
    MetricGoal(match named.map(|metric| metric.goal) {
        Some(ConfigGoal::Minimize) => Goal::Minimise,
        Some(ConfigGoal::Maximize) => Goal::Maximise,
        None => registry::goal_or_lower(tag),
    })
}

/// A metric's name for people, as Markdown.
pub fn metric_name(tag: &str) -> String {
    inline(&registry::describe(tag).name)
}

#[cfg(test)]
mod tests {
    use loradeck_core::config::Metric;

    use super::*;

    fn measured(tags: &[&str]) -> BTreeMap<String, MetricBest> {
        let best = MetricBest { best: 1.0, best_step: 1, last: 1.0, last_step: 1, first: 1.0, first_step: 1 };
        tags.iter().map(|tag| ((*tag).to_owned(), best)).collect()
    }

    #[test]
    fn the_sweeps_metric_goes_first_where_it_was_measured() {
        let metric = Some(Metric { name: "eval_loss".into(), goal: ConfigGoal::Minimize });
        let provenance = Provenance { metric, ..Provenance::default() };
        let named = Provenance {
            metric: Some(Metric { name: "eval/accuracy".into(), goal: ConfigGoal::Maximize }),
            ..Provenance::default()
        };
        let all = measured(&["eval/loss", "train/loss", "eval/accuracy"]);
        assert_eq!(key_metric(&provenance, &all).as_deref(), Some("eval/loss"));
        assert_eq!(key_metric(&named, &all).as_deref(), Some("eval/accuracy"));
        assert_eq!(key_metric(&named, &measured(&["train/loss"])).as_deref(), Some("train/loss"));
        assert!(!goal_of(&named, "eval/accuracy").is_lower() && goal_of(&named, "train/loss").is_lower());
        assert_eq!(key_metric(&named, &measured(&[])), None);
    }

    #[test]
    fn what_has_no_value_comes_last() {
        let goal = goal_of(&Provenance::default(), "eval/loss");
        let mut values = [None, Some(2.0), Some(f64::NAN), Some(1.0)];
        values.sort_by(|a, b| goal.order(*a, *b));
        assert_eq!(&values[..2], &[Some(1.0), Some(2.0)]);
    }
}
