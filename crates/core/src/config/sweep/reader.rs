//! Reading `sweep:` in the shape of W&B's sweep files (docs.wandb.ai, "Sweep configuration options", and the schema in
//! `wandb/sweeps`), with keys of ours beside theirs.

use super::{Goal, Method, Metric, Stopping, SweepSpec, Trials};
use crate::config::keys::{Kind, find_key};
use crate::config::kind::fitted;
use crate::config::place::{Place, Problem};
use crate::config::task::Scope;
use crate::config::yaml::{Content, Node};
use crate::text::nearest;

/// Keys that are read.
const KEYS: [&str; 12] = [
    "method",
    "metric",
    "parameters",
    "run_cap",
    "early_terminate",
    "asha",
    "median_stop",
    "seeds",
    "random_seed",
    "zip",
    "when",
    "trials",
];

/// Keys of W&B's own machinery: they do no harm, and the text says why nothing comes of them.
pub(super) const IGNORED: [(&str, &str); 11] = [
    ("program", "the experiment says what is trained"),
    ("command", "the experiment says what is trained"),
    ("name", "the experiment's folder is the name"),
    ("description", "the experiment's own notes: go into the reports"),
    ("project", "runs belong to the experiment"),
    ("entity", "runs belong to this workspace"),
    ("apiVersion", "there is one"),
    ("kind", "this is a sweep"),
    ("controller", "the dispatcher of this workspace controls it"),
    ("job", "the experiment says what is trained"),
    ("image_uri", "the experiment says what is trained"),
];

/// The most runs, seeds and the like.
const COUNT_LIMIT: i128 = 1_000_000_000;

/// Where a sweep is read from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin {
    /// The experiment's file.
    Experiment,
    /// A file of its own, such as W&B's.
    OwnFile,
    /// One place of the command line.
    CommandLine(Place),
}

/// Reads a sweep, or single fields of it; collects what is wrong and what deserves a warning.
pub(crate) struct SweepReader<'a> {
    pub(super) origin: Origin,
    pub(super) scope: Scope,
    pub(super) problems: &'a mut Vec<Problem>,
    pub(super) warnings: &'a mut Vec<Problem>,
}

impl<'a> SweepReader<'a> {
    /// A reader of a file.
    pub(crate) fn new(scope: Scope, problems: &'a mut Vec<Problem>, warnings: &'a mut Vec<Problem>) -> Self {
        Self { origin: Origin::Experiment, scope, problems, warnings }
    }

    /// A reader of a file of its own.
    pub(crate) fn of_file(
        scope: Scope,
        problems: &'a mut Vec<Problem>,
        warnings: &'a mut Vec<Problem>,
    ) -> Self {
        Self { origin: Origin::OwnFile, scope, problems, warnings }
    }

    /// A reader of what stands at one place of the command line.
    pub(crate) fn at(
        place: Place,
        scope: Scope,
        problems: &'a mut Vec<Problem>,
        warnings: &'a mut Vec<Problem>,
    ) -> Self {
        Self { origin: Origin::CommandLine(place), scope, problems, warnings }
    }

    /// Reads `sweep:`; `None` where it is null or no mapping.
    pub(crate) fn read(&mut self, node: &Node) -> Option<SweepSpec> {
        if node.content == Content::Null {
            return None;
        }
        let Content::Map(entries) = &node.content else {
            self.wrong(node, "sweep", "is a mapping with method and parameters, and this is none");
            return None;
        };
        let mut sweep = SweepSpec::default();
        for (key, value) in self.once_each("sweep", entries) {
            self.read_field(&mut sweep, key, value);
        }
        let has_axes = ["parameters", "trials", "seeds"];
        if !entries.iter().any(|(key, _)| has_axes.contains(&key.text.as_str())) {
            self.wrong_with_hint(
                node,
                "sweep",
                "has no parameters",
                "parameters: {lora_rank: {values: [4, 8]}}",
            );
        }
        Some(sweep)
    }

    /// Reads one field. Null leaves it, or makes it, as if it were not there.
    pub(crate) fn read_field(&mut self, sweep: &mut SweepSpec, name: &Node, value: &Node) {
        let field = name.text.as_str();
        let path = format!("sweep.{field}");
        sweep.places.retain(|(known, _)| known != field);
        sweep.places.push((field.to_owned(), self.place(value)));
        if value.content == Content::Null && KEYS.contains(&field) && field != "parameters" {
            forget(sweep, field);
            return;
        }
        match field {
            "method" => sweep.method = self.method(value),
            "metric" => self.metric(sweep, value),
            "parameters" => self.parameters(sweep, value),
            "run_cap" => sweep.run_cap = self.count(value, &path, 1, COUNT_LIMIT),
            "seeds" => sweep.seeds = self.count(value, &path, 1, 10_000),
            "random_seed" => {
                sweep.random_seed = self.count(value, &path, 0, u64::MAX.into()).unwrap_or_default();
            }
            "early_terminate" | "asha" | "median_stop" => self.stopping(sweep, name, value),
            "zip" => self.zip(sweep, value),
            "when" => self.when(sweep, value),
            "trials" => sweep.trials = self.trials(value),
            _ => self.other_key(name, &path),
        }
    }

    fn method(&mut self, node: &Node) -> Option<Method> {
        match node.text.as_str() {
            "grid" => Some(Method::Grid),
            "random" => Some(Method::Random),
            "bayes" => Some(Method::Bayes),
            other => {
                let known = ["grid", "random", "bayes"];
                let hint = match nearest(other, known) {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => "grid, random or bayes".to_owned(),
                };
                self.wrong_with_hint(node, "sweep.method", "is no method", &hint);
                None
            }
        }
    }

    fn metric(&mut self, sweep: &mut SweepSpec, node: &Node) {
        let hint = "metric: {name: eval/loss, goal: minimize}";
        let Content::Map(entries) = &node.content else {
            self.wrong_with_hint(
                node,
                "sweep.metric",
                "is a mapping with name and goal, and this is none",
                hint,
            );
            return;
        };
        (sweep.metric, sweep.target) = (None, None);
        let (mut name, mut goal) = (None, Goal::Minimize);
        for (key, value) in self.once_each("sweep.metric", entries) {
            match (key.text.as_str(), value.text.as_str()) {
                ("name", text) if value.content == Content::Text && !text.is_empty() => {
                    name = Some(text.to_owned());
                }
                ("name", _) => self.wrong_with_hint(value, "sweep.metric.name", "is no metric's name", hint),
                ("goal", "minimize") => goal = Goal::Minimize,
                ("goal", "maximize") => goal = Goal::Maximize,
                ("goal", _) => {
                    self.wrong(value, "sweep.metric.goal", "is neither minimize nor maximize");
                }
                ("target", _) => {
                    sweep.places.push(("target".to_owned(), self.place(value)));
                    sweep.target = self.number(value, "sweep.metric.target");
                }
                (other @ ("impute" | "impute_while_running"), _) => {
                    let why = "is ignored: runs that failed say nothing about the metric";
                    self.warn(key, &format!("sweep.metric.{other}"), why);
                }
                (other, _) => self.unknown(key, &format!("sweep.metric.{other}"), "is not known here", hint),
            }
        }
        if name.is_none() && !entries.iter().any(|(key, _)| key.text == "name") {
            self.wrong_with_hint(node, "sweep.metric", "has no name", hint);
        }
        sweep.metric = name.map(|name| Metric { name, goal });
    }

    fn trials(&mut self, node: &Node) -> Option<Trials> {
        match fitted(Kind::Path, node) {
            Ok(value) => {
                let place = self.place(node);
                Some(Trials { path: value.plain(), keys: Vec::new(), rows: Vec::new(), place })
            }
            Err(misfit) => {
                self.misfit(node, "sweep.trials", misfit);
                None
            }
        }
    }

    fn other_key(&mut self, name: &Node, path: &str) {
        let field = name.text.as_str();
        if let Some((_, why)) = IGNORED.iter().find(|(known, _)| *known == field) {
            self.warn(name, path, &format!("is ignored: {why}"));
            return;
        }
        if let "scheduler" | "metrics" = field {
            let hint = "metric: {name: eval/loss, goal: minimize}, with method: bayes";
            self.unknown(name, path, "is not supported", hint);
            return;
        }
        let hint = match nearest(field, KEYS) {
            Some(near) => format!("did you mean '{near}'?"),
            None if find_key(field).is_some() => format!("put '{field}' under parameters:"),
            None => format!("known are {}", KEYS.join(", ")),
        };
        self.unknown(name, path, "is not a known key of a sweep", &hint);
    }
}

fn forget(sweep: &mut SweepSpec, field: &str) {
    match field {
        "method" => sweep.method = None,
        "metric" => (sweep.metric, sweep.target) = (None, None),
        "run_cap" => sweep.run_cap = None,
        "seeds" => sweep.seeds = None,
        "random_seed" => sweep.random_seed = 0,
        "zip" => sweep.zip.clear(),
        "when" => sweep.when.clear(),
        "trials" => sweep.trials = None,
        "median_stop" => sweep.stopping.retain(|rule| !rule.is_median()),
        _ => sweep.stopping.retain(Stopping::is_median),
    }
}
