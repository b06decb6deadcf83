//! Tests of remembered hashes. Whether one was used is seen by a false one put in its place.

use std::fs::File;
use std::path::PathBuf;

use super::*;

const FALSE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A folder with a weight file and a cache that holds a false hash of it.
struct Scene {
    root: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { root: tempfile::tempdir().unwrap() };
        fs::write(scene.weights(), "weights").unwrap();
        assert_eq!(scene.hash(), sha256_hex([b"weights".as_slice()]));
        let entries = cache::files(&scene.cache());
        assert_eq!(entries.len(), 1);
        let text = fs::read_to_string(&entries[0].path).unwrap();
        fs::write(&entries[0].path, format!("{FALSE}{}", &text[64..])).unwrap();
        assert_eq!(scene.hash(), FALSE, "what is known is not hashed again");
        scene
    }

    fn weights(&self) -> PathBuf {
        self.root.path().join("weights")
    }

    fn cache(&self) -> PathBuf {
        self.root.path().join("cache/base-hashes")
    }

    fn hash_of(&self, path: &Path) -> String {
        of(&[&MappedFile::open(path).unwrap()], Some(&self.cache()), later())
    }

    fn hash(&self) -> String {
        self.hash_of(&self.weights())
    }
}

/// Long enough after the files were made.
fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(60)
}

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

fn set_modified(path: &Path, time: SystemTime) {
    File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn every_ingredient_makes_another_key() {
    let state = FileState { device: 1, inode: 2, size: 3, modified: 4, changed: 5 };
    let line = |place: &str, state| {
        let mut key = String::new();
        write_line(&mut key, Path::new(place), state);
        key
    };
    let keys = [
        line("/a", state),
        line("/b", state),
        line("/a\n", state),
        line("/a", FileState { device: 9, ..state }),
        line("/a", FileState { inode: 9, ..state }),
        line("/a", FileState { size: 9, ..state }),
        line("/a", FileState { modified: 9, ..state }),
        line("/a", FileState { changed: 9, ..state }),
    ];
    let different: std::collections::HashSet<&String> = keys.iter().collect();
    assert_eq!(different.len(), keys.len(), "{keys:?}");
    assert!(keys.iter().all(|key| key.lines().count() == 1));
}

#[test]
fn a_file_that_was_changed_is_hashed_again() {
    let scene = Scene::new();
    let time = modified(&scene.weights());
    fs::write(scene.weights(), "Weights").unwrap();
    // Same place, inode, size and time of modification: the time of change tells.
    set_modified(&scene.weights(), time);
    assert_eq!(scene.hash(), sha256_hex([b"Weights".as_slice()]));

    let scene = Scene::new();
    let time = modified(&scene.weights());
    fs::write(scene.root.path().join("new"), "WEIGHTS").unwrap();
    set_modified(&scene.root.path().join("new"), time);
    fs::rename(scene.root.path().join("new"), scene.weights()).unwrap();
    assert_eq!(scene.hash(), sha256_hex([b"WEIGHTS".as_slice()]));

    let scene = Scene::new();
    set_modified(&scene.weights(), SystemTime::UNIX_EPOCH);
    assert_eq!(scene.hash(), sha256_hex([b"weights".as_slice()]));
}

#[test]
fn another_name_of_the_same_file_is_hashed_and_a_link_is_not() {
    let scene = Scene::new();
    std::os::unix::fs::symlink(scene.weights(), scene.root.path().join("link")).unwrap();
    assert_eq!(scene.hash_of(&scene.root.path().join("link")), FALSE);
    fs::copy(scene.weights(), scene.root.path().join("copy")).unwrap();
    assert_eq!(scene.hash_of(&scene.root.path().join("copy")), sha256_hex([b"weights".as_slice()]));
}

#[test]
fn a_file_replaced_after_it_was_opened_is_hashed_as_it_was_and_not_remembered() {
    let scene = Scene::new();
    let opened = MappedFile::open(&scene.weights()).unwrap();
    fs::write(scene.root.path().join("new"), "WEIGHTS").unwrap();
    fs::rename(scene.root.path().join("new"), scene.weights()).unwrap();
    assert_eq!(of(&[&opened], Some(&scene.cache()), later()), sha256_hex([b"weights".as_slice()]));
    assert_eq!(cache::files(&scene.cache()).len(), 1);
}

#[test]
fn a_file_that_was_just_written_is_not_remembered() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("weights");
    fs::write(&path, "weights").unwrap();
    let file = MappedFile::open(&path).unwrap();
    let expected = sha256_hex([b"weights".as_slice()]);
    assert_eq!(of(&[&file], Some(root.path().join("cache").as_path()), SystemTime::now()), expected);
    assert!(cache::files(&root.path().join("cache")).is_empty());
}

#[test]
fn a_cache_that_cannot_be_read_or_written_changes_nothing() {
    let expected = sha256_hex([b"weights".as_slice()]);
    for broken in ["", "aaaa", &FALSE.to_uppercase(), &format!("{FALSE}\nanother key")] {
        let scene = Scene::new();
        let entry = cache::files(&scene.cache()).remove(0).path;
        fs::write(&entry, broken).unwrap();
        assert_eq!(scene.hash(), expected, "{broken}");
        assert!(fs::read_to_string(&entry).unwrap().starts_with(&expected), "it is mended");
    }
    let scene = Scene::new();
    let file = MappedFile::open(&scene.weights()).unwrap();
    assert_eq!(of(&[&file], Some(&scene.weights().join("no folder")), later()), expected);
    assert_eq!(of(&[&file], None, later()), expected);
}

#[test]
fn several_files_have_the_hash_of_their_bytes_joined() {
    let scene = Scene::new();
    let other = scene.root.path().join("other");
    fs::write(&other, "more").unwrap();
    let files = [scene.weights(), other].map(|path| MappedFile::open(&path).unwrap());
    let expected = sha256_hex([b"weightsmore".as_slice()]);
    for _ in 0..2 {
        assert_eq!(of(&[&files[0], &files[1]], Some(&scene.cache()), later()), expected);
    }
    let turned = sha256_hex([b"moreweights".as_slice()]);
    assert_eq!(of(&[&files[1], &files[0]], Some(&scene.cache()), later()), turned);
}
