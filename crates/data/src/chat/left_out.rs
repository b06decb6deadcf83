//! What of a conversation its template does not write, or writes elsewhere.

use loradeck_core::template::chat::Message;

use super::answers::{Answer, after_thinking};

/// Something that the template does not write as it was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// The system message is not in the text.
    System,
    /// The system message does not stand before the first user's message.
    SystemMoved,
    /// A message of this role is not in the text.
    Role(String),
    /// The thinking in front of an answer is not in the text.
    Thinking,
    /// A whole answer is not in the text.
    Answer,
}

impl std::fmt::Display for LeftOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::System => f.write_str("leaves the system message out"),
            Self::SystemMoved => f.write_str("writes the system message behind the first user's message"),
            Self::Role(role) => write!(f, "leaves messages of role '{role}' out"),
            Self::Thinking => f.write_str("leaves the thinking (<think>…</think>) of answers out"),
            Self::Answer => f.write_str("leaves whole answers out"),
        }
    }
}

/// What `text` lacks of the messages, each kind once.
pub(super) fn find(messages: &[Message], text: &str, answers: &[Answer]) -> Vec<LeftOut> {
    let mut found: Vec<LeftOut> = Vec::new();
    for message in messages.iter().filter(|message| message.role != "assistant") {
        let place = place(text, &message.content);
        found.extend(match (message.role.as_str(), place) {
            ("system", None) => Some(LeftOut::System),
            ("system", Some(place)) => is_behind_user(messages, text, place).then_some(LeftOut::SystemMoved),
            (role, None) => Some(LeftOut::Role(role.to_owned())),
            _ => None,
        });
    }
    for answer in answers {
        let content = messages[answer.message].content.as_str();
        match &answer.span {
            None if !content.trim().is_empty() => found.push(LeftOut::Answer),
            Some(span) if lacks_thinking(content, &text[span.clone()]) => found.push(LeftOut::Thinking),
            _ => {}
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Where a content stands, looked for by its words alone: a template may trim it or join its lines.
fn place(text: &str, content: &str) -> Option<usize> {
    let content = content.trim();
    if let Some(place) = text.find(content) {
        return Some(place);
    }
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let escaped = |text: &str| serde_json::to_string(text).unwrap_or_default().trim_matches('"').to_owned();
    words(text).find(&words(content)).or_else(|| text.find(&escaped(content)))
}

fn is_behind_user(messages: &[Message], text: &str, system: usize) -> bool {
    let user = messages.iter().find(|message| message.role == "user").map(|user| user.content.trim());
    user.filter(|user| !user.is_empty()).and_then(|user| text.find(user)).is_some_and(|user| user < system)
}

fn lacks_thinking(content: &str, written: &str) -> bool {
    let thinking = content.strip_suffix(after_thinking(content)).unwrap_or_default();
    let thinking = thinking.trim_start().trim_start_matches("<think>").trim_end_matches("</think>").trim();
    !thinking.is_empty() && !written.contains(thinking)
}
