//! What the charts show: metric, smoothing, axes, zoom, value cursor; and what is derived from the series for that.

use std::collections::{HashMap, HashSet};

use loradeck_core::metrics::{RunMetrics, Scale, Series, Smoothed, XAxis, registry};

use super::{Runs, SeedGroup};
use crate::store::RunId;
use crate::tui::chart::{Curve, Frame, Spread, band_extremes, hold_bounds, x_range};

/// The strengths of smoothing that `S` walks through.
pub const SMOOTHING: [f64; 4] = [0.0, 0.6, 0.9, 0.97];
/// Columns in which the height of bands is sought; more dots across make no edge differ visibly.
const BAND_COLUMNS: usize = 120;
/// What a chart shows before anything is chosen, in this order of preference.
const PREFERRED: [&str; 2] = ["eval/loss", "train/loss"];

/// The charts' settings and caches.
#[derive(Debug, Default)]
pub struct Charting {
    /// The metric chosen; `None`: the first preferred one that has points.
    pub metric: Option<String>,
    /// Index into [`SMOOTHING`].
    pub smoothing: usize,
    /// Logarithmic values.
    pub log: bool,
    /// Time instead of steps.
    pub time: bool,
    /// Runs that differ only in their seed are drawn as their mean and its deviation.
    pub band: bool,
    /// Those runs, and every other one alone; empty where `band` is off.
    pub groups: Vec<SeedGroup>,
    /// Outliers stay outside.
    pub clip: bool,
    /// The stretch shown; `None`: everything.
    pub zoom: Option<(f64, f64)>,
    /// Where the value cursor stands.
    pub cursor: Option<f64>,
    frames: HashMap<String, Frame>,
    smoothed: HashMap<(RunId, String), Smoothed>,
}

impl Charting {
    /// All metrics of these runs: known ones first, then by name.
    pub fn metrics(runs: &Runs, charted: &[RunId]) -> Vec<String> {
        let all: HashSet<&str> =
            charted.iter().filter_map(|id| runs.metrics(*id)).flat_map(RunMetrics::tags).collect();
        let mut all: Vec<&str> = all.into_iter().collect();
        all.sort_unstable_by_key(|tag| (registry::rank(tag), *tag));
        all.into_iter().map(str::to_owned).collect()
    }

    /// The metric shown, given those there are.
    pub fn shown_metric(&self, metrics: &[String]) -> Option<String> {
        let chosen = self.metric.as_ref().filter(|metric| metrics.contains(metric) || metrics.is_empty());
        chosen.cloned().or_else(|| {
            let preferred = PREFERRED.iter().map(|tag| (*tag).to_owned()).find(|tag| metrics.contains(tag));
            preferred.or_else(|| metrics.first().cloned())
        })
    }

    /// The weight of smoothing.
    pub fn weight(&self) -> f64 {
        SMOOTHING[self.smoothing % SMOOTHING.len()]
    }

    /// The scale of values.
    pub fn scale(&self) -> Scale {
        if self.log { Scale::Log } else { Scale::Linear }
    }

    /// The edges of a metric's chart, as of the last [`Charting::refresh`].
    pub fn frame(&self, metric: &str) -> Option<Frame> {
        self.frames.get(metric).copied()
    }

    /// The x axis of a run.
    pub fn axis(&self, runs: &Runs, id: RunId) -> XAxis {
        if !self.time {
            return XAxis::Step;
        }
        XAxis::Time { origin: runs.metrics(id).and_then(RunMetrics::origin).unwrap_or(0.0) }
    }

    /// A run's curve without smoothing.
    pub fn raw<'a>(&self, runs: &'a Runs, id: RunId, metric: &str) -> Option<Curve<'a>> {
        let series = runs.metrics(id)?.get(metric)?;
        Some(Curve { series, smoothed: None, axis: self.axis(runs, id) })
    }

    /// A run's curve as chosen: smoothed, where smoothing is on.
    pub fn curve<'a>(&'a self, runs: &'a Runs, id: RunId, metric: &str) -> Option<Curve<'a>> {
        let raw = self.raw(runs, id, metric)?;
        let smoothed = self.smoothed.get(&(id, metric.to_owned()));
        Some(Curve { smoothed, ..raw })
    }

    /// Brings smoothing and edges up to date for these metrics of these runs, and forgets what belongs to others.
    pub fn refresh(&mut self, runs: &Runs, charted: &[RunId], metrics: &[String]) {
        self.refresh_smoothed(runs, charted, metrics);
        let mut frames = HashMap::new();
        for metric in metrics {
            if let Some(frame) = self.fresh_frame(runs, charted, metric) {
                frames.insert(metric.clone(), frame);
            }
        }
        self.frames = frames;
    }

    fn refresh_smoothed(&mut self, runs: &Runs, charted: &[RunId], metrics: &[String]) {
        let weight = self.weight();
        let mut old = std::mem::take(&mut self.smoothed);
        if weight <= 0.0 {
            return;
        }
        for id in charted {
            let Some(own) = runs.metrics(*id) else { continue };
            for metric in metrics {
                let Some(series) = own.get(metric) else { continue };
                let key = (*id, metric.clone());
                let known = old.remove(&key).filter(|known| (known.weight() - weight).abs() < 1e-9);
                let mut smoothed = known.unwrap_or_else(|| Smoothed::new(weight));
                smoothed.update(series);
                self.smoothed.insert(key, smoothed);
            }
        }
    }

    fn fresh_frame(&self, runs: &Runs, charted: &[RunId], metric: &str) -> Option<Frame> {
        let curves: Vec<Curve<'_>> = charted.iter().filter_map(|id| self.curve(runs, *id, metric)).collect();
        let x = self.zoom.or_else(|| self.full_range(runs, charted, metric))?;
        let (low, high) = match (self.clip, self.groups.is_empty()) {
            (true, _) => usual(&curves, x),
            (false, true) => extremes(&curves, x),
            (false, false) => self.band_extremes(runs, metric, x).or_else(|| extremes(&curves, x)),
        }?;
        let old = self.frames.get(metric).map(|frame| frame.y);
        Some(Frame { x, y: hold_bounds(old, low, high, self.scale()) })
    }

    /// The curves of a group's runs.
    pub fn curves_of<'a>(&'a self, runs: &'a Runs, group: &SeedGroup, metric: &str) -> Vec<Curve<'a>> {
        group.runs.iter().filter_map(|id| self.curve(runs, *id, metric)).collect()
    }

    /// Lower and upper edge of everything drawn where groups are drawn as bands.
    fn band_extremes(&self, runs: &Runs, metric: &str, x: (f64, f64)) -> Option<(f64, f64)> {
        let of_group = |group: &SeedGroup| {
            let curves = self.curves_of(runs, group, metric);
            if group.is_band() { band_extremes(&curves, x, BAND_COLUMNS) } else { extremes(&curves, x) }
        };
        let all = self.groups.iter().filter_map(of_group);
        all.reduce(|known, other| (known.0.min(other.0), known.1.max(other.1)))
    }

    /// Left and right edge with everything shown.
    pub fn full_range(&self, runs: &Runs, charted: &[RunId], metric: &str) -> Option<(f64, f64)> {
        let mut spread: Option<Spread> = None;
        for id in charted {
            let Some(series) = runs.metrics(*id).and_then(|own| own.get(metric)) else { continue };
            let Some((first, last)) = series.x_range(self.axis(runs, *id)) else { continue };
            let run = runs.get(*id);
            let live = run.is_some_and(|run| run.state().is_live());
            let steps = run.and_then(crate::store::Run::steps).map(|(_, total)| total as f64);
            let end = steps.filter(|_| !self.time);
            spread = Some(match spread {
                None => Spread { first, last, live, end, time: self.time },
                Some(known) => Spread {
                    first: known.first.min(first),
                    last: known.last.max(last),
                    live: known.live || live,
                    end: known.end.zip(end).map(|(one, other)| one.max(other)),
                    time: self.time,
                },
            });
        }
        spread.map(x_range)
    }
}

fn extremes(curves: &[Curve<'_>], x: (f64, f64)) -> Option<(f64, f64)> {
    curves
        .iter()
        .filter_map(|curve| curve.extremes(x))
        .reduce(|known, other| (known.0.min(other.0), known.1.max(other.1)))
}

/// The stretch of values that leaves out the outermost 2 % on each side, from at most 200 places per curve.
fn usual(curves: &[Curve<'_>], x: (f64, f64)) -> Option<(f64, f64)> {
    const PLACES: usize = 200;
    let mut values: Vec<f64> = Vec::new();
    for curve in curves {
        let inside = curve.series.indices(curve.axis, x.0, x.1);
        let stride = (inside.len() / PLACES).max(1);
        let at = inside.step_by(stride).filter_map(|index| curve.point(index));
        values.extend(at.map(|(_, value)| value).filter(|value| value.is_finite()));
    }
    if values.len() < 10 {
        return extremes(curves, x);
    }
    values.sort_unstable_by(f64::total_cmp);
    let cut = (values.len() / 50).max(1);
    Some((values[cut], values[values.len() - 1 - cut]))
}

/// Whether a series has so few points that each can be marked.
pub fn is_sparse(series: &Series, columns: usize) -> bool {
    series.len() * 4 <= columns
}
