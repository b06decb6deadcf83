use super::*;

fn error(text: &str) -> String {
    let error = read(text).unwrap_err();
    format!("{}:{}: {}", error.line, error.column, error.message)
}

fn entries(node: Node) -> Vec<(Node, Node)> {
    match node.content {
        Content::Map(entries) => entries,
        other => panic!("{other:?}"),
    }
}

#[test]
fn scalars_have_a_type_and_their_spelling() {
    let entries = entries(read("a: 2e-4\nb: 007\nc: on\nd: 'x'\ne: 0x1F\nf: ~\ng:\nh: true\n").unwrap());
    let read: Vec<(&Content, &str)> = entries.iter().map(|(_, v)| (&v.content, v.text.as_str())).collect();
    assert_eq!(
        read,
        [
            (&Content::Real(2e-4), "2e-4"),
            (&Content::Text, "007"),
            (&Content::Text, "on"),
            (&Content::Text, "x"),
            (&Content::Whole(31), "0x1F"),
            (&Content::Null, "~"),
            (&Content::Null, ""),
            (&Content::Flag(true), "true"),
        ]
    );
}

#[test]
fn any_key_or_value_is_found_again() {
    let text = "# a comment\na: 1\nb:\n  - x\n  - {c: two, d: \"three\"}\n'e' :   [4,5]\n";
    let entries = entries(read(text).unwrap());
    let at = |node: &Node| locate(text, node.id);
    assert_eq!((at(&entries[0].0), at(&entries[0].1)), ((2, 1), (2, 4)));
    let Content::List(items) = &entries[1].1.content else { panic!() };
    assert_eq!((at(&items[0]), at(&items[1])), ((4, 5), (5, 5)));
    let Content::Map(inner) = &items[1].content else { panic!() };
    assert_eq!((at(&inner[1].0), at(&inner[1].1)), ((5, 14), (5, 17)));
    assert_eq!((at(&entries[2].0), at(&entries[2].1)), ((6, 1), (6, 9)));
}

#[test]
fn aliases_and_merges_are_applied() {
    let text = "base: &b {rank: 4, lr: 1}\nother: &o {lr: 2, x: 3}\nrun:\n  rank: 8\n  <<: [*b, *o]\n";
    let entries = entries(read(text).unwrap());
    let Content::Map(run) = &entries[2].1.content else { panic!() };
    let read: Vec<(&str, &str)> = run.iter().map(|(k, v)| (k.text.as_str(), v.text.as_str())).collect();
    assert_eq!(read, [("rank", "8"), ("lr", "1"), ("x", "3")]);
    assert_eq!(locate(text, run[1].1.id), (1, 24));
    assert_eq!(error("a:\n  <<: 3\n"), "2:7: '<<' merges a mapping, and this is none");
}

#[test]
fn what_is_no_yaml_has_a_place() {
    assert_eq!(
        error("a: [1\nb: 2\n"),
        "2:2: no valid YAML: did not find expected ',' or ']', while parsing a flow sequence at line 1 column 4"
    );
    assert!(error("a: 1\n\tb: 2\n").starts_with("2:1: no valid YAML: "));
    assert_eq!(read("a: 1\n\tb: 2\n").unwrap_err().hint, Some("YAML is indented by spaces, not by tabs"));
    assert_eq!(error("a: 1\n---\nb: 2\n"), "3:1: a second document begins here, but only one is read");
    assert_eq!(error("a: 1\nb: !rust x\n"), "2:4: tags such as '!name' have no meaning here");
    assert_eq!(error("a: 1\nb: x\u{0}y\n"), "2:5: the character U+0000 is not allowed here");
    assert_eq!(error("a: *nobody\n"), "1:4: no valid YAML: unknown anchor");
}

#[test]
fn empty_texts_are_null() {
    for text in ["", "# nothing\n", "---\n", "\u{feff}"] {
        assert_eq!(read(text).unwrap().content, Content::Null, "{text:?}");
    }
}

#[test]
fn a_byte_order_mark_is_no_document() {
    let text = "\u{feff}a: 1\r\nb: x y\r\n";
    let node = read(text).unwrap();
    let Content::Map(entries) = &node.content else { panic!("{node:?}") };
    assert_eq!((entries[0].0.text.as_str(), entries[1].1.text.as_str()), ("a", "x y"));
    assert_eq!(locate(text, entries[1].1.id), (2, 4));
    assert_eq!(locate(text, entries[0].1.id), (1, 4));
}

#[test]
fn hostile_texts_end_soon() {
    let deep = format!("a: {}", "[".repeat(9_000));
    let laughs = (0..20).fold(String::from("a0: &a0 [x]\n"), |text, level| {
        let items = vec![format!("*a{level}"); 9].join(",");
        format!("{text}a{}: &a{} [{items}]\n", level + 1, level + 1)
    });
    let wide = format!("a: [{}]", "1,".repeat(300_000));
    let started = std::time::Instant::now();
    for text in [deep, laughs, wide, "x".repeat(SIZE_LIMIT + 1), "- ".repeat(100_000), "{a: ".repeat(50_000)]
    {
        assert!(read(&text).is_err());
    }
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,60}|[a-c:\\- \\n\\[\\]{}&*<>!|'\"#,\\t1.e]{0,60}") {
        if let Ok(node) = read(&text) {
            let _ = locate(&text, node.id);
        }
    }
}
