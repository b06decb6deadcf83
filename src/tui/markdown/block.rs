//! What a Markdown file consists of.

/// How a piece of text looks. The view turns it into what the terminal can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "looks add up: a strong link within a heading")]
pub struct Look {
    /// Stands out.
    pub strong: bool,
    /// Is stressed.
    pub emphasis: bool,
    /// Is meant literally.
    pub code: bool,
    /// Holds no longer.
    pub struck: bool,
    /// Leads somewhere.
    pub link: bool,
    /// Belongs to the layout, or matters less.
    pub faint: bool,
    /// Is a heading of this level; 0: none.
    pub heading: u8,
}

/// Text of one look. A line break is kept as `\n`; every other character may be shown as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Its look.
    pub look: Look,
}

/// To which side a table's column is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// To the left.
    #[default]
    Left,
    /// To the middle.
    Middle,
    /// To the right.
    Right,
}

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Running text, or a heading.
    Text(Vec<Piece>),
    /// Lines to be left as they are.
    Code(Vec<String>),
    /// Somebody else's words.
    Quote(Vec<Block>),
    /// Items.
    List {
        /// The number of the first; `None`: bullets.
        first: Option<u64>,
        /// The items.
        items: Vec<Vec<Block>>,
    },
    /// Rows of cells.
    Table {
        /// One per column.
        sides: Vec<Side>,
        /// The names of the columns.
        header: Vec<Vec<Piece>>,
        /// The rows.
        rows: Vec<Vec<Vec<Piece>>>,
    },
    /// A line across.
    Rule,
}
