//! The rasteriser: nothing is lost, nothing costs more than the picture.

use loradeck_core::metrics::Scale;
use proptest::prelude::*;
use ratatui::style::Color;

use super::*;
use crate::tui::theme::Glyphs;

const INK: Ink = Ink { colour: Color::Cyan, faint: false, bold: false, letter: 'a' };

fn series(values: impl IntoIterator<Item = f64>) -> Series {
    let mut series = Series::default();
    for (step, value) in values.into_iter().enumerate() {
        series.push(step as u64, step as f64, value);
    }
    series
}

fn draw(series: &Series, frame: Frame, columns: u16, rows: u16, glyphs: Glyphs) -> (Canvas, Vec<usize>) {
    let mut canvas = Canvas::new(columns, rows, glyphs);
    let curve = Curve { series, smoothed: None, axis: XAxis::Step };
    let broken = draw_curve(&mut canvas, &curve, &frame, INK);
    (canvas, broken)
}

fn frame(right: f64, low: f64, high: f64) -> Frame {
    Frame { x: (0.0, right), y: Bounds { low, high, tick: 1.0, scale: Scale::Linear } }
}

#[test]
fn points_between_the_edges_of_a_zoom_are_joined() {
    let far = series([0.0, 10.0]);
    let (canvas, _) = draw(&far, Frame { x: (0.4, 0.6), ..frame(1.0, 0.0, 10.0) }, 10, 5, Glyphs::Dots);
    assert!(canvas.is_set(0, 2) == canvas.is_set(9, 2));
    // No point lies inside, so nothing but the way between them could be drawn.
    assert!((0..10).all(|column| (0..5).any(|row| canvas.is_set(column, row))));
}

#[test]
fn what_is_no_number_is_a_gap_and_reported() {
    let gap = series([1.0, 1.0, f64::NAN, f64::NAN, 1.0, 1.0]);
    let (canvas, broken) = draw(&gap, frame(5.0, 0.0, 2.0), 6, 3, Glyphs::Dots);
    let set: Vec<bool> = (0..6).map(|column| (0..3).any(|row| canvas.is_set(column, row))).collect();
    assert_eq!(set, [true, true, false, false, true, true]);
    assert_eq!(broken, [2, 3]);
}

#[test]
fn a_value_is_found_at_and_before_the_cursor() {
    let points = series([5.0, 6.0, 7.0]);
    let curve = Curve { series: &points, smoothed: None, axis: XAxis::Step };
    assert_eq!(value_at(&curve, 1.5).map(|(point, value)| (point.step, value)), Some((1, 6.0)));
    assert_eq!(value_at(&curve, -1.0), None);
    assert_eq!(value_at(&curve, 99.0).map(|(_, value)| value), Some(7.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_spike_of_one_step_survives_at_any_width(
        count in 2usize..5000, at in any::<proptest::sample::Index>(), columns in 1u16..200, rows in 2u16..40,
        glyphs in prop_oneof![Just(Glyphs::Braille), Just(Glyphs::Dots), Just(Glyphs::Blocks), Just(Glyphs::Ascii)],
    ) {
        let spike = at.index(count);
        let points = series((0..count).map(|step| if step == spike { 100.0 } else { 0.0 }));
        let (canvas, _) = draw(&points, frame((count - 1) as f64, 0.0, 100.0), columns, rows, glyphs);
        prop_assert!((0..usize::from(columns)).any(|column| canvas.is_set(column, 0)));
        prop_assert!((0..usize::from(columns)).any(|column| canvas.is_set(column, usize::from(rows) - 1)));
    }

    #[test]
    fn any_values_and_edges_are_drawn_without_harm(
        values in proptest::collection::vec(any::<f64>(), 0..60), from in -10.0f64..70.0, reach in 0.0f64..100.0,
        low in any::<f64>(), high in any::<f64>(), log: bool,
    ) {
        let scale = if log { Scale::Log } else { Scale::Linear };
        let frame = Frame { x: (from, from + reach), y: Bounds::around(low, high, scale) };
        draw(&series(values), frame, 20, 5, Glyphs::Braille);
    }

    #[test]
    fn a_full_curve_leaves_no_column_empty(values in proptest::collection::vec(-5.0f64..5.0, 2..300), columns in 1u16..100) {
        let right = (values.len() - 1) as f64;
        let (canvas, _) = draw(&series(values), frame(right, -5.0, 5.0), columns, 6, Glyphs::Braille);
        prop_assert!((0..usize::from(columns)).all(|column| (0..6).any(|row| canvas.is_set(column, row))));
    }
}
