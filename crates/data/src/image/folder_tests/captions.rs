//! Caption files.

use super::*;

#[test]
fn a_caption_in_latin_1_is_named_with_its_byte() {
    let workspace = Workspace::new();
    workspace
        .write("d/good.png", good(1))
        .write("d/good.txt", "a")
        .write("d/x.png", good(2))
        .write("d/x.txt", b"caf\xe9");
    let error = workspace.error("d");
    assert!(error.starts_with("d/x.txt:1:4: is not UTF-8: byte 3, counted from 0, is 0xe9"), "{error}");
    let skipped = workspace.load("d", &skipping()).unwrap();
    assert_eq!((captions(&skipped), skipped.skipped.len()), (vec![("good.png", "a")], 1));
}

#[test]
fn odd_captions_are_handled_and_named() {
    let workspace = Workspace::new();
    workspace
        .write("d/a.png", good(1))
        .write("d/a.txt", b"\xef\xbb\xbfwith a mark\r\n")
        .write("d/b.png", good(2))
        .write("d/b.txt", " \n")
        .write("d/c.png", good(3))
        .write("d/c.txt", "first\nsecond\n")
        .write("d/e.png", good(4))
        .write("d/f.png", good(5))
        .write("d/f.txt", "from txt")
        .write("d/f.caption", "from caption")
        .write("d/g.png", good(6))
        .write("d/g.CAPTION", "loud")
        .write("d/lone.txt", "x");
    let data = workspace.loaded("d");
    let expected = [
        ("a.png", "with a mark"),
        ("b.png", ""),
        ("c.png", "first"),
        ("e.png", ""),
        ("f.png", "from txt"),
        ("g.png", "loud"),
    ];
    assert_eq!(captions(&data), expected);
    let check = check(&data, &settings());
    let counts: Vec<(&str, usize)> =
        check.captions.iter().map(|(from, count)| (from.as_str(), *count)).collect();
    assert_eq!(counts, [(".caption", 1), (".txt", 4), ("none", 1)]);
    let notes = check.notes.join("\n");
    for part in [
        "caption files that are empty: 'b.txt'",
        "caption files with several lines, of which the first is used: 'c.txt'",
        "1 pictures without a caption (write one into NAME.txt next to the picture): 'e.png'",
        "pictures with a .txt and another .caption, of which .txt is used: 'f.png'",
        "caption files without a picture: 'lone.txt'",
    ] {
        assert!(notes.contains(part), "{part}\n{notes}");
    }
}

#[test]
fn the_trigger_word_is_put_before_captions_but_not_before_regularisation() {
    let workspace = Workspace::new();
    workspace
        .write("d/a.png", good(1))
        .write("d/a.txt", "a cat")
        .write("d/b.png", good(2))
        .write("d/b.txt", "photo of ohwx")
        .write("reg/1_cat/r.png", good(3));
    let settings =
        ImageSettings { trigger_word: Some("ohwx".into()), reg_data_dir: Some("reg".into()), ..settings() };
    let data = workspace.load("d", &settings).unwrap();
    let expected = [("a.png", "ohwx, a cat"), ("b.png", "photo of ohwx"), ("1_cat/r.png", "cat")];
    assert_eq!(captions(&data), expected);
    assert_eq!(data.train.samples[2].repeats, 2);
    assert!(data.train.samples[2].regularisation && data.regularisation_fingerprint.is_some());
    assert_eq!(data.train.tag_frequency()["d"]["ohwx"], 1);
    assert!(!data.train.tag_frequency().contains_key("1_cat"));
}
