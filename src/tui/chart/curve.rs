//! One run's curve: a series, raw or smoothed, as dots.

use loradeck_core::metrics::{Bounds, Column, Point, Series, Smoothed, XAxis};

use super::canvas::{Canvas, Ink};
use super::frame::Frame;

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Curve<'a> {
    /// The points.
    pub series: &'a Series,
    /// Other values for the same points, where they are smoothed.
    pub smoothed: Option<&'a Smoothed>,
    /// What x counts.
    pub axis: XAxis,
}

impl Curve<'_> {
    fn values(&self) -> &[f32] {
        self.smoothed.map_or(self.series.values(), Smoothed::values)
    }

    pub(super) fn columns(&self, x: (f64, f64), count: usize) -> Vec<Option<Column>> {
        match self.smoothed {
            Some(smoothed) => smoothed.columns(self.series, self.axis, x.0, x.1, count),
            None => self.series.columns(self.axis, x.0, x.1, count),
        }
    }

    fn x(&self, point: Point) -> f64 {
        match self.axis {
            XAxis::Step => point.step as f64,
            XAxis::Time { origin } => point.time - origin,
        }
    }

    /// The point at `index` with the value that is drawn there.
    pub fn point(&self, index: usize) -> Option<(f64, f64)> {
        let value = f64::from(*self.values().get(index)?);
        Some((self.x(self.series.point(index)?), value))
    }

    /// Smallest and largest finite value between the edges `x`; `None` where there is none.
    pub fn extremes(&self, x: (f64, f64)) -> Option<(f64, f64)> {
        let all = self.columns(x, 1).into_iter().flatten().next()?.extremes;
        all.has_finite().then(|| (f64::from(all.min), f64::from(all.max)))
    }
}

/// The last point at or before `x` with the value that is drawn there.
pub fn value_at(curve: &Curve<'_>, x: f64) -> Option<(Point, f64)> {
    let end = curve.series.indices(curve.axis, f64::NEG_INFINITY, x).end;
    let index = end.checked_sub(1)?;
    let value = f64::from(*curve.values().get(index)?);
    Some((curve.series.point(index)?, value))
}

/// Places values on the dots of a canvas.
pub(super) struct Rows {
    pub(super) bounds: Bounds,
    pub(super) height: usize,
}

impl Rows {
    /// The row of a value, at the edge where it lies beyond; `None` for what cannot be shown.
    pub(super) fn of(&self, value: f64) -> Option<usize> {
        if !value.is_finite() {
            return None;
        }
        let place = self.bounds.place(value)?.clamp(0.0, 1.0);
        Some(((1.0 - place) * (self.height.saturating_sub(1)) as f64).round() as usize)
    }
}

/// Draws the curve within `frame`: per column of dots one stretch from the least to the greatest value, joined to the
/// column before. Costs as much as there are dots across, however many points there are. Returns the columns of
/// dots that hold values which are no numbers.
pub fn draw_curve(canvas: &mut Canvas, curve: &Curve<'_>, frame: &Frame, ink: Ink) -> Vec<usize> {
    let width = canvas.width();
    let rows = Rows { bounds: frame.y, height: canvas.height() };
    let columns = curve.columns(frame.x, width);
    let mut pen = entry(curve, frame, &rows).map(|row| (0, row));
    let mut broken = Vec::new();
    for (x, column) in columns.iter().enumerate() {
        let Some(column) = column else { continue };
        if column.extremes.non_finite > 0 {
            broken.push(x);
        }
        if let (Some(top), Some(bottom)) =
            (rows.of(f64::from(column.extremes.max)), rows.of(f64::from(column.extremes.min)))
        {
            canvas.column(x, top, bottom, ink);
        }
        if let (Some(from), Some(row)) = (pen, rows.of(f64::from(column.first))) {
            canvas.line(from, (x, row), ink);
        }
        pen = rows.of(f64::from(column.last)).map(|row| (x, row));
    }
    if let (Some(from), Some(row)) = (pen, exit(curve, frame, &rows)) {
        canvas.line(from, (width.saturating_sub(1), row), ink);
    }
    broken
}

/// The row at which the curve comes in from the left of the frame.
fn entry(curve: &Curve<'_>, frame: &Frame, rows: &Rows) -> Option<usize> {
    let inside = curve.series.indices(curve.axis, frame.x.0, frame.x.1);
    crossing(curve, inside.start.checked_sub(1)?, inside.start, frame.x.0, rows)
}

/// The row at which the curve leaves on the right of the frame.
fn exit(curve: &Curve<'_>, frame: &Frame, rows: &Rows) -> Option<usize> {
    let inside = curve.series.indices(curve.axis, frame.x.0, frame.x.1);
    crossing(curve, inside.end.checked_sub(1)?, inside.end, frame.x.1, rows)
}

fn crossing(curve: &Curve<'_>, before: usize, after: usize, x: f64, rows: &Rows) -> Option<usize> {
    let (left, right) = (curve.point(before)?, curve.point(after)?);
    let (low, high) = (rows.bounds.place(left.1)?, rows.bounds.place(right.1)?);
    let share = if right.0 > left.0 { (x - left.0) / (right.0 - left.0) } else { 0.0 };
    let place = low + (high - low) * share.clamp(0.0, 1.0);
    let place = place.is_finite().then(|| place.clamp(0.0, 1.0))?;
    Some(((1.0 - place) * rows.height.saturating_sub(1) as f64).round() as usize)
}

#[cfg(test)]
#[path = "curve_tests.rs"]
mod tests;
