//! The kernel's announcements of changed files: the door of `notify`.

use std::path::{Path, PathBuf};
use std::sync::mpsc;

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use super::worker::Inbox;

/// Something announced.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Announced {
    /// These paths changed.
    Paths {
        /// The paths.
        paths: Vec<PathBuf>,
        /// Whether something came, went or was renamed, possibly a folder.
        folders: bool,
    },
    /// Announcements were lost.
    Lost,
}

/// Why a folder is not watched.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is not there (yet).
    Missing,
    /// The system does not watch it; the sentence says why.
    Refused(String),
}

/// Watches single folders, not what is below them.
pub(super) trait Announce: Send {
    /// Begins to watch a folder.
    fn watch(&mut self, folder: &Path) -> Result<(), Refusal>;
    /// Ends it; a folder that is gone is fine.
    fn unwatch(&mut self, folder: &Path);
}

/// What a watcher uses, or the sentence why there is nothing to use.
pub(super) type Announcer = Result<Box<dyn Announce>, String>;

/// The kernel's announcements, put into `inbox`.
pub(super) fn of_the_kernel(inbox: mpsc::Sender<Inbox>) -> Announcer {
    let deliver = move |event: notify::Result<notify::Event>| {
        let announced = match event {
            Ok(event) => read(event),
            Err(_) => Some(Announced::Lost),
        };
        if let Some(announced) = announced {
            let _ = inbox.send(Inbox::Announced(announced));
        }
    };
    match RecommendedWatcher::new(deliver, notify::Config::default().with_follow_symlinks(false)) {
        Ok(watcher) => Ok(Box::new(Kernel(watcher))),
        Err(error) => Err(sentence(&error)),
    }
}

struct Kernel(RecommendedWatcher);

impl Announce for Kernel {
    fn watch(&mut self, folder: &Path) -> Result<(), Refusal> {
        self.0.watch(folder, RecursiveMode::NonRecursive).map_err(|error| match &error.kind {
            notify::ErrorKind::PathNotFound => Refusal::Missing,
            notify::ErrorKind::Io(io) if io.kind() == std::io::ErrorKind::NotFound => Refusal::Missing,
            _ => Refusal::Refused(sentence(&error)),
        })
    }

    fn unwatch(&mut self, folder: &Path) {
        let _ = self.0.unwatch(folder);
    }
}

/// Reading and opening change nothing; everything else is worth a look.
fn read(event: notify::Event) -> Option<Announced> {
    if event.need_rescan() {
        return Some(Announced::Lost);
    }
    let folders = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
        EventKind::Access(_) => return None,
        EventKind::Create(kind) => kind != notify::event::CreateKind::File,
        EventKind::Modify(ModifyKind::Name(_)) | EventKind::Remove(_) => true,
        _ => false,
    };
    Some(Announced::Paths { paths: event.paths, folders })
}

/// Names the limit that is used up, which the system's own words ("No space left on device") do not.
fn sentence(error: &notify::Error) -> String {
    const OUT_OF_SPACE: i32 = 28;
    const TOO_MANY_FILES: i32 = 24;
    let code = match &error.kind {
        notify::ErrorKind::MaxFilesWatch => Some(OUT_OF_SPACE),
        notify::ErrorKind::Io(io) => io.raw_os_error(),
        _ => None,
    };
    match code {
        Some(OUT_OF_SPACE) => String::from("the limit fs.inotify.max_user_watches is used up"),
        Some(TOO_MANY_FILES) => String::from("the limit fs.inotify.max_user_instances is used up"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, Flag, RemoveKind};

    use super::*;

    #[test]
    fn only_what_changes_something_is_passed_on() {
        let announced = |kind: EventKind| read(notify::Event::new(kind).add_path("/w/a".into()));
        let paths = |folders| Some(Announced::Paths { paths: vec!["/w/a".into()], folders });
        assert_eq!(announced(EventKind::Access(AccessKind::Open(AccessMode::Any))), None);
        assert_eq!(announced(EventKind::Access(AccessKind::Close(AccessMode::Write))), paths(false));
        assert_eq!(announced(EventKind::Modify(ModifyKind::Data(DataChange::Any))), paths(false));
        assert_eq!(announced(EventKind::Create(CreateKind::Folder)), paths(true));
        assert_eq!(announced(EventKind::Remove(RemoveKind::Folder)), paths(true));
        assert_eq!(read(notify::Event::new(EventKind::Other).set_flag(Flag::Rescan)), Some(Announced::Lost));
    }

    #[test]
    fn used_up_limits_are_named() {
        let error = |code| notify::Error::io(std::io::Error::from_raw_os_error(code));
        assert!(sentence(&error(28)).contains("max_user_watches"));
        assert!(sentence(&error(24)).contains("max_user_instances"));
    }
}
