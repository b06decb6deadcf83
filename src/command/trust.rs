//! `loradeck trust [DIR]`: shows what a workspace's files would have started, and asks whether that may be.

use std::path::{Path, PathBuf};

use anyhow::Result;
use loradeck_core::run::Workspace;
use loradeck_core::trust::{Accepted, Distrust, TrustRecord, TrustStore, others_may_add, own_user, see};
use serde_json::json;

use super::out::UsageError;
use super::{OK, out};
use crate::launch::{Inventory, inventory, permit, wake_for};

/// More than these are only counted.
const SHOWN: usize = 200;

/// What the arguments agree to.
pub(super) struct Consent {
    pub(super) yes: bool,
    pub(super) foreign_owner: bool,
    pub(super) others_may_write: bool,
}

pub(super) fn trust(dir: Option<PathBuf>, consent: &Consent) -> Result<u8> {
    let workspace = Workspace::find(&dir.unwrap_or_else(|| PathBuf::from(".")))?;
    let found = inventory(&workspace);
    show(&workspace, &found);
    if permit(&workspace).is_ok() {
        out::line("it is trusted already (`loradeck untrust` takes that back)");
        return Ok(OK);
    }
    let Some(accepted) = agreed(&workspace, consent)? else {
        out::line("nothing was changed: it is not trusted");
        return Ok(super::FAILED);
    };
    TrustStore::of_user()?.trust(&workspace, accepted, "trust")?;
    permit(&workspace)?;
    out::line("trusted: from now on these programs run as you");
    wake_for(&workspace, &workspace.runs())?;
    Ok(OK)
}

/// What was agreed to; `None` where the answer was no.
fn agreed(workspace: &Workspace, consent: &Consent) -> Result<Option<Accepted>> {
    let seen = see(workspace)?;
    let mut accepted = Accepted::default();
    while let Some(danger) = others_may_add(&seen, own_user(), &accepted) {
        let (is_agreed, flag) = if let Distrust::Owner { owner, .. } = &danger {
            accepted.owners.push(*owner);
            (consent.foreign_owner, "--foreign-owner")
        } else {
            accepted.writable_by_all = true;
            (consent.others_may_write, "--others-may-write")
        };
        out::line(&format!("attention: {danger}"));
        if !is_agreed && !typed_out(consent, flag)? {
            return Ok(None);
        }
    }
    if consent.yes {
        return Ok(Some(accepted));
    }
    if !out::is_conversation() {
        return Err(UsageError("cannot ask without a terminal (hint: --yes trusts it)".to_owned()).into());
    }
    Ok(out::ask("trust this workspace to run these programs as you?")?.then_some(accepted))
}

/// Whether a person types the word that agrees to a danger; where nobody can, a flag is wanted.
fn typed_out(consent: &Consent, flag: &str) -> Result<bool> {
    if consent.yes || !out::is_conversation() {
        let hint = format!("--yes alone does not accept this (hint: {flag}, once you know why it is so)");
        return Err(UsageError(hint).into());
    }
    Ok(out::ask_for("type 'trust it anyway' to continue", "trust it anyway")?)
}

fn show(workspace: &Workspace, found: &Inventory) {
    out::line(&workspace.root().display().to_string());
    if found.named.is_empty() {
        out::line("its files name no program; the trainer is the one that you installed");
    } else {
        out::line("its files name these programs, which would run as you:");
    }
    for one in found.named.iter().take(SHOWN) {
        let more = if one.more > 0 { format!(" and {} more", one.more) } else { String::new() };
        out::line(&format!("  {:<14} {}", one.key, one.words));
        out::line(&format!("  {:<14} ({}{more})", "", one.place));
    }
    if found.named.len() > SHOWN {
        out::line(&format!("  … and {} more", found.named.len() - SHOWN));
    }
    for problem in &found.unreadable {
        out::line(&format!("  could not be read: {problem}"));
    }
    if found.waiting > 0 {
        out::line(&format!("waiting runs that would start at once: {}", found.waiting));
    }
}

pub(super) fn list(dir: Option<&Path>, as_json: bool) -> Result<u8> {
    if let Some(dir) = dir {
        let workspace = Workspace::find(dir)?;
        let (found, refusal) = (inventory(&workspace), permit(&workspace).err());
        if as_json {
            let why = refusal.as_ref().map(|refusal| &refusal.why);
            return out::json(&json!({
                "path": workspace.root(), "trusted": refusal.is_none(), "why": why, "would_run": found
            }))
            .map(|()| OK);
        }
        show(&workspace, &found);
        out::line(&refusal.map_or_else(|| "it is trusted".to_owned(), |refusal| refusal.to_string()));
        return Ok(OK);
    }
    let records = TrustStore::of_user()?.records()?;
    if as_json {
        let described = |record: &TrustRecord| {
            json!({
                "path": record.path, "by": record.by, "time": record.time, "accepted": record.accepted,
                "problem": problem_of(record)
            })
        };
        return out::json(&records.iter().map(described).collect::<Vec<_>>()).map(|()| OK);
    }
    if records.is_empty() {
        out::line("no workspace is trusted yet (hint: `loradeck trust DIR`)");
    }
    for record in &records {
        let problem = problem_of(record).map(|why| format!(": no longer trusted: {why}")).unwrap_or_default();
        let since = record.time.to_minute();
        out::line(&format!("{} (by {} at {since}){problem}", record.path.display(), record.by));
    }
    Ok(OK)
}

/// Why a recorded workspace is not trusted now.
fn problem_of(record: &TrustRecord) -> Option<String> {
    if !record.path.exists() {
        return Some("it does not exist".to_owned());
    }
    permit(&Workspace::at(&record.path)).err().map(|refusal| refusal.why)
}

pub(super) fn untrust(dir: Option<PathBuf>) -> Result<u8> {
    let dir = dir.unwrap_or_else(|| PathBuf::from("."));
    // One that has gone, or is no workspace any more, is known by its path.
    let path = match Workspace::find(&dir) {
        Ok(workspace) => workspace.root().to_path_buf(),
        Err(_) => std::fs::canonicalize(&dir).or_else(|_| std::path::absolute(&dir))?,
    };
    let was_known = TrustStore::of_user()?.forget(&path)?;
    let shown = path.display();
    out::line(&if was_known {
        format!("{shown}: no longer trusted; running runs continue, nothing else is started")
    } else {
        format!("{shown}: was not trusted")
    });
    Ok(OK)
}
