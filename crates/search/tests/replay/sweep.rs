//! Whole learning curves of a sweep's trials: read from CSV, or made up.

use std::collections::BTreeMap;
use std::fmt::Write;

use loradeck_search::Curve;

/// The complete curves of one sweep on one data set; all have the same steps, and smaller is better.
pub(crate) struct Sweep {
    pub(crate) name: String,
    pub(crate) curves: Vec<Curve>,
}

impl Sweep {
    /// Reads `trial,step,value` lines below a header; lines that begin with # say where the curves come from.
    pub(crate) fn read(name: &str, text: &str) -> Self {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
        assert_eq!(lines.next().map(|(_, line)| line), Some("trial,step,value"), "{name}: the header");
        let mut curves: BTreeMap<u64, Vec<(u64, f64)>> = BTreeMap::new();
        for (number, line) in lines {
            let (trial, step, value) = fields(line)
                .unwrap_or_else(|| panic!("{name}:{}: {line:?} is not trial,step,value", number + 1));
            curves.entry(trial).or_default().push((step, value));
        }
        let curves: Vec<Curve> = curves.into_iter().map(|(trial, points)| Curve { trial, points }).collect();
        let steps = |curve: &Curve| curve.points.iter().map(|(step, _)| *step).collect::<Vec<_>>();
        for curve in &curves {
            assert_eq!(steps(curve), steps(&curves[0]), "{name}: trial {} has other steps", curve.trial);
            assert!(steps(curve).is_sorted_by(|one, other| one < other), "{name}: steps go up");
        }
        Self { name: name.to_owned(), curves }
    }

    /// The last step.
    pub(crate) fn budget(&self) -> u64 {
        self.curves[0].points.last().unwrap().0
    }

    pub(crate) fn final_value(&self, trial: usize) -> f64 {
        self.curves[trial].points.last().unwrap().1
    }

    /// The value at the last step of the trial that is best there.
    pub(crate) fn best(&self) -> f64 {
        (0..self.curves.len()).map(|trial| self.final_value(trial)).fold(f64::INFINITY, f64::min)
    }

    /// The share of pairs of trials whose order at `step` is not their order at the end.
    pub(crate) fn crossing(&self, step: u64) -> f64 {
        let at = |trial: usize| self.curves[trial].points.iter().find(|point| point.0 >= step).unwrap().1;
        let pairs: Vec<bool> = (0..self.curves.len())
            .flat_map(|one| (0..one).map(move |other| (one, other)))
            .map(|(one, other)| (at(one) < at(other)) != (self.final_value(one) < self.final_value(other)))
            .collect();
        pairs.iter().filter(|crosses| **crosses).count() as f64 / pairs.len() as f64
    }
}

fn fields(line: &str) -> Option<(u64, u64, f64)> {
    let mut fields = line.split(',');
    let read = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    fields.next().is_none().then_some(read)
}

/// Numbers in [0, 1) that look random: the upper bits of Knuth's linear congruential generator (MMIX).
pub(crate) fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Curves that were MADE UP, as CSV: the losses of `count` trials over learning rates. The best rate lies inside, higher
/// ones fall faster, and each trial has a lucky or unlucky beginning that wears off; so many pairs cross.
pub(crate) fn made_up(set: u64, count: u64, steps: u64) -> String {
    let mut unit = noise(set);
    let mut text = String::from("# made up, not measured\ntrial,step,value\n");
    for trial in 0..count {
        let rate = 2.0 * unit() - 1.0;
        let floor = 1.2 + 0.1 * set as f64 + 0.35 * (rate - 0.2).powi(2) + 0.01 * unit();
        let (pace, luck) = (0.04 * 10_f64.powf(-0.5 * rate), 0.3 * (unit() - 0.5));
        for step in 1..=steps {
            let time = step as f64 / steps as f64;
            let loss = floor + 1.6 * (-(time / pace).powf(0.6)).exp() + luck * (-time / 0.25).exp();
            writeln!(text, "{trial},{step},{:.5}", loss + 0.01 * (unit() - 0.5)).unwrap();
        }
    }
    text
}
