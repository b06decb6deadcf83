//! The colours that can be chosen, as the terminal has them.

use loradeck_core::config::{CURVE_COLOURS, TerminalColour, ThemeSettings};
use ratatui::style::Color;

use super::Colours;

/// Most colours of curves that the user may choose.
const CHOSEN_CURVES: usize = CURVE_COLOURS;

/// The colours that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paints {
    pub(super) focus: Color,
    pub(super) error: Color,
    pub(super) warning: Color,
    /// The first `curve_count` hold.
    pub(super) curves: [Color; CHOSEN_CURVES],
    /// 0: the usual ones.
    pub(super) curve_count: usize,
}

/// The colours where nobody chose any.
pub(super) const USUAL: Paints = Paints {
    focus: Color::Cyan,
    error: Color::Red,
    warning: Color::Yellow,
    curves: [Color::Reset; CHOSEN_CURVES],
    curve_count: 0,
};

impl Paints {
    /// The chosen ones, and the usual ones where nothing was chosen.
    pub(super) fn chosen(settings: &ThemeSettings, colours: Colours) -> Self {
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
