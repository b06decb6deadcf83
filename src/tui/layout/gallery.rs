//! Where sample pictures stand.

use ratatui::layout::Rect;

use super::inner;

/// The least height of a picture in the grid, in cells: pictures of twice as many pixels can be told apart.
const LEAST_HEIGHT: u16 = 8;
/// Steps that are to be in sight at least, where there are so many.
const LEAST_ACROSS: u16 = 3;
/// Rows in sight at least, where there are so many and room for them.
const LEAST_DOWN: u16 = 2;
/// Columns of the facts beside a large picture, and the width of a pane that has room for them there.
const FACTS: u16 = 47;
const ROOM_FOR_FACTS: u16 = 100;
/// Lines of the facts below a large picture where there is no room beside it.
const FACTS_BELOW: u16 = 5;

/// Pictures in rows and columns: a line of labels on top, a caption above each row, a column of air around each picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// What the border leaves.
    pub inner: Rect,
    /// Cells of a picture, across and down.
    pub picture: (u16, u16),
    /// Columns in sight.
    pub across: usize,
    /// Rows in sight.
    pub down: usize,
}

impl Grid {
    /// The grid for so many rows and columns of pictures of this shape (width by height in pixels): as many rows as can be told
    /// apart, and fewer larger ones where every column stays in sight.
    pub fn new(body: Rect, rows: usize, columns: usize, shape: f64) -> Self {
        let inner = inner(body);
        let shape = if shape.is_finite() { shape.clamp(0.25, 4.0) } else { 1.0 };
        let most =
            (rows.clamp(1, 99) as u16).min((inner.height.saturating_sub(1) / (LEAST_HEIGHT + 1)).max(1));
        let of = |down: u16| Self::of_rows(inner, down, rows, columns, shape);
        let larger = (LEAST_DOWN.min(most)..most).map(of).find(|grid| grid.across >= columns);
        larger.unwrap_or_else(|| of(most))
    }

    /// The grid with `down` rows, as far as their pictures are not wider than what is to stand beside each other.
    fn of_rows(inner: Rect, down: u16, rows: usize, columns: usize, shape: f64) -> Self {
        let room = inner.height.saturating_sub(1);
        let height = (room / down).saturating_sub(1).max(1);
        // A cell is about twice as high as wide.
        let wanted = (f64::from(height) * 2.0 * shape).round() as u16;
        let beside = (columns.clamp(1, 99) as u16).min(LEAST_ACROSS);
        let widest = (inner.width.saturating_sub(1) / beside).saturating_sub(1).max(1);
        let width = wanted.clamp(1, widest);
        let height = height.min((f64::from(width) / shape / 2.0).ceil().max(1.0) as u16);
        let fit =
            |room: u16, one: u16, count: usize| usize::from((room / (one + 1)).max(1)).min(count.max(1));
        Self {
            inner,
            picture: (width, height),
            across: fit(inner.width.saturating_sub(1), width, columns),
            down: fit(room, height, rows),
        }
    }

    /// The picture at a row and column of those in sight.
    pub fn place(&self, row: usize, column: usize) -> Rect {
        let (width, height) = self.picture;
        let x = self.inner.x + 1 + column as u16 * (width + 1);
        let y = self.inner.y + 2 + row as u16 * (height + 1);
        Rect::new(x, y, width, height).intersection(self.inner)
    }

    /// The line above a row of those in sight.
    pub fn caption(&self, row: usize) -> Rect {
        let y = self.inner.y + 1 + row as u16 * (self.picture.1 + 1);
        Rect { y, height: 1, ..self.inner }.intersection(self.inner)
    }

    /// Row and column of those in sight at a place of the screen.
    pub fn at(&self, x: u16, y: u16) -> Option<(usize, usize)> {
        let all = (0..self.down).flat_map(|row| (0..self.across).map(move |column| (row, column)));
        all.into_iter().find(|(row, column)| self.place(*row, *column).contains((x, y).into()))
    }
}

/// Where a large picture stands, and the facts about it.
pub fn large(body: Rect) -> (Rect, Rect) {
    let inner = inner(body);
    if inner.width >= ROOM_FOR_FACTS {
        let picture = Rect { x: inner.x + 1, width: inner.width - FACTS - 3, ..inner };
        return (picture, Rect { x: picture.right() + 1, width: FACTS, ..inner });
    }
    let below = FACTS_BELOW.min(inner.height / 3);
    let picture = Rect { height: inner.height - below, ..inner };
    let facts =
        Rect { y: picture.bottom(), height: below, x: inner.x + 1, width: inner.width.saturating_sub(2) };
    (picture, facts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_and_columns_in_sight_at_three_sizes() {
        let shape = |width: u16, height: u16, rows, columns| {
            let grid = Grid::new(Rect::new(0, 1, width, height - 2), rows, columns, 1.0);
            (grid.down, grid.across, grid.picture)
        };
        assert_eq!(shape(80, 24, 4, 9), (2, 4, (16, 8)));
        assert_eq!(shape(120, 40, 4, 9), (3, 5, (20, 10)));
        assert_eq!(shape(200, 50, 4, 9), (4, 9, (20, 10)));
        assert_eq!(shape(200, 50, 1, 2), (1, 2, (88, 44)), "few pictures are drawn large");
        assert_eq!(shape(120, 40, 4, 2), (2, 2, (32, 16)), "two runs side by side");
        assert_eq!(shape(80, 24, 1, 9), (1, 3, (24, 12)), "some steps are in sight");
    }

    proptest! {
        #[test]
        fn pictures_are_inside_and_apart(
            width in 60u16..260, height in 16u16..90, rows in 0usize..9, columns in 0usize..30, shape in 0.01f64..40.0,
        ) {
            let body = Rect::new(0, 1, width, height - 2);
            let grid = Grid::new(body, rows, columns, shape);
            let places: Vec<Rect> = (0..grid.down)
                .flat_map(|row| (0..grid.across).map(move |column| grid.place(row, column)))
                .collect();
            for (index, place) in places.iter().enumerate() {
                prop_assert_eq!((place.width, place.height), grid.picture, "whole");
                prop_assert!(places[index + 1..].iter().all(|other| !place.intersects(*other)));
                prop_assert_eq!(grid.at(place.x, place.y), Some((index / grid.across, index % grid.across)));
                prop_assert!(!grid.caption(index / grid.across).intersects(*place));
            }
            let (picture, facts) = large(body);
            prop_assert!(!picture.intersects(facts) && picture.area() > facts.area());
            prop_assert!(inner(body).intersection(picture) == picture && inner(body).intersection(facts) == facts);
        }
    }
}
