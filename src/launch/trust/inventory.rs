//! Everything that a workspace's files would have started, each once, with where it stands.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use loradeck_core::config::{is_started, named_programs};
use loradeck_core::run::{ExperimentFolder, QueueEntry, RunFolder, State, Status, Workspace};

use crate::launch::sweep_file::{SweepFile, sweep_numbers};

/// Longer batch scripts are shown in part.
const SCRIPT_LINES: usize = 80;

/// One thing that would be started, or goes with one.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Named {
    /// What it is: the key of the configuration, or `slurm script`.
    pub key: String,
    /// The words.
    pub words: String,
    /// The first place: file and line, from the workspace's root.
    pub place: String,
    /// In how many more files it stands.
    pub more: usize,
}

/// What a workspace would run.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Inventory {
    /// Everything that its files name.
    pub named: Vec<Named>,
    /// Files that could not be read, and why.
    pub unreadable: Vec<String>,
    /// How many runs wait, and would start without another word.
    pub waiting: usize,
    /// How many experiments it has.
    pub experiments: usize,
    /// How many runs and sweeps it has.
    pub runs_and_sweeps: usize,
}

/// Reads the workspace's files; nothing is started and nothing written.
pub fn inventory(workspace: &Workspace) -> Inventory {
    let mut reader = Reader { workspace, found: Inventory::default(), places: HashMap::new() };
    reader.read_file(&workspace.settings_file());
    reader.read_script(&workspace.templates().join("slurm.sh"));
    let experiments = workspace.experiments();
    reader.found.experiments = experiments.len();
    for experiment in &experiments {
        reader.read_experiment(experiment);
    }
    reader.found
}

struct Reader<'a> {
    workspace: &'a Workspace,
    found: Inventory,
    /// Where in the list each thing is.
    places: HashMap<(String, String), usize>,
}

impl Reader<'_> {
    fn read_experiment(&mut self, experiment: &ExperimentFolder) {
        if experiment.file().exists() {
            self.read_file(&experiment.file());
        }
        for number in sweep_numbers(experiment) {
            self.found.runs_and_sweeps += 1;
            self.read_file(&SweepFile::path_of(experiment, number));
        }
        for run in experiment.runs().iter().chain(&experiment.removed_runs()) {
            self.read_run(run);
        }
    }

    fn read_run(&mut self, run: &RunFolder) {
        self.found.runs_and_sweeps += 1;
        if run.config().exists() {
            self.read_file(&run.config());
        }
        let waits = |status: Status| status.state == State::Queued;
        self.found.waiting += usize::from(Status::read(run).ok().flatten().is_some_and(waits));
        match QueueEntry::read(run) {
            Ok(entry) => {
                for change in entry.overrides.iter().filter(|change| is_started(change)) {
                    let place = self.shown(&run.path().join("queue.json"));
                    self.add("change", change, || place);
                }
            }
            Err(error) => self.found.unreadable.push(error.to_string()),
        }
    }

    fn read_file(&mut self, path: &Path) {
        let shown = self.shown(path);
        let read = fs::read_to_string(path).map_err(|error| error.to_string());
        match read.and_then(|text| named_programs(&text).map(|named| (text, named))) {
            Ok((text, named)) => {
                for one in &named {
                    self.add(&one.key, &one.words, || format!("{shown}:{}", one.line_in(&text)));
                }
            }
            Err(why) => self.found.unreadable.push(format!("{shown}: {why}")),
        }
    }

    /// A batch script is shown line by line: all of it is run.
    fn read_script(&mut self, path: &Path) {
        let shown = self.shown(path);
        match fs::read(path) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let lines: Vec<&str> = text.lines().collect();
                for (number, line) in (1..).zip(lines.iter().take(SCRIPT_LINES)) {
                    if !line.trim().is_empty() {
                        self.found.named.push(Named {
                            key: "slurm script".to_owned(),
                            words: (*line).to_owned(),
                            place: format!("{shown}:{number}"),
                            more: 0,
                        });
                    }
                }
                if lines.len() > SCRIPT_LINES {
                    let more = lines.len() - SCRIPT_LINES;
                    self.found.unreadable.push(format!("{shown}: {more} more lines are not shown"));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => self.found.unreadable.push(format!("{shown}: {error}")),
        }
    }

    fn add(&mut self, key: &str, words: &str, place: impl FnOnce() -> String) {
        let id = (key.to_owned(), words.to_owned());
        if let Some(index) = self.places.get(&id) {
            self.found.named[*index].more += 1;
            return;
        }
        self.places.insert(id, self.found.named.len());
        self.found.named.push(Named {
            key: key.to_owned(),
            words: words.to_owned(),
            place: place(),
            more: 0,
        });
    }

    fn shown(&self, path: &Path) -> String {
        let relative: PathBuf = self.workspace.relative(path).to_path_buf();
        relative.display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_named_once_with_its_first_place() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("loradeck.yaml", "format: 1\ntrainer: ./evil\n");
        write("templates/slurm.sh", "#!/bin/sh\n\nmodule load x\n");
        write("experiments/x/experiment.yaml", "lora_rank: 4\ncommand: [a, b]\n");
        write("experiments/x/runs/0001/config.yaml", "command: [a, b]\non_fail: [c]\n");
        write(
            "experiments/x/runs/0001/status.json",
            r#"{"format":1,"state":"queued","attempt":1,"since":"2026-01-01T00:00:00Z"}"#,
        );
        write("experiments/x/runs/0001/queue.json", r#"{"overrides":["on_finish=[d]","max_steps=3"]}"#);
        write("experiments/x/sweeps/01/sweep.json", r#"{"search":{"base":{"command":["e"]}}}"#);
        write("experiments/y/experiment.yaml", "a: [\n");
        let found = inventory(&Workspace::at(root.path()));
        let shown: Vec<String> = found
            .named
            .iter()
            .map(|one| format!("{} {} {} +{}", one.key, one.words, one.place, one.more))
            .collect();
        assert_eq!(
            shown,
            [
                "trainer ./evil loradeck.yaml:2 +0",
                "slurm script #!/bin/sh templates/slurm.sh:1 +0",
                "slurm script module load x templates/slurm.sh:3 +0",
                "command a b experiments/x/experiment.yaml:2 +1",
                "command e experiments/x/sweeps/01/sweep.json:1 +0",
                "on_fail c experiments/x/runs/0001/config.yaml:2 +0",
                "change on_finish=[d] experiments/x/runs/0001/queue.json +0",
            ]
        );
        assert_eq!((found.waiting, found.experiments, found.runs_and_sweeps), (1, 2, 2), "{found:?}");
        assert!(found.unreadable[0].starts_with("experiments/y/experiment.yaml: line"), "{found:?}");
    }
}
