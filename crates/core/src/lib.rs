//! What every program of loradeck shares: configuration, run folders, metrics and templates.
//!
//! Nothing here prints, knows a terminal, git or libtorch. Files are read and written only through
//! [`mod@file`]; times come in as arguments or from [`time`].

pub mod cache;
pub mod config;
pub mod crash;
pub mod error;
pub mod file;
pub mod handles;
pub mod metrics;
pub mod patience;
pub mod run;
pub mod template;
pub mod text;
pub mod time;
pub mod trust;
