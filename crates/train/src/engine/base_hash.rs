//! The hash of every byte of the base model, reckoned beside the training.

use std::thread::{self, JoinHandle};

use crate::tasks::TaskInputs;

/// A hash under way in a thread of its own, or known.
#[derive(Debug)]
pub struct BaseHash {
    thread: Option<JoinHandle<String>>,
    known: Option<String>,
}

impl BaseHash {
    /// Begins to hash the base model of `inputs`.
    pub fn start(inputs: &dyn TaskInputs) -> Self {
        Self { thread: Some(thread::spawn(inputs.base_hash())), known: None }
    }

    /// Returns the hash as 64 hexadecimal digits, and waits for it where it must.
    pub fn wait(&mut self) -> &str {
        if let Some(thread) = self.thread.take() {
            self.known = thread.join().ok();
        }
        self.known.as_deref().unwrap_or_default()
    }

    /// Returns the hash where waiting for it would take no time.
    pub fn now(&mut self) -> Option<&str> {
        let is_done = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
        is_done.then(|| self.wait())
    }
}
