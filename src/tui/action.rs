//! Everything a user can ask for, as data. The key table says which key means which.

use super::deed::Deed;
use super::screen::Screen;

/// One thing a user can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// End the dashboard; runs go on.
    Quit,
    /// Hand the terminal to the shell.
    Suspend,
    /// Draw everything again.
    Redraw,
    /// Show all keys.
    Help,
    /// Show what was reported.
    Messages,
    /// Leave the innermost thing: popup, expansion, filter, marks.
    Back,
    /// Go to a screen.
    Go(Screen),
    /// To the small charts, or back to the runs.
    Grid,
    /// Move the focus to the next pane.
    NextPane,
    /// Move the focus to the pane before.
    PreviousPane,
    /// Give the focused pane the whole screen, or take it back.
    Expand,
    /// Hold the picture still while runs go on.
    Freeze,
    /// Let the terminal select text, or the dashboard see clicks.
    Mouse,
    /// Next glyphs for curves.
    Glyphs,

    /// One line up.
    Up,
    /// One line down.
    Down,
    /// To the left: column, value cursor, scroll, fold.
    Left,
    /// To the right.
    Right,
    /// To the first line.
    Top,
    /// To the last line.
    Bottom,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// Half a page up.
    HalfUp,
    /// Half a page down.
    HalfDown,
    /// Open what the cursor is on.
    Open,
    /// Mark or unmark the run under the cursor.
    Mark,
    /// Mark every run that the filter shows, or none.
    MarkAll,
    /// Type a filter.
    Filter,
    /// Next order of the list or sort column.
    Order,
    /// The order the other way round.
    Reverse,

    /// Next metric.
    NextMetric,
    /// Metric before.
    PreviousMetric,
    /// Choose a metric from a list.
    PickMetric,
    /// Next strength of smoothing.
    Smooth,
    /// Logarithmic or linear values.
    LogScale,
    /// Steps or time.
    TimeAxis,
    /// Runs that differ only in their seed as mean and deviation, or each by itself.
    Band,
    /// Only the run under the cursor, or all.
    Solo,
    /// Leave outliers outside the picture, or not.
    Clip,
    /// Value cursor to the left.
    CursorLeft,
    /// Value cursor to the right.
    CursorRight,
    /// Show a shorter stretch.
    ZoomIn,
    /// Show a longer stretch.
    ZoomOut,
    /// Show everything.
    ZoomAll,
    /// Move the stretch to the left.
    PanLeft,
    /// Move the stretch to the right.
    PanRight,

    /// All settings, or only those that differ.
    AllSettings,
    /// Break long log lines, or cut them.
    Wrap,
    /// The next match.
    NextMatch,
    /// The match before.
    PreviousMatch,
    /// Best or last values.
    BestOrLast,
    /// Read the run's report, or the comparison of the experiment.
    Report,
    /// Look at the sample pictures.
    Pictures,
    /// Copy the run's path.
    Copy,
    /// Pause the queue, or let it go on.
    PauseQueue,
    /// Pause the sweep of the run under the cursor, or let it go on.
    PauseSweep,
    /// Do something to runs.
    Do(Deed),
}

impl Action {
    /// Its name in `loradeck.yaml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::Suspend => "suspend",
            Self::Redraw => "redraw",
            Self::Help => "help",
            Self::Messages => "messages",
            Self::Back => "back",
            Self::Go(Screen::Runs) => "runs",
            Self::Go(Screen::Charts) => "charts",
            Self::Go(Screen::Table) => "table",
            Self::Go(Screen::Queue) => "queue",
            Self::Go(Screen::Sweeps) => "sweeps",
            Self::Grid => "grid",
            Self::NextPane => "next-pane",
            Self::PreviousPane => "previous-pane",
            Self::Expand => "expand",
            Self::Freeze => "freeze",
            Self::Mouse => "mouse",
            Self::Glyphs => "glyphs",
            Self::Up => "up",
            Self::Down => "down",
            Self::Left => "left",
            Self::Right => "right",
            Self::Top => "top",
            Self::Bottom => "bottom",
            Self::PageUp => "page-up",
            Self::PageDown => "page-down",
            Self::HalfUp => "half-up",
            Self::HalfDown => "half-down",
            Self::Open => "open",
            Self::Mark => "mark",
            Self::MarkAll => "mark-all",
            Self::Filter => "filter",
            Self::Order => "sort",
            Self::Reverse => "reverse",
            Self::NextMetric => "next-metric",
            Self::PreviousMetric => "previous-metric",
            Self::PickMetric => "pick-metric",
            Self::Smooth => "smooth",
            Self::LogScale => "log-scale",
            Self::TimeAxis => "time-axis",
            Self::Band => "band",
            Self::Solo => "solo",
            Self::Clip => "clip",
            Self::CursorLeft => "cursor-left",
            Self::CursorRight => "cursor-right",
            Self::ZoomIn => "zoom-in",
            Self::ZoomOut => "zoom-out",
            Self::ZoomAll => "zoom-all",
            Self::PanLeft => "pan-left",
            Self::PanRight => "pan-right",
            Self::AllSettings => "all-settings",
            Self::Wrap => "wrap",
            Self::NextMatch => "next-match",
            Self::PreviousMatch => "previous-match",
            Self::BestOrLast => "best-or-last",
            Self::Report => "report",
            Self::Pictures => "pictures",
            Self::Copy => "copy",
            Self::PauseQueue => "pause-queue",
            Self::PauseSweep => "pause-sweep",
            Self::Do(deed) => deed.name(),
        }
    }
}
