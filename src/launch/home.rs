//! One home host: from any other, a workspace is only looked at, and asked through control files.

use std::thread;
use std::time::{Duration, Instant};

use loradeck_core::error::FileError;
use loradeck_core::run::{Home, HomeIs, Host, STANDSTILL, Workspace};

/// Why this host may not act on the workspace.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Another host's dispatcher is at work.
    #[error(
        "'{host}' is the home host of this workspace and its dispatcher may be at work (hint: act there; or `loradeck home --take-over` here, once you know it is gone)"
    )]
    Elsewhere {
        /// Its name.
        host: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Makes sure that this host may act. Where another one was home, its counter is watched: one that counts on refuses,
/// one that stands still for a minute has gone.
pub fn be_home(workspace: &Workspace) -> Result<(), HomeError> {
    be_home_within(workspace, &Host::here(), STANDSTILL)
}

/// As [`be_home`], at once, whatever the other host may be doing.
pub fn take_over(workspace: &Workspace) -> Result<(), HomeError> {
    workspace.ensure_state_folder()?;
    Ok(Home { host: Host::here(), counter: 0, ended: true }.write(workspace)?)
}

fn be_home_within(workspace: &Workspace, here: &Host, patience: Duration) -> Result<(), HomeError> {
    let HomeIs::Elsewhere(first) = Home::seen_from(Home::read(workspace)?, here) else { return Ok(()) };
    let until = Instant::now() + patience;
    while Instant::now() < until {
        thread::sleep(patience.min(Duration::from_millis(500)));
        match Home::seen_from(Home::read(workspace)?, here) {
            HomeIs::Here => return Ok(()),
            HomeIs::Elsewhere(now) if now != first => {
                return Err(HomeError::Elsewhere { host: now.host.host });
            }
            HomeIs::Elsewhere(_) => {}
        }
    }
    Ok(())
}

/// Whether another host is home as far as the file tells, without waiting.
pub fn is_elsewhere(workspace: &Workspace) -> bool {
    let found = Home::read(workspace).ok().flatten();
    matches!(Home::seen_from(found, &Host::here()), HomeIs::Elsewhere(_))
}

/// The dispatcher's own sign of life.
#[derive(Debug)]
pub(super) struct HomeBeat {
    home: Home,
    last: Option<Instant>,
}

impl HomeBeat {
    pub(super) fn begin() -> Self {
        Self { home: Home { host: Host::here(), counter: 0, ended: false }, last: None }
    }

    /// Counts on, if it is time to.
    pub(super) fn beat(&mut self, workspace: &Workspace) {
        let now = Instant::now();
        if self.last.is_none_or(|last| now - last >= loradeck_core::run::HOME_BEAT) {
            self.last = Some(now);
            self.home.counter += 1;
            // A full disk must not end the queue; the next beat tries again.
            let _ = self.home.write(workspace);
        }
    }

    /// Says that this host has ended, so that another may follow without waiting.
    pub(super) fn end(mut self, workspace: &Workspace) {
        self.home.ended = true;
        let _ = self.home.write(workspace);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_counts_refuses_and_one_that_stands_still_has_gone() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        workspace.ensure_state_folder().unwrap();
        let here = Host { host: "here".into(), boot_id: "1".into() };
        let there = Host { host: "there".into(), boot_id: "1".into() };
        let home = |counter, ended| Home { host: there.clone(), counter, ended };
        let short = Duration::from_millis(50);
        assert!(be_home_within(&workspace, &here, short).is_ok(), "nobody has been at home");
        home(1, false).write(&workspace).unwrap();
        assert!(be_home_within(&workspace, &here, short).is_ok(), "it stood still");
        let counting = thread::scope(|scope| {
            let waits = scope.spawn(|| be_home_within(&workspace, &here, Duration::from_secs(20)));
            let mut counter = 1;
            while !waits.is_finished() {
                counter += 1;
                home(counter, false).write(&workspace).unwrap();
                thread::sleep(Duration::from_millis(5));
            }
            waits.join().unwrap()
        });
        assert!(matches!(counting, Err(HomeError::Elsewhere { host }) if host == "there"));
        home(1, true).write(&workspace).unwrap();
        assert!(be_home_within(&workspace, &here, Duration::from_secs(20)).is_ok(), "it has said its end");
    }
}
