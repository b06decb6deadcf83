//! What a folder of another program's holds: one run or several, and where their metrics are.

use std::fs;
use std::path::{Path, PathBuf};

use loradeck_core::metrics::source::{event_folders, is_part_of_data};
use loradeck_core::metrics::{SourceKind, SourceSpec};

/// One run of another program's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Its folder.
    pub(super) folder: PathBuf,
    /// Its metric sources, with absolute paths.
    pub(super) sources: Vec<SourceSpec>,
}

/// The runs in `folder`. A Hugging Face output folder is one run, whatever event files its restarts left; elsewhere
/// every folder with event files is one, as TensorBoard shows them.
pub(super) fn runs_in(folder: &Path) -> Vec<Found> {
    let with_events = event_folders(folder);
    let tables = tables_in(folder);
    if is_hugging_face(folder) {
        // Event files have times, so they come first; the state tells the rest.
        let mut sources = vec![];
        if !with_events.is_empty() {
            sources.push(source(SourceKind::Tfevents, folder));
        }
        sources.push(source(SourceKind::TrainerState, folder));
        sources.extend(tables);
        return vec![Found { folder: folder.to_path_buf(), sources }];
    }
    match with_events.as_slice() {
        [] if tables.is_empty() => Vec::new(),
        [] => vec![Found { folder: folder.to_path_buf(), sources: tables }],
        [one] => {
            let mut sources = vec![source(SourceKind::Tfevents, one)];
            sources.extend(tables);
            vec![Found { folder: folder.to_path_buf(), sources }]
        }
        several => {
            let found =
                |inner: PathBuf| Found { sources: vec![source(SourceKind::Tfevents, &inner)], folder: inner };
            run_folders(several).into_iter().map(found).collect()
        }
    }
}

/// The folders of runs: `train/` and `validation/` side by side are parts of the one above, unless that holds other
/// runs too.
fn run_folders(with_events: &[PathBuf]) -> Vec<PathBuf> {
    let above = |folder: &PathBuf| folder.parent().filter(|_| is_part_of_data(folder)).map(Path::to_path_buf);
    let is_whole = |root: &PathBuf| {
        with_events
            .iter()
            .filter(|other| other.starts_with(root))
            .all(|other| above(other).as_ref() == Some(root))
    };
    let run = |folder: &PathBuf| above(folder).filter(is_whole).unwrap_or_else(|| folder.clone());
    let mut runs: Vec<PathBuf> = with_events.iter().map(run).collect();
    runs.dedup();
    runs
}

fn source(kind: SourceKind, path: &Path) -> SourceSpec {
    // A path is no place for placeholders here.
    let path = path.to_string_lossy().replace("${", "$${");
    SourceSpec { path: Some(path), ..SourceSpec::new(kind) }
}

fn is_hugging_face(folder: &Path) -> bool {
    let has = |folder: &Path| folder.join("trainer_state.json").is_file();
    has(folder)
        || entries(folder).iter().any(|inner| {
            let name = inner.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("checkpoint-") && has(inner)
        })
}

/// Tables of usual names: JSON lines, and Lightning's `metrics.csv`.
fn tables_in(folder: &Path) -> Vec<SourceSpec> {
    let names = [
        ("metrics.jsonl", SourceKind::Jsonl),
        ("log_history.jsonl", SourceKind::Jsonl),
        ("trainer_log.jsonl", SourceKind::Jsonl),
        ("metrics.csv", SourceKind::Csv),
    ];
    let there = names.into_iter().map(|(name, kind)| (folder.join(name), kind));
    there.filter(|(path, _)| path.is_file()).map(|(path, kind)| source(kind, &path)).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use loradeck_core::metrics::EventWriter;
    use loradeck_core::time::Moment;

    use super::*;

    fn kinds(found: &[Found]) -> Vec<Vec<SourceKind>> {
        found.iter().map(|run| run.sources.iter().map(|source| source.source).collect()).collect()
    }

    #[test]
    fn folders_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let at = |inner: &str| folder.path().join(inner);
        let events = |inner: &str| drop(EventWriter::create(&at(inner), "h", Moment(1000)).unwrap());
        assert!(runs_in(folder.path()).is_empty());
        events("kohya/20260101/network_train");
        assert_eq!(kinds(&runs_in(&at("kohya"))), [[SourceKind::Tfevents]]);
        events("logs/a");
        events("logs/b");
        assert_eq!(kinds(&runs_in(&at("logs"))).len(), 2);
        events("keras/one/train");
        events("keras/one/validation");
        events("keras/two/train");
        events("keras/two/validation");
        let folders =
            |name: &str| -> Vec<PathBuf> { runs_in(&at(name)).into_iter().map(|run| run.folder).collect() };
        assert_eq!(folders("keras"), [at("keras/one"), at("keras/two")]);
        events("mixed/train");
        events("mixed/other");
        assert_eq!(folders("mixed"), [at("mixed/other"), at("mixed/train")]);
        events("hf/runs/Nov26_host");
        events("hf/runs/Nov27_host");
        fs::create_dir_all(at("hf/checkpoint-20")).unwrap();
        fs::write(at("hf/checkpoint-20/trainer_state.json"), "{}").unwrap();
        assert_eq!(kinds(&runs_in(&at("hf"))), [[SourceKind::Tfevents, SourceKind::TrainerState]]);
        fs::create_dir_all(at("lightning")).unwrap();
        fs::write(at("lightning/metrics.csv"), "step,loss\n").unwrap();
        assert_eq!(kinds(&runs_in(&at("lightning"))), [[SourceKind::Csv]]);
    }
}
