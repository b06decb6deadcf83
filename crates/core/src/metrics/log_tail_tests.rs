//! The log tail over real files.

use std::fs::OpenOptions;
use std::io::Write;

use proptest::prelude::*;

use super::*;

fn log(folder: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("train.log");
    fs::write(&path, text).unwrap();
    path
}

fn numbered(count: usize) -> String {
    (0..count).fold(String::new(), |text, line| text + &format!("line {line}\n"))
}

fn append(path: &Path, text: &str) {
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn lines(tail: &LogTail) -> Vec<&str> {
    tail.lines().collect()
}

#[test]
fn only_the_last_lines_are_read_and_older_ones_on_demand() {
    let folder = tempfile::tempdir().unwrap();
    let path = log(&folder, &numbered(50_000));
    let mut tail = LogTail::new(&path, 3);
    assert_eq!(tail.poll().unwrap().added, 3);
    assert_eq!(lines(&tail), ["line 49997", "line 49998", "line 49999"]);
    assert_eq!(tail.load_older(2).unwrap(), 2);
    assert_eq!(lines(&tail)[..2], ["line 49995", "line 49996"]);
    assert!(tail.has_older());
    while tail.load_older(9_999).unwrap() > 0 {}
    assert_eq!((tail.len(), lines(&tail)[0], tail.has_older()), (50_000, "line 0", false));
}

#[test]
fn no_lines_at_start_means_only_new_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = log(&folder, "old\n");
    let mut tail = LogTail::new(&path, 0);
    assert_eq!(tail.poll().unwrap().added, 0);
    append(&path, "new\n");
    tail.poll().unwrap();
    assert_eq!(lines(&tail), ["new"]);
}

#[test]
fn half_lines_and_progress_lines_show_their_last_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = log(&folder, "first\nsec");
    let mut tail = LogTail::new(&path, 10);
    tail.poll().unwrap();
    assert_eq!(lines(&tail), ["first", "sec"]);
    append(&path, "ond\n 10%");
    tail.poll().unwrap();
    append(&path, "\r 20%");
    assert!(tail.poll().unwrap().last_changed);
    assert_eq!(lines(&tail), ["first", "second", " 20%"]);
    assert!(!tail.poll().unwrap().changed());
    append(&path, "\r\u{1b}[32m100%\u{1b}[0m\nend\n");
    assert_eq!(tail.poll().unwrap(), LogPolled { added: 2, last_changed: true, cleared: false });
    assert_eq!(lines(&tail), ["first", "second", "100%", "end"]);
}

#[test]
fn a_cut_or_missing_log_begins_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train.log");
    let mut tail = LogTail::new(&path, 10);
    assert!(!tail.poll().unwrap().changed());
    append(&path, "one\ntwo\n");
    tail.poll().unwrap();
    fs::write(&path, "new\n").unwrap();
    assert!(tail.poll().unwrap().cleared);
    assert_eq!(lines(&tail), ["new"]);
    fs::remove_file(&path).unwrap();
    assert!(tail.poll().unwrap().cleared);
    assert!(tail.is_empty());
}

#[test]
fn following_for_long_holds_a_bounded_number_of_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = log(&folder, "start\n");
    let mut tail = LogTail::new(&path, 10);
    tail.poll().unwrap();
    append(&path, &numbered(HELD + 5));
    tail.poll().unwrap();
    assert_eq!((tail.len(), lines(&tail)[0]), (HELD, "line 5"));
    assert_eq!(tail.load_older(6).unwrap(), 6);
    assert_eq!(lines(&tail)[0], "start");
}

#[test]
fn a_log_that_outruns_its_reader_is_taken_up_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = log(&folder, "start\n");
    let mut tail = LogTail::new(&path, 2);
    tail.poll().unwrap();
    append(&path, &format!("{}\n", "x".repeat(99)).repeat(90_000));
    assert!(tail.poll().unwrap().cleared);
    assert_eq!(tail.len(), 2);
}

#[test]
fn a_line_without_end_is_begun_in_its_middle() {
    let folder = tempfile::tempdir().unwrap();
    let path = log(&folder, &"y".repeat(5 << 20));
    let mut tail = LogTail::new(&path, 2);
    tail.poll().unwrap();
    assert_eq!(tail.len(), 1);
    assert!(tail.unfinished.len() <= 1 << 20);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However a log's bytes arrive, the lines at the end are those of reading it once.
    #[test]
    fn any_cuts_give_the_same_lines(text in "([a-c]{0,5}(\r|\n|\r\n)?){0,30}", cuts in proptest::collection::vec(0usize..200, 0..6)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.log");
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.push(text.len());
        cuts.sort_unstable();
        let (mut tail, mut from) = (LogTail::new(&path, 1000), 0);
        for cut in cuts {
            append(&path, &text[from..cut]);
            from = cut;
            tail.poll().unwrap();
        }
        let mut expected: Vec<String> = text.split('\n').map(|line| visible(line.as_bytes())).collect();
        if expected.last().is_some_and(String::is_empty) {
            expected.pop();
        }
        prop_assert_eq!(lines(&tail), expected);
    }
}
