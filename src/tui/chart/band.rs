//! The mean of several runs with one standard deviation on both sides, drawn as a curve within a shade.
//!
//! Runs are compared column by column: a run's value in a column of dots is the mean of its points there, or, where
//! it has none, lies on the straight line between its neighbours. A run counts from its first point to its last, so
//! that the mean may be of fewer runs at the end; where fewer than two are left, nothing is drawn.

use loradeck_core::metrics::XAxis;

use super::canvas::{Canvas, Ink};
use super::curve::{Curve, Rows};
use super::frame::Frame;
use crate::report::statistics::{Spread, spread};

/// Points of one run looked at in one column; more are passed over evenly.
const POINTS_PER_COLUMN: usize = 16;

/// What several runs say at each of `count` columns between the edges `x`; `None` where fewer than two say anything.
fn band(curves: &[Curve<'_>], x: (f64, f64), count: usize) -> Vec<Option<Spread>> {
    let runs: Vec<Vec<Option<f64>>> = curves.iter().map(|curve| values(curve, x, count)).collect();
    let mut here = Vec::with_capacity(curves.len());
    (0..count)
        .map(|column| {
            here.clear();
            here.extend(runs.iter().filter_map(|run| run[column]));
            if here.len() < 2 { None } else { spread(&here) }
        })
        .collect()
}

/// What they say at one place.
pub fn band_at(curves: &[Curve<'_>], x: f64) -> Option<Spread> {
    let here: Vec<f64> = curves.iter().filter_map(|curve| between(curve, x)).collect();
    if here.len() < 2 { None } else { spread(&here) }
}

/// The lowest and highest edge of the shade.
pub fn band_extremes(curves: &[Curve<'_>], x: (f64, f64), count: usize) -> Option<(f64, f64)> {
    let edges = band(curves, x, count).into_iter().flatten().map(|spot| edges(&spot));
    edges.reduce(|known, other| (known.0.min(other.0), known.1.max(other.1)))
}

fn edges(spot: &Spread) -> (f64, f64) {
    let deviation = spot.deviation.unwrap_or(0.0);
    (spot.mean - deviation, spot.mean + deviation)
}

/// Draws shade and mean within `frame`. Returns the dot at which the mean ends.
pub fn draw_band(
    canvas: &mut Canvas,
    curves: &[Curve<'_>],
    frame: &Frame,
    ink: Ink,
) -> Option<(usize, usize)> {
    let rows = Rows { bounds: frame.y, height: canvas.height() };
    let shade = Ink { faint: true, bold: false, ..ink };
    let mut pen: Option<(usize, usize)> = None;
    let mut end = None;
    for (x, spot) in band(curves, frame.x, canvas.width()).into_iter().enumerate() {
        let Some(spot) = spot else {
            pen = None;
            continue;
        };
        let (low, high) = edges(&spot);
        // Below what a logarithmic axis can show is its lower edge.
        let bottom = rows.of(low).unwrap_or(rows.height.saturating_sub(1));
        if let Some(top) = rows.of(high) {
            // Every other dot: a shade lets what lies behind it through.
            (top..=bottom).filter(|y| (x + y) % 2 == 0).for_each(|y| canvas.dot(x, y, shade));
        }
        let here = rows.of(spot.mean).map(|row| (x, row));
        if let Some(to) = here {
            canvas.line(pen.unwrap_or(to), to, ink);
        }
        pen = here;
        end = here.or(end);
    }
    end
}

fn values(curve: &Curve<'_>, x: (f64, f64), count: usize) -> Vec<Option<f64>> {
    let width = (x.1 - x.0) / count.max(1) as f64;
    let columns = curve.columns(x, count).into_iter().enumerate();
    columns
        .map(|(index, column)| match column {
            Some(column) => mean_of(curve, column.points),
            None => between(curve, x.0 + width * (index as f64 + 0.5)),
        })
        .collect()
}

fn mean_of(curve: &Curve<'_>, (start, end): (usize, usize)) -> Option<f64> {
    let stride = end.saturating_sub(start).div_ceil(POINTS_PER_COLUMN).max(1);
    let points = (start..end).step_by(stride).filter_map(|index| curve.point(index));
    let (sum, count) = points
        .map(|(_, value)| value)
        .filter(|value| value.is_finite())
        .fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

/// The value at `x`, on the straight line between the points beside it; `None` before the first and after the last.
fn between(curve: &Curve<'_>, x: f64) -> Option<f64> {
    let end = curve.series.indices(curve.axis, f64::NEG_INFINITY, x).end;
    let left = curve.point(end.checked_sub(1)?)?;
    let value = match curve.point(end) {
        Some(right) if right.0 > left.0 => left.1 + (right.1 - left.1) * ((x - left.0) / (right.0 - left.0)),
        Some(_) => left.1,
        None => (x - left.0 <= reach(curve.axis)).then_some(left.1)?,
    };
    value.is_finite().then_some(value)
}

/// How far the last point reaches: a cursor on its step must still find it.
fn reach(axis: XAxis) -> f64 {
    if axis == XAxis::Step { 0.5 } else { 1e-6 }
}

#[cfg(test)]
mod tests {
    use loradeck_core::metrics::{Bounds, Scale, Series};
    use proptest::prelude::*;
    use ratatui::style::Color;

    use super::*;
    use crate::tui::theme::Glyphs;

    fn series(points: &[(u64, f64)]) -> Series {
        let mut series = Series::default();
        for (step, value) in points {
            series.push(*step, *step as f64, *value);
        }
        series
    }

    fn curves(all: &[Series]) -> Vec<Curve<'_>> {
        all.iter().map(|series| Curve { series, smoothed: None, axis: XAxis::Step }).collect()
    }

    fn close(spot: Option<Spread>, mean: f64, deviation: f64) -> bool {
        let spot = spot.unwrap();
        (spot.mean - mean).abs() < 1e-6 && (spot.deviation.unwrap() - deviation).abs() < 1e-6
    }

    #[test]
    fn mean_and_deviation_are_those_of_the_runs() {
        let all = [series(&[(0, 1.0), (10, 3.0)]), series(&[(0, 3.0), (5, 4.0), (10, 5.0)])];
        // By hand: at 5 the first lies at 2, the second is 4: mean 3, deviation √2.
        assert!(close(band_at(&curves(&all), 5.0), 3.0, std::f64::consts::SQRT_2));
        assert!(close(band_at(&curves(&all), 10.0), 4.0, std::f64::consts::SQRT_2));
        let middle = band(&curves(&all), (0.0, 10.0), 11);
        assert!(close(middle[5], 3.0, std::f64::consts::SQRT_2), "{middle:?}");
    }

    #[test]
    fn a_run_counts_from_its_first_point_to_its_last() {
        let all = [series(&[(0, 1.0), (10, 1.0)]), series(&[(4, 2.0), (6, 2.0)]), series(&[(5, f64::NAN)])];
        let counts: Vec<Option<usize>> =
            [3.0, 5.0, 8.0].map(|x| band_at(&curves(&all), x).map(|spot| spot.count)).to_vec();
        assert_eq!(counts, [None, Some(2), None]);
        assert_eq!(band_at(&curves(&all[..1]), 5.0), None, "one run has no spread");
    }

    #[test]
    fn many_points_in_a_column_are_averaged() {
        let long: Vec<(u64, f64)> = (0..4000).map(|step| (step, f64::from(step as u32 % 2))).collect();
        let all = [series(&long), series(&long)];
        let spots = band(&curves(&all), (0.0, 3999.0), 10);
        assert!(spots.iter().flatten().all(|spot| spot.deviation == Some(0.0)), "equal runs do not spread");
        assert_eq!(spots.len(), 10);
    }

    #[test]
    fn the_shade_lies_around_the_mean() {
        let all = [series(&[(0, 2.0), (9, 2.0)]), series(&[(0, 6.0), (9, 6.0)])];
        let frame =
            Frame { x: (0.0, 9.0), y: Bounds { low: 0.0, high: 8.0, tick: 1.0, scale: Scale::Linear } };
        let mut canvas = Canvas::new(10, 9, Glyphs::Dots);
        let ink = Ink { colour: Color::Cyan, faint: false, bold: false, letter: 'a' };
        draw_band(&mut canvas, &curves(&all), &frame, ink);
        assert!((0..10).all(|x| canvas.is_set(x, 4)), "the mean");
        // Mean 4, deviation √8: from 1.17 to 6.83.
        assert!((0..10).any(|x| canvas.is_set(x, 1)) && (0..10).any(|x| canvas.is_set(x, 7)));
        assert!((0..10).all(|x| !canvas.is_set(x, 0) && !canvas.is_set(x, 8)));
    }

    proptest! {
        #[test]
        fn any_runs_and_edges_are_drawn_without_harm(
            values in proptest::collection::vec(proptest::collection::vec(any::<f64>(), 0..30), 0..4),
            from in -5.0f64..40.0, reach in 0.0f64..60.0, low in any::<f64>(), high in any::<f64>(), log: bool,
        ) {
            let all: Vec<Series> = values
                .iter()
                .map(|values| series(&values.iter().enumerate().map(|(step, value)| (step as u64, *value)).collect::<Vec<_>>()))
                .collect();
            let scale = if log { Scale::Log } else { Scale::Linear };
            let frame = Frame { x: (from, from + reach), y: Bounds::around(low, high, scale) };
            let mut canvas = Canvas::new(20, 5, Glyphs::Braille);
            let ink = Ink { colour: Color::Cyan, faint: false, bold: false, letter: 'a' };
            draw_band(&mut canvas, &curves(&all), &frame, ink);
        }
    }
}
