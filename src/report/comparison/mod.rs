//! Comparing runs: hyperparameters that differ against what was measured, the best first.

mod gather;
mod grid;
mod present;
mod story;
mod write;

use std::collections::BTreeMap;

use loradeck_core::config::Provenance;
use loradeck_core::run::MetricBest;
use loradeck_core::time::Moment;
use serde::Serialize;

use super::evidence::doubt;
use super::statistics::{Effect, effect};
use super::{MetricGoal, goal_of, key_metric};

pub use gather::gather;
pub use present::{to_csv, to_json, to_markdown_table, to_terminal};
pub use write::{committed_experiment_files, compare_experiment, comparison_message, write};

/// One run of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedRun {
    /// Its folder's name, or `EXPERIMENT/RUN` where runs of several experiments are compared.
    pub name: String,
    /// Its report, relative to the experiment's folder.
    pub link: String,
    /// Its state's word.
    pub state: String,
    /// A sentence about its end.
    pub message: Option<String>,
    /// Every setting that is no name, as text, in the order of the table of keys.
    pub settings: Vec<(String, String)>,
    /// The settings that were chosen; the others are defaults, some of which follow from chosen ones.
    #[serde(skip)]
    pub chosen: Vec<String>,
    /// Best and last per metric.
    pub metrics: BTreeMap<String, MetricBest>,
    /// Steps done.
    pub step: u64,
    /// Steps planned.
    pub total_steps: u64,
    /// Seconds of training.
    pub seconds: f64,
    /// Tokens trained on.
    pub tokens: u64,
    /// Pictures trained on.
    #[serde(skip_serializing_if = "is_zero")]
    pub images: u64,
    /// Samples held out.
    #[serde(skip)]
    pub eval_samples: u64,
    /// Whether our own trainer made it of pictures.
    #[serde(skip)]
    pub is_image: bool,
    /// When its summary was last written.
    pub updated: Moment,
    /// Where it came from; not part of the comparison's own output.
    #[serde(skip)]
    pub provenance: Provenance,
}

impl ComparedRun {
    /// A setting's text; empty where the run has none.
    pub fn setting(&self, key: &str) -> &str {
        self.settings.iter().find(|(known, _)| known == key).map_or("", |(_, value)| value)
    }

    /// The best value of a metric.
    pub fn best(&self, tag: &str) -> Option<f64> {
        self.metrics.get(tag).map(|metric| metric.best).filter(|value| value.is_finite())
    }

    /// Pictures trained on in a second; `None` where none were.
    pub fn images_per_second(&self) -> Option<f64> {
        (self.images > 0 && self.seconds > 0.0).then(|| self.images as f64 / self.seconds)
    }

    fn has_failed(&self) -> bool {
        self.state == "failed"
    }
}

// The signature is serde's.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Runs side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// What is compared.
    pub title: String,
    /// The metric that runs are sorted by; empty where none has measured anything.
    pub metric: String,
    /// Whether lower is better.
    pub lower_is_better: bool,
    /// The settings in which runs differ.
    pub keys: Vec<String>,
    /// The runs, the best first, failed ones last.
    pub runs: Vec<ComparedRun>,
    /// When the newest of them was last written.
    pub updated: Moment,
    #[serde(skip)]
    goal: Option<MetricGoal>,
}

impl Comparison {
    /// Compares runs by `metric`, or by the one that most of them are judged by.
    pub fn new(title: &str, mut runs: Vec<ComparedRun>, metric: Option<&str>) -> Self {
        let tag = metric.map(str::to_owned).or_else(|| common_metric(&runs)).unwrap_or_default();
        let provenance = runs.first().map(|run| run.provenance.clone()).unwrap_or_default();
        let goal = goal_of(&provenance, &tag);
        runs.sort_by(|a, b| {
            a.has_failed()
                .cmp(&b.has_failed())
                .then_with(|| goal.order(a.best(&tag), b.best(&tag)))
                .then_with(|| a.name.cmp(&b.name))
        });
        Self {
            title: title.to_owned(),
            keys: differing_keys(&runs),
            updated: runs.iter().map(|run| run.updated).max().unwrap_or_default(),
            lower_is_better: goal.is_lower(),
            metric: tag,
            runs,
            goal: Some(goal),
        }
    }

    /// Why what runs are sorted by does not rank them; `None` where it does.
    pub fn doubt(&self) -> Option<String> {
        self.doubt_about(&self.metric)
    }

    fn doubt_about(&self, tag: &str) -> Option<String> {
        let measured = || self.runs.iter().filter(|run| run.best(tag).is_some());
        let fewest = measured().map(|run| run.eval_samples).min()?;
        doubt(measured().any(|run| run.is_image), tag, fewest)
    }

    /// The best run that did not fail; none where what they are sorted by does not rank them.
    pub fn best(&self) -> Option<&ComparedRun> {
        if self.doubt().is_some() {
            return None;
        }
        self.runs.iter().find(|run| !run.has_failed() && run.best(&self.metric).is_some())
    }

    /// How much each differing setting seems to matter, the most first.
    pub fn effects(&self) -> Vec<Effect> {
        if self.doubt().is_some() {
            return Vec::new();
        }
        let good = || self.runs.iter().filter(|run| !run.has_failed());
        let mut effects: Vec<Effect> = self
            .keys
            .iter()
            .filter_map(|key| {
                let values: Vec<(String, f64)> = good()
                    .filter_map(|run| Some((run.setting(key).to_owned(), run.best(&self.metric)?)))
                    .collect();
                effect(key, &values)
            })
            .collect();
        effects.sort_by(|a, b| b.range.total_cmp(&a.range));
        effects
    }

    /// Metrics shown beside the first: other evaluations, and the training loss.
    pub fn other_metrics(&self) -> Vec<String> {
        let mut tags: Vec<String> = self
            .runs
            .iter()
            .flat_map(|run| run.metrics.keys())
            .filter(|tag| (tag.starts_with("eval/") || *tag == "train/loss") && **tag != self.metric)
            .cloned()
            .collect();
        tags.sort_by_key(|tag| (loradeck_core::metrics::registry::rank(tag), tag.clone()));
        tags.dedup();
        tags.truncate(4);
        tags
    }

    /// Whether the runs count pictures instead of tokens.
    pub fn counts_images(&self) -> bool {
        self.runs.iter().any(|run| run.images > 0)
    }

    /// Whether `value` is the best of all runs that did not fail.
    fn is_best(&self, tag: &str, run: &ComparedRun) -> bool {
        if self.doubt_about(tag).is_some() {
            return false;
        }
        let goal = if tag == self.metric { self.goal } else { None };
        let goal = goal.unwrap_or_else(|| goal_of(&Provenance::default(), tag));
        let Some(value) = run.best(tag).filter(|_| !run.has_failed()) else { return false };
        let mut others =
            self.runs.iter().filter(|other| !other.has_failed()).filter_map(|other| other.best(tag));
        self.runs.len() > 1 && !others.any(|other| goal.is_better(other, value))
    }
}

/// The metric that most runs are judged by; of equals the one of the first run.
fn common_metric(runs: &[ComparedRun]) -> Option<String> {
    let tags: Vec<String> = runs.iter().filter_map(|run| key_metric(&run.provenance, &run.metrics)).collect();
    let count = |tag: &String| tags.iter().filter(|other| *other == tag).count();
    tags.iter()
        .fold(None, |most: Option<&String>, tag| match most {
            Some(most) if count(most) >= count(tag) => Some(most),
            _ => Some(tag),
        })
        .cloned()
}

fn differing_keys(runs: &[ComparedRun]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for (key, _) in runs.iter().flat_map(|run| &run.settings) {
        let differs = || runs.iter().any(|run| run.setting(key) != runs[0].setting(key));
        // One that follows from another in every run, such as an alpha of twice the rank, says nothing more.
        let is_chosen = || runs.iter().any(|run| run.chosen.contains(key));
        if !keys.contains(key) && differs() && is_chosen() {
            keys.push(key.clone());
        }
    }
    keys
}
