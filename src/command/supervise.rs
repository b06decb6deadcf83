//! `loradeck supervise RUN`: the internal command that owns one attempt.

use std::path::Path;

use anyhow::Result;

use super::OK;
use crate::launch::supervise;

pub(super) fn supervise(run: &Path, attempt: u32, adopt: bool) -> Result<u8> {
    supervise::supervise(run, attempt, adopt)?;
    Ok(OK)
}
