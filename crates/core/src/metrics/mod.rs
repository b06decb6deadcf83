//! Metrics: the TensorBoard event codec, series that charts draw from, and readers that follow growing files.
//!
//! `writer` and `tail` are the only metric store's two ends; `series` and `run_metrics` hold what was read;
//! everything between them (`wire`, `record`, `event`) is pure.

pub mod axis;
pub mod converter;
pub mod curve;
mod drain;
pub mod event;
mod log_line;
pub mod log_tail;
pub mod pyramid;
pub mod record;
pub mod registry;
pub mod run_metrics;
pub mod series;
pub mod smooth;
pub mod source;
pub mod tail;
mod tensor;
mod wire;
pub mod writer;

pub use axis::{Bounds, Scale};
pub use converter::{Converter, Update};
pub use event::{Content, Datum, Event, Image, Value};
pub use log_line::visible;
pub use log_tail::{LogPolled, LogTail};
pub use pyramid::{Extremes, Pyramid};
pub use registry::{Description, Unit};
pub use run_metrics::{RunMetrics, TextNote};
pub use series::{Column, Goal, Point, Series, XAxis};
pub use smooth::Smoothed;
pub(crate) use source::syntax_problem;
pub use source::{MetricSource, Reading, SourceKind, SourceSpec};
pub use tail::{EventSink, EventTail, Polled, Problem, ProblemKind};
pub use writer::EventWriter;

/// How the name of every event file begins.
pub const EVENT_FILE_PREFIX: &str = "events.out.tfevents";
