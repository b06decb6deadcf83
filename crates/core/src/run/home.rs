//! `.loradeck/home.json`: the one host that submits, dispatches, reports and commits in a workspace that several hosts
//! see. Locks do not reach across hosts; this file and its counter do.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::FileError;
use crate::file::{self, Durability};
use crate::run::{Host, Workspace};

/// For how long another host's counter must stand still, by the reader's clock, before it counts as gone.
pub const STANDSTILL: Duration = Duration::from_mins(1);
/// How often the dispatcher counts on.
pub const HOME_BEAT: Duration = Duration::from_secs(10);

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
}

/// Who may act on the workspace from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HomeIs {
    /// This host, or nobody's.
    Here,
    /// This one, whose dispatcher counts on or may do so.
    Elsewhere(Home),
}

impl Home {
    /// What the file says; `None` where nobody has been at home.
    pub fn read(workspace: &Workspace) -> Result<Option<Self>, FileError> {
        file::read_json(&workspace.home())
    }

    /// Replaces the file.
    pub fn write(&self, workspace: &Workspace) -> Result<(), FileError> {
        file::replace_json(&workspace.home(), self, Durability::Renamed)
    }

    /// Whose home it is, seen from `here`. A host that has been booted anew is the same host.
    pub fn seen_from(found: Option<Self>, here: &Host) -> HomeIs {
        match found {
            Some(home) if home.host.host != here.host && !home.ended => HomeIs::Elsewhere(home),
            _ => HomeIs::Here,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, boot: &str) -> Host {
        Host { host: name.into(), boot_id: boot.into() }
    }

    #[test]
    fn another_host_is_home_until_it_has_ended() {
        let home = |ended| Home { host: host("a", "1"), counter: 3, ended };
        assert_eq!(Home::seen_from(Some(home(false)), &host("b", "9")), HomeIs::Elsewhere(home(false)));
        assert_eq!(Home::seen_from(Some(home(true)), &host("b", "9")), HomeIs::Here);
        assert_eq!(Home::seen_from(Some(home(false)), &host("a", "2")), HomeIs::Here, "it was booted anew");
        assert_eq!(Home::seen_from(None, &host("b", "9")), HomeIs::Here);
    }
}
