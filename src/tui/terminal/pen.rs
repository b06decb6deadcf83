//! What characters are written with: colours and the like, and how a terminal is told to change them.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

/// Colours and modifiers of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

/// The terminal's own.
pub(super) const PLAIN: Pen = Pen { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

impl Pen {
    /// What a cell is written with; without `colours` only with its modifiers.
    pub(super) fn of(cell: &Cell, colours: bool) -> Self {
        let colour = |colour| if colours { colour } else { Color::Reset };
        Self { fg: colour(cell.fg), bg: colour(cell.bg), modifier: cell.modifier }
    }

    /// The codes that make `wanted` of it, as few as possible.
    pub(super) fn change_to(self, wanted: Self) -> String {
        let mut codes: Vec<String> = Vec::new();
        let mut from = self;
        if !(from.modifier - wanted.modifier).is_empty() {
            codes.push("0".into());
            from = PLAIN;
        }
        codes.extend(modifier_codes(wanted.modifier - from.modifier).map(str::to_owned));
        if from.fg != wanted.fg {
            codes.push(colour_code(wanted.fg, 30));
        }
        if from.bg != wanted.bg {
            codes.push(colour_code(wanted.bg, 40));
        }
        if codes == ["0"] { String::new() } else { codes.join(";") }
    }
}

fn modifier_codes(modifier: Modifier) -> impl Iterator<Item = &'static str> {
    [
        (Modifier::BOLD, "1"),
        (Modifier::DIM, "2"),
        (Modifier::ITALIC, "3"),
        (Modifier::UNDERLINED, "4"),
        (Modifier::REVERSED, "7"),
        (Modifier::CROSSED_OUT, "9"),
    ]
    .into_iter()
    .filter(move |(flag, _)| modifier.contains(*flag))
    .map(|(_, code)| code)
}

/// The code of a colour: `base` is 30 for the letters and 40 for what lies under them.
fn colour_code(colour: Color, base: u8) -> String {
    let basic = |index: u8| (base + index).to_string();
    let bright = |index: u8| (base + 60 + index).to_string();
    match colour {
        Color::Reset => basic(9),
        Color::Black => basic(0),
        Color::Red => basic(1),
        Color::Green => basic(2),
        Color::Yellow => basic(3),
        Color::Blue => basic(4),
        Color::Magenta => basic(5),
        Color::Cyan => basic(6),
        Color::Gray => basic(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(index) => format!("{};5;{index}", base + 8),
        Color::Rgb(red, green, blue) => format!("{};2;{red};{green};{blue}", base + 8),
    }
}
