//! Screens and the panes of the first one.

/// A screen, chosen by its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Screen {
    /// Run list, chart, log and settings.
    #[default]
    Runs,
    /// One small chart per metric.
    Charts,
    /// Runs × what differs and what came of it.
    Table,
    /// Slots, what waits, what has ended.
    Queue,
    /// How sweeps stand.
    Sweeps,
}

impl Screen {
    /// In the order of their tabs.
    pub const ALL: [Self; 5] = [Self::Runs, Self::Charts, Self::Table, Self::Queue, Self::Sweeps];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Runs => "Runs",
            Self::Charts => "Charts",
            Self::Table => "Table",
            Self::Queue => "Queue",
            Self::Sweeps => "Sweeps",
        }
    }
}

/// A pane of the screen [`Screen::Runs`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pane {
    /// The list of runs.
    #[default]
    List,
    /// The chart.
    Chart,
    /// The log of the run under the cursor.
    Log,
    /// Settings and what differs.
    Config,
}

impl Pane {
    /// In the order of the focus.
    pub const ALL: [Self; 4] = [Self::List, Self::Chart, Self::Log, Self::Config];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "Runs",
            Self::Chart => "Chart",
            Self::Log => "Log",
            Self::Config => "Config",
        }
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    /// The one before it.
    #[must_use]
    pub fn previous(self) -> Self {
        Self::ALL[(self as usize + Self::ALL.len() - 1) % Self::ALL.len()]
    }
}
