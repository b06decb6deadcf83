//! Charts: curves on a grid of dots, with axes that rarely move.
//!
//! ratatui's own chart takes vectors of points and knows no logarithmic axes; this one asks a series for one column
//! of extremes per dot, so that a million points cost no more than a hundred and a spike of one step stays visible.

mod band;
mod canvas;
mod curve;
mod frame;
mod ticks;

pub use band::{band_at, band_extremes, draw_band};
pub use canvas::{Canvas, Ink};
pub use curve::{Curve, draw_curve, value_at};
pub use frame::{Frame, Spread, hold_bounds, x_range};
pub use ticks::{time_label, time_step, x_ticks};
