//! docs/images.md lists every key of a training on pictures as the key table has it.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write;
use std::path::Path;

use loradeck_core::config::{DataType, Default, Group, Key, all_keys};

const BEGIN: &str = "<!-- keys: begin -->\n";
const END: &str = "<!-- keys: end -->\n";
/// Set: the table is written instead of compared.
const WRITE: &str = "LORADECK_WRITE_DOCS";

fn default(key: &Key) -> String {
    match key.default {
        Default::Required => "required".to_owned(),
        Default::Nothing => "none".to_owned(),
        Default::Fixed(text) => format!("`{text}`"),
        Default::ByTask { image, .. } => format!("`{image}`"),
        Default::Derived(how) => how.to_owned(),
    }
}

fn table() -> String {
    let mut table = String::from("| key | default | what it is |\n|---|---|---|\n");
    let is_told = |key: &&Key| {
        key.is_supported()
            && key.is_for(DataType::Image)
            && ![Group::Text, Group::Running].contains(&key.group)
    };
    for key in all_keys().filter(is_told) {
        let cell = |text: &str| text.replace('|', "\\|");
        writeln!(table, "| `{}` | {} | {} |", key.name, cell(&default(key)), cell(key.about)).unwrap();
    }
    table
}

#[test]
fn the_table_in_the_documentation_is_that_of_the_keys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/images.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) =
        text.split_once(BEGIN).unwrap_or_else(|| panic!("docs/images.md has no line {BEGIN}"));
    let (written, after) = rest.split_once(END).unwrap_or_else(|| panic!("docs/images.md has no line {END}"));
    let table = table();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(
        written, table,
        "docs/images.md differs from the keys: {WRITE}=1 cargo test -p loradeck-core writes it"
    );
}
