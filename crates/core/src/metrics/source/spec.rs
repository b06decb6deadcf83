//! What a configuration says about one metric source.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pattern::{Pattern, PatternError};

/// The kinds of sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// TensorBoard event files in a folder and the folders below it.
    Tfevents,
    /// A file with one JSON object a line.
    Jsonl,
    /// A table with a header.
    Csv,
    /// Hugging Face's `trainer_state.json`.
    TrainerState,
    /// A regular expression over the log.
    Log,
}

impl SourceKind {
    /// All kinds, by their words.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("tfevents", Self::Tfevents),
        ("jsonl", Self::Jsonl),
        ("csv", Self::Csv),
        ("trainer_state", Self::TrainerState),
        ("log", Self::Log),
    ];

    /// The kind of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind)
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, kind)| *kind == self).map_or("tfevents", |(word, _)| word)
    }

    /// Where it is looked for in a run's folder unless a path says otherwise.
    pub fn usual_place(self) -> &'static str {
        match self {
            Self::Tfevents | Self::TrainerState => ".",
            Self::Jsonl => "logs/metrics.jsonl",
            // `metrics.csv` beside it is the report's own.
            Self::Csv => "logs/metrics.csv",
            Self::Log => "logs/train.log",
        }
    }
}

/// One metric source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    /// Which kind.
    pub source: SourceKind,
    /// File or folder, relative to the command's working folder; unset: the kind's usual place in the run's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The name of the column or entry with the step, where it is not one of the usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Their names and ours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, String>,
    /// For the log: a regular expression whose named groups are `step` and metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
}

/// What does not go together in a specification: the entry concerned, what is wrong with it, and a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecProblem {
    /// The entry, such as `pattern`.
    pub entry: &'static str,
    /// What is wrong, continuing "pattern …".
    pub message: String,
    /// What would be right.
    pub hint: &'static str,
}

impl SourceSpec {
    /// A source of that kind in its usual place.
    pub fn new(source: SourceKind) -> Self {
        Self { source, path: None, step: None, map: BTreeMap::new(), pattern: None }
    }

    /// What does not go together, if anything.
    pub fn problem(&self) -> Option<SpecProblem> {
        let problem = |entry, message: String, hint| Some(SpecProblem { entry, message, hint });
        match (&self.pattern, self.source) {
            (Some(pattern), SourceKind::Log) => match Pattern::new(pattern) {
                Err(PatternError::Syntax(error)) => {
                    return problem(
                        "pattern",
                        format!("is no regular expression: {error}"),
                        "(?P<loss>[0-9.]+)",
                    );
                }
                Err(PatternError::NoMetric) => {
                    let hint = "step (?P<step>\\d+) loss (?P<loss>\\S+)";
                    return problem("pattern", "names no group that is a metric".into(), hint);
                }
                Ok(_) => {}
            },
            (None, SourceKind::Log) => {
                let hint = "pattern: 'step (?P<step>\\d+) loss (?P<loss>\\S+)'";
                return problem("pattern", "is missing: it says what to look for in the log".into(), hint);
            }
            (Some(_), _) => return problem("pattern", "is only for source: log".into(), "remove it"),
            (None, _) => {}
        }
        match (&self.step, self.source) {
            (Some(_), SourceKind::Tfevents | SourceKind::TrainerState) => {
                let message = format!("is not for source: {}, which has its own", self.source.word());
                problem("step", message, "remove it")
            }
            (Some(_), SourceKind::Log) => {
                problem("step", "is not for source: log".into(), "name the group step: (?P<step>\\d+)")
            }
            _ => None,
        }
    }
}
