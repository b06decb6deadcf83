//! `loradeck adopt DIR`: track another program's output folder.

use std::path::Path;

use anyhow::Result;
use loradeck_core::run::Workspace;

use super::{OK, out};
use crate::launch::adopt_folder;

pub(super) fn adopt(folder: &Path, name: Option<&str>) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    for adopted in adopt_folder(&workspace, folder, name)? {
        let label = adopted.run.label();
        out::line(&if adopted.is_new {
            format!("{label} tracks {}", folder.display())
        } else {
            format!("{label} is up to date")
        });
    }
    Ok(OK)
}
