//! What curves are drawn with.

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
