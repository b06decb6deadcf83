//! Tables in Markdown and on terminals (the door of `comfy-table`).

use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{Cell, CellAlignment, Table};
use loradeck_core::text::harmless;

/// A Markdown table. Cells are Markdown already: bars escaped, no line breaks.
pub fn markdown(header: &[String], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    // No width is ever set: wrapped cells would be rows of their own.
    table.load_style(ASCII_MARKDOWN).set_header(header).add_rows(rows);
    table.trim_fmt() + "\n"
}

/// A table for a terminal: columns two spaces apart, those named in `right` set to the right.
pub fn terminal(header: &[String], rows: &[Vec<String>], right: &[usize]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    let cell = |(index, text): (usize, &String)| {
        let alignment = if right.contains(&index) { CellAlignment::Right } else { CellAlignment::Left };
        Cell::new(harmless(text)).set_alignment(alignment)
    };
    table.set_header(header.iter().enumerate().map(cell).collect::<Vec<_>>());
    for row in rows {
        table.add_row(row.iter().enumerate().map(cell).collect::<Vec<_>>());
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt() + "\n"
}

/// A table for a terminal with all columns to the left, without a line break at its end.
pub fn plain_table(header: &[&str], rows: &[Vec<String>]) -> String {
    let header: Vec<String> = header.iter().map(|text| (*text).to_owned()).collect();
    terminal(&header, rows, &[]).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(row: &[&str]) -> Vec<String> {
        row.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_row_is_a_line_however_long_it_is() {
        let long = "x".repeat(400);
        let text = markdown(&texts(&["Run", "Loss"]), &[texts(&[&long, "1"]), texts(&["b\\|c", "2"])]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|line| line.starts_with('|') && line.ends_with('|')));
        assert!(lines[1].chars().all(|c| "|- ".contains(c)));
    }

    #[test]
    fn a_terminal_never_sees_control_characters() {
        let text =
            terminal(&texts(&["run", "loss"]), &[texts(&["a\u{1b}[2J", "10"]), texts(&["b", "9"])], &[1]);
        assert_eq!(text, "run    loss\na␛[2J    10\nb         9\n");
    }
}
