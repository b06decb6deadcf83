//! One metric's points in columns, ordered by step, ready to be drawn at any width.

use std::ops::Range;

use super::pyramid::{Extremes, Pyramid};

/// One measured value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The training step.
    pub step: u64,
    /// Seconds since 1970.
    pub time: f64,
    /// The value; may be NaN or infinite.
    pub value: f64,
}

/// Which way a metric improves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Goal {
    /// Lower is better.
    Minimise,
    /// Higher is better.
    Maximise,
}

/// What the x axis of a chart counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum XAxis {
    /// Training steps.
    Step,
    /// Seconds since the given moment (itself in seconds since 1970).
    Time {
        /// The zero of the axis, usually [`super::RunMetrics::origin`].
        origin: f64,
    },
}

/// The points that fall into one column of a chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// The first value, wherever it lies; may be NaN or infinite.
    pub first: f32,
    /// The last value; may be NaN or infinite.
    pub last: f32,
    /// Smallest and largest finite value, and how many are not finite.
    pub extremes: Extremes,
    /// The points, by index.
    pub points: (usize, usize),
}

/// One metric's points. At most one per step: a later value of a step replaces the earlier one.
///
/// Values are kept in single precision, which is what event files hold.
#[derive(Clone, Debug, Default)]
pub struct Series {
    steps: Vec<u64>,
    times: Vec<f64>,
    values: Pyramid,
    /// Where times go back (foreign writers, a clock set back): the latest time up to each point, which never does,
    /// so that it can be searched. Empty where times are in order.
    clock: Vec<f64>,
    revision: u64,
}

impl Series {
    /// How many points there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Counts changes other than appended points: what was derived from an equal prefix holds while it stays.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The steps, increasing.
    pub fn steps(&self) -> &[u64] {
        &self.steps
    }

    /// The times in seconds since 1970, in step order.
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// The values, in step order.
    pub fn values(&self) -> &[f32] {
        self.values.values()
    }

    /// The point at `index`, counted in step order.
    pub fn point(&self, index: usize) -> Option<Point> {
        let value = f64::from(*self.values.values().get(index)?);
        Some(Point { step: *self.steps.get(index)?, time: *self.times.get(index)?, value })
    }

    /// The newest point, finite or not.
    pub fn last(&self) -> Option<Point> {
        self.point(self.len().checked_sub(1)?)
    }

    /// The newest finite point.
    pub fn last_finite(&self) -> Option<Point> {
        self.values().iter().rposition(|value| value.is_finite()).and_then(|index| self.point(index))
    }

    /// The first finite point.
    pub fn first_finite(&self) -> Option<Point> {
        self.values().iter().position(|value| value.is_finite()).and_then(|index| self.point(index))
    }

    /// The best finite point; of equals the earliest.
    pub fn best(&self, goal: Goal) -> Option<Point> {
        let extremes = self.values.extremes(0..self.len());
        let value = match goal {
            Goal::Minimise => extremes.min,
            Goal::Maximise => extremes.max,
        };
        self.point(self.values.position(0..self.len(), value)?)
    }

    /// The point at `step`, or the nearest before it.
    pub fn at_step(&self, step: u64) -> Option<Point> {
        self.point(self.steps.partition_point(|known| *known <= step).checked_sub(1)?)
    }

    /// Adds a point where its step belongs.
    pub fn push(&mut self, step: u64, time: f64, value: f64) {
        let value = value as f32;
        if self.steps.last().is_none_or(|last| *last < step) {
            let latest = self.clock().last().copied();
            self.steps.push(step);
            self.times.push(time);
            self.values.push(value);
            match latest {
                Some(latest) if !self.clock.is_empty() => self.clock.push(latest.max(time)),
                Some(latest) if latest > time => self.order_times(),
                _ => {}
            }
            return;
        }
        self.revision += 1;
        match self.steps.binary_search(&step) {
            Ok(index) => {
                self.times[index] = time;
                self.values.set(index, value);
            }
            Err(index) => {
                self.steps.insert(index, step);
                self.times.insert(index, time);
                self.values.insert(index, value);
            }
        }
        self.order_times();
    }

    fn order_times(&mut self) {
        self.clock.clear();
        if !self.times.is_sorted() {
            let latest = self.times.iter().scan(f64::NEG_INFINITY, |latest, time| {
                *latest = latest.max(*time);
                Some(*latest)
            });
            self.clock.extend(latest);
        }
    }

    /// Times that never go back.
    fn clock(&self) -> &[f64] {
        if self.clock.is_empty() { &self.times } else { &self.clock }
    }

    /// Drops the points at `step` and later; whether there were any.
    pub fn purge(&mut self, step: u64) -> bool {
        let kept = self.steps.partition_point(|known| *known < step);
        if kept == self.len() {
            return false;
        }
        self.steps.truncate(kept);
        self.times.truncate(kept);
        self.values.truncate(kept);
        self.clock.truncate(kept);
        self.revision += 1;
        true
    }

    /// The smallest and largest x of the points; `None` where there is no point.
    pub fn x_range(&self, axis: XAxis) -> Option<(f64, f64)> {
        match axis {
            XAxis::Step => Some((*self.steps.first()? as f64, *self.steps.last()? as f64)),
            XAxis::Time { origin } => Some((*self.clock().first()? - origin, *self.clock().last()? - origin)),
        }
    }

    /// The extremes of the values whose x lies in `from..=to`.
    pub fn extremes(&self, axis: XAxis, from: f64, to: f64) -> Extremes {
        self.values.extremes(self.indices(axis, from, to))
    }

    /// Sums the points with x in `from..=to` up into `count` columns of equal width. No spike is lost: a column
    /// knows its smallest and largest value however many points it holds. Columns without points are `None`.
    pub fn columns(&self, axis: XAxis, from: f64, to: f64, count: usize) -> Vec<Option<Column>> {
        self.columns_of(&self.values, axis, from, to, count)
    }

    /// As [`Series::columns`] for other values of the same points, such as smoothed ones. Points beyond the end of
    /// `values` are left out.
    pub fn columns_of(
        &self,
        values: &Pyramid,
        axis: XAxis,
        from: f64,
        to: f64,
        count: usize,
    ) -> Vec<Option<Column>> {
        let width = (to - from) / count.max(1) as f64;
        let in_range = self.indices(axis, from, to);
        let end_of_range = in_range.end.min(values.values().len());
        let mut all = Vec::with_capacity(count);
        let (mut start, mut stride) = (in_range.start, 0);
        for index in 1..=count {
            let x = from + width * index as f64;
            let end = match axis {
                _ if index == count => end_of_range,
                XAxis::Step => gallop(end_of_range, start, stride, |at| (self.steps[at] as f64) < x),
                XAxis::Time { origin } => {
                    let clock = self.clock();
                    gallop(end_of_range, start, stride, |at| clock[at] - origin < x)
                }
            };
            all.push(column(values, start..end));
            stride = end.saturating_sub(start);
            start = start.max(end);
        }
        all
    }

    /// The indices of the points with x in `from..=to`.
    pub fn indices(&self, axis: XAxis, from: f64, to: f64) -> Range<usize> {
        let end = match axis {
            XAxis::Step => self.steps.partition_point(|step| *step as f64 <= to),
            XAxis::Time { origin } => self.clock().partition_point(|time| *time - origin <= to),
        };
        let start = self.lower(axis, from);
        start..end.max(start)
    }

    /// The index of the first point at `x` or later.
    fn lower(&self, axis: XAxis, x: f64) -> usize {
        match axis {
            XAxis::Step => self.steps.partition_point(|step| (*step as f64) < x),
            XAxis::Time { origin } => self.clock().partition_point(|time| *time - origin < x),
        }
    }
}

/// The first index from `start` to `end` that is not `before`, sought near `start + stride`: columns of equal width
/// mostly hold equally many points.
fn gallop(end: usize, start: usize, stride: usize, before: impl Fn(usize) -> bool) -> usize {
    if start >= end {
        return start;
    }
    // All indices below `low` are before, `high` is not.
    let (mut low, mut high) = (start, end);
    let mut step = 1;
    let mut probe = (start + stride).min(end - 1);
    if before(probe) {
        loop {
            low = probe + 1;
            probe = low + step;
            step *= 2;
            if probe >= end {
                break;
            }
            if !before(probe) {
                high = probe;
                break;
            }
        }
    } else {
        loop {
            high = probe;
            probe = probe.saturating_sub(step).max(start);
            step *= 2;
            if high == start {
                break;
            }
            if before(probe) {
                low = probe + 1;
                break;
            }
        }
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

fn column(values: &Pyramid, points: Range<usize>) -> Option<Column> {
    let stretch = values.values().get(points.clone())?;
    Some(Column {
        first: *stretch.first()?,
        last: *stretch.last()?,
        extremes: values.extremes(points.clone()),
        points: (points.start, points.end),
    })
}

#[cfg(test)]
#[path = "series_tests.rs"]
mod tests;
