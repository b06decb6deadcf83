//! The few SVG elements that charts need, with escaped text and rounded coordinates. No IO.

use std::fmt::Write as _;

use loradeck_core::text::harmless;

/// Where a text is fastened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// An SVG picture that grows element by element.
#[derive(Debug)]
pub(super) struct Svg {
    body: String,
    width: f64,
    height: f64,
}

impl Svg {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { body: String::new(), width, height }
    }

    /// Any element; `attributes` are written as given.
    pub(super) fn element(&mut self, name: &str, attributes: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.body, "<{name} {attributes}/>");
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        self.element(
            "line",
            &format!(
                "class=\"{class}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"",
                coordinate(from.0),
                coordinate(from.1),
                coordinate(to.0),
                coordinate(to.1)
            ),
        );
    }

    pub(super) fn text(&mut self, at: (f64, f64), anchor: Anchor, class: &str, content: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = writeln!(
            self.body,
            "<text class=\"{class}\" x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
            coordinate(at.0),
            coordinate(at.1),
            escaped(content)
        );
    }

    /// A line through all points of each run of points.
    pub(super) fn path(&mut self, runs: &[Vec<(f64, f64)>], attributes: &str) {
        let mut data = String::new();
        for run in runs.iter().filter(|run| run.len() > 1) {
            for (index, (x, y)) in run.iter().enumerate() {
                let command = if index == 0 { 'M' } else { 'L' };
                let _ = write!(data, "{command}{} {}", coordinate(*x), coordinate(*y));
            }
        }
        if !data.is_empty() {
            self.element("path", &format!("d=\"{data}\" fill=\"none\" {attributes}"));
        }
    }

    /// The whole picture. `title` and `description` are what a screen reader says.
    pub(super) fn finish(self, style: &str, title: &str, description: &str) -> String {
        let (width, height) = (coordinate(self.width), coordinate(self.height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>{}</title>\n<desc>{}</desc>\n\
             <style>{style}</style>\n{}</svg>\n",
            escaped(title),
            escaped(description),
            self.body
        )
    }
}

/// A coordinate to a tenth of a pixel, in its shortest form.
pub(super) fn coordinate(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    // Negative zero would print its sign.
    format!("{}", rounded + 0.0)
}

/// Text that stays text in XML.
pub(super) fn escaped(text: &str) -> String {
    let harmless = harmless(text);
    let mut out = String::new();
    for character in harmless.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            // Not allowed in XML 1.0.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(escaped("<script>\"&\u{1b}"), "&lt;script&gt;&quot;&amp;␛");
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!([1.0, 2.25, -0.04, 10.55].map(coordinate), ["1", "2.3", "0", "10.6"]);
    }
}
