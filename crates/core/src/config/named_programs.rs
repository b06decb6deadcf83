//! What a file of a workspace would have started: commands, hooks, a trainer, and what goes with them, wherever in the
//! file they stand. For showing to a person before anything of it runs, so that a file that is wrong in other places is
//! read all the same.

use super::yaml::{self, Content, Node, NodeId, locate};

/// Keys whose value is started, or changes what that does.
const STARTED: [&str; 9] =
    ["command", "resume_command", "on_finish", "on_fail", "on_alert", "trainer", "hooks", "env", "prologue"];

/// One value that names a program, or goes with one that is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedProgram {
    /// The key, with `slurm.` before it where it stands there.
    pub key: String,
    /// The value in one line; words with blanks in them are quoted.
    pub words: String,
    node: NodeId,
}

impl NamedProgram {
    /// The line, from 1, in the text that it was found in.
    pub fn line_in(&self, text: &str) -> usize {
        locate(text, self.node).0
    }
}

/// Everything in a YAML (or JSON) text that would be started. The error says where the text is no YAML.
pub fn named_programs(text: &str) -> Result<Vec<NamedProgram>, String> {
    let root = yaml::read(text).map_err(|error| format!("line {}: {}", error.line, error.message))?;
    let mut found = Vec::new();
    walk(&root, "", &mut found);
    // What fills the placeholders of a command is as good as its words.
    if found.iter().any(|named| named.words.contains("${")) {
        collect(&root, "parameters", &mut found);
    }
    Ok(found)
}

/// The part of `key=value` that would be started, if the key is one of these.
pub fn is_started(override_text: &str) -> bool {
    let key = override_text.split('=').next().unwrap_or_default().trim();
    STARTED
        .iter()
        .any(|known| key == *known || key.strip_prefix(known).is_some_and(|rest| rest.starts_with('.')))
        || key == "slurm"
        || key.starts_with("slurm.")
}

fn walk(node: &Node, within: &str, found: &mut Vec<NamedProgram>) {
    match &node.content {
        Content::Map(entries) => {
            for (key, value) in entries {
                let is_option = within == "slurm" && key.text == "extra";
                if (STARTED.contains(&key.text.as_str()) || is_option) && value.content != Content::Null {
                    let key_text =
                        if within == "slurm" { format!("slurm.{}", key.text) } else { key.text.clone() };
                    found.push(NamedProgram { key: key_text, words: in_one_line(value), node: key.id });
                } else {
                    walk(value, &key.text, found);
                }
            }
        }
        Content::List(items) => items.iter().for_each(|item| walk(item, within, found)),
        _ => {}
    }
}

fn collect(node: &Node, name: &str, found: &mut Vec<NamedProgram>) {
    match &node.content {
        Content::Map(entries) => {
            for (key, value) in entries {
                if key.text == name {
                    found.push(NamedProgram {
                        key: name.to_owned(),
                        words: in_one_line(value),
                        node: key.id,
                    });
                } else {
                    collect(value, name, found);
                }
            }
        }
        Content::List(items) => items.iter().for_each(|item| collect(item, name, found)),
        _ => {}
    }
}

fn in_one_line(node: &Node) -> String {
    match &node.content {
        Content::List(items) => items.iter().map(word).collect::<Vec<_>>().join(" "),
        Content::Map(entries) => {
            let pair = |(key, value): &(Node, Node)| format!("{}={}", key.text, word(value));
            entries.iter().map(pair).collect::<Vec<_>>().join(" ")
        }
        _ => visible(&node.text),
    }
}

/// Control characters as escapes: none of them may pass for a blank, or reach a terminal.
fn visible(text: &str) -> String {
    let escaped = |letter: char| {
        if letter.is_control() { letter.escape_default().to_string() } else { letter.to_string() }
    };
    text.chars().map(escaped).collect()
}

fn word(node: &Node) -> String {
    let text = in_one_line(node);
    match &node.content {
        Content::List(_) => format!("[{text}]"),
        Content::Map(_) => format!("{{{text}}}"),
        _ if text.is_empty()
            || text.contains(|letter: char| letter.is_whitespace() || "'\"\\".contains(letter)) =>
        {
            format!("'{}'", text.replace('\'', "'\\''"))
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, String, usize)> {
        let all = named_programs(text).unwrap();
        all.into_iter().map(|one| (one.key.clone(), one.words.clone(), one.line_in(text))).collect()
    }

    #[test]
    fn everything_that_would_be_started_is_found_with_its_line() {
        let text = "lora_rank: 4\ncommand: [sh, -c, \"touch 'x y'\"]\non_fail: [mail, me]\nenv: {LD_PRELOAD: ./e.so}\n\
                    slurm:\n  partition: p\n  extra: [--wrap, rm]\n";
        assert_eq!(
            found(text),
            [
                ("command".into(), r"sh -c 'touch '\''x y'\'''".into(), 2),
                ("on_fail".into(), "mail me".into(), 3),
                ("env".into(), "LD_PRELOAD=./e.so".into(), 4),
                ("slurm.extra".into(), "--wrap rm".into(), 7),
            ]
        );
        let hidden = "command: [sh, -c, \"a\\n\\e[2Kb\"]\n";
        assert_eq!(found(hidden), [("command".into(), r"sh -c 'a\n\u{1b}[2Kb'".into(), 1)]);
        assert_eq!(found("trainer: ./t\n"), [("trainer".into(), "./t".into(), 1)]);
        assert_eq!(found("trainer:\nlora_rank: 4\n"), []);
    }

    #[test]
    fn what_is_nested_or_json_is_found_too() {
        let text =
            "{\"search\": {\"base\": {\"command\": [\"a\", \"${b}\"],\n \"parameters\": {\"b\": \"c d\"}}}}";
        assert_eq!(
            found(text),
            [("command".into(), "a ${b}".into(), 1), ("parameters".into(), "b='c d'".into(), 2)]
        );
    }

    #[test]
    fn overrides_are_told_by_their_key() {
        for text in ["command=[a]", "on_finish=x", "slurm.extra=[x]", "env.PATH=x", " command = [a]"] {
            assert!(is_started(text), "{text}");
        }
        assert!(!is_started("max_steps=4") && !is_started("commander=4"));
    }

    #[test]
    fn a_text_that_is_no_yaml_says_so() {
        assert!(named_programs("a: [").unwrap_err().starts_with("line "));
    }
}
