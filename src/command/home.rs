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
        out::line("this host is now the home host");
        return Ok(OK);
    }
    out::line(&match Home::read(&workspace)? {
        Some(home) if is_elsewhere(&workspace) => {
            format!(
                "'{}' is the home host; on this host the workspace is read-only",
                harmless(&home.host.host)
            )
        }
        Some(home) if !home.ended => format!("this host, '{}', is the home host", harmless(&home.host.host)),
        _ => "no host is active; the next one that submits becomes the home host".to_owned(),
    });
    Ok(OK)
}
