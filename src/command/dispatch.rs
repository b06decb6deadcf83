//! `loradeck dispatch`: the dispatcher in the foreground.

use std::path::Path;

use anyhow::Result;
use loradeck_core::run::Workspace;

use super::{OK, out};
use crate::launch::dispatch::{self, Ended};

pub(super) fn dispatch(detached: bool) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    let ended = dispatch::dispatch(&workspace, detached)?;
    // The detached one's standard error is its log.
    if !detached || ended == Ended::Moved {
        out::note(match ended {
            Ended::AnotherIsAtWork => "another dispatcher is at work in this workspace",
            Ended::AnotherHostIsHome => "another host has become home of this workspace",
            Ended::NothingLeft => "nothing is left to start, watch or write up",
            Ended::Moved => "another dispatcher takes over, where a logout does not end it",
            Ended::Asked => "the dispatcher ends; running trainings go on",
        });
    }
    Ok(OK)
}
