//! How curves look: colours and markers, told apart as long as possible.

use ratatui::style::Color;

use super::{Colours, Theme};

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
    /// How many colours curves have.
    pub fn curve_colours(self) -> usize {
        match (self.paints.curve_count, self.colours) {
            (0, Colours::None | Colours::Many) => MANY.len(),
            (0, Colours::Sixteen) => SIXTEEN.len(),
            (count, _) => count,
        }
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
}
