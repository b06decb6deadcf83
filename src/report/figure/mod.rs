//! Charts as SVG: the same bytes for the same points, no fonts or scripts from elsewhere, and colours that can be read
//! on white and on near-black, since the page around an `<img>` decides which it is.

mod chart;
mod curves;
mod svg;

pub use chart::{Chart, Emphasis, Line, Mark};
pub use curves::{loss_curve, overlay};
