//! `.loradeck/home.json`: the one host that submits, dispatches, reports and commits in a workspace that several hosts
//! see. Locks do not reach across hosts; this file and its counter do.
//!
//! A host becomes home by a claim: `homes/N.json`, made by `link(2)`, which of all hosts one succeeds in. N is the term;
//! it grows with every claim, so that a host which was home before sees that it is no longer.

use std::fs;
use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{FileError, WithPath};
use crate::file::{self, Durability};
use crate::run::{Host, Workspace};

/// For how long another host's counter must stand still, by the reader's clock, before it counts as gone.
pub const STANDSTILL: Duration = Duration::from_mins(1);
/// How often the dispatcher counts on.
pub const HOME_BEAT: Duration = Duration::from_secs(10);
/// How many terms back claims are kept, for hosts whose view of the file comes late.
const KEPT: u64 = 8;

/// Which host is at home, and its sign of life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// The host.
    #[serde(flatten)]
    pub host: Host,
    /// Grows as long as its dispatcher is at work.
    pub counter: u64,
    /// Whether its dispatcher has ended: any host may become home.
    pub ended: bool,
    /// The number of its claim; 0 in files of a loradeck that made none.
    #[serde(default)]
    pub term: u64,
}

/// Who may act on the workspace from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HomeIs {
    /// This host.
    Here(Home),
    /// Nobody's: whoever claims the term after this one.
    Free(u64),
    /// This one, whose dispatcher counts on or may do so.
    Elsewhere(Home),
}

impl Home {
    /// Reads the current home host: the newest claim, or the heartbeat file its owner wrote. `None` if no host ever
    /// claimed the workspace.
    pub fn read(workspace: &Workspace) -> Result<Option<Self>, FileError> {
        let mut newest = file::read_json::<Self>(&workspace.home())?;
        // Its owner may have died between the claim and the file.
        while let Some(claim) = read_claim(workspace, newest.as_ref().map_or(0, |home| home.term) + 1)? {
            newest = Some(claim);
        }
        Ok(newest)
    }

    /// Replaces the file.
    pub fn write(&self, workspace: &Workspace) -> Result<(), FileError> {
        file::replace_json(&workspace.home(), self, Durability::Renamed)
    }

    /// Claims `term` for `here`; `None`: another host has it, or a later one.
    pub fn claim(workspace: &Workspace, here: &Host, term: u64) -> Result<Option<Self>, FileError> {
        let home = Self { host: here.clone(), counter: 0, ended: false, term };
        file::create_folder(&workspace.homes())?;
        let path = claim_path(workspace, term);
        let text = serde_json::to_vec_pretty(&home).map_err(io::Error::from).with_path(&path, "encode")?;
        if !file::make_once(&path, &text)? {
            return Ok(None);
        }
        let terms = terms(workspace)?;
        // Whoever saw an old file may have claimed a term whose claim was long taken away.
        if terms.iter().any(|other| *other > term) {
            let _ = fs::remove_file(&path);
            return Ok(None);
        }
        for old in terms.into_iter().filter(|old| old + KEPT <= term) {
            let _ = fs::remove_file(claim_path(workspace, old));
        }
        home.write(workspace)?;
        Ok(Some(home))
    }

    /// Whose home it is, seen from `here`. A host that has been booted anew is the same host.
    pub fn seen_from(found: Option<Self>, here: &Host) -> HomeIs {
        match found {
            Some(home) if home.ended => HomeIs::Free(home.term),
            Some(home) if home.host.host != here.host => HomeIs::Elsewhere(home),
            Some(home) => HomeIs::Here(home),
            None => HomeIs::Free(0),
        }
    }
}

fn claim_path(workspace: &Workspace, term: u64) -> std::path::PathBuf {
    workspace.homes().join(format!("{term}.json"))
}

fn read_claim(workspace: &Workspace, term: u64) -> Result<Option<Home>, FileError> {
    file::read_json(&claim_path(workspace, term))
}

fn terms(workspace: &Workspace) -> Result<Vec<u64>, FileError> {
    let folder = workspace.homes();
    let entries = fs::read_dir(&folder).with_path(&folder, "list")?;
    let term = |name: &str| name.strip_suffix(".json")?.parse().ok();
    Ok(entries.flatten().filter_map(|entry| term(&entry.file_name().to_string_lossy())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, boot: &str) -> Host {
        Host { host: name.into(), boot_id: boot.into() }
    }

    #[test]
    fn another_host_is_home_until_it_has_ended() {
        let home = |ended| Home { host: host("a", "1"), counter: 3, ended, term: 2 };
        let seen = |found, from: &Host| Home::seen_from(found, from);
        assert_eq!(seen(Some(home(false)), &host("b", "9")), HomeIs::Elsewhere(home(false)));
        assert_eq!(seen(Some(home(true)), &host("b", "9")), HomeIs::Free(2));
        assert_eq!(
            seen(Some(home(true)), &host("a", "1")),
            HomeIs::Free(2),
            "another may just be claiming it"
        );
        assert_eq!(seen(Some(home(false)), &host("a", "2")), HomeIs::Here(home(false)), "it was booted anew");
        assert_eq!(seen(None, &host("b", "9")), HomeIs::Free(0));
    }

    #[test]
    fn of_many_hosts_one_becomes_home_and_its_claim_stands_without_the_file() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        let claims = std::thread::scope(|scope| {
            let claim = |name: String| Home::claim(&workspace, &host(&name, "1"), 1).unwrap();
            let threads: Vec<_> =
                (0..8).map(|number| scope.spawn(move || claim(format!("host-{number}")))).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        let [won] = claims.try_into().unwrap();
        assert_eq!(Home::read(&workspace).unwrap(), Some(won.clone()));
        fs::remove_file(workspace.home()).unwrap();
        assert_eq!(Home::read(&workspace).unwrap(), Some(won));
    }

    #[test]
    fn a_claim_to_a_term_that_has_passed_is_void() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        for term in 1..=20 {
            assert!(Home::claim(&workspace, &host("a", "1"), term).unwrap().is_some());
        }
        let mut kept = terms(&workspace).unwrap();
        kept.sort_unstable();
        assert_eq!(kept, (13..=20).collect::<Vec<u64>>());
        assert_eq!(Home::claim(&workspace, &host("b", "1"), 2).unwrap(), None, "b saw a very old file");
        assert_eq!(Home::read(&workspace).unwrap().unwrap().term, 20);
    }
}
