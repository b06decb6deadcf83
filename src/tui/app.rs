//! The dashboard's whole state and the questions that drawing and updating both ask of it.

mod charted;
mod chosen;
mod gallery;
mod keys;
mod queue;

use std::collections::BTreeSet;

use loradeck_core::time::Moment;

use super::keys::{Context, Keymap, PICTURES, stack};
use super::layout::{self, Areas};
use super::message::Interest;
use super::screen::{Pane, Screen};
use super::state::{
    Charting, Document, Gallery, List, Log, Looks, Popup, Prompt, Reports, Runs, Settings, Table,
};
use super::theme::{Glyphs, Manner, Theme};
use crate::store::RunId;

/// What is known only when the dashboard starts.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What the terminal can show.
    pub theme: Theme,
    /// What curves are drawn with.
    pub glyphs: Glyphs,
    /// How pictures are to be drawn.
    pub manner: Manner,
    /// Pixels of a cell, where the terminal says.
    pub cell: Option<(u16, u16)>,
    /// Whether tmux stands between the dashboard and the terminal.
    pub in_tmux: bool,
    /// What keys mean.
    pub keymap: Keymap,
    /// Whether clicks and the wheel are taken.
    pub mouse: bool,
    /// Columns and rows.
    pub size: (u16, u16),
    /// The workspaces' names.
    pub workspaces: Vec<String>,
    /// When it starts.
    pub now: Moment,
}

/// All state.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the screen")]
pub struct App {
    /// The time of the last message.
    pub now: Moment,
    /// Columns and rows.
    pub size: (u16, u16),
    /// What the terminal can show.
    pub theme: Theme,
    /// What curves are drawn with.
    pub glyphs: Glyphs,
    /// How pictures are to be drawn.
    pub manner: Manner,
    /// Pixels of a cell, where the terminal says.
    pub cell: Option<(u16, u16)>,
    /// Whether tmux stands between the dashboard and the terminal.
    pub in_tmux: bool,
    /// What keys mean.
    pub keymap: Keymap,
    /// Whether clicks and the wheel are taken.
    pub mouse: bool,
    /// Whether the picture is held still.
    pub frozen: bool,
    /// Whether the first look at the disk is not over yet.
    pub loading: bool,
    /// The workspaces' names.
    pub workspaces: Vec<String>,
    /// The screen shown.
    pub screen: Screen,
    /// The focused pane of the first screen.
    pub focus: Pane,
    /// Whether it has the whole screen.
    pub expanded: bool,
    /// The runs.
    pub runs: Runs,
    /// The list.
    pub list: List,
    /// Marked runs.
    pub marked: BTreeSet<RunId>,
    /// The charts.
    pub charting: Charting,
    /// Only the run under the cursor is charted.
    pub solo: bool,
    /// The runs charted, in the list's order.
    pub charted: Vec<RunId>,
    /// Their looks.
    pub looks: Looks,
    /// The looks of groups that are drawn as one, by their first run.
    pub group_looks: Looks,
    /// The metrics of the runs charted.
    pub metrics: Vec<String>,
    /// The small chart chosen.
    pub chart_cursor: usize,
    /// The first row of small charts shown.
    pub chart_offset: usize,
    /// The log.
    pub log: Log,
    /// The settings.
    pub settings: Settings,
    /// The table.
    pub table: Table,
    /// The line of the queue chosen.
    pub queue_cursor: usize,
    /// The first line of the queue shown.
    pub queue_offset: usize,
    /// The line of the sweeps chosen.
    pub sweeps_cursor: usize,
    /// The first line of the sweeps shown.
    pub sweeps_offset: usize,
    /// The report or comparison being read, in the screen's place.
    pub document: Option<Document>,
    /// The sample pictures being looked at, in the screen's place.
    pub gallery: Option<Gallery>,
    /// What stands above the screen.
    pub popup: Option<Popup>,
    /// What is being typed at the bottom.
    pub prompt: Option<Prompt>,
    /// What was reported.
    pub reports: Reports,
    /// The files asked for.
    pub interest: Interest,
    /// Whether the table is behind.
    pub table_stale: bool,
    /// Runs charted of late, the newest first: going back to them costs no reading.
    pub recent: Vec<RunId>,
}

impl App {
    /// A dashboard that knows of no run yet.
    pub fn new(setup: Setup) -> Self {
        Self {
            now: setup.now,
            size: setup.size,
            theme: setup.theme,
            glyphs: setup.glyphs,
            manner: setup.manner,
            cell: setup.cell,
            in_tmux: setup.in_tmux,
            keymap: setup.keymap,
            mouse: setup.mouse,
            frozen: false,
            loading: true,
            workspaces: setup.workspaces,
            screen: Screen::default(),
            focus: Pane::default(),
            expanded: false,
            runs: Runs::default(),
            list: List::default(),
            marked: BTreeSet::new(),
            charting: Charting::default(),
            solo: false,
            charted: Vec::new(),
            looks: Looks::default(),
            group_looks: Looks::default(),
            metrics: Vec::new(),
            chart_cursor: 0,
            chart_offset: 0,
            log: Log::default(),
            settings: Settings::default(),
            table: Table::default(),
            queue_cursor: 0,
            queue_offset: 0,
            sweeps_cursor: 0,
            sweeps_offset: 0,
            document: None,
            gallery: None,
            popup: None,
            prompt: None,
            reports: Reports::default(),
            interest: Interest::default(),
            table_stale: true,
            recent: Vec::new(),
        }
    }

    /// Where everything stands.
    pub fn areas(&self) -> Areas {
        layout::areas(self.size, self.screen, self.focus, self.expanded)
    }

    /// Where keys are looked up, the innermost first.
    pub fn contexts(&self) -> &'static [Context] {
        if self.gallery.is_some() {
            PICTURES
        } else {
            stack(self.screen, self.focus, self.document.is_some())
        }
    }

    /// Whether something on the screen changes with time alone.
    pub fn has_clock(&self) -> bool {
        self.runs.iter().any(|run| run.state().is_live())
    }

    /// How many lines of runs the list has room for.
    pub fn list_height(&self) -> usize {
        // The border, and the headings of the columns.
        self.areas()
            .pane(Pane::List)
            .map_or(1, |area| usize::from(layout::inner(area).height.saturating_sub(1)))
    }

    /// How many lines a pane has room for.
    pub fn pane_height(&self, pane: Pane) -> usize {
        self.areas().pane(pane).map_or(1, |area| usize::from(layout::inner(area).height))
    }
}
