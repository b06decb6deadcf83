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
            Ended::AnotherIsAtWork => "another dispatcher is running in this workspace",
            Ended::AnotherHostIsHome => "another host is now the home host of this workspace",
            Ended::NothingLeft => "nothing is left to start, watch or report",
            Ended::Moved => "another dispatcher takes over, in a scope that a logout does not end",
            Ended::Asked => "the dispatcher ends; running trainings continue",
        });
    }
    Ok(OK)
}
