//! Reading an experiment file: every key looked up, every value checked, nothing ignored.

use std::path::Path;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::foreign::{declare, free_key, placeholder_problems, read_parameters};
use super::keys::{Key, Kind, Support, find_key, nearest_key_hint};
use super::kind::fitted;
use super::layers::ReadFile;
use super::place::{Place, Problem, Source};
use super::provenance::Provenance;
use super::settings::DataType;
use super::sweep::{SweepReader, SweepSpec};
use super::task::{DATA_TYPE, Scope};
use super::value::Value;
use super::yaml::{self, Content, Node};

/// Keys of the file that are no settings.
const SECTIONS: [&str; 3] = ["sweep", "parameters", "provenance"];

/// One checked key of a file or of the command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Which key.
    pub key: &'static Key,
    /// Its value.
    pub value: Value,
    pub(crate) place: Place,
}

/// An experiment file as it was read: what it says, not yet what follows from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// The keys in their order; those given as null are left out.
    pub values: Vec<Entry>,
    /// The file's `sweep:`.
    pub sweep: Option<SweepSpec>,
    /// Where a frozen file came from.
    pub provenance: Option<Provenance>,
    pub(crate) source: Source,
    pub(crate) sweep_place: Place,
    /// The file that holds the sweep, where it is one of its own, and where it is named.
    pub(crate) sweep_file: Option<(String, Place)>,
    /// Keys whose value is wrong, so that nobody also calls them missing.
    pub(crate) spoilt: Vec<&'static str>,
    /// What is no error, but deserves to be told.
    pub(crate) warnings: Vec<Problem>,
    /// Which keys it has.
    pub(crate) scope: Scope,
    /// Whether loradeck wrote it.
    is_frozen: bool,
}

impl Experiment {
    /// The value of a key, where the file gives it.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|entry| entry.key.name == name).map(|entry| &entry.value)
    }

    /// The file as it was named.
    pub fn file(&self) -> &str {
        &self.source.file
    }

    /// Reads the sweep from the file of its own that is named, by the command line or else by the experiment.
    pub(crate) fn read_sweep_file(&mut self, read: ReadFile<'_>, problems: &mut Vec<Problem>) {
        let Some((path, place)) = self.sweep_file.clone() else { return };
        let text = match read(&path) {
            Ok(text) => text,
            Err(message) => {
                problems.push(Problem::new(place, "sweep", message).value(Some(path)));
                return;
            }
        };
        self.source.sweep = Some((path.clone(), text.clone()));
        match yaml::read(&text) {
            Ok(node) if node.content == Content::Null => {
                let problem = Problem::new(place, "sweep", "is an empty file").value(Some(path));
                problems.push(problem.hint("sweep=null makes no sweep"));
            }
            Ok(node) => {
                self.sweep = SweepReader::of_file(self.scope, problems, &mut self.warnings).read(&node);
            }
            Err(error) => {
                let place = Place::SweepText(error.line as u32, error.column as u32);
                let problem = Problem { key: None, ..Problem::new(place, "", error.message) };
                problems.push(Problem { hint: error.hint.map(str::to_owned), ..problem });
            }
        }
    }

    /// Gives a key that the file leaves out a value.
    pub fn set_default(&mut self, name: &str, value: Value) {
        let Some(key) = find_key(name) else { return };
        let is_given = self.values.iter().any(|entry| entry.key == key) || self.spoilt.contains(&key.name);
        if !is_given {
            self.values.push(Entry { key, value, place: Place::File });
        }
    }
}

/// Reads and checks the text of an experiment file, or of a run's frozen `config.yaml`.
pub fn read_experiment(path: &Path, text: &str) -> Result<Experiment, Diagnostics> {
    let (experiment, problems) = read_all(path, text)?;
    if problems.is_empty() { Ok(experiment) } else { Err(experiment.source.diagnostics(problems)) }
}

/// The experiment as far as it could be read, and its problems; an error only where the text is no YAML.
pub(crate) fn read_all(path: &Path, text: &str) -> Result<(Experiment, Vec<Problem>), Diagnostics> {
    let source =
        Source { file: path.display().to_string(), text: text.to_owned(), sweep: None, trials: None };
    let root = yaml::read(text).map_err(|error| syntax_diagnostics(&source.file, error))?;
    let entries = match root.content {
        Content::Map(entries) => entries,
        Content::Null => Vec::new(),
        _ => {
            let (file, line, column) = source.position(Place::Node(root.id));
            let message = "an experiment is a mapping of keys to values, and this is none";
            let diagnostic = Diagnostic { line, column, ..Diagnostic::of_file(file, message) };
            return Err(Diagnostics(vec![diagnostic.with_hint("lines such as `lora_rank: 8`")]));
        }
    };
    let mut experiment = Experiment {
        values: Vec::new(),
        sweep: None,
        provenance: None,
        source,
        sweep_place: Place::File,
        sweep_file: None,
        spoilt: Vec::new(),
        warnings: Vec::new(),
        scope: scope_of(&entries),
        is_frozen: entries.iter().any(|(key, _)| key.text == "provenance"),
    };
    let mut problems = Vec::new();
    let mut seen = Vec::new();
    let entry = |name: &str| entries.iter().find(|(key, _)| key.text == name).map(|(_, value)| value);
    if let Some(parameters) = entry("parameters") {
        declare(parameters, experiment.scope, experiment.is_frozen);
    }
    for (key, value) in &entries {
        read_entry(&mut experiment, &mut seen, &mut problems, key, value);
    }
    check_placeholders(&mut experiment, &entries, &mut problems);
    Ok((experiment, problems))
}

/// Names that stand for nothing are told where they stand, and their keys count as spoilt.
fn check_placeholders(experiment: &mut Experiment, entries: &[(Node, Node)], problems: &mut Vec<Problem>) {
    let is_free = |(key, _): &&(Node, Node)| key.text == "parameters";
    let names: Vec<&str> = match entries.iter().find(is_free).map(|(_, value)| &value.content) {
        Some(Content::Map(entries)) => entries.iter().map(|(name, _)| name.text.as_str()).collect(),
        _ => Vec::new(),
    };
    for (key, value) in entries {
        let found = placeholder_problems(&key.text, value, &names);
        if !found.is_empty() {
            experiment.spoilt.extend(find_key(&key.text).map(|key| key.name));
            experiment.values.retain(|entry| entry.key.name != key.text);
        }
        problems.extend(found);
    }
}

fn syntax_diagnostics(file: &str, error: yaml::SyntaxError) -> Diagnostics {
    let yaml::SyntaxError { line, column, message, hint } = error;
    let diagnostic = Diagnostic { line, column, ..Diagnostic::of_file(file, message) };
    Diagnostics(vec![Diagnostic { hint: hint.map(str::to_owned), ..diagnostic }])
}

fn read_entry(
    experiment: &mut Experiment,
    seen: &mut Vec<(String, String)>,
    problems: &mut Vec<Problem>,
    key: &Node,
    value: &Node,
) {
    let name = key.text.as_str();
    let full = find_key(name).map_or(name, |key| key.name);
    if let Some(problem) = repeated(seen, key, name, full) {
        problems.push(problem);
        return;
    }
    match name {
        "sweep" => {
            experiment.sweep_place = Place::Node(key.id);
            if value.content == Content::Text {
                experiment.sweep_file = Some((value.text.clone(), Place::Node(value.id)));
            } else {
                let scope = experiment.scope;
                experiment.sweep = SweepReader::new(scope, problems, &mut experiment.warnings).read(value);
            }
        }
        "parameters" => {
            let read = read_parameters(value, experiment.scope, experiment.is_frozen, problems);
            experiment.values.extend(read);
        }
        "provenance" => match Provenance::from_node(value) {
            Ok(provenance) => experiment.provenance = Some(provenance),
            Err(message) => problems.push(Problem::new(Place::Node(value.id), name, message)),
        },
        _ => match checked_entry(key, value) {
            Ok(entry) => experiment.values.extend(entry),
            Err(problem) => {
                problems.push(problem);
                experiment.spoilt.extend(find_key(name).map(|key| key.name));
            }
        },
    }
}

/// A key that stands twice, be it under its alias.
fn repeated(seen: &mut Vec<(String, String)>, key: &Node, name: &str, full: &str) -> Option<Problem> {
    let earlier = seen.iter().find(|(_, known)| known == full).map(|(spelling, _)| spelling.clone());
    seen.push((name.to_owned(), full.to_owned()));
    let earlier = earlier?;
    let place = Place::Node(key.id);
    Some(if earlier == name {
        Problem::new(place, name, "is given twice").hint("keep one of them")
    } else {
        Problem::new(place, name, format!("is the same key as '{earlier}', which is given too"))
            .hint("keep one of them")
    })
}

/// The entry of a key and its value; `None` where the value is null, which leaves the default.
pub(crate) fn checked_entry(key: &Node, value: &Node) -> Result<Option<Entry>, Problem> {
    let name = key.text.as_str();
    let known = built_in_key(name, Place::Node(key.id))?;
    if value.content == Content::Null {
        // `background: #ffffff` would be the default without a word.
        if known.kind == Kind::Colour && value.text.is_empty() {
            let problem = Problem::new(Place::Node(value.id), name, "is empty: '#' begins a comment");
            return Err(problem.hint("put the colour in quotes: \"#ffffff\""));
        }
        return Ok(None);
    }
    checked_value(known, name, value, Place::Node(value.id)).map(Some)
}

/// The key of that name, if anything acts on it; a parameter of the command may have the name of a key that nothing
/// acts on there.
pub(crate) fn known_key(name: &str, scope: Scope, place: Place) -> Result<&'static Key, Problem> {
    match (built_in_key(name, place), free_key(name)) {
        (Ok(key), Some(free)) if !scope.has(key) => Ok(free),
        (Ok(key), _) => Ok(key),
        (Err(problem), free) => free.ok_or(problem),
    }
}

/// Which keys the experiment with these entries has.
fn scope_of(entries: &[(Node, Node)]) -> Scope {
    let says = |name: &str| entries.iter().find(|(key, _)| key.text == name).map(|(_, value)| value);
    let is_foreign = ["command", "adopted"].into_iter().any(|name| says(name).is_some());
    let is_image = says(DATA_TYPE).is_some_and(|value| value.text == DataType::Image.word());
    if is_foreign && !is_image { Scope::Command } else { Scope::All }
}

/// The built-in key of that name, if anything acts on it.
pub(crate) fn built_in_key(name: &str, place: Place) -> Result<&'static Key, Problem> {
    let Some(key) = find_key(name) else {
        let problem = Problem::new(place, name, "is not a known key");
        return Err(Problem { hint: nearest_key_hint(name, &SECTIONS), ..problem });
    };
    match key.support {
        Support::Supported => Ok(key),
        Support::NotYet(instead) => {
            let problem = Problem::new(place, name, "is not supported yet");
            Err(if instead.is_empty() { problem } else { problem.hint(instead) })
        }
    }
}

/// The entry for a value, checked against its key; `spelling` is how the key was written.
pub(crate) fn checked_value(
    key: &'static Key,
    spelling: &str,
    node: &Node,
    place: Place,
) -> Result<Entry, Problem> {
    let value = fitted(key.kind, node).map_err(|misfit| Problem::of_value(place, spelling, misfit))?;
    Ok(Entry { key, value, place })
}
