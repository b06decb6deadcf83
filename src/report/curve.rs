//! Bounded curves: few enough points to commit, with every extreme kept, and the CSV file they stand in. No IO.

use std::fmt::Write as _;

use loradeck_core::metrics::{RunMetrics, Series, Smoothed};

/// Rows that one metric may have in `metrics.csv`.
pub const ROWS_PER_METRIC: usize = 1000;
/// How strongly a training loss of that many points is smoothed: a short curve less, or it would lag behind itself.
pub fn smoothing(points: usize) -> f64 {
    match points {
        0..50 => 0.6,
        50..300 => 0.8,
        300..3000 => 0.9,
        _ => 0.97,
    }
}
/// The name under which the smoothed training loss of a long run stands beside its bounded points.
pub const SMOOTHED_LOSS: &str = "train/loss/smoothed";

/// One point of a bounded curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// The training step.
    pub step: u64,
    /// Seconds since the run's first point.
    pub seconds: f64,
    /// The value; may be NaN or infinite.
    pub value: f32,
}

/// One metric's points by step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// The metric's tag.
    pub tag: String,
    /// Its points.
    pub points: Vec<CurvePoint>,
}

/// All curves of a run, as `metrics.csv` holds them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves(pub Vec<Curve>);

impl Curves {
    /// The bounded curves of everything a run has measured.
    pub fn of(metrics: &RunMetrics) -> Self {
        let origin = metrics.origin().unwrap_or(0.0);
        let mut curves = Vec::new();
        for tag in metrics.tags() {
            let Some(series) = metrics.get(tag) else { continue };
            let kept = bounded(series.values(), ROWS_PER_METRIC);
            curves.push(curve(tag, series, series.values(), &kept, origin));
            if tag == "train/loss" && kept.len() < series.len() {
                // Smoothed before points are left out, since those kept are no fair sample.
                let mut smoothed = Smoothed::new(smoothing(series.len()));
                smoothed.update(series);
                let kept = bounded(smoothed.values(), ROWS_PER_METRIC / 4);
                curves.push(curve(SMOOTHED_LOSS, series, smoothed.values(), &kept, origin));
            }
        }
        Self(curves)
    }

    /// The curve of `tag`, if it has points.
    pub fn get(&self, tag: &str) -> Option<&Curve> {
        self.0.iter().find(|curve| curve.tag == tag).filter(|curve| !curve.points.is_empty())
    }

    /// The text of `metrics.csv`.
    pub fn to_csv(&self) -> String {
        let mut out = String::from("metric,step,seconds,value\n");
        for curve in &self.0 {
            let tag = super::csv::field(&curve.tag);
            for point in &curve.points {
                // Writing to a String cannot fail.
                let _ = writeln!(out, "{tag},{},{:.3},{}", point.step, point.seconds, point.value);
            }
        }
        out
    }

    /// Reads `metrics.csv`; rows that are none are passed over.
    pub fn from_csv(text: &str) -> Self {
        let mut curves: Vec<Curve> = Vec::new();
        for record in super::csv::records(text).into_iter().skip(1) {
            let [tag, step, seconds, value] = record.as_slice() else { continue };
            let (Ok(step), Ok(seconds), Ok(value)) = (step.parse(), seconds.parse(), value.parse()) else {
                continue;
            };
            let point = CurvePoint { step, seconds, value };
            match curves.iter_mut().find(|curve| curve.tag == *tag) {
                Some(curve) => curve.points.push(point),
                None => curves.push(Curve { tag: tag.clone(), points: vec![point] }),
            }
        }
        Self(curves)
    }
}

fn curve(tag: &str, series: &Series, values: &[f32], kept: &[usize], origin: f64) -> Curve {
    let point = |index: &usize| CurvePoint {
        step: series.steps()[*index],
        seconds: series.times()[*index] - origin,
        value: values[*index],
    };
    Curve { tag: tag.to_owned(), points: kept.iter().map(point).collect() }
}

/// At most `limit` indices of `values`: of each of `limit / 5` stretches the first, the last, the smallest, the
/// largest and the first that is not finite.
pub fn bounded(values: &[f32], limit: usize) -> Vec<usize> {
    if values.len() <= limit {
        return (0..values.len()).collect();
    }
    let stretches = (limit / 5).max(1);
    let mut kept = Vec::new();
    for stretch in 0..stretches {
        let from = stretch * values.len() / stretches;
        let to = (stretch + 1) * values.len() / stretches;
        let finite = || (from..to).filter(|index| values[*index].is_finite());
        kept.extend([from, to - 1]);
        kept.extend(finite().min_by(|a, b| values[*a].total_cmp(&values[*b])));
        kept.extend(finite().max_by(|a, b| values[*a].total_cmp(&values[*b])));
        kept.extend((from..to).find(|index| !values[*index].is_finite()));
    }
    kept.sort_unstable();
    kept.dedup();
    kept
}

#[cfg(test)]
mod tests {
    use loradeck_core::metrics::EventSink;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_run_is_kept_whole_and_survives_its_file() {
        let mut metrics = RunMetrics::default();
        for step in 1..=3u32 {
            metrics.scalar(
                "train/loss",
                u64::from(step),
                100.0 + f64::from(step),
                f64::from(1.0 / step as f32),
            );
        }
        metrics.scalar("odd,\"tag", 2, 102.0, f64::NAN);
        let curves = Curves::of(&metrics);
        let text = curves.to_csv();
        assert!(
            text.starts_with("metric,step,seconds,value\ntrain/loss,1,0.000,1\ntrain/loss,2,1.000,0.5\n"),
            "{text}"
        );
        let back = Curves::from_csv(&text);
        assert_eq!(back.get("train/loss"), curves.get("train/loss"));
        assert!(back.get("odd,\"tag").unwrap().points[0].value.is_nan());
        assert_eq!(back.to_csv(), text);
    }

    #[test]
    fn a_long_run_keeps_its_spikes_and_gains_a_smoothed_curve() {
        let mut metrics = RunMetrics::default();
        for step in 0..20_000u64 {
            let value = if step == 12_345 { 99.0 } else { 1.0 + (step % 7) as f64 * 0.1 };
            metrics.scalar("train/loss", step, step as f64, value);
        }
        let curves = Curves::of(&metrics);
        let loss = curves.get("train/loss").unwrap();
        assert!(loss.points.len() <= ROWS_PER_METRIC);
        assert!(loss.points.iter().any(|point| point.step == 12_345 && point.value > 98.0));
        let smoothed = curves.get(SMOOTHED_LOSS).unwrap();
        assert!(smoothed.points.len() <= ROWS_PER_METRIC);
        assert!(smoothed.points.iter().all(|point| point.value < 12.0));
    }

    proptest! {
        #[test]
        fn bounds_hold_and_extremes_stay(values in proptest::collection::vec(prop_oneof![9 => -1e3..1e3f32, 1 => Just(f32::NAN)], 1..400), limit in 5usize..60) {
            let kept = bounded(&values, limit);
            prop_assert!(kept.len() <= limit.max(5));
            prop_assert!(kept.windows(2).all(|pair| pair[0] < pair[1]));
            let largest = |indices: &mut dyn Iterator<Item = usize>| indices.map(|index| values[index]).filter(|value| value.is_finite()).fold(f32::NEG_INFINITY, f32::max);
            let (kept, all) = (largest(&mut kept.iter().copied()), largest(&mut (0..values.len())));
            prop_assert_eq!(kept.to_bits(), all.to_bits());
        }

        #[test]
        fn any_text_is_read(text in "metric,step\n(\\PC{0,20}\n){0,5}") {
            Curves::from_csv(&text);
        }
    }
}
