//! How folders are laid out, and the mistakes made with them.

use super::*;
use crate::image::{CaptionSource, Layout};

#[test]
fn kohyas_folders_give_repeats_and_class_tokens() {
    let workspace = Workspace::new();
    workspace
        .write("d/10_charlie cat/a.png", good(1))
        .write("d/10_charlie cat/a.txt", "a cat on a mat")
        .write("d/10_charlie cat/b.png", good(2))
        .write("d/3_dog/c.PNG", good(3))
        .write("d/0_off/z.png", good(4))
        .write("d/notes/y.png", good(5))
        .write("d/stray.png", good(6));
    let data = workspace.load("d/", &ImageSettings { num_repeats: 2, ..settings() }).unwrap();
    assert_eq!(data.train.layout, Layout::Kohya);
    let samples: Vec<_> = data
        .train
        .samples
        .iter()
        .map(|s| (s.name.as_str(), s.repeats, s.caption.as_str(), s.caption_source))
        .collect();
    let expected = [
        ("d/10_charlie cat/a.png", 20, "a cat on a mat", CaptionSource::Txt),
        ("d/10_charlie cat/b.png", 20, "charlie cat", CaptionSource::FolderName),
        ("d/3_dog/c.PNG", 6, "dog", CaptionSource::FolderName),
    ];
    assert_eq!(samples, expected);
    let notes = data.notes(&settings()).join("\n");
    for part in [
        "are not read: 'notes (1 picture)'",
        "fewer than 1 repeat are left out: '0_off (1 picture)'",
        "pictures next to the numbered folders are not read: 'stray.png'",
        "2 pictures without a caption file, for which the folder's name is the caption: '10_charlie cat/b.png'",
    ] {
        assert!(notes.contains(part), "{part}\n{notes}");
    }
    let tags = data.train.tag_frequency();
    assert_eq!(tags["10_charlie cat"]["a cat on a mat"], 1);
}

#[test]
fn the_child_for_the_parent_is_told_with_the_fix() {
    let workspace = Workspace::new();
    workspace.write("data/10_charlie/a.png", good(1));
    let error = workspace.error("data/10_charlie");
    assert!(error.starts_with("data/10_charlie: is itself a folder of the form REPEATS_NAME"), "{error}");
    assert!(error.contains("lose their 10 repeats and the caption 'charlie'"), "{error}");
    assert!(error.contains("name the folder above it: 'data'"), "{error}");
    assert_eq!(captions(&workspace.loaded("data")), [("10_charlie/a.png", "charlie")]);
}

#[test]
fn the_parent_of_the_parent_is_told_with_the_fix() {
    let workspace = Workspace::new();
    workspace.write("data/img/10_charlie/a.png", good(1));
    let error = workspace.error("data");
    assert!(error.contains("lie one level deeper: '10_charlie'\n  hint: name 'data/img'"), "{error}");
}

#[test]
fn other_folders_are_told_with_a_fix() {
    let workspace = Workspace::new();
    workspace
        .write("plain/charlie/a.png", good(1))
        .write("text/a.jsonl", "{}")
        .write("zip/a.zip", "x")
        .write("gif/a.gif", fixture!("animated.gif"))
        .write("off/0_x/a.png", good(1))
        .write("one.png", good(1));
    std::fs::create_dir(workspace.root().join("empty")).unwrap();
    for (dir, part) in [
        (
            "plain",
            "name one of them ('plain/charlie'), or begin their names with a number of repeats ('10_charlie')",
        ),
        ("text", "holds text and no pictures: 'a.jsonl'"),
        ("zip", "unpack it"),
        ("gif", "convert them to png"),
        ("off", "'0_x (1 picture)'"),
        ("empty", "holds no pictures (png, jpg, jpeg, webp or bmp)"),
        ("one.png", "is one picture, and a folder of pictures is needed"),
        ("emty", "there is 'empty'"),
    ] {
        let error = workspace.error(dir);
        assert!(error.starts_with(&format!("{dir}: ")) && error.contains(part), "{error}");
    }
}

#[test]
fn hidden_files_and_litter_are_ignored() {
    let workspace = Workspace::new();
    workspace
        .write("d/a.png", good(1))
        .write("d/._a.png", "x")
        .write("d/.DS_Store", "x")
        .write("d/Thumbs.db", "x")
        .write("d/.hidden/b.png", good(2))
        .write("d/a.txt", "a");
    let data = workspace.loaded("d");
    assert_eq!(captions(&data), [("a.png", "a")]);
    assert!(data.notes(&settings()).is_empty(), "{:?}", data.notes(&settings()));
}

#[test]
fn what_a_flat_folder_leaves_unread_is_named() {
    let workspace = Workspace::new();
    workspace
        .write("d/a.png", good(1))
        .write("d/sub/b.png", good(2))
        .write("d/masks/c.png", good(3))
        .write("d/x.gif", fixture!("animated.gif"))
        .write("d/lost.mask.png", good(4));
    let notes = workspace.notes("d");
    assert!(notes.contains("pictures in subfolders are not read: 'sub (1)'"), "{notes}");
    assert!(notes.contains("formats that are not read (convert them to png): 'x.gif'"), "{notes}");
    assert!(notes.contains("masks without a picture: 'lost.mask.png'"), "{notes}");
}

#[test]
fn links_and_strange_names_are_used_and_named() {
    use std::os::unix::ffi::OsStrExt;
    let workspace = Workspace::new();
    workspace.write("d/a.png", good(1)).write("elsewhere/b.png", good(2));
    std::os::unix::fs::symlink("../elsewhere/b.png", workspace.root().join("d/b.png")).unwrap();
    let strange = std::ffi::OsStr::from_bytes(b"caf\xe9.png");
    let caption = std::ffi::OsStr::from_bytes(b"caf\xe9.txt");
    std::fs::write(workspace.root().join("d").join(strange), good(3)).unwrap();
    std::fs::write(workspace.root().join("d").join(caption), "coffee").unwrap();
    let data = workspace.loaded("d");
    assert_eq!(captions(&data), [("a.png", ""), ("b.png", ""), ("caf\u{fffd}.png", "coffee")]);
    let notes = data.notes(&settings()).join("\n");
    assert!(notes.contains("1 picture outside of the folder, behind a symbolic link: 'b.png'"), "{notes}");
    assert!(notes.contains("1 picture with a file name that is not UTF-8: 'caf\u{fffd}.png'"), "{notes}");
}

#[test]
fn a_number_alone_is_no_caption_and_a_number_beyond_all_is_too_many_repeats() {
    for folder in ["d/10", "d/10_"] {
        let workspace = Workspace::new();
        workspace.write(&format!("{folder}/a.png"), good(1));
        let data = workspace.loaded("d");
        assert_eq!(data.train.samples[0].caption, "");
        let notes = data.notes(&settings()).join("\n");
        assert!(
            notes.contains("1 picture without a caption (write one") && !notes.contains("folder's name"),
            "{notes}"
        );
    }
    let workspace = Workspace::new();
    workspace.write("d/99999999999999999999_x/a.png", good(1));
    let error = workspace.error("d");
    assert!(error.contains("asks for 99999999999999999999 repeats"), "{error}");
}

#[test]
fn regularisation_pictures_of_the_same_folder_and_an_odd_resolution_are_told() {
    let workspace = Workspace::new();
    workspace.write("d/a.png", good(1)).write("d/a.txt", "a");
    let notes = |settings: &ImageSettings| workspace.load("d", settings).unwrap().notes(settings).join("\n");
    let same = ImageSettings { reg_data_dir: Some("./d".into()), ..settings() };
    assert!(notes(&same).contains("reg_data_dir is train_data_dir"), "{}", notes(&same));
    let odd = ImageSettings {
        resolution: 96,
        bucket_reso_steps: 64,
        min_bucket_reso: 64,
        max_bucket_reso: 192,
        ..settings()
    };
    assert!(
        notes(&odd).contains("square pictures are trained at 64x64, and samples are drawn at 96x96"),
        "{}",
        notes(&odd)
    );
    assert!(
        !notes(&settings()).contains("reg_data_dir") && !notes(&settings()).contains("samples are drawn")
    );
}
