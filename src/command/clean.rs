//! `loradeck clean`: checkpoints beyond those to be kept, or the trash; listed before anything goes.

use std::io::{IsTerminal, stdin};
use std::path::Path;

use anyhow::Result;
use loradeck_core::run::Workspace;

use super::du::runs_of;
use super::out::UsageError;
use super::{OK, out};
use crate::launch::tidy::{self, Removable};
use crate::report::{bytes, plain_table};

pub(super) fn clean(targets: &[String], keep: usize, trash: bool, yes: bool) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    let listed = if trash {
        let experiments = workspace.experiments().into_iter();
        let wanted = |name: String| targets.is_empty() || targets.contains(&name);
        experiments.filter(|experiment| wanted(experiment.name())).flat_map(|one| tidy::trash(&one)).collect()
    } else {
        tidy::superfluous_checkpoints(&runs_of(&workspace, targets)?, keep)?
    };
    if listed.is_empty() {
        out::note("nothing to remove");
        return Ok(OK);
    }
    let rows: Vec<Vec<String>> =
        listed.iter().map(|one| vec![one.run.label(), one.what.clone(), bytes(one.size)]).collect();
    out::document(&plain_table(&["run", "what", "size"], &rows));
    if !yes && !is_agreed(&listed)? {
        return Ok(OK);
    }
    let freed = tidy::remove(&workspace, &listed)?;
    out::line(&format!("removed {}", bytes(freed)));
    Ok(OK)
}

fn is_agreed(listed: &[Removable]) -> Result<bool> {
    if !stdin().is_terminal() {
        return Err(UsageError("nothing was removed (hint: --yes removes what is listed)".to_owned()).into());
    }
    let size = listed.iter().map(|one| one.size).sum();
    Ok(out::ask(&format!("remove these {} ({})?", listed.len(), bytes(size)))?)
}
