//! Files as lines.

use proptest::prelude::*;

use super::*;

fn lines(text: &str, width: usize) -> Vec<String> {
    lay_out(&read(text), width, true).iter().map(|line| line.text().trim_end().to_owned()).collect()
}

fn look_of(text: &str, wanted: &str) -> Look {
    let lines = lay_out(&read(text), 80, true);
    let mut pieces = lines.into_iter().flat_map(|line| line.pieces);
    pieces.find(|piece| piece.text.contains(wanted)).unwrap().look
}

#[test]
fn headings_paragraphs_and_rules() {
    assert_eq!(
        lines("# One *two*\n\nsome words\nthat go on\n\n### Three\n---\n", 16),
        ["One two", "───────", "", "some words that", "go on", "", "Three", "", "────────────────"]
    );
    assert_eq!(look_of("## One", "One").heading, 2);
}

#[test]
fn looks_add_up_and_links_say_where_they_lead() {
    let text = "a **b *c* `d`** ~~e~~ [f](g.md) [h](h) ![curve](c.svg)";
    assert_eq!(lines(text, 80), ["a b c d e f (g.md) h [picture: curve (c.svg)]"]);
    let strong = Look { strong: true, ..Look::default() };
    assert_eq!(look_of(text, "b"), strong);
    assert_eq!(look_of(text, "c"), Look { emphasis: true, ..strong });
    assert_eq!(look_of(text, "d"), Look { code: true, ..strong });
    assert!(look_of(text, "e").struck && look_of(text, "f").link && look_of(text, "(g.md)").faint);
}

#[test]
fn lists_are_nested_and_numbered() {
    assert_eq!(
        lines("- **Rank**: 8\n- two words here that are long\n  - deeper\n\n9. nine\n10. ten\n", 20),
        ["• Rank: 8", "• two words here", "  that are long", "  • deeper", "", " 9. nine", "10. ten"]
    );
    assert_eq!(lines("- [x] done\n- [ ] open\n", 20), ["• [x] done", "• [ ] open"]);
    assert_eq!(lines("- one\n\n  two\n- three\n", 20), ["• one", "", "  two", "", "• three"]);
}

#[test]
fn code_is_left_as_it_is() {
    assert_eq!(
        lines("```sh\nrun  x\n\tthis line is longer than the width\n```\n> said\n> `so`\n", 16),
        ["  run  x", "      this line is longer than the width", "", "│ said so"]
    );
}

#[test]
fn tables_have_columns() {
    let text = "| run | eval/loss |\n|---|---:|\n| 0001 | **0.41** |\n| 0002 | 1.5<br>late |\n";
    assert_eq!(
        lines(text, 80),
        ["run   eval/loss", "────  ─────────", "0001       0.41", "0002        1.5", "           late"]
    );
    assert!(look_of(text, "run").strong && look_of(text, "0.41").strong);
}

#[test]
fn a_wide_table_is_made_narrower_where_it_is_widest() {
    let text = "| a | notes |\n|---|---|\n| 1 | one two three four five |\n";
    assert_eq!(lines(text, 16), ["a  notes", "─  ─────────────", "1  one two three", "   four five"]);
    let columns = "| abcdefghijkl ".repeat(6) + "|\n" + &"|---".repeat(6) + "|\n";
    assert!(lines(&columns, 40).iter().all(|line| line.chars().count() <= 8 * 6 + 2 * 5));
}

#[test]
fn hostile_text_becomes_visible_and_stays_where_it_is() {
    let text = "&#27;[2J `\u{1b}]52;c;x\u{7}` [a\u{202e}](\u{1b}c)\n\n```\n\u{9b}2J\r\u{8}\n```\n<script>\u{1b}[8m</script>\n";
    let all = lines(text, 80).join("\n");
    let harmful = |character: char| character.is_control() && character != '\n' || character == '\u{202e}';
    assert!(!all.contains(harmful), "{all:?}");
    assert!(all.contains("␛[2J") && all.contains("<script>"), "{all}");
}

#[test]
fn depth_without_end_is_cut_off() {
    for nested in
        [">".repeat(5000), "- ".repeat(5000), "*a _b ".repeat(3000), "![".repeat(3000) + &"](x)".repeat(3000)]
    {
        let all = lines(&(nested + "the end"), 60);
        assert!(all.iter().any(|line| line.contains("end")), "{}", all.len());
    }
}

proptest! {
    // Wide enough for the deepest nesting that 40 characters can ask for.
    #[test]
    fn no_line_of_running_text_is_wider_than_asked(
        text in "([a-zäß漢 *_`~\\[\\]()!>#0-9.-]{0,40}\n){0,12}", width in 66usize..120,
    ) {
        for line in lay_out(&read(&text), width, true) {
            let is_code = line.pieces.iter().any(|piece| piece.look.code);
            prop_assert!(is_code || line.width() <= width, "{line:?}");
        }
    }

    #[test]
    fn every_word_is_still_there(words in proptest::collection::vec("[a-z]{1,30}", 1..30), width in 16usize..60) {
        let shown: String = lines(&words.join(" "), width).concat();
        prop_assert_eq!(shown.replace(' ', ""), words.concat());
    }
}
