//! One chart: axes, grid, lines, legend, and where asked for a narrow second panel below. No IO.

use loradeck_core::metrics::axis::next_nice;
use loradeck_core::metrics::{Bounds, Scale};

use super::super::words;
use super::svg::{Anchor, Svg, coordinate};

const WIDTH: f64 = 860.0;
const LEFT: f64 = 68.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 58.0;
const PANEL: f64 = 264.0;
const STRIP: f64 = 48.0;
const GAP: f64 = 26.0;
const BOTTOM: f64 = 44.0;

/// Each at least 3:1 in contrast against white and against GitHub's dark background.
const COLOURS: [&str; 8] =
    ["#2f81f7", "#db6d28", "#3fa34d", "#a371f7", "#d8569c", "#b08800", "#1b98a6", "#e5534b"];

const STYLE: &str = "text{font:12px ui-sans-serif,system-ui,-apple-system,'Segoe UI',sans-serif;fill:#7d8590}\
    .title{font-size:15px;font-weight:600}.note{font-weight:600}\
    .grid{stroke:#7d8590;stroke-opacity:.22}.axis{stroke:#7d8590;stroke-opacity:.7}";

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emphasis {
    /// Thin and pale: single measurements behind a smoothed line.
    Faint,
    /// A clear line.
    Strong,
    /// A line whose points can be told apart.
    Points,
}

/// One curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its name in the legend; empty for none.
    pub label: String,
    /// Its colour and the shape of its points; counted round the palette.
    pub colour: usize,
    /// How it is drawn.
    pub emphasis: Emphasis,
    /// Step and value; a value that is not finite interrupts the line.
    pub points: Vec<(f64, f64)>,
}

/// A point that is pointed out.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Step and value.
    pub at: (f64, f64),
    /// What is said about it.
    pub label: String,
    /// The colour of the line it belongs to.
    pub colour: usize,
}

/// A chart over training steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Its heading.
    pub title: String,
    /// What it shows, for a screen reader.
    pub description: String,
    /// The curves, the first at the bottom.
    pub lines: Vec<Line>,
    /// Points that are pointed out.
    pub marks: Vec<Mark>,
    /// A curve in a narrow panel of its own below, such as the learning rate.
    pub strip: Option<Line>,
}

/// A panel: what its axes span and where it lies.
struct Panel {
    x: (f64, f64),
    y: Bounds,
    top: f64,
    height: f64,
}

impl Panel {
    fn place(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let across = (x - self.x.0) / (self.x.1 - self.x.0);
        let up = self.y.place(y)?;
        // Bounds hold all points of the lines; a mark may lie elsewhere.
        if !(-1e-9..=1.0 + 1e-9).contains(&across) || !(-1e-9..=1.0 + 1e-9).contains(&up) {
            return None;
        }
        Some((LEFT + across * (WIDTH - LEFT - RIGHT), self.top + (1.0 - up) * self.height))
    }
}

impl Chart {
    /// The chart as an SVG file.
    pub fn to_svg(&self) -> String {
        let strip_height = if self.strip.is_some() { GAP + STRIP } else { 0.0 };
        let mut svg = Svg::new(WIDTH, TOP + PANEL + strip_height + BOTTOM);
        let x = self.x_range();
        let panel = Panel { x, y: bounds(&self.lines), top: TOP, height: PANEL };
        svg.text((LEFT, 22.0), Anchor::Start, "title", &self.title);
        self.legend(&mut svg);
        axes(&mut svg, &panel, &panel.y.ticks());
        if panel.y.scale == Scale::Log {
            svg.text((WIDTH - RIGHT, 22.0), Anchor::End, "", "logarithmic");
        }
        for line in &self.lines {
            draw(&mut svg, &panel, line);
        }
        not_finite(&mut svg, &panel, &self.lines);
        for mark in &self.marks {
            point_out(&mut svg, &panel, mark);
        }
        let mut bottom = TOP + PANEL;
        if let Some(line) = &self.strip {
            let top = TOP + PANEL + GAP;
            let strip = Panel { x, y: linear_bounds(std::slice::from_ref(line)), top, height: STRIP };
            axes(&mut svg, &strip, &[strip.y.low, strip.y.high]);
            draw(&mut svg, &strip, line);
            svg.text((LEFT, top - 7.0), Anchor::Start, "", &line.label);
            bottom = top + STRIP;
        }
        step_labels(&mut svg, &panel, bottom);
        svg.finish(STYLE, &self.title, &self.description)
    }

    fn x_range(&self) -> (f64, f64) {
        let steps =
            || self.lines.iter().chain(&self.strip).flat_map(|line| &line.points).map(|(step, _)| *step);
        let (low, high) = (steps().fold(f64::INFINITY, f64::min), steps().fold(f64::NEG_INFINITY, f64::max));
        if low < high {
            (low.min(if low <= high * 0.1 { 0.0 } else { low }), high)
        } else if low.is_finite() {
            (low - 1.0, low + 1.0)
        } else {
            (0.0, 1.0)
        }
    }

    /// One row of names; where they do not fit, the last ones are counted.
    fn legend(&self, svg: &mut Svg) {
        let mut x = LEFT;
        let named: Vec<&Line> = self.lines.iter().filter(|line| !line.label.is_empty()).collect();
        for (index, line) in named.iter().enumerate() {
            // An average character is 6.4 pixels wide in most fonts at this size.
            let width = 30.0 + 6.4 * line.label.chars().count() as f64;
            if x + width > WIDTH - RIGHT - 60.0 && index + 1 < named.len() {
                svg.text((x, 44.0), Anchor::Start, "", &format!("and {} more", named.len() - index));
                return;
            }
            let sample = [vec![(x, 40.0), (x + 20.0, 40.0)]];
            svg.path(&sample, &stroke(line));
            if line.emphasis == Emphasis::Points {
                shape(svg, (x + 10.0, 40.0), line.colour, 3.4);
            }
            svg.text((x + 26.0, 44.0), Anchor::Start, "", &line.label);
            x += width + 14.0;
        }
    }
}

/// Linear, or logarithmic where the values span more than a factor of 30.
fn bounds(lines: &[Line]) -> Bounds {
    let (low, high) = extremes(lines);
    let scale = if low > 0.0 && high / low > 30.0 { Scale::Log } else { Scale::Linear };
    Bounds::around(low, high, scale)
}

fn linear_bounds(lines: &[Line]) -> Bounds {
    let (low, high) = extremes(lines);
    Bounds::around(low, high, Scale::Linear)
}

fn extremes(lines: &[Line]) -> (f64, f64) {
    let values = || {
        lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value).filter(|value| value.is_finite())
    };
    (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
}

fn axes(svg: &mut Svg, panel: &Panel, ticks: &[f64]) {
    for tick in ticks {
        let Some((_, y)) = panel.place((panel.x.0, *tick)) else { continue };
        svg.line((LEFT, y), (WIDTH - RIGHT, y), "grid");
        svg.text((LEFT - 8.0, y + 4.0), Anchor::End, "", &words::rate(*tick));
    }
    let bottom = panel.top + panel.height;
    svg.line((LEFT, bottom), (WIDTH - RIGHT, bottom), "axis");
    svg.line((LEFT, panel.top), (LEFT, bottom), "axis");
}

fn step_labels(svg: &mut Svg, panel: &Panel, bottom: f64) {
    let (low, high) = panel.x;
    let width = next_nice((high - low) / 8.0).max(1.0);
    let (first, last) = ((low / width).ceil() as i64, (high / width).floor() as i64);
    for tick in (first..=last).map(|index| index as f64 * width) {
        let Some((x, _)) = panel.place((tick, panel.y.low)) else { continue };
        svg.line((x, bottom), (x, bottom + 4.0), "axis");
        svg.text((x, bottom + 18.0), Anchor::Middle, "", &words::count(tick.max(0.0) as u64));
    }
    svg.text(((LEFT + WIDTH - RIGHT) / 2.0, bottom + 36.0), Anchor::Middle, "", "training step");
}

fn stroke(line: &Line) -> String {
    let colour = colour_of(line.colour);
    match line.emphasis {
        Emphasis::Faint => format!("stroke=\"{colour}\" stroke-width=\"1\" stroke-opacity=\"0.4\""),
        Emphasis::Strong => format!("stroke=\"{colour}\" stroke-width=\"2.2\" stroke-linejoin=\"round\""),
        Emphasis::Points => format!("stroke=\"{colour}\" stroke-width=\"1.8\" stroke-linejoin=\"round\""),
    }
}

fn colour_of(index: usize) -> &'static str {
    COLOURS[index % COLOURS.len()]
}

fn draw(svg: &mut Svg, panel: &Panel, line: &Line) {
    let mut runs: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    for point in &line.points {
        match panel.place(*point).filter(|_| point.1.is_finite()) {
            Some(place) => runs.last_mut().into_iter().for_each(|run| run.push(place)),
            None => runs.push(Vec::new()),
        }
    }
    svg.path(&runs, &stroke(line));
    let placed: Vec<(f64, f64)> = runs.into_iter().flatten().collect();
    // A point by itself has no line, and of many points only some carry a shape.
    let each = placed.len().div_ceil(25).max(1);
    if line.emphasis == Emphasis::Points || placed.len() == 1 {
        for (_, place) in
            placed.iter().enumerate().filter(|(index, _)| index % each == 0 || *index + 1 == placed.len())
        {
            shape(svg, *place, line.colour, 3.4);
        }
    }
}

/// A point whose shape tells its line apart where colours cannot.
fn shape(svg: &mut Svg, (x, y): (f64, f64), colour: usize, size: f64) {
    let fill = colour_of(colour);
    let corners: &[(f64, f64)] = match (colour / COLOURS.len() + colour) % 4 {
        0 => {
            let place =
                format!("cx=\"{}\" cy=\"{}\" r=\"{size}\" fill=\"{fill}\"", coordinate(x), coordinate(y));
            return svg.element("circle", &place);
        }
        1 => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        2 => &[(0.0, -1.2), (1.2, 0.9), (-1.2, 0.9)],
        _ => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
    };
    let points: Vec<String> = corners
        .iter()
        .map(|(dx, dy)| format!("{},{}", coordinate(x + dx * size), coordinate(y + dy * size)))
        .collect();
    svg.element("polygon", &format!("points=\"{}\" fill=\"{fill}\"", points.join(" ")));
}

/// A cross at the top for every value that is no number, as far as they can be told apart.
fn not_finite(svg: &mut Svg, panel: &Panel, lines: &[Line]) {
    let mut last = f64::NEG_INFINITY;
    let bad = lines.iter().flat_map(|line| &line.points).filter(|(_, value)| !value.is_finite());
    let mut steps: Vec<f64> = bad.map(|(step, _)| *step).collect();
    steps.sort_by(f64::total_cmp);
    for step in steps {
        let Some((x, _)) = panel.place((step, panel.y.high)) else { continue };
        if x - last >= 8.0 {
            svg.text((x, panel.top + 12.0), Anchor::Middle, "note", "✕");
            last = x;
        }
    }
}

fn point_out(svg: &mut Svg, panel: &Panel, mark: &Mark) {
    let Some((x, y)) = panel.place(mark.at) else { return };
    svg.element(
        "circle",
        &format!(
            "cx=\"{}\" cy=\"{}\" r=\"6.5\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"",
            coordinate(x),
            coordinate(y),
            colour_of(mark.colour)
        ),
    );
    let (anchor, dx) =
        if x > LEFT + 0.7 * (WIDTH - LEFT - RIGHT) { (Anchor::End, -2.0) } else { (Anchor::Start, 2.0) };
    // Above the point, unless that would leave the panel.
    let dy = if y - panel.top > 26.0 { -13.0 } else { 23.0 };
    svg.text((x + dx, y + dy), anchor, "note", &mark.label);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<(f64, f64)>) -> Chart {
        let line = Line { label: "loss <1>".into(), colour: 0, emphasis: Emphasis::Points, points };
        Chart {
            title: "a & b".into(),
            description: "falls".into(),
            marks: vec![Mark { at: (2.0, 1.0), label: "best".into(), colour: 0 }],
            strip: Some(Line { emphasis: Emphasis::Strong, label: "rate".into(), ..line.clone() }),
            lines: vec![line],
        }
    }

    #[test]
    fn a_chart_is_the_same_bytes_every_time_and_escapes_its_text() {
        let chart = chart(vec![(1.0, 2.0), (2.0, 1.0), (3.0, f64::NAN), (4.0, 1.5)]);
        let svg = chart.to_svg();
        assert_eq!(svg, chart.to_svg());
        assert!(svg.contains("a &amp; b") && svg.contains("loss &lt;1&gt;") && !svg.contains("NaN"));
        assert_eq!(svg.matches('✕').count(), 1);
    }

    #[test]
    fn nothing_one_point_and_only_bad_values_are_drawn_inside_the_picture() {
        for points in
            [vec![], vec![(5.0, 1.0)], vec![(1.0, f64::NAN), (2.0, f64::INFINITY)], vec![(1.0, 0.0); 3]]
        {
            let svg = chart(points).to_svg();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            let numbers = svg.split(['"', ' ']).filter_map(|part| part.parse::<f64>().ok());
            assert!(numbers.into_iter().all(|number| (-1.0..=900.0).contains(&number)), "{svg}");
        }
    }
}
