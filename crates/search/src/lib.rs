//! Where a sweep looks next, and which of its trials it gives up early.

mod dimension;
mod draws;
mod normal;
mod observation;
pub mod random;
mod space;
mod tpe;

pub use dimension::Dimension;
pub use observation::{Goal, Observation, Outcome};
pub use space::{Condition, Parameter, Point, Space, SpaceError};
pub use tpe::Tpe;
