//! Pictures of every screen at four sizes, as text.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::view;
use crate::tui::sample::Driven;

const SIZES: [(u16, u16); 4] = [(60, 16), (80, 24), (120, 40), (200, 50)];

fn picture(driven: &Driven) -> String {
    let mut terminal = Terminal::new(TestBackend::new(driven.app.size.0, driven.app.size.1)).unwrap();
    terminal.draw(|frame| view(&driven.app, frame)).unwrap();
    terminal.backend().to_string()
}

fn snapshots(name: &str, keys: &str) {
    for (columns, rows) in SIZES {
        let mut driven = Driven::new(columns, rows);
        driven.press(keys);
        insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), picture(&driven));
    }
}

#[test]
fn runs() {
    snapshots("runs", "");
}
