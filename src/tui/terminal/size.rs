//! How large the terminal is.

use crossterm::terminal::WindowSize;

/// Columns and rows; 80 × 24 where the terminal does not say.
pub fn window_size() -> (u16, u16) {
    match crossterm::terminal::window_size() {
        Ok(WindowSize { columns, rows, .. }) if columns > 0 && rows > 0 => (columns, rows),
        _ => (80, 24),
    }
}

/// Pixels of a cell, where the terminal says.
pub fn cell_size() -> Option<(u16, u16)> {
    let size = crossterm::terminal::window_size().ok()?;
    let cell = (size.width.checked_div(size.columns)?, size.height.checked_div(size.rows)?);
    (cell.0 > 0 && cell.1 > 0).then_some(cell)
}
