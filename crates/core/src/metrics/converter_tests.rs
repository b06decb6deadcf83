//! Whatever comes how often: readers of the events see what the sources said last.

use proptest::prelude::*;

use super::*;
use crate::metrics::{EventTail, RunMetrics};

fn reading(tag: &str, step: u64, value: f64) -> Reading {
    Reading { tag: tag.into(), step, time: 100.0 + step as f64, value }
}

/// What a reader of the event files has after these updates.
fn seen(updates: &[Update]) -> RunMetrics {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::create(folder.path(), "h", Moment(1)).unwrap();
    for update in updates {
        update.write(&mut writer, Moment(2)).unwrap();
    }
    let mut metrics = RunMetrics::default();
    EventTail::new(folder.path()).poll(&mut metrics).unwrap();
    metrics
}

fn points(metrics: &RunMetrics, tag: &str) -> Vec<(u64, f32)> {
    let series = metrics.get(tag).unwrap();
    series.steps().iter().copied().zip(series.values().iter().copied()).collect()
}

#[test]
fn what_is_read_again_changes_nothing() {
    let mut converter = Converter::default();
    let all = vec![reading("train/loss", 1, 2.0), reading("train/loss", 2, f64::NAN)];
    assert_eq!(converter.take(0, all.clone()).readings.len(), 2);
    assert!(converter.take(0, all.clone()).is_empty());
    let more = [all, vec![reading("train/loss", 3, 1.0)]].concat();
    assert_eq!(converter.take(0, more).readings, [reading("train/loss", 3, 1.0)]);
}

#[test]
fn another_value_at_an_earlier_step_is_a_restart_that_spares_other_tags() {
    let mut converter = Converter::default();
    let first: Vec<Reading> = (1..=4)
        .flat_map(|step| [reading("train/loss", step, 9.0), reading("eval/loss", step, 5.0)])
        .collect();
    let mut updates = vec![converter.take(0, first)];
    updates.push(converter.take(0, vec![reading("train/loss", 3, 1.0)]));
    assert_eq!(updates[1].purge, Some(3));
    let metrics = seen(&updates);
    assert_eq!(points(&metrics, "train/loss"), [(1, 9.0), (2, 9.0), (3, 1.0)]);
    assert_eq!(points(&metrics, "eval/loss").len(), 4);
}

#[test]
fn a_tag_belongs_to_its_first_source() {
    let mut converter = Converter::default();
    assert!(!converter.take(0, vec![reading("train/loss", 1, 2.0)]).is_empty());
    assert!(converter.take(1, vec![reading("train/loss", 1, 3.0)]).is_empty());
}

#[test]
fn a_summary_names_ours_and_leaves_nan_out() {
    let mut converter = Converter::default();
    converter.scalar("loss", 1, 0.0, 3.0);
    converter.scalar("loss", 2, 0.0, 1.0);
    converter.scalar("loss", 3, 0.0, f64::NAN);
    converter.scalar("eval/accuracy", 1, 0.0, 0.5);
    converter.scalar("eval/accuracy", 2, 0.0, 0.75);
    let bests = converter.bests();
    assert_eq!((bests["train/loss"].best, bests["train/loss"].last_step), (1.0, 2));
    assert_eq!(bests["eval/accuracy"].best_step, 2);
    assert_eq!((converter.last_step(), converter.last("eval/accuracy")), (Some(3), Some(0.75)));
}

fn any_reading() -> impl Strategy<Value = Reading> {
    ("[ab]", 0..12_u64, 0..4_u8).prop_map(|(tag, step, value)| reading(&tag, step, f64::from(value)))
}

proptest! {
    /// However the readings are divided into looks, and also when a look begins at the beginning again, a reader
    /// ends with the last word of every tag.
    #[test]
    fn readers_see_the_last_word(
        readings in proptest::collection::vec(any_reading(), 1..40),
        cuts in proptest::collection::vec(0..40_usize, 0..4),
        again in any::<bool>(),
    ) {
        let mut converter = Converter::default();
        let mut updates = Vec::new();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(readings.len())).collect();
        cuts.push(readings.len());
        cuts.sort_unstable();
        let mut from = 0;
        for cut in cuts {
            updates.push(converter.take(0, readings[from..cut].to_vec()));
            from = if again { 0 } else { cut };
        }
        let mut expected: BTreeMap<String, Vec<(u64, f32)>> = BTreeMap::new();
        for reading in &readings {
            let of_tag = expected.entry(reading.tag.clone()).or_default();
            of_tag.retain(|(step, _)| *step < reading.step);
            of_tag.push((reading.step, reading.value as f32));
        }
        let metrics = seen(&updates);
        for (tag, expected) in expected {
            let got = points(&metrics, &tag);
            // What a repeated equal value stood before may stay; nothing said is missing or different.
            prop_assert!(expected.iter().all(|point| got.contains(point)), "{tag}: {got:?} {expected:?}");
        }
        prop_assert!(converter.take(0, readings).is_empty());
    }
}
