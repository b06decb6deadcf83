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
    /// Whether times never decrease, so that they can be searched.
    times_unordered: bool,
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
            self.times_unordered |= self.times.last().is_some_and(|last| *last > time);
            self.steps.push(step);
            self.times.push(time);
            self.values.push(value);
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
        self.times_unordered = !self.times.is_sorted();
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
        self.revision += 1;
        true
    }

    /// The smallest and largest x of the points; `None` where there is no point.
    pub fn x_range(&self, axis: XAxis) -> Option<(f64, f64)> {
        match axis {
            XAxis::Step => Some((*self.steps.first()? as f64, *self.steps.last()? as f64)),
            XAxis::Time { origin } if self.times_unordered => {
                let all = self.times.iter().map(|time| time - origin);
                Some((all.clone().fold(f64::INFINITY, f64::min), all.fold(f64::NEG_INFINITY, f64::max)))
            }
            XAxis::Time { origin } => Some((*self.times.first()? - origin, *self.times.last()? - origin)),
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
        let mut all = Vec::with_capacity(count);
        let mut start = self.lower(axis, from);
        for index in 1..=count {
            let end = if index == count {
                self.indices(axis, from, to).end
            } else {
                self.lower(axis, from + width * index as f64)
            };
            let end = end.min(values.values().len());
            all.push(column(values, start..end));
            start = start.max(end);
        }
        all
    }

    /// The indices of the points with x in `from..=to`.
    pub fn indices(&self, axis: XAxis, from: f64, to: f64) -> Range<usize> {
        let end = match axis {
            XAxis::Step => self.steps.partition_point(|step| *step as f64 <= to),
            XAxis::Time { origin } => self.times.partition_point(|time| *time - origin <= to),
        };
        let start = self.lower(axis, from);
        start..end.max(start)
    }

    /// The index of the first point at `x` or later.
    ///
    /// Times that go back (foreign writers, a clock set back) are searched as if they did not: a point may then
    /// fall into a neighbouring column, but none is lost or doubled.
    fn lower(&self, axis: XAxis, x: f64) -> usize {
        match axis {
            XAxis::Step => self.steps.partition_point(|step| (*step as f64) < x),
            XAxis::Time { origin } => self.times.partition_point(|time| *time - origin < x),
        }
    }
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
