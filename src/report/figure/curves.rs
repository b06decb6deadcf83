//! The two charts of reports: one run's losses, and several runs laid over each other. No IO.

use loradeck_core::metrics::Goal;

use super::super::curve::{Curve, Curves, SMOOTHED_LOSS, smoothing};
use super::super::words;
use super::chart::{Chart, Emphasis, Line, Mark};

const TRAINING: usize = 0;
const VALIDATION: usize = 1;
const RATE: usize = 3;

/// One run's losses with the best value marked and the learning rate below. `None` without any loss.
pub fn loss_curve(curves: &Curves, title: &str) -> Option<String> {
    let (train, evaluation) = (curves.get("train/loss"), curves.get("eval/loss"));
    let mut lines = Vec::new();
    if let Some(train) = train {
        lines.extend(training_lines(train, curves.get(SMOOTHED_LOSS)));
    }
    if let Some(evaluation) = evaluation {
        lines.push(line("validation loss", VALIDATION, Emphasis::Points, points(evaluation)));
    }
    let judged = evaluation.or(train)?;
    let colour = if evaluation.is_some() { VALIDATION } else { TRAINING };
    let mark = best(judged, Goal::Minimise).map(|at| Mark { at, label: best_label(at), colour });
    let strip = curves
        .get("train/learning_rate")
        .map(|rate| line("learning rate", RATE, Emphasis::Strong, points(rate)));
    let description = mark.as_ref().map_or_else(String::new, |mark| format!("{}.", mark.label));
    Some(
        Chart { title: title.to_owned(), description, lines, marks: mark.into_iter().collect(), strip }
            .to_svg(),
    )
}

/// The same metric of several runs: (name, curve), drawn in their order. `None` where none has points.
pub fn overlay(title: &str, runs: &[(String, Curve)]) -> Option<String> {
    let lines: Vec<Line> = runs
        .iter()
        .enumerate()
        .filter(|(_, (_, curve))| !curve.points.is_empty())
        .map(|(index, (name, curve))| line(name, index, Emphasis::Points, points(curve)))
        .collect();
    if lines.is_empty() {
        return None;
    }
    let description = format!("{} runs laid over each other.", lines.len());
    Some(Chart { title: title.to_owned(), description, lines, marks: Vec::new(), strip: None }.to_svg())
}

fn training_lines(train: &Curve, smoothed: Option<&Curve>) -> Vec<Line> {
    let raw = points(train);
    let smooth = smoothed.map_or_else(|| smooth(&raw), points);
    if raw.len() < 8 {
        return vec![line("training loss", TRAINING, Emphasis::Points, raw)];
    }
    vec![
        line("training loss", TRAINING, Emphasis::Faint, raw),
        line("smoothed", TRAINING, Emphasis::Strong, smooth),
    ]
}

fn line(label: &str, colour: usize, emphasis: Emphasis, points: Vec<(f64, f64)>) -> Line {
    Line { label: label.to_owned(), colour, emphasis, points }
}

fn points(curve: &Curve) -> Vec<(f64, f64)> {
    curve.points.iter().map(|point| (point.step as f64, f64::from(point.value))).collect()
}

/// Exponential smoothing without a pull towards zero at the beginning (TensorBoard's).
fn smooth(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let keep = smoothing(points.len());
    let (mut sum, mut weight) = (0.0, 0.0);
    points
        .iter()
        .map(|(step, value)| {
            if !value.is_finite() {
                return (*step, *value);
            }
            sum = sum * keep + value * (1.0 - keep);
            weight = weight * keep + (1.0 - keep);
            (*step, sum / weight)
        })
        .collect()
}

/// The best finite point; of equals the earliest.
pub(crate) fn best(curve: &Curve, goal: Goal) -> Option<(f64, f64)> {
    let finite = points(curve).into_iter().filter(|(_, value)| value.is_finite());
    finite.reduce(|best, point| {
        let better = match goal {
            Goal::Minimise => point.1 < best.1,
            Goal::Maximise => point.1 > best.1,
        };
        if better { point } else { best }
    })
}

fn best_label((step, value): (f64, f64)) -> String {
    format!("best {} at step {}", words::value(value), words::count(step as u64))
}

#[cfg(test)]
mod tests {
    use super::super::super::curve::CurvePoint;
    use super::*;

    fn curve(tag: &str, values: &[f32]) -> Curve {
        let points = (1..).zip(values).map(|(step, value)| CurvePoint { step, seconds: 0.0, value: *value });
        Curve { tag: tag.into(), points: points.collect() }
    }

    #[test]
    fn the_best_validation_loss_is_marked_and_else_the_best_training_loss() {
        let train = curve("train/loss", &[4.0, 3.0, 2.0, 2.5, 1.5, 1.4, 1.3, 1.2]);
        let both = Curves(vec![train.clone(), curve("eval/loss", &[3.0, 1.25, 1.25, 2.0])]);
        assert!(loss_curve(&both, "a").unwrap().contains("best 1.250 at step 2"));
        let alone = loss_curve(&Curves(vec![train]), "a").unwrap();
        assert!(alone.contains("best 1.200 at step 8") && alone.contains(">smoothed<"));
        assert_eq!(loss_curve(&Curves(vec![curve("train/grad_norm", &[1.0])]), "a"), None);
    }

    #[test]
    fn smoothing_starts_at_the_first_value_and_skips_what_is_no_number() {
        let smoothed = smooth(&[(1.0, 4.0), (2.0, f64::NAN), (3.0, 2.0)]);
        assert!((smoothed[0].1 - 4.0).abs() < 1e-12 && smoothed[1].1.is_nan());
        assert!((smoothed[2].1 - (0.6 * 4.0 + 2.0) / 1.6).abs() < 1e-12);
    }

    #[test]
    fn runs_are_laid_over_each_other() {
        let runs = [("one", curve("eval/loss", &[3.0, 2.0])), ("two", curve("eval/loss", &[]))]
            .map(|(name, curve)| (name.to_owned(), curve));
        assert!(overlay("validation loss", &runs).unwrap().contains(">one</text>"));
        assert_eq!(overlay("validation loss", &runs[1..]), None);
    }

    /// Not a check: writes pictures to look at, where a folder is given.
    #[test]
    fn pictures_to_look_at() {
        let Ok(folder) = std::env::var("LORADECK_PICTURES") else { return };
        let noise = |step: usize| ((step * 7919) % 101) as f32 / 101.0 - 0.5;
        let falling = |from: f32, to: f32, rate: f32, spread: f32| -> Vec<f32> {
            (0..120)
                .map(|step| to + (from - to) * (-rate * step as f32).exp() + spread * noise(step))
                .collect()
        };
        let mut evaluation = curve("eval/loss", &[3.1, 1.7, 1.2, 0.95, 0.9, 0.87, 0.86, 0.88]);
        evaluation.points.iter_mut().for_each(|point| point.step = (point.step - 1) * 17);
        let rate: Vec<f32> = (0..120).map(|step| 2e-3 * (1.0 + (step as f32 * 0.026).cos()) / 2.0).collect();
        let mut loss = falling(3.4, 0.8, 0.06, 0.5);
        loss[70] = f32::NAN;
        let curves =
            Curves(vec![curve("train/loss", &loss), evaluation, curve("train/learning_rate", &rate)]);
        std::fs::write(
            format!("{folder}/loss.svg"),
            loss_curve(&curves, "Loss of style/0007-rank-8").unwrap(),
        )
        .unwrap();
        let runs: Vec<_> = (0..4)
            .map(|run| {
                let values = falling(3.4, 0.5 + run as f32 * 0.3, 0.03, 0.0);
                let mut curve = curve("eval/loss", &values);
                curve.points.retain(|point| point.step % 20 == 1);
                (format!("000{run}-rank-{run}-lr-2e-3"), curve)
            })
            .collect();
        std::fs::write(format!("{folder}/overlay.svg"), overlay("Validation loss", &runs).unwrap()).unwrap();
    }
}
