//! One home host: from any other, a workspace is only looked at, and asked through control files.

use std::thread;
use std::time::{Duration, Instant};

use loradeck_core::error::FileError;
use loradeck_core::run::{HOME_BEAT, Home, HomeIs, Host, STANDSTILL, Workspace};

/// Why this host may not act on the workspace.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Another host's dispatcher is at work.
    #[error(
        "'{host}' is the home host of this workspace and its dispatcher may be running (hint: act there; or `loradeck home --take-over` here, once you know it is gone)"
    )]
    Elsewhere {
        /// Its name.
        host: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Makes this host home, for what is followed by a dispatcher. Where another one was home, its counter is watched: one
/// that counts on refuses, one that stands still for a minute has gone.
pub fn be_home(workspace: &Workspace) -> Result<(), HomeError> {
    settle(workspace).map(drop)
}

/// As [`be_home`], for what changes a waiting run's place or the like and needs nobody at home.
pub fn may_act(workspace: &Workspace) -> Result<(), HomeError> {
    watched(workspace, &Host::here(), STANDSTILL).map(drop)
}

/// As [`be_home`], at once, whatever the other host may be doing. Its dispatcher ends when it sees this.
pub fn take_over(workspace: &Workspace) -> Result<(), HomeError> {
    workspace.ensure_state_folder()?;
    let here = Host::here();
    match Home::seen_from(Home::read(workspace)?, &here) {
        HomeIs::Here(_) => Ok(()),
        HomeIs::Free(term) | HomeIs::Elsewhere(Home { term, .. }) => {
            claimed(workspace, &here, term).map(drop)
        }
    }
}

/// The dispatcher's part of [`be_home`].
pub(super) fn settle(workspace: &Workspace) -> Result<Home, HomeError> {
    settle_within(workspace, &Host::here(), STANDSTILL)
}

fn settle_within(workspace: &Workspace, here: &Host, patience: Duration) -> Result<Home, HomeError> {
    workspace.ensure_state_folder()?;
    match watched(workspace, here, patience)? {
        Ok(home) => Ok(home),
        Err(term) => claimed(workspace, here, term),
    }
}

/// This host's home, or the last term of one that is nobody's any more.
fn watched(workspace: &Workspace, here: &Host, patience: Duration) -> Result<Result<Home, u64>, HomeError> {
    let look = || Ok::<HomeIs, FileError>(Home::seen_from(Home::read(workspace)?, here));
    let first = match look()? {
        HomeIs::Here(home) => return Ok(Ok(home)),
        HomeIs::Free(term) => return Ok(Err(term)),
        HomeIs::Elsewhere(home) => home,
    };
    let until = Instant::now() + patience;
    while Instant::now() < until {
        thread::sleep(patience.min(Duration::from_millis(500)));
        match look()? {
            HomeIs::Here(home) => return Ok(Ok(home)),
            HomeIs::Free(term) => return Ok(Err(term)),
            HomeIs::Elsewhere(now) if now != first => return Err(elsewhere(now)),
            HomeIs::Elsewhere(_) => {}
        }
    }
    Ok(Err(first.term))
}

/// Claims the term after `term`.
fn claimed(workspace: &Workspace, here: &Host, term: u64) -> Result<Home, HomeError> {
    if let Some(home) = Home::claim(workspace, here, term + 1)? {
        return Ok(home);
    }
    // Another process of this host is as good.
    match Home::seen_from(Home::read(workspace)?, here) {
        HomeIs::Here(home) => Ok(home),
        HomeIs::Elsewhere(home) => Err(elsewhere(home)),
        HomeIs::Free(_) => Err(HomeError::Elsewhere { host: "another host".into() }),
    }
}

fn elsewhere(home: Home) -> HomeError {
    HomeError::Elsewhere { host: home.host.host }
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
    pub(super) fn of(home: Home) -> Self {
        Self { home, last: None }
    }

    /// Counts on, if it is time to. Whether this host is still home: another one may have taken over.
    pub(super) fn beat(&mut self, workspace: &Workspace) -> bool {
        let now = Instant::now();
        if self.last.is_some_and(|last| now - last < HOME_BEAT) {
            return true;
        }
        self.last = Some(now);
        if self.is_over(workspace) {
            return false;
        }
        self.home.counter += 1;
        // A full disk must not end the queue; the next beat tries again.
        let _ = self.home.write(workspace);
        true
    }

    /// Says that this host has ended, so that another may follow without waiting.
    pub(super) fn end(mut self, workspace: &Workspace) {
        if !self.is_over(workspace) {
            self.home.ended = true;
            let _ = self.home.write(workspace);
        }
    }

    fn is_over(&self, workspace: &Workspace) -> bool {
        let newest = Home::read(workspace).ok().flatten();
        newest.is_some_and(|newest| newest.term > self.home.term)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Host {
        Host { host: name.into(), boot_id: "1".into() }
    }

    fn workspace() -> (tempfile::TempDir, Workspace) {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(root.path());
        workspace.ensure_state_folder().unwrap();
        (root, workspace)
    }

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_host_that_counts_refuses_and_one_that_stands_still_has_gone() {
        let (_root, workspace) = workspace();
        let there = settle_within(&workspace, &host("there"), SHORT).unwrap();
        let here = settle_within(&workspace, &host("here"), SHORT).unwrap();
        assert_eq!((there.term, here.term), (1, 2), "it stood still");
        let counting = thread::scope(|scope| {
            let waits = scope.spawn(|| settle_within(&workspace, &host("there"), LONG));
            let mut counting = here.clone();
            while !waits.is_finished() {
                counting.counter += 1;
                counting.write(&workspace).unwrap();
                thread::sleep(Duration::from_millis(5));
            }
            waits.join().unwrap()
        });
        assert!(matches!(counting, Err(HomeError::Elsewhere { host }) if host == "here"));
        HomeBeat::of(here).end(&workspace);
        let after = settle_within(&workspace, &host("there"), LONG).unwrap();
        assert_eq!(after.term, 3, "it has said its end");
    }

    #[test]
    fn a_dispatcher_sees_that_another_host_took_over_and_leaves_it_alone() {
        let (_root, workspace) = workspace();
        let mut old = HomeBeat::of(settle_within(&workspace, &host("old"), SHORT).unwrap());
        assert!(old.beat(&workspace));
        let new = claimed(&workspace, &host("new"), 1).unwrap();
        old.last = None;
        assert!(!old.beat(&workspace));
        old.end(&workspace);
        assert_eq!(Home::read(&workspace).unwrap(), Some(new));
        assert!(
            matches!(claimed(&workspace, &host("late"), 1), Err(HomeError::Elsewhere { host }) if host == "new")
        );
    }
}
