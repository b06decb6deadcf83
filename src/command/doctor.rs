//! `loradeck doctor`: what of this machine and workspace will get in the way, each with advice.

mod finding;
mod repository;
mod session;
mod storage;
mod terminal;
mod trainer;
mod trust;

use std::path::Path;

use anyhow::Result;
use loradeck_core::config::read_workspace_settings;
use loradeck_core::file;
use loradeck_core::run::Workspace;

use super::{FAILED, OK, out};
use finding::{Finding, Verdict};

pub(super) fn doctor(as_json: bool) -> Result<u8> {
    let workspace = Workspace::find(Path::new(".")).ok();
    let findings = examine(workspace.as_ref());
    if as_json {
        out::json(&findings)?;
    } else {
        findings.iter().flat_map(Finding::lines).for_each(|line| out::line(&line));
    }
    let is_ill = findings.iter().any(|finding| finding.verdict == Verdict::Bad);
    Ok(if is_ill { FAILED } else { OK })
}

fn examine(workspace: Option<&Workspace>) -> Vec<Finding> {
    let here = workspace.map_or(Path::new("."), Workspace::root);
    let mut findings = vec![workspace_finding(workspace)];
    findings.extend(workspace.map(trust::examine));
    findings.extend(trainer::examine(workspace));
    findings.extend(repository::examine(workspace));
    findings.extend(storage::examine(here, workspace));
    findings.extend(session::examine(workspace));
    findings.extend(terminal::examine());
    findings
}

fn workspace_finding(workspace: Option<&Workspace>) -> Finding {
    let Some(workspace) = workspace else {
        let found = "there is no loradeck.yaml here or above";
        return Finding::advice("workspace", found).with("`loradeck init` makes a workspace");
    };
    let path = workspace.settings_file();
    let read =
        file::read_text(&path).map_err(Into::into).and_then(|text| read_workspace_settings(&path, &text));
    match read.and_then(|settings| crate::tui::Options::of(&settings)) {
        Ok(_) => {
            let (experiments, runs) = (workspace.experiments().len(), workspace.runs().len());
            let found = format!("{}, experiments: {experiments}, runs: {runs}", workspace.root().display());
            Finding::good("workspace", found)
        }
        Err(problems) => problems
            .to_string()
            .lines()
            .fold(Finding::bad("workspace", "loradeck.yaml cannot be used"), |finding, line| {
                finding.with(line.trim())
            }),
    }
}
