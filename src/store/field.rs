//! A run's fields by name, for filters, sorting and columns.

use std::borrow::Cow;

use loradeck_core::config::find_key;
use loradeck_core::metrics::registry;

use super::run::Run;

/// A field's value.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue<'a> {
    /// A number.
    Number(f64),
    /// Anything else.
    Text(Cow<'a, str>),
}

impl FieldValue<'_> {
    /// The value as a number, where it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => parse_number(text),
        }
    }

    /// The value as text.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Text(text) => Cow::Borrowed(text),
        }
    }
}

/// The configuration key that `name` means: keys' own aliases, and the words people say for two paths.
pub fn config_key(name: &str) -> &str {
    match name {
        "model" => "base_model",
        "data" => "train_data_dir",
        _ => find_key(name).map_or(name, |key| key.name),
    }
}

/// A field's name, looked up once for many runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldName {
    name: String,
    key: String,
}

impl FieldName {
    /// The field called `name`: a fact about the run (`state`, `experiment`, `run`, `number`, `step`, `epoch`,
    /// `progress`, `seconds`, `started`, `updated`, `tokens`, `images`, `memory`, `attempt`, `priority`, `sweep`, `trial`, `group`, `host`, `device`,
    /// `pin`, `archived`), a configuration key or its short name, or a metric's best value (`eval/loss`; also
    /// `eval/loss.last` and `.first`).
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), key: config_key(name).to_owned() }
    }

    /// The name as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The field's value in a run; `None` where the run has none.
    pub fn of<'a>(&self, run: &'a Run) -> Option<FieldValue<'a>> {
        fact(run, &self.name)
            .or_else(|| {
                // A command's own parameter may have the short name of a key.
                let value = run.config.get(&self.name).or_else(|| run.config.get(&self.key))?;
                Some(FieldValue::Text(Cow::Borrowed(value)))
            })
            .or_else(|| metric(run, &self.name).map(FieldValue::Number))
    }
}

/// The value of the field `name` in one run, as [`FieldName::new`] understands it.
pub fn field<'a>(run: &'a Run, name: &str) -> Option<FieldValue<'a>> {
    FieldName::new(name).of(run)
}

fn fact<'a>(run: &'a Run, name: &str) -> Option<FieldValue<'a>> {
    let text = |text: &'a str| Some(FieldValue::Text(Cow::Borrowed(text)));
    let number = |number: f64| Some(FieldValue::Number(number));
    match name {
        "state" => text(run.state().word()),
        "experiment" | "exp" => text(&run.experiment),
        "run" | "name" => Some(FieldValue::Text(Cow::Owned(run.name.to_string()))),
        "number" => number(f64::from(run.name.number)),
        "pin" => text(yes_no(run.labels.pin)),
        "archived" => text(yes_no(run.labels.archived)),
        "priority" => number(run.queue.priority as f64),
        "sweep" => number(f64::from(run.queue.sweep?)),
        "trial" => number(f64::from(run.queue.trial?)),
        "group" => text(run.queue.group.as_deref()?),
        "attempt" => number(f64::from(run.status.as_ref()?.attempt)),
        "progress" => number(run.progress()?),
        _ => summary_fact(run, name),
    }
}

fn summary_fact<'a>(run: &'a Run, name: &str) -> Option<FieldValue<'a>> {
    let summary = run.summary.as_ref()?;
    Some(match name {
        "step" => FieldValue::Number(summary.step as f64),
        "epoch" => FieldValue::Number(summary.epoch),
        "seconds" | "duration" => FieldValue::Number(summary.seconds),
        "tokens" => FieldValue::Number(summary.tokens as f64),
        "images" => FieldValue::Number(summary.images as f64),
        "memory" => FieldValue::Number(summary.peak_memory_bytes.max(summary.peak_gpu_memory_bytes) as f64),
        "started" => FieldValue::Text(Cow::Owned(summary.started.to_rfc3339())),
        "updated" => FieldValue::Text(Cow::Owned(summary.updated.to_rfc3339())),
        "host" => FieldValue::Text(Cow::Borrowed(&summary.environment.host)),
        "device" => FieldValue::Text(Cow::Borrowed(&summary.environment.device)),
        _ => return None,
    })
}

fn metric(run: &Run, name: &str) -> Option<f64> {
    let metrics = &run.summary.as_ref()?.metrics;
    let find = |tag: &str| metrics.get(tag).or_else(|| metrics.get(registry::canonical(tag)));
    if let Some(found) = find(name) {
        return Some(found.best);
    }
    let (tag, which) = name.rsplit_once('.')?;
    let found = find(tag)?;
    match which {
        "best" => Some(found.best),
        "last" if run.summary.as_ref()?.not_finite.contains_key(tag) => Some(f64::NAN),
        "last" => Some(found.last),
        "first" => Some(found.first),
        _ => None,
    }
}

fn yes_no(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// A finite number as YAML and people write it (`2e-4`, `1_000`).
pub fn parse_number(text: &str) -> Option<f64> {
    let starts_like_one =
        text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+' | '.'));
    if !starts_like_one {
        return None;
    }
    let number = text.parse().ok().or_else(|| text.replace('_', "").parse().ok());
    number.filter(|number: &f64| number.is_finite())
}
