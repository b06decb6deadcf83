//! Colours, symbols and borders, for what the terminal can show.
//!
//! The design stands in sixteen colours and in none: states have symbols, the focus has thick borders, the cursor is
//! reversed and pointed at, curves have markers. More colours only make it nicer.

use loradeck_core::config::{CURVE_COLOURS, TerminalColour, ThemeSettings};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;

use crate::store::ShownState;

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

/// What curves are drawn with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Glyphs {
    /// Two by four dots in a cell.
    #[default]
    Braille,
    /// One dot in a cell.
    Dots,
    /// Two halves of a cell.
    Blocks,
    /// One ASCII character in a cell.
    Ascii,
}

impl Glyphs {
    /// The next kind.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Braille => Self::Dots,
            Self::Dots => Self::Blocks,
            Self::Blocks => Self::Ascii,
            Self::Ascii => Self::Braille,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Braille => "braille",
            Self::Dots => "dots",
            Self::Blocks => "blocks",
            Self::Ascii => "ASCII",
        }
    }

    /// The kind of that name in `loradeck.yaml`.
    pub fn of_name(name: &str) -> Option<Self> {
        let all = [Self::Braille, Self::Dots, Self::Blocks, Self::Ascii];
        all.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// Dots per cell, across and down.
    pub fn dots(self) -> (usize, usize) {
        match self {
            Self::Braille => (2, 4),
            Self::Blocks => (1, 2),
            Self::Dots | Self::Ascii => (1, 1),
        }
    }
}

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Colours used.
    pub colours: Colours,
    /// Whether symbols beyond ASCII are used.
    pub unicode: bool,
    paints: Paints,
}

/// Most colours of curves that the user may choose.
const CHOSEN_CURVES: usize = CURVE_COLOURS;

/// The colours that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Paints {
    focus: Color,
    error: Color,
    warning: Color,
    /// The first `curve_count` hold.
    curves: [Color; CHOSEN_CURVES],
    /// 0: the usual ones.
    curve_count: usize,
}

const USUAL: Paints = Paints {
    focus: Color::Cyan,
    error: Color::Red,
    warning: Color::Yellow,
    curves: [Color::Reset; CHOSEN_CURVES],
    curve_count: 0,
};

/// How one run's curve looks, the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurveLook {
    /// Its colour.
    pub colour: Color,
    /// Its marker.
    pub marker: char,
}

const SIXTEEN: [Color; 6] =
    [Color::Cyan, Color::Yellow, Color::Magenta, Color::Green, Color::LightBlue, Color::LightRed];
/// Near Okabe and Ito's palette for the colour-blind, readable on dark and on light.
const MANY: [Color; 7] = [
    Color::Indexed(75),
    Color::Indexed(214),
    Color::Indexed(78),
    Color::Indexed(176),
    Color::Indexed(203),
    Color::Indexed(69),
    Color::Indexed(143),
];
const MARKERS: [char; 8] = ['▲', '◆', '▼', '★', '△', '◇', '▽', '☆'];

impl Theme {
    /// A theme with the usual colours.
    pub const fn new(colours: Colours, unicode: bool) -> Self {
        Self { colours, unicode, paints: USUAL }
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
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default();
        // Without a named character set every terminal of today shows UTF-8; Linux' console lacks the symbols.
        let charset = locale.split_once('.').map(|(_, charset)| charset.to_ascii_lowercase());
        let other_charset = charset.is_some_and(|charset| !charset.starts_with("utf"));
        let unicode = settings.unicode.unwrap_or(!other_charset && terminal != "linux");
        Self { paints: Paints::chosen(settings, colours), ..Self::new(colours, unicode) }
    }

    /// How many colours curves have.
    pub fn curve_colours(self) -> usize {
        match (self.paints.curve_count, self.colours) {
            (0, Colours::None | Colours::Many) => MANY.len(),
            (0, Colours::Sixteen) => SIXTEEN.len(),
            (count, _) => count,
        }
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

    /// The look of the run with this ordinal number.
    pub fn curve(self, ordinal: usize) -> CurveLook {
        let colour = match self.colours {
            Colours::None => Color::Reset,
            _ if self.paints.curve_count > 0 => self.paints.curves[ordinal % self.paints.curve_count],
            Colours::Sixteen => SIXTEEN[ordinal % SIXTEEN.len()],
            Colours::Many => MANY[ordinal % MANY.len()],
        };
        let letter = char::from(b'a' + (ordinal % 26) as u8);
        CurveLook { colour, marker: if self.unicode { MARKERS[ordinal % MARKERS.len()] } else { letter } }
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

impl Paints {
    fn chosen(settings: &ThemeSettings, colours: Colours) -> Self {
        let chosen = |colour: Option<TerminalColour>, usual| {
            colour.and_then(|colour| shown(colour, colours)).unwrap_or(usual)
        };
        let mut paints = Self {
            focus: chosen(settings.focus, USUAL.focus),
            error: chosen(settings.error, USUAL.error),
            warning: chosen(settings.warning, USUAL.warning),
            ..USUAL
        };
        let curves = settings.curve_colours.iter().filter_map(|colour| shown(*colour, colours));
        for (place, colour) in paints.curves.iter_mut().zip(curves) {
            *place = colour;
            paints.curve_count += 1;
        }
        paints
    }
}

/// The colour, if the terminal has it.
fn shown(colour: TerminalColour, colours: Colours) -> Option<Color> {
    const OWN: [Color; 16] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
        Color::DarkGray,
        Color::LightRed,
        Color::LightGreen,
        Color::LightYellow,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
        Color::White,
    ];
    match colour {
        TerminalColour::Own(index) => OWN.get(usize::from(index)).copied(),
        TerminalColour::Palette(index) => (colours == Colours::Many).then_some(Color::Indexed(index)),
    }
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
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn detect(variables: &[(&str, &str)]) -> Theme {
        Theme::detect(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_decides() {
        assert_eq!(detect(&[("TERM", "xterm")]).colours, Colours::Sixteen);
        assert_eq!(detect(&[("TERM", "xterm-256color")]).colours, Colours::Many);
        assert_eq!(detect(&[("TERM", "xterm"), ("COLORTERM", "truecolor")]).colours, Colours::Many);
        assert_eq!(detect(&[("COLORTERM", "truecolor"), ("NO_COLOR", "1")]).colours, Colours::None);
        assert!(detect(&[("LANG", "C")]).unicode && detect(&[("LANG", "de_DE.UTF-8")]).unicode);
        assert!(!detect(&[("LANG", "de_DE.ISO-8859-1")]).unicode);
        assert!(!detect(&[("TERM", "linux")]).unicode);
    }

    #[test]
    fn the_users_settings_win_over_the_terminal_but_not_over_no_color() {
        let chosen = |settings: &ThemeSettings, variables: &[(&str, &str)]| {
            Theme::chosen(settings, |name| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let settings = ThemeSettings {
            colours: Some(16),
            unicode: Some(false),
            focus: Some(TerminalColour::Own(12)),
            error: Some(TerminalColour::Palette(200)),
            curve_colours: vec![TerminalColour::Own(1), TerminalColour::Palette(9), TerminalColour::Own(2)],
            ..ThemeSettings::default()
        };
        let theme = chosen(&settings, &[("TERM", "xterm-256color"), ("LANG", "C.UTF-8")]);
        assert_eq!((theme.colours, theme.unicode), (Colours::Sixteen, false));
        assert_eq!(theme.key().fg, Some(Color::LightBlue));
        assert_eq!(
            theme.error().fg,
            Some(Color::Red),
            "a palette that the terminal has not: the usual colour"
        );
        assert_eq!(theme.curve_colours(), 2);
        assert_eq!((theme.curve(0).colour, theme.curve(3).colour), (Color::Red, Color::Green));
        let many = ThemeSettings { colours: Some(256), ..settings };
        assert_eq!(chosen(&many, &[("TERM", "xterm")]).error().fg, Some(Color::Indexed(200)));
        let none = chosen(&many, &[("NO_COLOR", "1")]);
        assert!(!none.has_colours() && none.key().fg.is_none() && none.curve(0).colour == Color::Reset);
    }

    #[test]
    fn states_and_neighbouring_curves_differ_without_colour() {
        use ShownState as S;
        let states = [
            S::Running,
            S::Orphaned,
            S::Ending,
            S::Starting,
            S::Queued,
            S::Held,
            S::Lost,
            S::Failed,
            S::Stopped,
            S::Pruned,
            S::Finished,
            S::Archived,
        ];
        for unicode in [true, false] {
            let theme = Theme::new(Colours::None, unicode);
            let symbols: HashSet<_> = states.iter().map(|state| theme.state(*state).0).collect();
            assert_eq!(symbols.len(), states.len());
            let markers: HashSet<_> = (0..8).map(|ordinal| theme.curve(ordinal).marker).collect();
            assert_eq!(markers.len(), 8);
        }
    }
}
