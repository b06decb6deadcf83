//! What is asked of a foreign command. Its supervisor passes stops on as SIGTERM; without one its parent does.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use loradeck_core::run::{Deed, RequestFile, RunFolder, is_held, pending_requests, withdraw_requests};

use super::outcome::Asked;

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a supervisor may take to pass a stop on before nobody is taken to be there.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Send SIGTERM.
    Terminate,
    /// Send SIGKILL.
    Kill,
}

/// Looks for requests to one attempt.
pub(super) struct Requests {
    run: RunFolder,
    attempt: u32,
    looked: Option<Instant>,
    waiting_since: Option<Instant>,
    passed_on: bool,
    answered: HashSet<String>,
}

impl Requests {
    pub(super) fn new(run: &RunFolder, attempt: u32) -> Self {
        let (run, answered) = (run.clone(), HashSet::new());
        Self { run, attempt, looked: None, waiting_since: None, passed_on: false, answered }
    }

    /// What a stop was, as the requests say it.
    pub(super) fn asked(&self) -> Asked {
        let ours = |file: &RequestFile| file.request.attempt == self.attempt;
        let prunes = |file: RequestFile| ours(&file) && file.request.deed == Deed::Prune;
        if pending_requests(&self.run).into_iter().any(prunes) { Asked::Prune } else { Asked::Stop }
    }

    /// Looks for requests; `terminated` says that SIGTERM has come. `refuse` answers what no foreign command can do.
    pub(super) fn look(
        &mut self,
        terminated: bool,
        now: Instant,
        mut refuse: impl FnMut(&RequestFile),
    ) -> Option<Wish> {
        if self.looked.is_some_and(|looked| now - looked < LOOK_EVERY) {
            return None;
        }
        self.looked = Some(now);
        let mut ends = None;
        for file in pending_requests(&self.run) {
            if file.request.attempt != self.attempt || self.answered.contains(&file.id) {
                continue;
            }
            match file.request.deed {
                Deed::Kill => ends = Some(Wish::Kill),
                Deed::Stop | Deed::Prune => ends = ends.or(Some(Wish::Terminate)),
                Deed::Save | Deed::Sample | Deed::Keep => {
                    refuse(&file);
                    self.answered.insert(file.id.clone());
                    withdraw_requests(&self.run, &[file.id]);
                }
            }
        }
        if terminated || self.passed_on || ends.is_none() {
            return None;
        }
        self.alone_for(now).then(|| {
            self.passed_on = true;
            ends
        })?
    }

    /// Whether a request has waited for a supervisor in vain.
    fn alone_for(&mut self, now: Instant) -> bool {
        if is_held(&self.run.run_lock()).unwrap_or(true) {
            self.waiting_since = None;
            return false;
        }
        now - *self.waiting_since.get_or_insert(now) >= PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use loradeck_core::run::{Request, post_request, try_exclusive};
    use loradeck_core::time::Moment;

    use super::*;

    #[test]
    fn a_stop_is_the_supervisors_while_there_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        let post = |attempt, deed| {
            post_request(&run, &Request { attempt, time: Moment::now(), deed }).unwrap();
        };
        post(1, Deed::Kill);
        post(2, Deed::Save);
        post(2, Deed::Prune);
        let supervisor = try_exclusive(&run.run_lock()).unwrap();
        let mut requests = Requests::new(&run, 2);
        let start = Instant::now();
        let mut refused = 0;
        let mut look =
            |seconds: u64| requests.look(false, start + Duration::from_secs(seconds), |_| refused += 1);
        assert_eq!([look(0), look(10)], [None, None]);
        drop(supervisor);
        assert_eq!([look(20), look(21), look(22), look(23)], [None, None, Some(Wish::Terminate), None]);
        assert_eq!((refused, requests.asked()), (1, Asked::Prune));
    }
}
