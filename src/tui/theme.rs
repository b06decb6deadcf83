//! Colours, symbols and borders, for what the terminal can show.
//!
//! The design stands in sixteen colours and in none: states have symbols, the focus has thick borders, the cursor is
//! reversed and pointed at, curves have markers. More colours only make it nicer.

mod curves;
mod glyphs;
mod paints;
mod pictures;

use loradeck_core::config::{ALL_COLOURS, ThemeSettings};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;

use self::paints::{Paints, USUAL};
use crate::store::ShownState;

pub use self::curves::CurveLook;
pub use self::glyphs::Glyphs;
pub use self::pictures::Manner;

/// How many colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Colours {
    /// None: only bold, dim and reverse.
    None,
    /// The terminal's own sixteen.
    Sixteen,
    /// The 256-colour palette.
    Many,
}

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Colours used.
    pub colours: Colours,
    /// Whether symbols beyond ASCII are used.
    pub unicode: bool,
    /// Whether pictures may have any of 2²⁴ colours.
    pub all_colours: bool,
    paints: Paints,
}

impl Theme {
    /// A theme with the usual colours.
    pub const fn new(colours: Colours, unicode: bool) -> Self {
        Self { colours, unicode, all_colours: false, paints: USUAL }
    }

    /// What the environment says: `NO_COLOR`, `COLORTERM`, `TERM` and the locale. The terminal is not asked.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        Self::chosen(&ThemeSettings::default(), variable)
    }

    /// What the environment says, and the user's settings where they say something. `NO_COLOR` has the last word
    /// (<https://no-color.org>): a workspace's file is often somebody else's.
    pub fn chosen(settings: &ThemeSettings, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        let terminal = set("TERM").unwrap_or_default();
        let many = set("COLORTERM").is_some() || terminal.contains("256") || terminal.contains("direct");
        let colours = match settings.colours {
            _ if set("NO_COLOR").is_some() => Colours::None,
            Some(0) => Colours::None,
            Some(256..) => Colours::Many,
            Some(_) => Colours::Sixteen,
            None if terminal == "vt100" => Colours::None,
            None if many => Colours::Many,
            None => Colours::Sixteen,
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
        let speaks = speaks_unicode(locale.as_deref(), set("TMUX").is_some());
        // Linux' console lacks the symbols.
        let unicode = settings.unicode.unwrap_or(speaks && terminal != "linux");
        let direct = terminal.contains("direct")
            || set("COLORTERM").is_some_and(|said| ["truecolor", "24bit"].contains(&said.as_str()));
        let all_colours =
            colours == Colours::Many && settings.colours.map_or(direct, |count| count == ALL_COLOURS);
        Self { all_colours, paints: Paints::chosen(settings, colours), ..Self::new(colours, unicode) }
    }

    /// Whether any colour is used.
    pub fn has_colours(self) -> bool {
        self.colours != Colours::None
    }

    /// A state's symbol and style.
    pub fn state(self, state: ShownState) -> (&'static str, Style) {
        use ShownState as S;
        let (symbol, ascii, colour) = match state {
            S::Running => ("●", "*", Color::Green),
            S::Orphaned => ("◉", "@", Color::Yellow),
            S::Ending => ("◒", "%", Color::Yellow),
            S::Starting => ("◐", "+", Color::Green),
            S::Queued => ("◌", ".", Color::Cyan),
            S::Held => ("‖", "=", Color::Cyan),
            S::Lost => ("⚠", "!", Color::Red),
            S::Failed => ("✗", "x", Color::Red),
            S::Stopped => ("■", "#", Color::Yellow),
            S::Pruned => ("▿", "/", Color::Yellow),
            S::Finished => ("✓", "v", Color::Green),
            S::Archived => ("○", "-", Color::Reset),
        };
        (if self.unicode { symbol } else { ascii }, self.coloured(colour))
    }

    /// A style of one colour, where there are colours.
    pub fn coloured(self, colour: Color) -> Style {
        if self.colours == Colours::None { Style::new() } else { Style::new().fg(colour) }
    }

    /// What matters less. Bright black is not used: some palettes make it the background.
    pub fn faint(self) -> Style {
        if self.colours == Colours::Many {
            Style::new().fg(Color::Indexed(245))
        } else {
            Style::new().add_modifier(Modifier::DIM)
        }
    }

    /// A key's name among hints.
    pub fn key(self) -> Style {
        self.coloured(self.paints.focus).add_modifier(Modifier::BOLD)
    }

    /// What is wrong.
    pub fn error(self) -> Style {
        self.coloured(self.paints.error).add_modifier(Modifier::BOLD)
    }

    /// What needs attention.
    pub fn warning(self) -> Style {
        self.coloured(self.paints.warning)
    }

    /// The line under the cursor.
    pub fn cursor(self, focused: bool) -> Style {
        if focused {
            Style::new().add_modifier(Modifier::REVERSED)
        } else {
            Style::new().add_modifier(Modifier::BOLD)
        }
    }

    /// A pane's border.
    pub fn border(self, focused: bool) -> (border::Set<'static>, Style) {
        let set = match (self.unicode, focused) {
            (true, true) => border::THICK,
            (true, false) => border::PLAIN,
            (false, true) => ascii_border("=", "#"),
            (false, false) => ascii_border("-", "+"),
        };
        (set, if focused { self.coloured(self.paints.focus) } else { self.faint() })
    }

    /// One of two texts, by what the terminal can show.
    pub fn text(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }
}

/// Whether the locale lets symbols beyond ASCII through. Where it names no character set, every terminal of today shows
/// UTF-8; but C and POSIX mean ASCII, and tmux shows `_` for whatever its locale does not say it can show.
fn speaks_unicode(locale: Option<&str>, in_tmux: bool) -> bool {
    let Some(locale) = locale else { return !in_tmux };
    let Some((_, charset)) = locale.split_once('.') else {
        return !(["C", "POSIX"].contains(&locale) || in_tmux);
    };
    charset.to_ascii_lowercase().starts_with("utf")
}

fn ascii_border(line: &'static str, corner: &'static str) -> border::Set<'static> {
    border::Set {
        top_left: corner,
        top_right: corner,
        bottom_left: corner,
        bottom_right: corner,
        vertical_left: "|",
        vertical_right: "|",
        horizontal_top: line,
        horizontal_bottom: line,
    }
}

#[cfg(test)]
mod tests;
