//! The tail against cuts, damage, replacement and restarts.

use std::fs::OpenOptions;
use std::io::Write;

use proptest::prelude::*;

use super::super::record::frame;
use super::super::writer::EventWriter;
use super::*;
use crate::time::Moment;

#[derive(Debug, Default, PartialEq)]
struct Collected {
    points: Vec<(String, u64, f64)>,
    clears: usize,
}

impl EventSink for Collected {
    fn scalar(&mut self, tag: &str, step: u64, _time: f64, value: f64) {
        self.points.push((tag.to_owned(), step, value));
    }
    fn purge(&mut self, step: u64) {
        self.points.retain(|point| point.1 < step);
    }
    fn clear(&mut self) {
        self.points.clear();
        self.clears += 1;
    }
}

fn steps(sink: &Collected) -> Vec<u64> {
    sink.points.iter().map(|point| point.1).collect()
}

fn write(folder: &Path, range: std::ops::Range<u64>) -> EventWriter {
    let mut writer = EventWriter::create(folder, "host", Moment(1_000_000)).unwrap();
    for step in range {
        writer.scalar(step, "train/loss", step as f32, Moment(0)).unwrap();
    }
    writer
}

#[test]
fn nothing_is_read_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut tail = EventTail::new(&folder.path().join("logs"));
    let mut sink = Collected::default();
    assert!(!tail.poll(&mut sink).unwrap().changed());
    let mut writer = write(&folder.path().join("logs"), 0..3);
    assert_eq!(tail.poll(&mut sink).unwrap().values, 3);
    assert_eq!(tail.poll(&mut sink).unwrap(), Polled::default());
    writer.scalars(3, &[("a", 1.0), ("b", 2.0)], Moment(0)).unwrap();
    assert_eq!(tail.poll(&mut sink).unwrap().values, 2);
    assert_eq!(steps(&sink), [0, 1, 2, 3, 3]);
}

#[test]
fn a_restart_drops_what_earlier_files_held_and_will_hold() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = write(folder.path(), 0..6);
    let mut tail = EventTail::new(folder.path());
    let mut sink = Collected::default();
    tail.poll(&mut sink).unwrap();
    let mut second = EventWriter::open_for_resume(folder.path(), "host", Moment(0), 4).unwrap();
    second.scalar(4, "train/loss", 40.0, Moment(0)).unwrap();
    first.scalar(6, "train/loss", 6.0, Moment(0)).unwrap();
    assert_eq!(tail.poll(&mut sink).unwrap().purges, 1);
    first.scalar(7, "train/loss", 7.0, Moment(0)).unwrap();
    first.scalar(3, "late", 3.0, Moment(0)).unwrap();
    tail.poll(&mut sink).unwrap();
    assert_eq!(steps(&sink), [0, 1, 2, 3, 4, 3]);
    assert!(sink.points[4].2 > 39.0, "the resumed run's point is kept");
    assert_eq!(sink.clears, 0);
}

#[test]
fn a_restart_in_an_earlier_file_after_a_later_one_means_reading_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = write(folder.path(), 0..4);
    write(folder.path(), 10..12);
    let mut tail = EventTail::new(folder.path());
    let mut sink = Collected::default();
    tail.poll(&mut sink).unwrap();
    first.session_start(2, Moment(0)).unwrap();
    assert!(tail.poll(&mut sink).unwrap().cleared);
    assert_eq!(steps(&sink), [0, 1, 10, 11]);
}

#[test]
fn a_cut_or_replaced_file_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), 0..5).path().to_path_buf();
    let mut tail = EventTail::new(folder.path());
    let mut sink = Collected::default();
    tail.poll(&mut sink).unwrap();
    let whole = fs::read(&path).unwrap();
    OpenOptions::new().write(true).open(&path).unwrap().set_len(whole.len() as u64 - 60).unwrap();
    assert!(tail.poll(&mut sink).unwrap().cleared);
    assert_eq!(steps(&sink), [0, 1, 2]);
    crate::file::replace(&path, &whole, crate::file::Durability::Renamed).unwrap();
    assert!(tail.poll(&mut sink).unwrap().cleared);
    assert_eq!(steps(&sink), [0, 1, 2, 3, 4]);
    fs::remove_file(&path).unwrap();
    tail.poll(&mut sink).unwrap();
    assert_eq!(steps(&sink), [0u64; 0]);
}

#[test]
fn damage_is_named_with_its_place_and_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let writer = write(folder.path(), 0..3);
    let mut bytes = fs::read(writer.path()).unwrap();
    let second = bytes.len() - 2 * 46;
    bytes[second + 20] ^= 1;
    fs::write(writer.path(), &bytes).unwrap();
    let mut tail = EventTail::new(folder.path());
    let mut sink = Collected::default();
    tail.poll(&mut sink).unwrap();
    assert_eq!(tail.problem_count(), 1, "{:?}", tail.problems());
    assert_eq!(tail.problems()[0].kind, ProblemKind::BadData);
    assert_eq!(sink.points.len(), 2);
    let mut file = OpenOptions::new().append(true).open(writer.path()).unwrap();
    file.write_all(b"garbage that is no record").unwrap();
    tail.poll(&mut sink).unwrap();
    tail.poll(&mut sink).unwrap();
    assert_eq!(tail.problem_count(), 2);
    file.write_all(&frame(&[])).unwrap();
    tail.poll(&mut sink).unwrap();
    assert_eq!(tail.problem_count(), 2);
}

#[test]
fn a_limit_stops_early_and_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let _writers = (write(folder.path(), 0..30_000), write(folder.path(), 30_000..30_010));
    let mut tail = EventTail::new(folder.path());
    let mut sink = Collected::default();
    assert!(tail.poll_limited(&mut sink, 1).unwrap().more);
    assert!(sink.points.len() < 30_000);
    while tail.poll_limited(&mut sink, 1).unwrap().more {}
    assert_eq!(steps(&sink), (0..30_010).collect::<Vec<_>>());
}

#[test]
fn a_record_larger_than_a_chunk_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = write(folder.path(), 0..2);
    writer.text(2, "samples/text", &"x".repeat(3 << 20), Moment(0)).unwrap();
    writer.scalar(3, "train/loss", 3.0, Moment(0)).unwrap();
    let mut tail = EventTail::new(folder.path());
    let mut sink = Collected::default();
    assert_eq!(tail.poll(&mut sink).unwrap().values, 4);
    assert_eq!(steps(&sink), [0, 1, 3]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However a writer's bytes arrive, polling after every arrival gives every point exactly once.
    #[test]
    fn any_cuts_give_every_point_once(cuts in proptest::collection::vec(0usize..2000, 0..12), count in 1u64..30) {
        let source = tempfile::tempdir().unwrap();
        let bytes = fs::read(write(source.path(), 0..count).path()).unwrap();
        let target = tempfile::tempdir().unwrap();
        let path = target.path().join("events.out.tfevents.1.h");
        let mut file = OpenOptions::new().append(true).create(true).open(&path).unwrap();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let (mut tail, mut sink, mut from) = (EventTail::new(target.path()), Collected::default(), 0);
        for cut in cuts {
            file.write_all(&bytes[from..cut]).unwrap();
            from = cut;
            tail.poll(&mut sink).unwrap();
        }
        prop_assert_eq!(steps(&sink), (0..count).collect::<Vec<_>>());
        prop_assert_eq!(sink.clears, 0);
        prop_assert_eq!(tail.problem_count(), 0);
    }

    #[test]
    fn random_files_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("events.out.tfevents.1.h"), &bytes).unwrap();
        let mut tail = EventTail::new(folder.path());
        tail.poll(&mut Collected::default()).unwrap();
        tail.poll(&mut Collected::default()).unwrap();
    }
}
