//! `loradeck schema`: the JSON schema of experiment files, for editors.

use anyhow::Result;
use loradeck_core::config::json_schema;

use super::{OK, out};

pub(super) fn schema() -> Result<u8> {
    out::json(&json_schema())?;
    Ok(OK)
}
