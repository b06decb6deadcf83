//! Keys and messages against the state.

mod curves;
mod deeds;
mod document;
mod gallery;
mod list;
mod panes;
mod sweeps;

use crate::tui::sample::Driven;
use crate::tui::terminal::{KeyModifiers, MouseEvent, MouseEventKind};

fn mouse(kind: MouseEventKind, column: u16, row: u16) -> MouseEvent {
    MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }
}

fn driven() -> Driven {
    Driven::new(120, 40)
}

fn name_under_cursor(driven: &Driven) -> String {
    let run = driven.app.run_under_cursor().and_then(|id| driven.app.runs.get(id));
    run.map(|run| run.name.to_string()).unwrap_or_default()
}

fn charted_names(driven: &Driven) -> Vec<u32> {
    driven.app.charted.iter().filter_map(|id| driven.app.runs.get(*id)).map(|run| run.name.number).collect()
}
