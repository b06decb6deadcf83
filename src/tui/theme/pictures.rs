//! How pictures are drawn, and their colours in what the terminal has.

use loradeck_data::image::Rgb;
use ratatui::style::Color;

use super::{Colours, Theme};

/// How pictures are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Manner {
    /// Two pixels in a cell, as text: over any link, in any terminal with colours.
    #[default]
    Blocks,
    /// Kitty's graphics protocol.
    Kitty,
    /// Sixel graphics.
    Sixel,
}

impl Manner {
    /// All of them, in the order in which a key goes through them.
    pub const ALL: [Self; 3] = [Self::Blocks, Self::Kitty, Self::Sixel];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blocks => "half blocks",
            Self::Kitty => "kitty graphics",
            Self::Sixel => "sixel graphics",
        }
    }

    /// The one of that name in `loradeck.yaml`.
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "blocks" => Some(Self::Blocks),
            "kitty" => Some(Self::Kitty),
            "sixel" => Some(Self::Sixel),
            _ => None,
        }
    }
}

/// Levels of a channel in the colour cube of the 256-colour palette (xterm's `256colres.h`).
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
/// Where the cube begins in the palette, and where its 24 greys do.
const CUBE: u8 = 16;
const GREYS: u8 = 232;

impl Theme {
    /// Why pictures cannot be drawn as text, if so.
    pub fn no_pictures(self) -> Option<&'static str> {
        match self.colours {
            Colours::None => Some("pictures are not drawn without colours"),
            Colours::Sixteen => Some("pictures need 256 colours (theme: {colours: 256})"),
            Colours::Many if !self.unicode => {
                Some("pictures need more than ASCII (theme: {symbols: unicode})")
            }
            Colours::Many => None,
        }
    }

    /// A pixel's colour.
    pub fn pixel(self, [red, green, blue]: Rgb) -> Color {
        if self.all_colours {
            Color::Rgb(red, green, blue)
        } else {
            Color::Indexed(nearest([red, green, blue]))
        }
    }
}

/// The nearest colour of the palette's cube and greys, by the sum of squared differences.
fn nearest(wanted: Rgb) -> u8 {
    let level = |value: u8| LEVELS.iter().enumerate().min_by_key(|(_, level)| level.abs_diff(value));
    let places = wanted.map(|value| level(value).map_or(0, |(place, _)| place as u8));
    let cube = places.map(|place| LEVELS[usize::from(place)]);
    let mean = wanted.iter().map(|value| u32::from(*value)).sum::<u32>() / 3;
    // The greys are 8, 18, …, 238.
    let step = (mean.saturating_sub(3) / 10).min(23) as u8;
    let grey = [8 + 10 * step; 3];
    let far = |from: Rgb| -> u32 {
        from.iter().zip(wanted).map(|(one, other)| u32::from(one.abs_diff(other)).pow(2)).sum()
    };
    if far(grey) < far(cube) { GREYS + step } else { CUBE + 36 * places[0] + 6 * places[1] + places[2] }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of_palette(index: u8) -> Rgb {
        if index >= GREYS {
            return [8 + 10 * (index - GREYS); 3];
        }
        let at = index - CUBE;
        [at / 36, at / 6 % 6, at % 6].map(|place| LEVELS[usize::from(place)])
    }

    proptest! {
        #[test]
        fn no_other_colour_of_the_palette_is_nearer(red: u8, green: u8, blue: u8) {
            let wanted = [red, green, blue];
            let far = |index: u8| -> u32 {
                of_palette(index).iter().zip(wanted).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
            };
            let best = (CUBE..=255).map(far).min().unwrap();
            prop_assert_eq!(far(nearest(wanted)), best, "{:?}", wanted);
        }
    }

    #[test]
    fn pictures_need_colours_and_symbols() {
        let said = |colours, unicode| Theme::new(colours, unicode).no_pictures().unwrap_or("drawn");
        assert!(said(Colours::None, true).contains("without colours"));
        assert!(said(Colours::Sixteen, true).contains("256"));
        assert!(said(Colours::Many, false).contains("ASCII"));
        assert_eq!(said(Colours::Many, true), "drawn");
    }
}
