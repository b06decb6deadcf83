//! What stands above the screen and takes the keys.

use loradeck_core::run::{Attempt, JournalEntry};

use super::TextField;
use crate::store::RunId;
use crate::tui::deed::Deed;

/// A run's story, read when it is asked for.
#[derive(Clone, Debug)]
pub struct Details {
    /// Whose.
    pub run: RunId,
    /// Its starts.
    pub attempts: Vec<Attempt>,
    /// What happened, the oldest first.
    pub journal: Vec<JournalEntry>,
    /// Steps of its complete checkpoints.
    pub checkpoints: Vec<u64>,
    /// Whether its report is written.
    pub report: bool,
}

/// A deed waiting for a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What.
    pub deed: Deed,
    /// To which runs.
    pub runs: Vec<RunId>,
    /// What will happen, a line per run.
    pub lines: Vec<String>,
    /// Runs that were chosen, but to which it does not apply, with the reason.
    pub left_alone: Vec<String>,
}

/// Something above the screen.
#[derive(Clone, Debug)]
pub enum Popup {
    /// All keys, searched by what was typed.
    Help {
        /// What was typed.
        typed: TextField,
        /// The line chosen.
        cursor: usize,
    },
    /// All metrics, searched by what was typed.
    Metrics {
        /// What was typed.
        typed: TextField,
        /// The line chosen.
        cursor: usize,
    },
    /// Is it really meant?
    Confirm {
        /// What would be done.
        question: Question,
        /// The first line shown.
        offset: usize,
    },
    /// What was reported.
    Messages {
        /// The first line shown, counted from the newest.
        offset: usize,
    },
    /// A run's story.
    Details {
        /// Which run.
        run: RunId,
        /// The story, once it has been read.
        story: Option<Box<Details>>,
        /// The first line shown.
        offset: usize,
    },
}

/// What is being typed at the bottom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromptKind {
    /// A filter of runs.
    Filter,
    /// A search in the log.
    Search,
    /// A search in the report being read.
    Find,
    /// A filter of settings.
    Config,
}

/// A line being typed, and what to go back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What for.
    pub kind: PromptKind,
    /// The text.
    pub field: TextField,
    /// The text before.
    pub before: String,
}
