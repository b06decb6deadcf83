//! The watcher's thread: gathers announcements, polls by the clock, and passes changes on.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::announce::{Announce, Announced, Announcer, Refusal};
use super::change::within;
use super::poll::Poller;
use super::{Change, Followed, Message, classify, filesystem};

/// How often the thread looks and speaks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rhythm {
    /// Changes that come closer together than this go out together.
    pub(super) gather: Duration,
    /// How often runs that are at work and on the screen are looked at.
    pub(super) on_screen: Duration,
    /// How often runs that are at work, and lists, are looked at.
    pub(super) live: Duration,
    /// How often the locks of runs at work are asked, which nobody announces.
    pub(super) locks: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            gather: Duration::from_millis(20),
            on_screen: Duration::from_secs(1),
            live: Duration::from_secs(5),
            locks: Duration::from_secs(2),
        }
    }
}

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Inbox {
    /// The kernel announced something.
    Announced(Announced),
    /// Other runs deserve attention.
    Follow(Followed),
    /// The watcher was dropped.
    Stop,
}

/// The thread's state.
pub(super) struct Worker {
    roots: Vec<PathBuf>,
    announcer: Option<Box<dyn Announce>>,
    send: Box<dyn FnMut(Message) -> bool + Send>,
    followed: Followed,
    watched: HashSet<PathBuf>,
    poller: Poller,
    pending: BTreeSet<Change>,
    notice: Option<String>,
    /// Some changes are not announced: lists and states are looked at by the clock instead.
    partly_blind: bool,
    said: bool,
    sent: Instant,
    rhythm: Rhythm,
    due: Due,
}

/// When the next look is due.
struct Due {
    on_screen: Instant,
    live: Instant,
    locks: Instant,
}

impl Worker {
    pub(super) fn new(
        roots: Vec<PathBuf>,
        announcer: Announcer,
        rhythm: Rhythm,
        send: Box<dyn FnMut(Message) -> bool + Send>,
    ) -> Self {
        let now = Instant::now();
        let mut worker = Self {
            roots,
            announcer: None,
            send,
            followed: Followed::default(),
            watched: HashSet::new(),
            poller: Poller::default(),
            pending: BTreeSet::new(),
            notice: None,
            partly_blind: false,
            said: false,
            sent: now,
            rhythm,
            due: Due {
                on_screen: now + rhythm.on_screen,
                live: now + rhythm.live,
                locks: now + rhythm.locks,
            },
        };
        match announcer {
            Ok(announcer) => worker.announcer = Some(announcer),
            Err(reason) => worker.be_blind(&reason),
        }
        if let Some(name) = worker.roots.iter().find_map(|root| filesystem::silent(root)) {
            worker.be_blind(&format!("the workspace is on {name}, which does not announce file changes"));
        }
        worker
    }

    /// Works until told to stop or until nobody listens any more.
    pub(super) fn run(mut self, messages: &mpsc::Receiver<Inbox>) {
        self.watch_folders();
        // What happened before watching began was read by whoever started us, or is read now.
        let mut ignored = Vec::new();
        for root in &self.roots {
            self.poller.lists(root, &mut ignored);
        }
        self.pending.insert(Change::Everything);
        loop {
            let wait = self.next_deadline().saturating_duration_since(Instant::now());
            match messages.recv_timeout(wait) {
                Ok(Inbox::Stop) | Err(mpsc::RecvTimeoutError::Disconnected) => return,
                Ok(message) => self.take(message),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            self.poll(now);
            if !self.pass_on(now) {
                return;
            }
        }
    }

    fn next_deadline(&self) -> Instant {
        let mut next = self.due.live;
        if !self.followed.live.is_empty() {
            next = next.min(self.due.locks);
            if self.live_on_screen().next().is_some() {
                next = next.min(self.due.on_screen);
            }
        }
        if self.pending.is_empty() && self.notice.is_none() {
            next
        } else {
            next.min(self.sent + self.rhythm.gather)
        }
    }

    fn take(&mut self, message: Inbox) {
        match message {
            Inbox::Stop => {}
            Inbox::Follow(followed) => {
                self.poller.keep(&followed.live);
                self.followed = followed;
                self.watch_folders();
            }
            Inbox::Announced(Announced::Lost) => {
                self.pending.insert(Change::Everything);
                self.watch_folders();
            }
            Inbox::Announced(Announced::Paths { paths, folders }) => {
                // Files are replaced by renaming all the time; only folders change what is to be watched.
                let folders =
                    folders && paths.iter().any(|path| self.watched.contains(path) || path.is_dir());
                for path in &paths {
                    self.pending.extend(self.roots.iter().find_map(|root| classify(root, path)));
                    // A watched folder that went away or was replaced has to be watched anew.
                    if folders
                        && self.watched.remove(path)
                        && let Some(announcer) = &mut self.announcer
                    {
                        announcer.unwatch(path);
                    }
                }
                if folders {
                    self.watch_folders();
                }
            }
        }
    }

    fn live_on_screen(&self) -> impl Iterator<Item = &PathBuf> {
        self.followed.live.iter().filter(|run| self.followed.on_screen.contains(run))
    }

    fn poll(&mut self, now: Instant) {
        if now >= self.due.on_screen {
            self.due.on_screen = now + self.rhythm.on_screen;
            let runs: Vec<PathBuf> = self.live_on_screen().cloned().collect();
            for run in runs {
                self.poller.run(&run, &mut self.pending);
            }
        }
        if now >= self.due.live {
            self.due.live = now + self.rhythm.live;
            for run in &self.followed.live {
                self.poller.run(run, &mut self.pending);
            }
            for root in &self.roots {
                self.poller.lists(root, &mut self.pending);
                if self.partly_blind {
                    self.pending.extend([Change::States(root.clone()), Change::Queue(root.clone())]);
                }
            }
        }
        if now >= self.due.locks {
            self.due.locks = now + self.rhythm.locks;
            if !self.followed.live.is_empty() {
                self.pending.insert(Change::Liveness);
            }
        }
    }

    /// Sends what has gathered, if it is time; whether somebody still listens.
    fn pass_on(&mut self, now: Instant) -> bool {
        if now < self.sent + self.rhythm.gather {
            return true;
        }
        if let Some(notice) = self.notice.take() {
            self.sent = now;
            if !(self.send)(Message::Notice(notice)) {
                return false;
            }
        }
        if self.pending.is_empty() {
            return true;
        }
        self.sent = now;
        let changes = if self.pending.contains(&Change::Everything) {
            vec![Change::Everything]
        } else {
            self.pending.iter().cloned().collect()
        };
        self.pending.clear();
        (self.send)(Message::Changes(changes))
    }

    fn be_blind(&mut self, reason: &str) {
        self.partly_blind = true;
        if !self.said {
            self.said = true;
            self.notice = Some(format!("Polling for changes every few seconds: {reason}."));
        }
    }

    /// Watches what should be watched now, and nothing else.
    fn watch_folders(&mut self) {
        let Some(mut announcer) = self.announcer.take() else { return };
        let wanted = self.wanted();
        self.watched.retain(|folder| {
            let kept = wanted.contains(folder);
            if !kept {
                announcer.unwatch(folder);
            }
            kept
        });
        for folder in wanted {
            if self.watched.contains(&folder) {
                continue;
            }
            match announcer.watch(&folder) {
                Ok(()) => {
                    // What happened between its making and our watching was announced to nobody.
                    self.pending.extend(self.roots.iter().flat_map(|root| within(root, &folder)));
                    self.watched.insert(folder);
                }
                Err(Refusal::Missing) => {}
                Err(Refusal::Refused(reason)) => self.be_blind(&reason),
            }
        }
        self.announcer = Some(announcer);
    }

    fn wanted(&self) -> BTreeSet<PathBuf> {
        let mut folders = BTreeSet::new();
        for root in &self.roots {
            folders.extend([root.clone(), root.join(".loradeck"), root.join("experiments")]);
            for experiment in loradeck_core::run::Workspace::at(root).experiments() {
                folders.extend([experiment.runs_folder(), experiment.path().to_path_buf()]);
            }
        }
        for run in self.followed.live.iter().chain(&self.followed.on_screen) {
            folders.extend([run.clone(), run.join("logs"), run.join("logs/journal"), run.join("control")]);
        }
        folders.extend(self.followed.queued.iter().cloned());
        folders.retain(|folder| folder.is_dir());
        folders
    }
}
