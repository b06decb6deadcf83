//! `loradeck home`: which host acts on this workspace.

use std::path::Path;

use anyhow::Result;
use loradeck_core::run::{Home, Workspace};
use loradeck_core::text::harmless;

use super::{OK, out};
use crate::launch::{is_elsewhere, take_over};

pub(super) fn home(take: bool) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    if take {
        take_over(&workspace)?;
        out::line("this host is home now");
        return Ok(OK);
    }
    out::line(&match Home::read(&workspace)? {
        Some(home) if is_elsewhere(&workspace) => {
            format!("'{}' is home; from here the workspace is only looked at", harmless(&home.host.host))
        }
        Some(home) if !home.ended => format!("this host, '{}', is home", harmless(&home.host.host)),
        _ => "nobody is at work; whichever host submits first is home".to_owned(),
    });
    Ok(OK)
}
