//! Where a sweep looks next, and which of its trials it gives up early.
//!
//! Everything here is a pure function: no files, no clock, no state. The same arguments give the same answer on every
//! machine, so a dispatcher that dies can be followed by another that reads the same files.
//!
//! # What to search
//! A [`Space`] is a list of [`Parameter`]s, each with a [`Dimension`] (a real or whole number, on a log scale or not,
//! in steps or not; a normal one; a choice) and perhaps a [`Condition`] under which it exists. A [`Point`] has one
//! entry per parameter: a number, or none where the parameter does not exist.
//!
//! # Where to look next
//! - [`random::propose`]: trial k depends on seed and k alone.
//! - [`Tpe::propose`]: the Tree-structured Parzen Estimator over the [`Observation`]s until now. Trials that run are
//!   counted as bad (a constant liar), trials that were stopped count behind all that finished, by the rung and the
//!   value at which they were stopped, and what failed is never good.
//!
//! # Which trials to give up
//! - [`Asha`]: at rungs `grace_period`·ηᵏ the best 1/η of those that came so far go on. [`Asha::decide`] judges a
//!   logged value by the [`Arrival`]s recorded before it; [`Asha::replay`] makes the same decisions again.
//! - [`MedianStop`]: a trial is stopped when its best value is worse than the median of the others' averages.
//!
//! ```
//! use loradeck_search::{Dimension, Goal, Observation, Outcome, Parameter, Space, Tpe};
//!
//! let rate = Dimension::Real { low: 1e-5, high: 1e-2, log: true, step: None };
//! let space = Space::new(vec![Parameter { name: "learning_rate".into(), dimension: rate, when: None }])?;
//! let mut seen: Vec<Observation> = Vec::new();
//! for trial in 0..30 {
//!     let point = Tpe::default().propose(&space, Goal::Minimize, 7, trial, &seen)?;
//!     // The training: its loss is best at 10⁻³.
//!     let value = point[0].map_or(f64::NAN, |rate| (rate.log10() + 3.0).abs());
//!     seen.push(Observation { trial, point, outcome: Outcome::Finished { value } });
//! }
//! # let best = |one: &Observation| matches!(one.outcome, Outcome::Finished { value } if value < 0.1);
//! # assert!(seen.iter().any(best));
//! # Ok::<(), loradeck_search::SpaceError>(())
//! ```

mod asha;
mod dimension;
mod draws;
mod median;
mod normal;
mod not_finite;
mod observation;
pub mod random;
mod space;
mod tpe;

pub use asha::{Arrival, Asha, AshaError, Decision, Verdict};
pub use dimension::Dimension;
pub use median::{Curve, MedianDecision, MedianStop};
pub use observation::{Goal, Observation, Outcome};
pub use space::{Condition, Parameter, Point, Space, SpaceError};
pub use tpe::Tpe;
