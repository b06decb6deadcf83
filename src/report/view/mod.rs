//! What the report's template receives: everything in words, with foreign text escaped. No IO.

mod environment;
mod facts;
mod foreign;
mod pictures;
mod settings;
mod siblings;
mod story;
mod usage;

use loradeck_core::run::Summary;
use serde::Serialize;

use super::curve::Curves;
use super::inputs::{Answer, BucketCount, ReportInputs};
use super::markdown::{block, inline};
use super::notes::RULES;
use super::performance::{Row, Table};
use super::settings::Frozen;
use super::words;

/// Characters of a prompt or an answer that are shown.
const SHOWN: usize = 1500;

/// Everything that a report is made of, as it stands in the committed files.
#[derive(Clone, Debug)]
pub(super) struct Material {
    /// `config.yaml` with the overrides of the last attempt.
    pub frozen: Frozen,
    /// `summary.json`; a run that died early has none.
    pub summary: Option<Summary>,
    /// `report-inputs.json`.
    pub inputs: ReportInputs,
    /// `metrics.csv`.
    pub curves: Curves,
    /// Whether `code.patch` is there.
    pub has_patch: bool,
}

/// A named value; both are Markdown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Fact {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Fact {
    fn new(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), value: value.into() }
    }
}

/// The fields of `report.md.j2`. All texts are Markdown, and none of them breaks a line but those said to be blocks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct View {
    /// The run's name for people.
    pub name: String,
    /// Whether another trainer's command made it.
    pub is_foreign: bool,
    /// The story in a few sentences, one paragraph each.
    pub story: Vec<String>,
    /// The user's notes, one entry a line.
    pub notes: Vec<String>,
    /// What was trained, on what, how, and how well.
    pub facts: Vec<Fact>,
    /// Whether there is a curve.
    pub has_curve: bool,
    /// The performance table.
    pub performance: PerformanceView,
    /// Prompts with the answers before and after.
    pub answers: Vec<AnswerView>,
    /// Sample pictures.
    pub pictures: Option<pictures::PicturesView>,
    /// Events, each with its time.
    pub happenings: Vec<String>,
    /// How the run compares.
    pub siblings: siblings::SiblingsView,
    /// All settings.
    pub settings: Vec<settings::SettingView>,
    /// The names of the settings that are not as they would be by themselves, in bold with their values.
    pub chosen: Vec<String>,
    /// The data.
    pub data: Vec<Fact>,
    /// Aspect buckets of pictures.
    pub buckets: Vec<BucketCount>,
    /// Where and with what it ran.
    pub environment: Vec<Fact>,
    /// How to use the weights: a fenced block of Python; empty where there are none.
    pub usage: String,
    /// How to use an image model's adapter.
    pub deployment: Option<pictures::DeploymentView>,
    /// How to train it again: a fenced block of shell commands.
    pub reproduce: String,
}

/// The performance table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct PerformanceView {
    /// `Epoch` or `Steps`.
    pub heading: &'static str,
    /// Whether there is a validation loss.
    pub has_evaluation: bool,
    /// The rows.
    pub rows: Vec<PerformanceRow>,
    /// How the notes come about.
    pub rules: &'static str,
}

/// One row of the performance table.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub(super) struct PerformanceRow {
    pub part: String,
    pub average: String,
    pub rate: String,
    pub evaluation: String,
    pub notes: String,
}

/// A prompt with its answers; all three are fenced blocks.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub(super) struct AnswerView {
    pub prompt: String,
    pub before: String,
    pub after: String,
    /// The step after which the second answer was given.
    pub step: String,
}

impl View {
    /// Puts the material into words.
    pub(super) fn of(material: &Material) -> Self {
        let notes = material.frozen.settings.notes.as_deref().unwrap_or("");
        Self {
            name: inline(&facts::name(material)),
            is_foreign: material.frozen.settings.is_foreign(),
            story: story::story(material),
            notes: notes.lines().filter(|line| !line.trim().is_empty()).map(inline).collect(),
            facts: facts::facts(material),
            has_curve: material.curves.get("train/loss").or(material.curves.get("eval/loss")).is_some(),
            performance: performance(&material.inputs.performance),
            answers: material.inputs.answers.iter().map(answer).collect(),
            pictures: pictures::pictures(material),
            happenings: happenings(material),
            siblings: siblings::view(material),
            settings: settings::rows(&material.frozen),
            chosen: settings::chosen(&material.frozen),
            data: facts::data(material),
            environment: environment::facts(material),
            buckets: material.inputs.data.buckets.iter().map(bucket).collect(),
            usage: usage::usage(material),
            deployment: pictures::deployment(material),
            reproduce: usage::reproduce(material),
        }
    }
}

fn bucket(row: &BucketCount) -> BucketCount {
    BucketCount { bucket: inline(&row.bucket), ..row.clone() }
}

fn performance(table: &Table) -> PerformanceView {
    PerformanceView {
        heading: if table.by_epoch { "Epoch" } else { "Steps" },
        has_evaluation: table.rows.iter().any(|row| row.evaluation.is_some()),
        rows: table.rows.iter().map(performance_row).collect(),
        rules: RULES,
    }
}

fn performance_row(row: &Row) -> PerformanceRow {
    let value = |number: Option<f64>| number.map_or_else(|| "–".to_owned(), words::value);
    let rate = match (row.rate_from.map(words::roughly), row.rate_to.map(words::roughly)) {
        (Some(from), Some(to)) if from != to => format!("{from} → {to}"),
        (Some(from), _) => from,
        _ => "–".into(),
    };
    PerformanceRow {
        part: if row.part == "before" { "before training".into() } else { inline(&row.part) },
        average: value(row.average),
        rate,
        evaluation: value(row.evaluation),
        notes: inline(&row.notes.join("; ")),
    }
}

fn answer(answer: &Answer) -> AnswerView {
    let shown = |text: &Option<String>| text.as_deref().map(|text| block(text, SHOWN)).unwrap_or_default();
    AnswerView {
        prompt: block(&answer.prompt, SHOWN),
        before: shown(&answer.before),
        after: shown(&answer.after),
        step: words::count(answer.step),
    }
}

fn happenings(material: &Material) -> Vec<String> {
    let inputs = &material.inputs;
    let told = inputs.happenings.iter().map(|happening| {
        let text = inline(&happening.text);
        let text = if happening.is_trouble { format!("**{text}**") } else { text };
        format!("{} UTC: {text}", happening.time.to_minute())
    });
    let mut lines: Vec<String> = told.collect();
    if inputs.happenings_left_out > 0 {
        let place = lines.len() / 2;
        lines.insert(place, format!("… {} more …", inputs.happenings_left_out));
    }
    for (tag, step) in material.summary.iter().flat_map(|summary| &summary.not_finite) {
        lines.push(format!("**{} is not finite from step {} on**", inline(tag), words::count(*step)));
    }
    if inputs.unreadable_lines > 0 {
        let lines_of = words::counted(inputs.unreadable_lines as u64, "line");
        lines.push(format!("{lines_of} of the journal could not be read"));
    }
    lines
}

/// A whole number of epochs or steps, or one with two digits behind the point.
fn epochs(number: f64) -> String {
    let rounded = (number * 100.0).round() / 100.0;
    format!("{rounded}")
}
