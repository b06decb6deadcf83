//! Where everything stands, from the size alone: drawing and clicks read the same numbers.

pub mod gallery;

use ratatui::layout::{Constraint, Layout, Rect};

use super::screen::{Pane, Screen};

/// Below this nothing is shown but a request for more room.
pub const SMALLEST: (u16, u16) = (60, 16);

/// The areas of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Areas {
    /// The line at the top.
    pub header: Rect,
    /// What lies between.
    pub body: Rect,
    /// The line at the bottom.
    pub bar: Rect,
    panes: [Option<Rect>; 4],
}

impl Areas {
    /// A pane's area, border included; `None` where it is not shown.
    pub fn pane(&self, pane: Pane) -> Option<Rect> {
        self.panes[pane as usize]
    }

    /// The pane at a place.
    pub fn pane_at(&self, column: u16, row: u16) -> Option<Pane> {
        let holds = |pane: &Pane| self.pane(*pane).is_some_and(|area| area.contains((column, row).into()));
        Pane::ALL.into_iter().find(holds)
    }
}

/// What a border leaves.
pub fn inner(area: Rect) -> Rect {
    Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
    }
}

/// Whether the window is too small to show anything.
pub fn is_too_small(size: (u16, u16)) -> bool {
    size.0 < SMALLEST.0 || size.1 < SMALLEST.1
}

/// Lays a window out. Three widths: one pane; list and another; list, chart, log and settings.
pub fn areas(size: (u16, u16), screen: Screen, focus: Pane, expanded: bool) -> Areas {
    let whole = Rect::new(0, 0, size.0, size.1);
    let rows = [Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)];
    let [header, body, bar] = Layout::vertical(rows).areas(whole);
    let mut areas = Areas { header, body, bar, panes: [None; 4] };
    if screen != Screen::Runs {
        return areas;
    }
    let mut show = |pane: Pane, area: Rect| areas.panes[pane as usize] = Some(area);
    if expanded || body.width < 80 {
        show(focus, body);
        return areas;
    }
    // What stands beside the list where there is room for only one more.
    let second = if focus == Pane::List { Pane::Chart } else { focus };
    if body.width < 120 {
        let list_height = (body.height * 9 / 20).clamp(6, 16);
        let [list, rest] = split_down(body, list_height);
        show(Pane::List, list);
        show(second, rest);
        return areas;
    }
    let list_width = (body.width * 2 / 5).clamp(46, 72);
    let [list, rest] = split_across(body, list_width);
    show(Pane::List, list);
    if body.height < 28 {
        show(second, rest);
        return areas;
    }
    let low_height = (body.height / 3).clamp(8, 18);
    let [chart, low] = split_down(rest, rest.height - low_height);
    let [log, config] = split_across(low, low.width * 11 / 20);
    show(Pane::Chart, chart);
    show(Pane::Log, log);
    show(Pane::Config, config);
    areas
}

fn split_down(area: Rect, height: u16) -> [Rect; 2] {
    Layout::vertical([Constraint::Length(height), Constraint::Min(0)]).areas(area)
}

fn split_across(area: Rect, width: u16) -> [Rect; 2] {
    Layout::horizontal([Constraint::Length(width), Constraint::Min(0)]).areas(area)
}

/// Where the text of a document stands: inside the border with a column of air.
pub fn document(body: Rect) -> Rect {
    let inner = inner(body);
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}

/// Columns beside a plot for the labels of its values.
pub const GUTTER: u16 = 8;

/// How many columns a plot in a pane of this area has.
pub fn plot_width(area: Rect) -> u16 {
    inner(area).width.saturating_sub(GUTTER)
}

/// How the legend of `count` runs is laid out below a plot: how many stand side by side, and in how many lines.
pub fn legend(inner: Rect, count: usize) -> (usize, u16) {
    let across = usize::from((inner.width / 50).max(1));
    let wanted = count.div_ceil(across) as u16;
    (across, wanted.min((inner.height / 4).max(1)).min(8))
}

/// How the screen of sweeps is laid out inside its border: a list with its headings, and below it what is known of the
/// one under the cursor.
pub fn sweeps(body: Rect, count: usize) -> [Rect; 2] {
    let inner = inner(body);
    let most = (inner.height * 2 / 5).max(3);
    let [list, detail] = split_down(inner, (count.min(200) as u16 + 1).min(most));
    [list, Rect { y: detail.y + 1, height: detail.height.saturating_sub(1), ..detail }]
}

/// The least size of a small chart, border included: twelve of them fill 120 × 40.
const LEAST_CHART: (u16, u16) = (36, 9);

/// The areas of `count` small charts and how many stand side by side; those beyond the last row come by scrolling.
pub fn chart_grid(body: Rect, count: usize) -> (Vec<Rect>, usize) {
    let (across, down) = grid_shape(body, count.max(1));
    let rows = Layout::vertical(vec![Constraint::Fill(1); down]).split(body);
    let cells = rows
        .iter()
        .flat_map(|row| Layout::horizontal(vec![Constraint::Fill(1); across]).split(*row).to_vec());
    (cells.collect(), across)
}

/// Charts side by side and rows of them: as large as `count` allows, and of equals those nearest to a chart's shape.
fn grid_shape(body: Rect, count: usize) -> (usize, usize) {
    let widest = usize::from((body.width / LEAST_CHART.0).max(1));
    let highest = usize::from((body.height / LEAST_CHART.1).max(1));
    let size =
        |across: usize| (usize::from(body.width) / across, usize::from(body.height) / count.div_ceil(across));
    let all_fit = |across: &usize| count.div_ceil(*across) <= highest;
    let strain = |across: usize| {
        let (width, height) = size(across);
        // A cell is about twice as high as wide: this is a picture of 2 : 1.
        (width as f64 / height.max(1) as f64 / 4.0).ln().abs()
    };
    let area = |across: usize| size(across).0 * size(across).1;
    let best = (1..=widest.min(count)).filter(all_fit).max_by(|one, other| {
        area(*one).cmp(&area(*other)).then_with(|| strain(*other).total_cmp(&strain(*one)))
    });
    best.map_or((widest.min(count), highest), |across| (across, count.div_ceil(across)))
}

/// A popup of at most this size, in the middle of `body`.
pub fn popup(body: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(body.width), height.min(body.height));
    Rect { x: body.x + (body.width - width) / 2, y: body.y + (body.height - height) / 2, width, height }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn there_are_three_widths() {
        let shown = |width, height| {
            let areas = areas((width, height), Screen::Runs, Pane::List, false);
            Pane::ALL.into_iter().filter(|pane| areas.pane(*pane).is_some()).count()
        };
        assert_eq!(
            (shown(60, 16), shown(80, 24), shown(120, 24), shown(120, 40), shown(200, 50)),
            (1, 2, 2, 4, 4)
        );
    }

    #[test]
    fn twelve_small_charts_fit_120_by_40() {
        let shape = |width: u16, height: u16, count| {
            let (cells, across) = chart_grid(Rect::new(0, 1, width, height - 2), count);
            assert!(cells.iter().all(|cell| cell.width >= LEAST_CHART.0 && cell.height >= LEAST_CHART.1));
            (across, cells.len() / across)
        };
        assert_eq!(shape(120, 40, 12), (3, 4));
        assert_eq!(shape(120, 40, 40), (3, 4), "the others come by scrolling");
        assert_eq!(shape(120, 40, 1), (1, 1));
        assert_eq!(shape(80, 24, 12), (2, 2));
        assert_eq!(shape(200, 50, 12), (4, 3));
    }

    proptest! {
        #[test]
        fn panes_are_inside_and_apart(
            width in 60u16..300, height in 16u16..100, focus in 0usize..4, expanded: bool,
        ) {
            let areas = areas((width, height), Screen::Runs, Pane::ALL[focus], expanded);
            let panes: Vec<Rect> = Pane::ALL.into_iter().filter_map(|pane| areas.pane(pane)).collect();
            prop_assert!(areas.pane(Pane::ALL[focus]).is_some(), "the focused pane is always shown");
            for (index, pane) in panes.iter().enumerate() {
                prop_assert!(areas.body.intersection(*pane) == *pane && pane.height >= 5 && pane.width >= 20, "{pane:?}");
                prop_assert!(panes[index + 1..].iter().all(|other| !pane.intersects(*other)));
            }
            prop_assert_eq!(panes.iter().map(|pane| pane.area()).sum::<u32>(), areas.body.area());
        }
    }
}
