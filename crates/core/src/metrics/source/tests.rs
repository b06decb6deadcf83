//! Every source: any pieces give the same readings, and no file's fate is taken for another's.

use std::fs;
use std::io::Write as _;

use proptest::prelude::*;

use super::csv::CsvTable;
use super::follow::LineReader;
use super::jsonl::JsonLines;
use super::lines::{Ending, LineSplitter};
use super::pattern::{LogLines, Pattern};
use super::*;
use crate::metrics::EventWriter;
use crate::time::Moment;

const JSONL: &str = "{\"step\": 1, \"loss\": 2.5, \"eval\": {\"loss\": NaN}}\nno json\n{\"step\": 2, \"loss\": 2, \
                     \"text\": \"\\u001b[2J\", \"ok\": true}\r\n{\"step\": 3, \"loss\": -Infinity}\n{\"step\": 4, \"lo";
const CSV: &str =
    "epoch,step,loss,val_loss\n0,1,2.5,\n0,2,nan,\"1,5\"\n1,3,,1.25\nepoch,step,loss\n1,2,2.25\n1,4,";
const LOG: &str =
    "step 1 loss 2.5\r\u{1b}[32mstep 2\u{1b}[0m loss nan\r 10%|#| step 3 loss 1,024.5%\nnothing\nstep 4 lo";
const PATTERN: &str = r"step (?P<step>\d+) loss (?P<loss>\S+)";

fn spec(kind: SourceKind) -> SourceSpec {
    SourceSpec::new(kind)
}

/// Tag, step and value as text, so that NaN equals itself.
fn texts(readings: &[Reading]) -> Vec<String> {
    readings.iter().map(|reading| format!("{} {} {}", reading.tag, reading.step, reading.value)).collect()
}

fn in_pieces(ending: Ending, mut reader: impl LineReader, pieces: &[&[u8]]) -> Vec<String> {
    let mut splitter = LineSplitter::new(ending);
    let mut found = Vec::new();
    for piece in pieces {
        splitter.push(piece, |line| reader.line(&String::from_utf8_lossy(line), 9.0, &mut found));
    }
    texts(&found)
}

#[test]
fn json_lines_are_metrics() {
    let found = in_pieces(Ending::LineFeed, JsonLines::new(&spec(SourceKind::Jsonl)), &[JSONL.as_bytes()]);
    assert_eq!(found, ["loss 1 2.5", "eval/loss 1 NaN", "loss 2 2", "loss 3 -inf"]);
}

#[test]
fn tables_are_metrics_by_their_header() {
    let found = in_pieces(Ending::LineFeed, CsvTable::new(&spec(SourceKind::Csv)), &[CSV.as_bytes()]);
    assert_eq!(
        found,
        [
            "epoch 1 0",
            "loss 1 2.5",
            "epoch 2 0",
            "loss 2 NaN",
            "epoch 3 1",
            "val_loss 3 1.25",
            "epoch 2 1",
            "loss 2 2.25"
        ]
    );
}

#[test]
fn a_pattern_finds_metrics_in_a_progress_bar() {
    let reader = LogLines::new(Pattern::new(PATTERN).unwrap());
    let found = in_pieces(Ending::AnyReturn, reader, &[LOG.as_bytes()]);
    assert_eq!(found, ["loss 1 2.5", "loss 2 NaN", "loss 3 1024.5"]);
    assert_eq!(Pattern::new("(").err().map(|error| matches!(error, PatternError::Syntax(_))), Some(true));
    assert_eq!(Pattern::new(r"(?P<step>\d+)").err(), Some(PatternError::NoMetric));
}

#[test]
fn a_trainers_state_is_its_history() {
    let text = r#"{"global_step": 20, "log_history": [
        {"epoch": 0.5, "grad_norm": NaN, "learning_rate": 2e-4, "loss": 1.5, "step": 10},
        {"epoch": 1.0, "eval_loss": 1.25, "step": 20}, {"loss": 3}, 7]}"#;
    let found = texts(&trainer_state::readings(text, 1.0).unwrap());
    assert_eq!(
        found,
        [
            "epoch 10 0.5",
            "grad_norm 10 NaN",
            "learning_rate 10 0.0002",
            "loss 10 1.5",
            "epoch 20 1",
            "eval_loss 20 1.25"
        ]
    );
    assert_eq!(trainer_state::readings(&text[..80], 1.0), None, "half a file is not read");
}

/// Polls until nothing comes.
fn poll(source: &mut MetricSource, finished: bool) -> Vec<String> {
    texts(&source.poll(5.0, finished).unwrap())
}

#[test]
fn a_file_that_appears_grows_is_cut_and_replaced_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.jsonl");
    let mut source = MetricSource::open(&spec(SourceKind::Jsonl), &path).unwrap();
    assert!(poll(&mut source, false).is_empty());
    fs::write(&path, "{\"step\":1,\"loss\":2}\n{\"step\":2,\"lo").unwrap();
    assert_eq!(poll(&mut source, false), ["train/loss 1 2"]);
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"ss\":3}\n{\"step\":3,\"loss\":4}").unwrap();
    assert_eq!(poll(&mut source, false), ["train/loss 2 3"]);
    assert_eq!(poll(&mut source, true), ["train/loss 3 4"], "the end makes the last line whole");
    // Written afresh in the same file, and longer than before.
    fs::write(&path, "{\"step\":1,\"loss\":7}\n".repeat(9)).unwrap();
    assert_eq!(poll(&mut source, false).len(), 9);
    fs::write(&path, "{\"step\":1,\"loss\":8}\n").unwrap();
    assert_eq!(poll(&mut source, false), ["train/loss 1 8"], "cut");
    let other = folder.path().join("other");
    fs::write(&other, "{\"step\":1,\"loss\":8}\n{\"step\":2,\"loss\":9}\n").unwrap();
    fs::rename(&other, &path).unwrap();
    assert_eq!(poll(&mut source, false).len(), 2, "replaced");
    assert_eq!(source.readings(), 1 + 1 + 1 + 9 + 1 + 2);
}

#[test]
fn the_newest_of_a_trainers_states_has_the_last_word() {
    let folder = tempfile::tempdir().unwrap();
    let state =
        |step: u64, loss: f64| format!("{{\"log_history\": [{{\"step\": {step}, \"loss\": {loss}}}]}}");
    let mut source = MetricSource::open(&spec(SourceKind::TrainerState), folder.path()).unwrap();
    assert!(poll(&mut source, false).is_empty());
    for (step, loss) in [(100, 2.0), (20, 1.0)] {
        let checkpoint = folder.path().join(format!("output/checkpoint-{step}"));
        fs::create_dir_all(&checkpoint).unwrap();
        fs::write(checkpoint.join("trainer_state.json"), state(step, loss)).unwrap();
    }
    assert_eq!(poll(&mut source, false).len(), 2);
    assert!(poll(&mut source, false).is_empty());
    let whole = folder.path().join("trainer_state.json");
    fs::write(&whole, &state(120, 0.5)[..20]).unwrap();
    assert!(poll(&mut source, false).is_empty());
    fs::write(&whole, state(120, 0.5)).unwrap();
    assert_eq!(poll(&mut source, false), ["train/loss 120 0.5"]);
}

#[test]
fn foreign_event_files_are_found_below_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = MetricSource::open(&spec(SourceKind::Tfevents), folder.path()).unwrap();
    let write = |inner: &str, tag: &str, step| {
        let mut writer = EventWriter::create(&folder.path().join(inner), "h", Moment(1000)).unwrap();
        writer.scalar(step, tag, 0.5, Moment(2500)).unwrap();
    };
    write("20260101/network_train", "loss/current", 1);
    let first = source.poll(0.0, false).unwrap();
    assert_eq!(first, [Reading { tag: "train/loss".into(), step: 1, time: 2.5, value: 0.5 }]);
    write("runs/Nov26_host", "eval/loss", 3);
    assert_eq!(poll(&mut source, false), ["eval/loss 3 0.5"]);
    assert!(poll(&mut source, false).is_empty());
}

#[test]
fn a_runs_own_events_are_no_foreign_ones() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["config.yaml", "queue.json"] {
        fs::write(folder.path().join(file), "").unwrap();
    }
    for inner in ["logs", "output/runs"] {
        EventWriter::create(&folder.path().join(inner), "h", Moment(1000)).unwrap();
    }
    assert_eq!(events::event_folders(folder.path()), [folder.path().join("output/runs")]);
}

#[test]
fn a_specification_is_read_and_its_contradictions_are_named() {
    let spec: SourceSpec = serde_json::from_str(r#"{"source": "trainer_state", "path": "out"}"#).unwrap();
    assert_eq!((spec.source, spec.problem()), (SourceKind::TrainerState, None));
    for (text, entry) in [
        (r#"{"source": "log"}"#, "pattern"),
        (r#"{"source": "log", "pattern": "("}"#, "pattern"),
        (r#"{"source": "csv", "pattern": "x"}"#, "pattern"),
        (r#"{"source": "tfevents", "step": "n"}"#, "step"),
    ] {
        let spec: SourceSpec = serde_json::from_str(text).unwrap();
        assert_eq!(spec.problem().map(|problem| problem.entry), Some(entry), "{text}");
    }
    for (word, kind) in SourceKind::WORDS {
        assert_eq!(serde_json::to_value(kind).unwrap(), word, "one word each");
    }
}

/// `text` in pieces that begin at the given shares of it.
fn pieces<'a>(text: &'a [u8], shares: &[f64]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = shares.iter().map(|share| (share * text.len() as f64) as usize).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn any_pieces_give_the_same_readings(shares in proptest::collection::vec(0.0..1.0_f64, 0..12)) {
        let jsonl = || JsonLines::new(&spec(SourceKind::Jsonl));
        let table = || CsvTable::new(&spec(SourceKind::Csv));
        let log = || LogLines::new(Pattern::new(PATTERN).unwrap());
        let parts = |text: &'static str| pieces(text.as_bytes(), &shares);
        prop_assert_eq!(
            in_pieces(Ending::LineFeed, jsonl(), &parts(JSONL)),
            in_pieces(Ending::LineFeed, jsonl(), &[JSONL.as_bytes()])
        );
        prop_assert_eq!(
            in_pieces(Ending::LineFeed, table(), &parts(CSV)),
            in_pieces(Ending::LineFeed, table(), &[CSV.as_bytes()])
        );
        prop_assert_eq!(
            in_pieces(Ending::AnyReturn, log(), &parts(LOG)),
            in_pieces(Ending::AnyReturn, log(), &[LOG.as_bytes()])
        );
    }

    #[test]
    fn hostile_bytes_panic_no_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        in_pieces(Ending::LineFeed, JsonLines::new(&spec(SourceKind::Jsonl)), &[&bytes]);
        in_pieces(Ending::LineFeed, CsvTable::new(&spec(SourceKind::Csv)), &[&bytes]);
        in_pieces(Ending::AnyReturn, LogLines::new(Pattern::new(PATTERN).unwrap()), &[&bytes]);
    }
}
