use proptest::prelude::*;

use super::*;
use crate::time::Moment;

const US: u32 = 1000;

fn identity(inode: u64, born: Option<u64>) -> Identity {
    Identity { device: 7, inode, born }
}

fn seen() -> Seen {
    let folder = |name| SeenFolder { name, owner: US, mode: 0o755 };
    Seen {
        path: "/w".into(),
        identity: identity(3, Some(99)),
        mark: Some("m".into()),
        folders: vec![folder("the workspace's folder"), folder(".loradeck"), folder("experiments")],
    }
}

fn record() -> TrustRecord {
    TrustRecord {
        path: "/w".into(),
        folder: identity(3, Some(99)),
        mark: "m".into(),
        user: US,
        accepted: Accepted::default(),
        by: "trust".into(),
        time: Moment(0),
    }
}

#[test]
fn what_was_trusted_is_and_what_was_not_is_not() {
    assert_eq!(decide(&[record()], &seen(), US), Ok(()));
    assert_eq!(decide(&[], &seen(), US), Err(Distrust::Unknown));
    assert_eq!(decide(&[record()], &seen(), 0), Err(Distrust::Unknown), "another user's record");
}

#[test]
fn a_moved_folder_is_told_from_an_unknown_one() {
    let moved = Seen { path: "/elsewhere".into(), ..seen() };
    assert_eq!(decide(&[record()], &moved, US), Err(Distrust::Moved { from: "/w".into() }));
    let cloned = Seen { identity: identity(4, Some(100)), ..moved };
    assert_eq!(
        decide(&[record()], &cloned, US),
        Err(Distrust::Unknown),
        "a copy has the mark, and is no move"
    );
}

#[test]
fn another_folder_at_the_path_is_seen_even_where_it_got_the_same_inode() {
    let at = |inode, born, mark: Option<&str>| Seen {
        identity: identity(inode, born),
        mark: mark.map(str::to_owned),
        ..seen()
    };
    let decided = |seen: &Seen| decide(&[record()], seen, US);
    assert_eq!(decided(&at(3, Some(100), Some("m"))), Err(Distrust::Replaced));
    assert_eq!(decided(&at(4, Some(99), Some("m"))), Err(Distrust::Replaced));
    assert_eq!(decided(&at(3, Some(99), None)), Ok(()), "the moment suffices: .loradeck may be removed");
    assert_eq!(decided(&at(3, None, None)), Err(Distrust::Replaced));
    assert_eq!(decided(&at(3, None, Some("n"))), Err(Distrust::Replaced));
    assert_eq!(decided(&at(3, None, Some("m"))), Ok(()));
}

#[test]
fn a_device_may_get_another_number_at_each_mount_and_on_each_host() {
    let mut renumbered = seen();
    renumbered.identity.device = 8;
    assert_eq!(decide(&[record()], &renumbered, US), Ok(()));
    renumbered.identity.born = None;
    assert_eq!(decide(&[record()], &renumbered, US), Ok(()), "by its mark");
    renumbered.mark = Some("n".into());
    assert_eq!(decide(&[record()], &renumbered, US), Err(Distrust::Replaced));
}

#[test]
fn what_others_own_or_may_write_is_trusted_only_where_that_was_accepted() {
    for index in 0..3 {
        let mut theirs = seen();
        theirs.folders[index].owner = 65534;
        let folder = theirs.folders[index].name;
        assert_eq!(decide(&[record()], &theirs, US), Err(Distrust::Owner { folder, owner: 65534 }));
        let accepted = Accepted { owners: vec![65534], ..Accepted::default() };
        assert_eq!(decide(&[TrustRecord { accepted, ..record() }], &theirs, US), Ok(()));
        let accepted = Accepted { owners: vec![12], writable_by_all: true };
        assert!(decide(&[TrustRecord { accepted, ..record() }], &theirs, US).is_err());
        theirs.folders[index].owner = 0;
        assert_eq!(decide(&[record()], &theirs, US), Ok(()), "root");
        theirs.folders[index].mode = 0o777;
        assert_eq!(decide(&[record()], &theirs, US), Err(Distrust::WritableByAll { folder, mode: 0o777 }));
        let accepted = Accepted { writable_by_all: true, ..Accepted::default() };
        assert_eq!(decide(&[TrustRecord { accepted, ..record() }], &theirs, US), Ok(()));
        theirs.folders[index].mode = 0o775;
        assert_eq!(decide(&[record()], &theirs, US), Ok(()));
        assert_eq!(own_group_may_add(&theirs).map(|folder| folder.name), Some(folder));
    }
}

prop_compose! {
    fn any_identity()(device in 0..2_u64, inode in 0..3_u64, born in proptest::option::of(0..2_u64)) -> Identity {
        Identity { device, inode, born }
    }
}

prop_compose! {
    fn any_accepted()(owners in proptest::collection::vec(0..4_u32, 0..3), writable_by_all: bool) -> Accepted {
        Accepted { owners, writable_by_all }
    }
}

prop_compose! {
    fn any_record()(
        path in "/[ab]", folder in any_identity(), mark in "[mn]", user in 0..3_u32, accepted in any_accepted(),
    ) -> TrustRecord {
        TrustRecord { path: path.into(), folder, mark, user, accepted, by: "trust".into(), time: Moment(0) }
    }
}

prop_compose! {
    fn any_seen()(
        path in "/[ab]", identity in any_identity(), mark in proptest::option::of("[mn]"),
        folders in proptest::collection::vec((0..4_u32, prop_oneof![Just(0o755), Just(0o775), Just(0o777)]), 1..4),
    ) -> Seen {
        let folders = folders.into_iter().map(|(owner, mode)| SeenFolder { name: "f", owner, mode }).collect();
        Seen { path: path.into(), identity, mark, folders }
    }
}

proptest! {
    /// Trust needs a record of this user, this path and this folder, and no stranger who may write: whatever else the
    /// store holds. Taking a record away never makes anything trusted.
    #[test]
    fn trust_is_never_given_by_accident(
        records in proptest::collection::vec(any_record(), 0..5), seen in any_seen(), user in 0..3_u32, without in 0..5_usize,
    ) {
        if decide(&records, &seen, user).is_ok() {
            let record = records.iter().find(|record| record.user == user && record.path == seen.path);
            prop_assert!(record.is_some());
            if let Some(record) = record {
                prop_assert_eq!(record.folder.inode, seen.identity.inode);
                let has_moment = record.folder.born.is_some() && record.folder.born == seen.identity.born;
                prop_assert!(has_moment || seen.mark.as_deref() == Some(&record.mark));
                for folder in &seen.folders {
                    prop_assert!([user, 0].contains(&folder.owner) || record.accepted.owners.contains(&folder.owner));
                    prop_assert!(folder.mode & 2 == 0 || record.accepted.writable_by_all);
                }
            }
        } else {
            let mut fewer: Vec<_> = records.clone();
            // One record for each user and path, as the store keeps them.
            let double = |one: &TrustRecord| records.iter().filter(|other| (other.user, &other.path) == (one.user, &one.path)).count() > 1;
            if without < fewer.len() && !double(&fewer[without]) {
                fewer.remove(without);
                prop_assert!(decide(&fewer, &seen, user).is_err());
            }
        }
    }
}
