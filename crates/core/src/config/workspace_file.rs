//! `loradeck.yaml`: the workspace's own settings.

use std::path::{Path, PathBuf};

use super::diagnostic::Diagnostics;
use super::kind::fitted;
use super::place::{Place, Problem, Source};
use super::screen::{KeySetting, ThemeSettings, read_keys, read_theme};
use super::value::Value;
use super::yaml::{self, Content, Node};
use super::{Diagnostic, Kind};
use crate::run::FORMAT;
use crate::text::nearest;

/// What `loradeck init` writes.
pub const WORKSPACE_FILE_TEXT: &str = "\
# The settings of this loradeck workspace. `loradeck init` wrote it; change it as you like.
format: 1
# The trainer program, where it is not beside loradeck or in PATH:
# trainer: /path/to/loradeck-train
# What runs may use of this machine (default: every GPU for one run each, else the CPU for one):
# slots: {cpu: 2, gpus: [0, 1]}
# How the dashboard looks, and its keys (`?` there lists all with the names to use here):
# theme: {colours: 16, symbols: ascii}
# keys: {stop: x, grid: [g, F2]}
";

/// Keys that are known and refused, never ignored.
const NOT_YET: [&str; 4] = ["launcher", "git", "publish", "hooks"];

/// The settings of a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkspaceSettings {
    /// The trainer program; a relative path starts at the workspace's root.
    pub trainer: Option<PathBuf>,
    /// What runs may use of this host.
    pub slots: SlotsOfFile,
    /// How the dashboard looks.
    pub theme: ThemeSettings,
    /// Which keys it takes, where they are not the usual ones.
    pub keys: Vec<KeySetting>,
}

/// `slots:` of `loradeck.yaml`: what runs may use of this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlotsOfFile {
    /// Shares of the CPU; beside GPUs they are for runs that ask for `devices: cpu`.
    pub cpu: Option<u32>,
    /// Threads of each share; default an equal part of all.
    pub threads: Option<u32>,
    /// GPUs that are used, by index or UUID; empty: all.
    pub gpus: Vec<String>,
    /// Whether runs may go onto GPUs where programs are that are not ours.
    pub shared_with_others: bool,
}

fn read_slots(node: &Node) -> Result<SlotsOfFile, Problem> {
    let Content::Map(entries) = &node.content else {
        let problem = Problem::new(Place::Node(node.id), "slots", "is a mapping, and this is none");
        return Err(problem.hint("slots: {cpu: 2, gpus: [0, 1]}"));
    };
    let mut slots = SlotsOfFile::default();
    let count = Kind::Whole { min: 1, max: 4096 };
    for (key, value) in entries {
        let name = format!("slots.{}", key.text);
        let fit = |kind| {
            fitted(kind, value)
                .map_err(|misfit| Problem::of_value(Place::Node(value.id), name.clone(), misfit))
        };
        let number = |value: Value| match value {
            Value::Whole(number) => u32::try_from(number).ok(),
            _ => None,
        };
        match key.text.as_str() {
            "cpu" => slots.cpu = number(fit(count)?),
            "threads" => slots.threads = number(fit(count)?),
            "gpus" => {
                if let Value::List(items) = fit(Kind::TextList)? {
                    slots.gpus = items.iter().map(Value::plain).collect();
                }
            }
            "shared_with_others" => slots.shared_with_others = fit(Kind::Flag)? == Value::Flag(true),
            other => {
                let problem = Problem::new(Place::Node(key.id), name, "is not a known key of slots");
                let near = nearest(other, ["cpu", "threads", "gpus", "shared_with_others"]);
                return Err(Problem { hint: near.map(|near| format!("did you mean '{near}'?")), ..problem });
            }
        }
    }
    Ok(slots)
}

/// Reads `loradeck.yaml`. A format newer than this program knows is refused.
pub fn read_workspace_settings(path: &Path, text: &str) -> Result<WorkspaceSettings, Diagnostics> {
    let source =
        Source { file: path.display().to_string(), text: text.to_owned(), sweep: None, trials: None };
    let root = yaml::read(text).map_err(|error| {
        let diagnostic = Diagnostic::of_file(source.file.clone(), error.message);
        Diagnostics(vec![Diagnostic { line: error.line, column: error.column, ..diagnostic }])
    })?;
    let mut settings = WorkspaceSettings::default();
    let mut problems = Vec::new();
    match &root.content {
        Content::Map(entries) => {
            for (key, value) in entries {
                problems.extend(read_entry(&mut settings, key, value, &source).err());
            }
        }
        Content::Null => {}
        _ => problems.push(Problem::new(
            Place::Node(root.id),
            "loradeck.yaml",
            "is no mapping of keys to values",
        )),
    }
    if problems.is_empty() { Ok(settings) } else { Err(source.diagnostics(problems)) }
}

fn read_entry(
    settings: &mut WorkspaceSettings,
    key: &Node,
    value: &Node,
    source: &Source,
) -> Result<(), Problem> {
    let name = key.text.as_str();
    let place = Place::Node(key.id);
    let misfit = |misfit| Problem::of_value(Place::Node(value.id), name, misfit);
    match name {
        "format" => {
            let format = fitted(Kind::Whole { min: 1, max: 1_000_000 }, value).map_err(misfit)?;
            match format {
                Value::Whole(format) if format > i128::from(FORMAT) => {
                    let message = format!("is newer than this program, which knows format {FORMAT}");
                    let problem = Problem::new(Place::Node(value.id), name, message);
                    Err(problem.value(Some(format.to_string())).hint("use a newer loradeck"))
                }
                _ => Ok(()),
            }
        }
        "trainer" if value.content == Content::Null => Ok(()),
        "trainer" => {
            let path = fitted(Kind::Path, value).map_err(misfit)?;
            settings.trainer = Some(PathBuf::from(path.plain()));
            Ok(())
        }
        "theme" | "keys" if value.content == Content::Null => Ok(()),
        "theme" => {
            settings.theme = read_theme(value)?;
            Ok(())
        }
        "keys" => {
            settings.keys = read_keys(value, source)?;
            Ok(())
        }
        "slots" if value.content == Content::Null => Ok(()),
        "slots" => {
            settings.slots = read_slots(value)?;
            Ok(())
        }
        _ if NOT_YET.contains(&name) => Err(Problem::new(place, name, "is not supported yet")),
        _ => {
            let problem = Problem::new(place, name, "is not a known key of loradeck.yaml");
            let near =
                nearest(name, NOT_YET.into_iter().chain(["format", "theme", "keys", "trainer", "slots"]));
            Err(Problem { hint: near.map(|near| format!("did you mean '{near}'?")), ..problem })
        }
    }
}

/// The trainer program named in `loradeck.yaml`'s text, if one is.
pub fn workspace_trainer(text: &str) -> Option<PathBuf> {
    read_workspace_settings(Path::new("loradeck.yaml"), text).ok()?.trainer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        read_workspace_settings(Path::new("loradeck.yaml"), text).unwrap_err().to_string()
    }

    #[test]
    fn the_trainer_is_read_where_it_is_named() {
        assert_eq!(workspace_trainer("format: 1\n"), None);
        assert_eq!(workspace_trainer("format: 1\ntrainer: bin/t\n"), Some(PathBuf::from("bin/t")));
        assert_eq!(workspace_trainer(WORKSPACE_FILE_TEXT), None);
        assert!(read_workspace_settings(Path::new("loradeck.yaml"), WORKSPACE_FILE_TEXT).is_ok());
    }

    #[test]
    fn nothing_is_ignored() {
        assert_eq!(
            error("format: 2\n"),
            "loradeck.yaml:1:9: format: '2' is newer than this program, which knows format 1\n  hint: use a newer loradeck"
        );
        assert_eq!(error("hooks: x\n"), "loradeck.yaml:1:1: hooks: is not supported yet");
        let text = "slots: {cpu: 2, gpus: [0, GPU-1a2b3c4d], shared_with_others: true}\n";
        let slots = read_workspace_settings(Path::new("loradeck.yaml"), text).unwrap().slots;
        assert_eq!((slots.cpu, slots.gpus.len(), slots.shared_with_others), (Some(2), 2, true));
        assert!(error("slots: {cpus: 2}\n").ends_with("did you mean 'cpu'?"));
        assert!(error("slots: {cpu: 0}\n").contains("loradeck.yaml:1:14: slots.cpu: '0' is below 1"));
        assert!(error("trainr: x\n").ends_with("did you mean 'trainer'?"));
        assert!(error("- x\n").contains("is no mapping"));
    }
}
