//! Reports and comparisons of a made-up workspace, whose runs look as real ones do.

mod comparing;
mod fixture;
mod pictures;
mod reporting;

use fixture::{Lab, Made};
