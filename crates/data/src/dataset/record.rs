//! One line of a JSONL file into a conversation, with every complaint at its place.

use loradeck_core::config::Diagnostic;
use loradeck_core::template::chat::Message;
use loradeck_core::text::nearest;
use serde_json::{Map, Value};

use super::json_position::{Step, column, locate};

const ROLES: [&str; 3] = ["system", "user", "assistant"];
const EXAMPLE: &str =
    r#"a line is {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}"#;

/// One line of a file, for complaints about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// The file as it is named in messages.
    pub(super) file: &'a str,
    /// Its number, from 1.
    pub(super) number: usize,
    /// Its text without the line break.
    pub(super) text: &'a str,
}

impl Line<'_> {
    /// A complaint about the value at `path`.
    fn at(
        &self,
        path: &[Step<'_>],
        value: Option<&Value>,
        message: impl Into<String>,
        hint: &str,
    ) -> Diagnostic {
        let byte = locate(self.text, path);
        self.problem(column(self.text, byte), value.map(shown), message, hint)
    }

    /// A complaint about a column.
    pub(super) fn problem(
        &self,
        column: usize,
        value: Option<String>,
        message: impl Into<String>,
        hint: &str,
    ) -> Diagnostic {
        Diagnostic {
            file: self.file.to_owned(),
            line: self.number,
            column,
            key: None,
            value,
            message: message.into(),
            hint: (!hint.is_empty()).then(|| hint.to_owned()),
        }
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Reads a line; `Err` holds everything that is wrong with it.
pub(super) fn parse(line: Line<'_>) -> Result<Vec<Message>, Vec<Diagnostic>> {
    let value: Value = serde_json::from_str(line.text).map_err(|error| vec![bad_json(line, &error)])?;
    let Some(object) = value.as_object() else {
        return Err(vec![line.at(&[], Some(&value), "is no JSON object", EXAMPLE)]);
    };
    let Some(messages) = object.get("messages") else { return Err(vec![other_form(line, object)]) };
    let mut problems = Vec::new();
    for key in ["tools", "functions"] {
        if object.get(key).is_some_and(|value| !value.is_null()) {
            problems.push(line.at(&[Step::Key(key)], None, format!("'{key}' is not supported yet"), ""));
        }
    }
    let Some(list) = messages.as_array().filter(|list| !list.is_empty()) else {
        problems.push(line.at(&[Step::Key("messages")], Some(messages), "is no list of messages", EXAMPLE));
        return Err(problems);
    };
    let read: Vec<Option<Message>> =
        list.iter().enumerate().map(|(index, value)| message(line, index, value, &mut problems)).collect();
    if problems.is_empty() {
        let messages: Vec<Message> = read.into_iter().flatten().collect();
        order(line, &messages, &mut problems);
        if problems.is_empty() {
            return Ok(messages);
        }
    }
    Err(problems)
}

fn bad_json(line: Line<'_>, error: &serde_json::Error) -> Diagnostic {
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
    // The library counts bytes, from 1; a text that ends too early is wrong behind its last one.
    let mut byte =
        if error.is_eof() { line.text.len() } else { error.column().saturating_sub(1).min(line.text.len()) };
    while !line.text.is_char_boundary(byte) {
        byte -= 1;
    }
    let near: String = line.text[byte..].chars().take(20).collect();
    let value = if near.is_empty() { "the end of the line".to_owned() } else { near };
    let hint = "every line of a .jsonl file is one whole JSON object";
    line.problem(column(line.text, byte), Some(value), format!("is not valid JSON here: {message}"), hint)
}

/// What to say of an object without `messages`.
fn other_form(line: Line<'_>, object: &Map<String, Value>) -> Diagnostic {
    let has = |key: &str| object.contains_key(key);
    let form = if has("conversations") {
        "ShareGPT form ('conversations' with 'from' and 'value')"
    } else if has("instruction") || (has("output") && has("input")) {
        "Alpaca form ('instruction', 'input', 'output')"
    } else if has("prompt") && has("completion") {
        "prompt and completion form"
    } else if has("chosen") || has("rejected") {
        "preference form ('chosen', 'rejected')"
    } else if has("text") {
        "plain text form ('text'), for pretraining,"
    } else {
        let close = object.keys().find(|key| nearest(key, ["messages"]).is_some());
        let message = match close {
            Some(key) => format!("has no key 'messages' (but '{key}')"),
            None => "has no key 'messages'".to_owned(),
        };
        return line.at(&[], None, message, EXAMPLE);
    };
    line.at(&[], None, format!("{form} is not supported yet"), &format!("the 'messages' form is: {EXAMPLE}"))
}

fn message(line: Line<'_>, index: usize, value: &Value, problems: &mut Vec<Diagnostic>) -> Option<Message> {
    let here = [Step::Key("messages"), Step::Index(index)];
    let inside = |key| [here[0], here[1], Step::Key(key)];
    let Some(object) = value.as_object() else {
        problems.push(line.at(&here, Some(value), "is no message with 'role' and 'content'", EXAMPLE));
        return None;
    };
    let before = problems.len();
    for key in object.keys().filter(|key| !["role", "content"].contains(&key.as_str())) {
        if !object[key].is_null() {
            let message = format!("'{key}' in a message is not supported yet ('role' and 'content' are)");
            problems.push(line.at(&inside(key), None, message, ""));
        }
    }
    let role = object.get("role");
    match role.and_then(Value::as_str) {
        Some(role) if ROLES.contains(&role) => {}
        Some("tool" | "function" | "developer") => {
            problems.push(line.at(&inside("role"), role, "is a role that is not supported yet", ""));
        }
        Some(other) => problems.push(line.at(&inside("role"), role, "is no role", &role_hint(other))),
        None => problems.push(line.at(&inside("role"), role, "a message needs a 'role'", EXAMPLE)),
    }
    let content = object.get("content");
    match content {
        Some(Value::String(text)) if !text.trim().is_empty() => {}
        Some(Value::String(_)) => problems.push(line.at(&inside("content"), None, "'content' is empty", "")),
        Some(Value::Array(_)) => {
            problems.push(line.at(
                &inside("content"),
                None,
                "'content' in parts is not supported yet (a text is)",
                "",
            ));
        }
        _ => problems.push(line.at(
            &inside("content"),
            content,
            "a message needs a text as 'content'",
            EXAMPLE,
        )),
    }
    if problems.len() > before {
        return None;
    }
    Some(Message::new(role?.as_str()?, content?.as_str()?))
}

fn role_hint(role: &str) -> String {
    let known = match role {
        "human" => Some("user"),
        "gpt" | "bot" | "model" | "ai" => Some("assistant"),
        other => nearest(other, ROLES),
    };
    match known {
        Some(known) => format!("'{known}' may be meant; roles are system, user and assistant"),
        None => "roles are system, user and assistant".to_owned(),
    }
}

/// The order of turns: at most one system message first, then user and assistant in turn, the assistant last.
fn order(line: Line<'_>, messages: &[Message], problems: &mut Vec<Diagnostic>) {
    let mut expected = "user";
    for (index, message) in messages.iter().enumerate() {
        let role = message.role.as_str();
        if index == 0 && role == "system" {
            continue;
        }
        if role != expected {
            let path = [Step::Key("messages"), Step::Index(index), Step::Key("role")];
            let message = format!("is out of turn: '{expected}' is expected as message {}", index + 1);
            let hint = "a conversation is an optional system message, then user and assistant in turn";
            problems.push(line.at(&path, Some(&Value::from(role)), message, hint));
            return;
        }
        expected = if expected == "user" { "assistant" } else { "user" };
    }
    if messages.last().is_none_or(|message| message.role != "assistant") {
        let path = [Step::Key("messages"), Step::Index(messages.len().saturating_sub(1)), Step::Key("role")];
        let hint = "the last message must be the assistant's";
        problems.push(line.at(&path, None, "the conversation ends without an answer of the assistant", hint));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let line = Line { file: "d.jsonl", number: 3, text };
        parse(line)
            .unwrap_err()
            .iter()
            .map(|problem| problem.to_string().lines().next().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn a_good_line_is_a_conversation() {
        let text = r#"{"id": 7, "messages": [{"role":"system","content":"s"},{"role":"user","content":"u"},{"content":"a","role":"assistant"}]}"#;
        let messages = parse(Line { file: "d", number: 1, text }).unwrap();
        assert_eq!(messages[2], Message::new("assistant", "a"));
    }

    #[test]
    fn every_complaint_points_at_its_value() {
        for (text, expected) in [
            (r#"{"messages": [}"#, "d.jsonl:3:15: '}' is not valid JSON here: expected value"),
            (
                r#"{"messages": ["#,
                "d.jsonl:3:15: 'the end of the line' is not valid JSON here: EOF while parsing a list",
            ),
            ("[1]", "d.jsonl:3:1: '[1]' is no JSON object"),
            (r#"{"message": []}"#, "d.jsonl:3:1: has no key 'messages' (but 'message')"),
            (r#"{"messages": []}"#, "d.jsonl:3:14: '[]' is no list of messages"),
            (r#"{"messages": [5]}"#, "d.jsonl:3:15: '5' is no message with 'role' and 'content'"),
            (r#"{"messages": [{"role":"human","content":"x"}]}"#, "d.jsonl:3:23: 'human' is no role"),
            (
                r#"{"messages": [{"role":"tool","content":"x"}]}"#,
                "d.jsonl:3:23: 'tool' is a role that is not supported yet",
            ),
            (r#"{"messages": [{"role":"user","content":" "}]}"#, "d.jsonl:3:40: 'content' is empty"),
            (r#"{"messages": [{"role":"user"}]}"#, "d.jsonl:3:15: a message needs a text as 'content'"),
            (
                r#"{"messages": [{"role":"user","content":null}]}"#,
                "d.jsonl:3:40: 'null' a message needs a text as 'content'",
            ),
            (
                r#"{"messages": [{"role":"user","content":[]}]}"#,
                "d.jsonl:3:40: 'content' in parts is not supported yet (a text is)",
            ),
            (
                r#"{"messages": [{"role":"user","content":"x"}]}"#,
                "d.jsonl:3:23: the conversation ends without an answer of the assistant",
            ),
            (
                r#"{"messages": [{"role":"assistant","content":"é"}]}"#,
                "d.jsonl:3:23: 'assistant' is out of turn: 'user' is expected as message 1",
            ),
            (
                r#"{"messages": [{"role":"user","content":"x","name":"n"}]}"#,
                "d.jsonl:3:51: 'name' in a message is not supported yet ('role' and 'content' are)",
            ),
            (
                r#"{"instruction": "x", "output": "y"}"#,
                "d.jsonl:3:1: Alpaca form ('instruction', 'input', 'output') is not supported yet",
            ),
            (
                r#"{"conversations": []}"#,
                "d.jsonl:3:1: ShareGPT form ('conversations' with 'from' and 'value') is not supported yet",
            ),
            (
                r#"{"text": "x"}"#,
                "d.jsonl:3:1: plain text form ('text'), for pretraining, is not supported yet",
            ),
            (
                r#"{"messages": [{"role":"user","content":"x"}], "tools": [1]}"#,
                "d.jsonl:3:56: 'tools' is not supported yet",
            ),
        ] {
            assert_eq!(problems(text)[0], expected, "{text}");
        }
    }

    #[test]
    fn all_complaints_of_a_line_come_at_once() {
        let text = r#"{"messages": [{"role":"gpt","content":""},{"role":5}]}"#;
        assert_eq!(problems(text).len(), 4);
        let line = Line { file: "d", number: 1, text };
        assert!(parse(line).unwrap_err()[0].hint.as_ref().unwrap().contains("'assistant' may be meant"));
    }

    proptest! {
        #[test]
        fn no_line_panics(text in ".{0,60}") {
            let _ = parse(Line { file: "d", number: 1, text: &text });
        }
    }
}
