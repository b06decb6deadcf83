//! How fast the metric store is read. Run with `cargo test --release -p loradeck-core --test metrics_speed -- --ignored`.
#![allow(clippy::unwrap_used, reason = "a test that cannot measure has failed")]

use std::time::Duration;

use loradeck_core::metrics::record::frame;
use loradeck_core::metrics::{Content, Datum, Event, EventTail, RunMetrics, Smoothed, Value, XAxis};

const TAGS: [&str; 5] = [
    "train/loss",
    "train/grad_norm",
    "train/learning_rate",
    "train/tokens_per_second",
    "system/memory_bytes",
];
const POINTS: u64 = 1_000_000;

/// How long this thread has been on a processor: other work on the machine does not count.
fn on_processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// The shortest of five times ten rounds, for one round: the kernel's account moves in ticks.
fn best_of_five(mut work: impl FnMut()) -> Duration {
    let ten = |_| {
        let start = on_processor();
        (0..10).for_each(|_| work());
        (on_processor().saturating_sub(start)) / 10
    };
    (0..5).map(ten).min().unwrap()
}

/// One million points in one event file, one event each.
fn write_points(folder: &std::path::Path) {
    let mut bytes = Vec::new();
    for index in 0..POINTS {
        let tag = TAGS[(index % TAGS.len() as u64) as usize];
        let step = index / TAGS.len() as u64;
        let value = Value { tag: tag.into(), datum: Datum::Scalar((step as f64).sin()) };
        let event = Event { wall_time: 1e9 + step as f64, step, content: Content::Summary(vec![value]) };
        bytes.extend(frame(&event.encode()));
    }
    std::fs::write(folder.join("events.out.tfevents.1.h"), bytes).unwrap();
}

#[test]
#[ignore = "bench: measures speed, which means something only in a release build (just bench)"]
fn a_million_points_open_in_three_tenths_of_a_second() {
    let folder = tempfile::tempdir().unwrap();
    write_points(folder.path());
    let best = best_of_five(|| {
        let (mut tail, mut metrics) = (EventTail::new(folder.path()), RunMetrics::default());
        tail.poll(&mut metrics).unwrap();
        assert_eq!(metrics.points() as u64, POINTS);
    });
    println!("one million points read in {best:?}");
    assert!(best < Duration::from_millis(300), "{best:?}");
}

#[test]
#[ignore = "bench: measures speed, which means something only in a release build (just bench)"]
fn a_hundred_long_curves_are_drawn_within_a_frame() {
    let folder = tempfile::tempdir().unwrap();
    write_points(folder.path());
    let mut metrics = RunMetrics::default();
    EventTail::new(folder.path()).poll(&mut metrics).unwrap();
    let series = metrics.get("train/loss").unwrap();
    let mut smoothed = Smoothed::new(0.9);
    let smoothing = best_of_five(|| {
        smoothed = Smoothed::new(0.9);
        smoothed.update(series);
    });
    let to = series.len() as f64;
    let drawing = best_of_five(|| {
        let columns = |from| smoothed.columns(series, XAxis::Step, f64::from(from), to, 400);
        let drawn: usize = (0..100).map(|from| columns(from).iter().flatten().count()).sum();
        assert_eq!(drawn, 100 * 400);
    });
    println!(
        "{} points smoothed in {smoothing:?}, 100 such curves in 400 columns in {drawing:?}",
        series.len()
    );
    assert!(drawing < Duration::from_millis(8), "{drawing:?}");
}
