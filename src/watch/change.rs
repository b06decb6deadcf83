//! Paths that changed, told apart by what they mean to the store.

use std::path::{Component, Path, PathBuf};

use loradeck_core::metrics::EVENT_FILE_PREFIX;

/// Something to look at again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Everything, because changes may have been missed.
    Everything,
    /// The list of experiments of the workspace at this root.
    Experiments(PathBuf),
    /// The list of runs of the experiment in this folder.
    Runs(PathBuf),
    /// The small files of the run in this folder: status, summary, queue, labels.
    Run(PathBuf),
    /// The event files of the run in this folder.
    Metrics(PathBuf),
    /// The log or journal of the run in this folder.
    Log(PathBuf),
    /// The queue's settings, or what Slurm said, of the workspace at this root.
    Queue(PathBuf),
    /// The state of any run of the workspace at this root: somebody held its queue lock.
    States(PathBuf),
    /// The locks of all live runs: they are let go without any file changing.
    Liveness,
}

/// Files directly in a run's folder that lists and run screens show.
const RUN_FILES: &[&str] = &[
    "status.json",
    "summary.json",
    "queue.json",
    "labels.json",
    "config.yaml",
    "heartbeat.json",
    "run.lock",
    "train.lock",
    "README.md",
];

/// What a changed path means to the workspace at `root`; `None` for what nobody shows.
pub fn classify(root: &Path, path: &Path) -> Option<Change> {
    let names = names_below(root, path)?;
    if names.last().is_some_and(|name| name.starts_with(".tmp-")) {
        return None;
    }
    let folder = |depth: usize| root.join(names[..depth].iter().collect::<PathBuf>());
    match names.as_slice() {
        [".loradeck", "queue.json" | "slurm.json"] => Some(Change::Queue(root.to_path_buf())),
        [".loradeck", "queue.lock"] => Some(Change::States(root.to_path_buf())),
        ["experiments"] | ["experiments", _] | ["experiments", _, "experiment.yaml"] => {
            Some(Change::Experiments(root.to_path_buf()))
        }
        ["experiments", _, "runs"] | ["experiments", _, "runs", _] => Some(Change::Runs(folder(2))),
        ["experiments", _, "runs", _, rest @ ..] => in_run(folder(4), rest),
        _ => None,
    }
}

/// The names from `root` down to `path`; `None` where it lies elsewhere or has names that are no text.
fn names_below<'a>(root: &Path, path: &'a Path) -> Option<Vec<&'a str>> {
    let below = path.strip_prefix(root).ok()?;
    below
        .components()
        .map(|component| match component {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect()
}

/// What may have changed inside a folder before it was watched.
pub(super) fn within(root: &Path, folder: &Path) -> Vec<Change> {
    let Some(names) = names_below(root, folder) else { return Vec::new() };
    let run = || root.join(names[..4].iter().collect::<PathBuf>());
    match names.as_slice() {
        [] | ["experiments"] | ["experiments", _] => vec![Change::Experiments(root.to_path_buf())],
        [".loradeck"] => vec![Change::Queue(root.to_path_buf()), Change::States(root.to_path_buf())],
        ["experiments", _, "runs"] => classify(root, folder).into_iter().collect(),
        ["experiments", _, "runs", _] => vec![Change::Run(run())],
        ["experiments", _, "runs", _, "logs"] => vec![Change::Metrics(run()), Change::Log(run())],
        ["experiments", _, "runs", _, "logs", "journal"] => vec![Change::Log(run())],
        _ => Vec::new(),
    }
}

fn in_run(run: PathBuf, rest: &[&str]) -> Option<Change> {
    match rest {
        ["logs", name] if name.starts_with(EVENT_FILE_PREFIX) => Some(Change::Metrics(run)),
        ["logs", "train.log"] | ["logs", "journal", ..] => Some(Change::Log(run)),
        ["logs"] => Some(Change::Metrics(run)),
        [name] if RUN_FILES.contains(name) => Some(Change::Run(run)),
        ["attempts" | "checkpoints" | "control", ..] => Some(Change::Run(run)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_apart() {
        let root = Path::new("/w");
        let run = PathBuf::from("/w/experiments/a/runs/0001-x");
        for (path, expected) in [
            ("experiments/a", Some(Change::Experiments(root.into()))),
            ("experiments/a/runs/0001-x", Some(Change::Runs("/w/experiments/a".into()))),
            ("experiments/a/runs/0001-x/status.json", Some(Change::Run(run.clone()))),
            ("experiments/a/runs/0001-x/.tmp-status.json-1-2", None),
            (
                "experiments/a/runs/0001-x/logs/events.out.tfevents.1.h.2.0",
                Some(Change::Metrics(run.clone())),
            ),
            ("experiments/a/runs/0001-x/logs/train.log", Some(Change::Log(run.clone()))),
            ("experiments/a/runs/0001-x/logs/journal/trainer.jsonl", Some(Change::Log(run.clone()))),
            ("experiments/a/runs/0001-x/control/1.json", Some(Change::Run(run))),
            (".loradeck/queue.lock", Some(Change::States(root.into()))),
            (".loradeck/queue.json", Some(Change::Queue(root.into()))),
            (".loradeck/slurm.json", Some(Change::Queue(root.into()))),
            ("experiments/a/data/x.jsonl", None),
            ("../elsewhere", None),
        ] {
            assert_eq!(classify(root, &root.join(path)), expected, "{path}");
        }
        assert_eq!(classify(root, Path::new("/elsewhere/experiments")), None);
    }

    #[test]
    fn a_folder_found_late_is_looked_into() {
        let root = Path::new("/w");
        let run = PathBuf::from("/w/experiments/a/runs/0001-x");
        assert_eq!(within(root, &run), [Change::Run(run.clone())]);
        assert_eq!(within(root, &run.join("logs")), [Change::Metrics(run.clone()), Change::Log(run.clone())]);
        assert_eq!(
            within(root, Path::new("/w/experiments/a/runs")),
            [Change::Runs("/w/experiments/a".into())]
        );
        assert_eq!(within(root, root), [Change::Experiments(root.into())]);
        assert_eq!(within(root, &run.join("control")), []);
    }
}
