//! The decision, without IO.
//!
//! | what is there | decision |
//! |---|---|
//! | no record of this user for this path, none of this folder | [`Distrust::Unknown`] |
//! | no record for this path, one of this very folder elsewhere | [`Distrust::Moved`] |
//! | a record for this path, of another folder | [`Distrust::Replaced`] |
//! | a folder's owner is neither this user, nor root, nor accepted | [`Distrust::Owner`] |
//! | everybody may write into a folder, and that was not accepted | [`Distrust::WritableByAll`] |
//! | else | trusted |
//!
//! Two folders are the same where their inodes are, and they were made at the same moment. Where a file system does
//! not keep that, the mark that trusting left must be the same. The device does not count: a network file system has
//! another number at each mount, so on every host that shares it.

use std::path::PathBuf;

use super::facts::{Identity, Seen, SeenFolder};
use super::record::{Accepted, TrustRecord};

/// Why a workspace is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// Nothing was ever recorded.
    #[error("it has not been trusted on this machine")]
    Unknown,
    /// It was trusted at another path.
    #[error("it was trusted as '{}', and has been moved since", .from.display())]
    Moved {
        /// The path then.
        from: PathBuf,
    },
    /// Another folder has taken its place.
    #[error("another folder was at this path when it was trusted")]
    Replaced,
    /// Somebody else owns a folder of it.
    #[error("{folder} belongs to another user ({owner}), who decides what would run as you")]
    Owner {
        /// Which folder.
        folder: &'static str,
        /// The owner's number.
        owner: u32,
    },
    /// Everybody may write into a folder of it.
    #[error("everybody may write into {folder} (mode {mode:o}), and so decide what would run as you")]
    WritableByAll {
        /// Which folder.
        folder: &'static str,
        /// Its permission bits.
        mode: u32,
    },
}

/// Whether `user` may start what the workspace names.
pub fn decide(records: &[TrustRecord], seen: &Seen, user: u32) -> Result<(), Distrust> {
    let own = || records.iter().filter(|record| record.user == user);
    let Some(record) = own().find(|record| record.path == seen.path) else {
        let elsewhere = own().find(|record| is_same_folder(record, seen));
        return Err(
            elsewhere.map_or(Distrust::Unknown, |record| Distrust::Moved { from: record.path.clone() })
        );
    };
    if !is_same_folder(record, seen) {
        return Err(Distrust::Replaced);
    }
    others_may_add(seen, user, &record.accepted).map_or(Ok(()), Err)
}

/// What lets others than `user` decide about the workspace's contents, if that was not accepted. Root may do all things
/// anyway, so that what belongs to it is no stranger's.
pub fn others_may_add(seen: &Seen, user: u32, accepted: &Accepted) -> Option<Distrust> {
    let is_known = |owner: u32| owner == user || owner == 0 || accepted.owners.contains(&owner);
    let by_owner = seen.folders.iter().find(|folder| !is_known(folder.owner));
    let owner = by_owner.map(|folder| Distrust::Owner { folder: folder.name, owner: folder.owner });
    let is_open = |folder: &&SeenFolder| folder.mode & 0o002 != 0 && !accepted.writable_by_all;
    let open = || seen.folders.iter().find(is_open);
    owner.or_else(|| open().map(|folder| Distrust::WritableByAll { folder: folder.name, mode: folder.mode }))
}

/// The first folder into which its group may write. Many machines give every user a group of their own, so that this
/// is told and does not decide.
pub fn own_group_may_add(seen: &Seen) -> Option<&SeenFolder> {
    seen.folders.iter().find(|folder| folder.mode & 0o020 != 0)
}

fn is_same_folder(record: &TrustRecord, seen: &Seen) -> bool {
    let (then, now): (&Identity, &Identity) = (&record.folder, &seen.identity);
    let is_marked = || seen.mark.as_ref() == Some(&record.mark);
    then.inode == now.inode
        && match (then.born, now.born) {
            (Some(then), Some(now)) => then == now,
            _ => is_marked(),
        }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
