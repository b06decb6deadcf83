//! Tables for the terminal.

use comfy_table::{Table, presets};

/// A table for the terminal: columns aligned, no frame, no colour.
pub fn plain_table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row.clone());
    }
    table.trim_fmt()
}
