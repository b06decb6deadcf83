//! Seeing changes by looking: sizes and times of a few files, compared with those of the last look.

use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use loradeck_core::metrics::EVENT_FILE_PREFIX;

use super::Change;

/// What a look at a file remembers: when it was changed (seconds, nanoseconds), its size and its inode.
type Look = Option<(i64, i64, u64, u64)>;

/// What a look at a live run remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct RunLook {
    /// The folder's own look: small files are replaced by renaming, which changes the folder.
    folder: Look,
    /// The look of the folder of requests.
    control: Look,
    /// Number and total size of the event files.
    events: (usize, u64),
    /// Looks at the log and the journal's files.
    log: [Look; 4],
}

/// Compares looks.
#[derive(Debug, Default)]
pub(super) struct Poller {
    runs: HashMap<PathBuf, RunLook>,
    folders: HashMap<PathBuf, Look>,
}

impl Poller {
    /// Looks at a run's files; on the first look everything counts as changed.
    pub(super) fn run(&mut self, run: &Path, changes: &mut impl Extend<Change>) {
        let now = RunLook::of(run);
        let before = self.runs.get(run);
        let differs =
            |differs: fn(&RunLook, &RunLook) -> bool| before.is_none_or(|before| differs(before, &now));
        let path = run.to_path_buf();
        let small = differs(|a, b| (a.folder, a.control) != (b.folder, b.control));
        changes.extend(small.then(|| Change::Run(path.clone())));
        changes.extend(differs(|a, b| a.events != b.events).then(|| Change::Metrics(path.clone())));
        changes.extend(differs(|a, b| a.log != b.log).then(|| Change::Log(path.clone())));
        self.runs.insert(path, now);
    }

    /// Forgets runs that are not among `kept`.
    pub(super) fn keep(&mut self, kept: &[PathBuf]) {
        self.runs.retain(|run, _| kept.contains(run));
    }

    /// Looks at the lists of experiments and runs below a workspace's root.
    pub(super) fn lists(&mut self, root: &Path, changes: &mut impl Extend<Change>) {
        let experiments = root.join("experiments");
        if self.folder_differs(&experiments) {
            changes.extend([Change::Experiments(root.to_path_buf())]);
        }
        for experiment in loradeck_core::run::Workspace::at(root).experiments() {
            if self.folder_differs(&experiment.runs_folder()) {
                changes.extend([Change::Runs(experiment.path().to_path_buf())]);
            }
        }
    }

    fn folder_differs(&mut self, folder: &Path) -> bool {
        let now = look(folder);
        self.folders.insert(folder.to_path_buf(), now) != Some(now)
    }
}

impl RunLook {
    fn of(run: &Path) -> Self {
        let logs = run.join("logs");
        let log =
            ["train.log", "journal/trainer.jsonl", "journal/supervisor.jsonl", "journal/dispatcher.jsonl"]
                .map(|name| look(&logs.join(name)));
        Self { folder: look(run), control: look(&run.join("control")), events: events_in(&logs), log }
    }
}

fn look(path: &Path) -> Look {
    let of = |file: Metadata| (file.mtime(), file.mtime_nsec(), file.size(), file.ino());
    std::fs::metadata(path).ok().map(of)
}

fn events_in(logs: &Path) -> (usize, u64) {
    let Ok(entries) = std::fs::read_dir(logs) else { return (0, 0) };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(EVENT_FILE_PREFIX))
        .fold((0, 0), |(count, size), entry| {
            (count + 1, size + entry.metadata().map_or(0, |file| file.len()))
        })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn polled(poller: &mut Poller, run: &Path) -> Vec<Change> {
        let mut changes = Vec::new();
        poller.run(run, &mut changes);
        changes
    }

    #[test]
    fn a_run_is_seen_to_change_where_it_changed() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().to_path_buf();
        fs::create_dir_all(run.join("logs")).unwrap();
        let mut poller = Poller::default();
        assert_eq!(polled(&mut poller, &run).len(), 3, "the first look");
        assert_eq!(polled(&mut poller, &run), []);
        fs::write(run.join("logs/train.log"), "line\n").unwrap();
        assert_eq!(polled(&mut poller, &run), [Change::Log(run.clone())]);
        fs::write(run.join("logs/events.out.tfevents.1.h"), "record").unwrap();
        assert_eq!(polled(&mut poller, &run), [Change::Metrics(run.clone())]);
        fs::write(run.join("status.json"), "{}").unwrap();
        assert_eq!(polled(&mut poller, &run), [Change::Run(run.clone())]);
        fs::create_dir(run.join("control")).unwrap();
        polled(&mut poller, &run);
        fs::write(run.join("control/1.json"), "{}").unwrap();
        assert_eq!(polled(&mut poller, &run), [Change::Run(run.clone())], "a request");
        poller.keep(&[]);
        assert_eq!(polled(&mut poller, &run).len(), 3);
    }

    #[test]
    fn new_experiments_and_runs_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("experiments/a/runs")).unwrap();
        let mut poller = Poller::default();
        let mut look = || {
            let mut changes = Vec::new();
            poller.lists(root, &mut changes);
            changes
        };
        assert_eq!(look().len(), 2);
        assert_eq!(look(), []);
        fs::create_dir_all(root.join("experiments/a/runs/0001-x")).unwrap();
        assert_eq!(look(), [Change::Runs(root.join("experiments/a"))]);
        fs::create_dir_all(root.join("experiments/b/runs")).unwrap();
        assert_eq!(look(), [Change::Experiments(root.into()), Change::Runs(root.join("experiments/b"))]);
    }
}
