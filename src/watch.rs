//! What changed on disk: the kernel's announcements beside polling, both as [`Change`]s in one stream.
//!
//! Announcements are watched for on a few folders only, never recursively. Polling goes on beside them, because
//! network file systems announce nothing and the kernel's limits can be used up: live runs every 5 s, every second
//! where they are on the screen, ended runs never.

mod announce;
mod change;
mod filesystem;
mod poll;
mod worker;

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;

use loradeck_core::run::Workspace;

pub use change::{Change, classify};
use worker::{Inbox, Rhythm, Worker};

/// What a watcher says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Things to look at again, each once.
    Changes(Vec<Change>),
    /// A sentence for the user, said once.
    Notice(String),
}

/// The runs that deserve attention now. All are folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// Runs drawn now, whatever their state.
    pub on_screen: Vec<PathBuf>,
    /// Runs at work.
    pub live: Vec<PathBuf>,
    /// Runs that wait for a slot.
    pub queued: Vec<PathBuf>,
}

/// Watches workspaces in a thread of its own until dropped.
#[derive(Debug)]
pub struct Watcher {
    inbox: mpsc::Sender<Inbox>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts watching. `send` is called from the watcher's thread; when it returns `false`, watching ends.
    pub fn start(workspaces: &[Workspace], send: impl FnMut(Message) -> bool + Send + 'static) -> Self {
        Self::start_with(workspaces, announce::of_the_kernel, Rhythm::default(), send)
    }

    fn start_with(
        workspaces: &[Workspace],
        announcer: impl FnOnce(mpsc::Sender<Inbox>) -> announce::Announcer + Send + 'static,
        rhythm: Rhythm,
        send: impl FnMut(Message) -> bool + Send + 'static,
    ) -> Self {
        let (inbox, messages) = mpsc::channel();
        let roots = workspaces.iter().map(|workspace| workspace.root().to_path_buf()).collect();
        let own = inbox.clone();
        let thread = std::thread::spawn(move || {
            Worker::new(roots, announcer(own), rhythm, Box::new(send)).run(&messages);
        });
        Self { inbox, thread: Some(thread) }
    }

    /// Says which runs deserve attention from now on.
    pub fn follow(&self, followed: Followed) {
        // A watcher that has ended has nothing to follow any more.
        let _ = self.inbox.send(Inbox::Follow(followed));
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.inbox.send(Inbox::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
