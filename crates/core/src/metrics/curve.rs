//! The bounded curve `metrics.csv`: at most 1,000 rows per metric, in which no extreme is missing.
//!
//! Columns `metric,step,seconds,value`; seconds count from the run's first point. Committed with a run, so that a
//! clone without event files can still draw and compare.

use std::fmt::Write;

use thiserror::Error;

use super::run_metrics::RunMetrics;
use super::series::Series;
use super::tail::EventSink;

/// The most rows per metric.
pub const ROWS: usize = 1000;
/// The first line.
const HEADER: &str = "metric,step,seconds,value";

/// A `metrics.csv` that cannot be understood.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("line {line}: {reason}")]
pub struct CurveError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// The indices of at most `limit` points that stand for all: the first, the last, and of every stretch the smallest,
/// the largest and the first non-finite value. All of them where there are no more than `limit`.
pub fn bounded(series: &Series, limit: usize) -> Vec<usize> {
    let length = series.len();
    if length <= limit {
        return (0..length).collect();
    }
    let stretches = (limit.saturating_sub(2) / 3).max(1);
    let mut kept = vec![0, length - 1];
    for stretch in 0..stretches {
        let range = stretch * length / stretches..(stretch + 1) * length / stretches;
        let values = &series.values()[range.clone()];
        let finite = || values.iter().enumerate().filter(|(_, value)| value.is_finite());
        let smallest = finite().min_by(|left, right| left.1.total_cmp(right.1));
        let largest = finite().max_by(|left, right| left.1.total_cmp(right.1));
        let odd = values.iter().enumerate().find(|(_, value)| !value.is_finite());
        kept.extend([smallest, largest, odd].into_iter().flatten().map(|(index, _)| range.start + index));
    }
    kept.sort_unstable();
    kept.dedup();
    kept
}

/// All metrics as CSV text.
pub fn to_csv(metrics: &RunMetrics) -> String {
    let origin = metrics.origin().unwrap_or(0.0);
    let mut text = format!("{HEADER}\n");
    for tag in metrics.tags() {
        let Some(series) = metrics.get(tag) else { continue };
        let name = quoted(tag);
        for point in bounded(series, ROWS).into_iter().filter_map(|index| series.point(index)) {
            // Single precision, as measured, prints the shortest digits that say the same.
            let _ =
                writeln!(text, "{name},{},{:.3},{:?}", point.step, point.time - origin, point.value as f32);
        }
    }
    text
}

/// Reads what [`to_csv`] wrote; times count from 0.
///
/// # Errors
/// [`CurveError`] with the first line that does not fit.
pub fn from_csv(text: &str) -> Result<RunMetrics, CurveError> {
    let mut lines = text.lines().enumerate();
    if lines.next().map(|(_, header)| header.trim_end()) != Some(HEADER) {
        return Err(CurveError { line: 1, reason: "the header is not 'metric,step,seconds,value'" });
    }
    let mut metrics = RunMetrics::default();
    for (index, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let error = |reason| CurveError { line: index + 1, reason };
        let (tag, rest) = split_tag(line).ok_or_else(|| error("a metric's name is missing"))?;
        let mut fields = rest.split(',');
        let step =
            fields.next().and_then(|text| text.parse().ok()).ok_or_else(|| error("the step is no number"))?;
        let seconds = fields
            .next()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| error("the seconds are no number"))?;
        let value = fields
            .next()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| error("the value is no number"))?;
        metrics.scalar(&tag, step, seconds, value);
    }
    Ok(metrics)
}

fn quoted(tag: &str) -> String {
    let flat = tag.replace(['\n', '\r'], " ");
    if flat.contains([',', '"']) { format!("\"{}\"", flat.replace('"', "\"\"")) } else { flat }
}

/// Splits a row into its metric and the rest.
fn split_tag(line: &str) -> Option<(String, &str)> {
    let Some(rest) = line.strip_prefix('"') else {
        return line.split_once(',').map(|(tag, rest)| (tag.to_owned(), rest));
    };
    let mut tag = String::new();
    let mut from = 0;
    loop {
        let quote = from + rest[from..].find('"')?;
        tag.push_str(&rest[from..quote]);
        let after = &rest[quote + 1..];
        if after.starts_with('"') {
            tag.push('"');
            from = quote + 2;
        } else {
            return Some((tag, after.strip_prefix(',')?));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::series::Goal;
    use super::*;

    fn long() -> RunMetrics {
        let mut metrics = RunMetrics::default();
        for step in 0..20_000u64 {
            let value = match step {
                7_777 => 99.5,
                12_345 => f64::NAN,
                15_001 => -4.0,
                _ => 1.0 + (step % 10) as f64 / 100.0,
            };
            metrics.scalar("train/loss", step, 1e9 + step as f64, value);
        }
        metrics
    }

    #[test]
    fn a_bounded_curve_keeps_spikes_gaps_and_ends() {
        let metrics = long();
        let series = metrics.get("train/loss").unwrap();
        let kept = bounded(series, ROWS);
        assert!(kept.len() <= ROWS, "{}", kept.len());
        for index in [0, 7_777, 12_345, 15_001, 19_999] {
            assert!(kept.contains(&index), "{index}");
        }
    }

    #[test]
    fn the_text_holds_the_same_extremes() {
        let metrics = long();
        let text = to_csv(&metrics);
        assert!(text.starts_with("metric,step,seconds,value\ntrain/loss,0,0.000,1.0\n"), "{}", &text[..80]);
        let read = from_csv(&text).unwrap();
        let (before, after) = (metrics.get("train/loss").unwrap(), read.get("train/loss").unwrap());
        for goal in [Goal::Minimise, Goal::Maximise] {
            assert_eq!(
                before.best(goal).map(|point| (point.step, point.value)),
                after.best(goal).map(|point| (point.step, point.value))
            );
        }
        assert_eq!(to_csv(&read), text);
    }

    #[test]
    fn what_does_not_fit_is_named_by_line() {
        assert_eq!(from_csv("a,b\n").unwrap_err().line, 1);
        let error = from_csv("metric,step,seconds,value\nx,1,0.0,1.0\nx,one,0.0,1.0\n").unwrap_err();
        assert_eq!(error.to_string(), "line 3: the step is no number");
    }

    proptest! {
        #[test]
        fn any_tag_and_value_survives(tag in "[a-z,\"/ ]{1,12}", value in any::<f32>(), step in any::<u32>()) {
            prop_assume!(tag.starts_with(|c: char| c.is_ascii_lowercase()));
            let mut metrics = RunMetrics::default();
            metrics.scalar(&tag, step.into(), 5.0, value.into());
            let read = from_csv(&to_csv(&metrics)).unwrap();
            let point = read.get(&tag).and_then(Series::last).unwrap();
            prop_assert_eq!(point.step, u64::from(step));
            prop_assert!((point.value as f32).to_bits() == value.to_bits() || value.is_nan() && point.value.is_nan());
        }

        #[test]
        fn random_text_never_panics(text in ".{0,80}") {
            let _ = from_csv(&format!("{HEADER}\n{text}"));
        }
    }
}
