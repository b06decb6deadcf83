//! `loradeck supervise RUN`: the internal command that owns one attempt.

use std::path::Path;

use anyhow::Result;

use super::OK;
use crate::launch::{supervise, supervise_element};

pub(super) fn supervise(run: &Path, attempt: u32, adopt: bool, submission: Option<&str>) -> Result<u8> {
    match submission {
        Some(submission) => supervise_element(run, attempt, submission)?,
        None => supervise::supervise(run, attempt, adopt)?,
    }
    Ok(OK)
}
