//! Tables: columns as wide as they need, narrower where the screen is.

use super::block::{Look, Piece, Side};
use super::layout::Line;
use super::wrap::wrap;

/// Between two columns.
const GAP: usize = 2;
/// No column is made narrower than this; a table of many columns is wider than the screen then.
const LEAST_COLUMN: usize = 8;

type Cell = Vec<Piece>;

/// Lays a table out: its names, a line, its rows.
pub(super) fn lay_out(
    sides: &[Side],
    header: &[Cell],
    rows: &[Vec<Cell>],
    width: usize,
    rule: &str,
) -> Vec<Line> {
    let count = rows.iter().map(Vec::len).chain([header.len()]).max().unwrap_or(0);
    let widths = widths(count, header, rows, width);
    let mut lines = row(sides, header, &widths);
    let mut below = Line::default();
    for (index, width) in widths.iter().enumerate() {
        let gap = if index > 0 { " ".repeat(GAP) } else { String::new() };
        below.push(&(gap + &rule.repeat(*width)), Look { faint: true, ..Look::default() });
    }
    lines.push(below);
    lines.extend(rows.iter().flat_map(|cells| row(sides, cells, &widths)));
    lines
}

/// What each column would like to have, taken from the widest until all fit.
fn widths(count: usize, header: &[Cell], rows: &[Vec<Cell>], width: usize) -> Vec<usize> {
    let wanted = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).chain(header.get(column));
        cells.map(natural).max().unwrap_or(0).max(1)
    };
    let mut widths: Vec<usize> = (0..count).map(wanted).collect();
    let room = width.saturating_sub(GAP * count.saturating_sub(1));
    let mut surplus = widths.iter().sum::<usize>().saturating_sub(room);
    while surplus > 0 {
        let widest = widths.iter().copied().max().unwrap_or(0);
        if widest <= LEAST_COLUMN {
            break;
        }
        let next =
            widths.iter().copied().filter(|width| *width < widest).max().unwrap_or(0).max(LEAST_COLUMN);
        let at_the_top = widths.iter().filter(|width| **width == widest).count();
        let by = (widest - next).min(surplus.div_ceil(at_the_top)).max(1);
        for width in widths.iter_mut().filter(|width| **width == widest) {
            *width -= by;
        }
        surplus = surplus.saturating_sub(by * at_the_top);
    }
    widths
}

fn natural(cell: &Cell) -> usize {
    wrap(cell, usize::MAX / 2).iter().map(Line::width).max().unwrap_or(0)
}

fn row(sides: &[Side], cells: &[Cell], widths: &[usize]) -> Vec<Line> {
    let wrapped: Vec<Vec<Line>> = widths
        .iter()
        .enumerate()
        .map(|(index, width)| cells.get(index).map_or_else(Vec::new, |cell| wrap(cell, *width)))
        .collect();
    let height = wrapped.iter().map(Vec::len).max().unwrap_or(0).max(1);
    (0..height)
        .map(|line| {
            let mut whole = Line::default();
            for (index, width) in widths.iter().enumerate() {
                let part = wrapped[index].get(line).cloned().unwrap_or_default();
                let spare = width.saturating_sub(part.width());
                let before = match sides.get(index).copied().unwrap_or_default() {
                    Side::Left => 0,
                    Side::Middle => spare / 2,
                    Side::Right => spare,
                } + if index > 0 { GAP } else { 0 };
                whole.push(&" ".repeat(before), Look::default());
                let used = before - if index > 0 { GAP } else { 0 };
                for piece in part.pieces {
                    whole.push(&piece.text, piece.look);
                }
                let is_last = index + 1 == widths.len();
                whole.push(&" ".repeat(if is_last { 0 } else { spare - used }), Look::default());
            }
            whole
        })
        .collect()
}
