//! Hugging Face's image folders.

use super::*;
use crate::image::Layout;

fn with_table(name: &str, table: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("d/a.png", good(1)).write("d/sub/b.png", good(2)).write("x.png", good(3));
    workspace.write(&format!("d/{name}"), table);
    workspace
}

#[test]
fn rows_name_pictures_also_in_subfolders() {
    let csv = "\u{feff}file_name,text\na.png,\"one, two\"\nsub/b.png,three\n";
    let jsonl = "{\"file_name\": \"a.png\", \"text\": \"one, two\"}\n{\"file_name\": \"sub/b.png\", \"text\": \"three\"}\n";
    for (name, table) in [("metadata.csv", csv), ("metadata.jsonl", jsonl)] {
        let data = with_table(name, table).loaded("d");
        assert_eq!(data.train.layout, Layout::HuggingFace);
        assert_eq!(captions(&data), [("a.png", "one, two"), ("sub/b.png", "three")]);
        assert!(data.notes(&settings()).is_empty(), "{:?}", data.notes(&settings()));
    }
    let workspace = with_table("train/metadata.csv", "file_name,caption\nc.png,x\n");
    workspace.write("d/train/c.png", good(4));
    std::fs::remove_file(workspace.root().join("d/a.png")).unwrap();
    let data = workspace.loaded("d");
    assert_eq!(data.train.samples[0].name, "d/train/c.png");
    let notes = data.notes(&settings()).join("\n");
    assert!(notes.contains("the column 'caption'") && notes.contains("the table is in 'd/train'"), "{notes}");
}

#[test]
fn rows_that_name_no_picture_are_told_by_line() {
    let table = "file_name,text\na.png,one\nnone.png,x\n../x.png,y\nsub,z\nsub/bb.png,q\n";
    let workspace = with_table("metadata.csv", table);
    let error = workspace.error("d");
    for part in [
        "d/metadata.csv:3:1: file_name: 'none.png' names a file that is not there",
        "d/metadata.csv:4:1: file_name: '../x.png' is outside of the table's folder",
        "d/metadata.csv:5:1: file_name: 'sub' names a file that is not there",
        "hint: there is 'b.png'",
    ] {
        assert!(error.contains(part), "{part}\n{error}");
    }
    let skipped = workspace.load("d", &skipping()).unwrap();
    assert_eq!((captions(&skipped), skipped.skipped.len()), (vec![("a.png", "one")], 4));
    assert!(workspace.notes("d").contains("pictures that the table does not name are not read: 'sub/b.png'"));
}

#[test]
fn repeated_rows_are_one_picture_or_a_fault() {
    let same = with_table("metadata.csv", "file_name,text\na.png,one\n./a.png,one\n");
    assert_eq!(captions(&same.loaded("d")), [("a.png", "one")]);
    assert!(same.notes("d").contains("rows that repeat an earlier one and are left out: 'line 3 (line 2)'"));
    let other = with_table("metadata.csv", "file_name,text\na.png,one\na.png,two\n");
    let error = other.error("d");
    assert!(
        error.contains(":3:1: file_name: 'a.png' names a picture that line 2 names with another caption"),
        "{error}"
    );
    assert_eq!(captions(&other.load("d", &skipping()).unwrap()), [("a.png", "one")]);
}

#[test]
fn tables_that_cannot_be_told_are_refused() {
    let error = with_table("metadata.csv", "filename,text\na.png,x\n").error("d");
    assert!(error.contains("d/metadata.csv:1:1: has no column 'file_name'"), "{error}");
    let both = with_table("metadata.csv", "file_name,text\na.png,x\n");
    both.write("d/metadata.jsonl", "{}");
    assert!(both.error("d").contains("holds both metadata.csv and metadata.jsonl"));
    let latin = Workspace::new();
    latin.write("d/metadata.csv", b"file_name,text\na.png,\xe9\n");
    assert!(latin.error("d").contains("d/metadata.csv:2:7: is not UTF-8"), "{}", latin.error("d"));
    assert!(with_table("metadata.csv", "file_name,text\n").error("d").contains("has no rows"));
    let without = with_table("metadata.csv", "file_name\na.png\n");
    assert!(without.notes("d").contains("1 picture without a caption in d/metadata.csv: 'a.png'"));
}
