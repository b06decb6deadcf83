//! A dispatcher that was started where a logout ends it, and could be started where none does now.

use std::fs;
use std::time::SystemTime;

use super::{LINGER_FOLDER, Logout, at_logout, is_ended_at_logout};

/// Looks again whenever lingering was enabled or taken back for somebody.
pub(in crate::launch) struct Refuge {
    is_in_danger: bool,
    seen: Option<SystemTime>,
}

impl Refuge {
    /// What this process is in, at its start.
    pub(in crate::launch) fn look() -> Self {
        Self { is_in_danger: is_ended_at_logout(std::process::id()), seen: changed() }
    }

    /// Whether another process in this one's place would be spared.
    pub(in crate::launch) fn is_open(&mut self) -> bool {
        self.is_news(changed()) && at_logout() == Logout::SparesScopes
    }

    fn is_news(&mut self, changed: Option<SystemTime>) -> bool {
        let is_news = self.is_in_danger && changed != self.seen;
        self.seen = changed;
        is_news
    }
}

fn changed() -> Option<SystemTime> {
    fs::metadata(LINGER_FOLDER).and_then(|metadata| metadata.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_in_danger_looks_and_only_at_news() {
        let [first, second] = [Some(SystemTime::UNIX_EPOCH), Some(SystemTime::now())];
        let mut refuge = Refuge { is_in_danger: true, seen: None };
        assert!(refuge.is_news(first) && !refuge.is_news(first) && refuge.is_news(second));
        let mut safe = Refuge { is_in_danger: false, seen: None };
        assert!(!safe.is_news(first));
    }
}
