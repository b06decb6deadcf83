//! Where in a conversation's text its answers stand, told from renderings of the same conversation with other answers.
//!
//! An answer is replaced by two texts that share neither their first nor their last character. What is equal in front
//! of both and in the text itself, and behind them, bounds the answer, however the template writes the turns around it.

use std::ops::Range;

use loradeck_core::template::chat::Message;

use super::ChatError;

/// Renders messages to a text.
pub(super) type Render<'a> = &'a dyn Fn(&[Message]) -> Result<String, ChatError>;

/// Where an answer stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The message's place in the conversation.
    pub(super) message: usize,
    /// Its bytes in the text; `None` where the template leaves it out.
    pub(super) span: Option<Range<usize>>,
}

/// Finds the answers in `whole`, the rendering of `messages`.
pub(super) fn find(messages: &[Message], whole: &str, render: Render<'_>) -> Result<Vec<Answer>, ChatError> {
    let places: Vec<usize> = places(messages);
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let probes = Probes::absent_from(messages, whole);
    if let Some(spans) = all_at_once(messages, &places, whole, &probes, render) {
        let answer = |(message, span)| Answer { message, span: Some(span) };
        return Ok(places.into_iter().zip(spans).map(answer).collect());
    }
    let span = |message| one(messages, message, whole, &probes, render).map(|span| Answer { message, span });
    places.into_iter().map(span).collect()
}

fn places(messages: &[Message]) -> Vec<usize> {
    (0..messages.len()).filter(|index| messages[*index].role == "assistant").collect()
}

/// Texts that stand in no message.
struct Probes {
    salt: usize,
}

impl Probes {
    fn absent_from(messages: &[Message], whole: &str) -> Self {
        let occurs = |core: &str| whole.contains(core) || messages.iter().any(|m| m.content.contains(core));
        let free = |salt: &usize| !occurs(&format!("J7{salt}X")) && !occurs(&format!("V4{salt}K"));
        Self { salt: (0..100_000).find(free).unwrap_or_default() }
    }

    /// The two texts for an answer; letters and digits only, so that no template takes them apart.
    fn pair(&self, message: usize) -> [String; 2] {
        let salt = self.salt;
        [format!("QJ7{salt}X{message}Q"), format!("ZV4{salt}K{message}Z")]
    }
}

fn with(messages: &[Message], places: &[usize], text: impl Fn(usize) -> String) -> Vec<Message> {
    let mut changed = messages.to_vec();
    for place in places {
        changed[*place].content = text(*place);
    }
    changed
}

/// All answers from two renderings, where the template writes the turns alike whatever the answers are.
fn all_at_once(
    messages: &[Message],
    places: &[usize],
    whole: &str,
    probes: &Probes,
    render: Render<'_>,
) -> Option<Vec<Range<usize>>> {
    let mut pieces = Vec::new();
    for which in 0..2 {
        let text = |place| probes.pair(place)[which].clone();
        // A template that refuses these texts may still take the answers one by one.
        let rendered = render(&with(messages, places, text)).ok()?;
        let marks: Vec<String> = places.iter().map(|place| text(*place)).collect();
        pieces.push(between(&rendered, &marks)?);
    }
    if pieces[0] != pieces[1] {
        return None;
    }
    let contents: Vec<&str> = places.iter().map(|place| messages[*place].content.as_str()).collect();
    align(whole, &pieces[0], &contents)
}

/// What stands around the marks, if each stands in `text` once, in their order.
fn between(text: &str, marks: &[String]) -> Option<Vec<String>> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    for mark in marks {
        let (before, after) = rest.split_once(mark.as_str())?;
        pieces.push(before.to_owned());
        rest = after;
    }
    pieces.push(rest.to_owned());
    let again = |piece: &String| marks.iter().any(|mark| piece.contains(mark.as_str()));
    (!pieces.iter().any(again)).then_some(pieces)
}

/// The places of `contents` in `whole`, if it is the pieces with the contents between, each as it is or trimmed.
fn align(whole: &str, pieces: &[String], contents: &[&str]) -> Option<Vec<Range<usize>>> {
    let mut at = pieces[0].len();
    let mut rest = whole.strip_prefix(pieces[0].as_str())?;
    let mut spans = Vec::new();
    for (index, content) in contents.iter().enumerate() {
        let next = pieces[index + 1].as_str();
        let is_last = index + 1 == contents.len();
        let follows = |form: &&str| {
            rest.strip_prefix(form)
                .is_some_and(|after| if is_last { after == next } else { after.starts_with(next) })
        };
        let forms = [content, content.trim(), content.trim_start(), content.trim_end()];
        let form = forms.into_iter().find(follows)?;
        spans.push(at..at + form.len());
        at += form.len() + next.len();
        rest = &rest[form.len() + next.len()..];
    }
    Some(spans)
}

/// One answer from two renderings in which only it differs.
fn one(
    messages: &[Message],
    place: usize,
    whole: &str,
    probes: &Probes,
    render: Render<'_>,
) -> Result<Option<Range<usize>>, ChatError> {
    let pair = probes.pair(place);
    let first = render(&with(messages, &[place], |_| pair[0].clone()))?;
    let second = render(&with(messages, &[place], |_| pair[1].clone()))?;
    let message = place + 1;
    if first.matches(pair[0].as_str()).count() > 1 {
        return Err(ChatError::Repeated { message });
    }
    if first == second {
        return Ok(None);
    }
    let front = common_front(whole, &first).min(common_front(whole, &second));
    let behind = |other: &str| common_back(&whole[front..], other.get(front..).unwrap_or_default());
    let back = behind(&first).min(behind(&second));
    let span = front..whole.len() - back;
    let content = messages[place].content.as_str();
    let span = if whole[span.clone()] == *content { span } else { trimmed(whole, span) };
    let tail = after_thinking(content).trim();
    let text = &whole[span.clone()];
    if text.is_empty() {
        return Ok(if content.trim().is_empty() { Some(span) } else { None });
    }
    let mut others = messages.iter().enumerate().filter(|(index, other)| {
        *index != place && other.content.trim().len() > 8 && !content.contains(other.content.trim())
    });
    let swallows = others.any(|(_, other)| text.contains(other.content.trim()));
    if swallows || !is_form_of(text, content, tail) {
        return Err(ChatError::Rewritten { message });
    }
    Ok(Some(span))
}

/// The span without white space that the template wrote or kept at its ends, where something is left.
fn trimmed(whole: &str, span: Range<usize>) -> Range<usize> {
    let text = &whole[span.clone()];
    let front = text.len() - text.trim_start().len();
    let back = text.len() - text.trim_end().len();
    if front == text.len() { span.start..span.start } else { span.start + front..span.end - back }
}

/// What follows the last `</think>`; the whole text where there is none.
pub(super) fn after_thinking(content: &str) -> &str {
    content.rsplit_once("</think>").map_or(content, |(_, tail)| tail)
}

/// Whether `text` can be what a template made of `content`: the same, a part of it, its end with the template's own
/// words for the thinking in front, or the same letters and digits with other signs between.
fn is_form_of(text: &str, content: &str, tail: &str) -> bool {
    const WORDS_AROUND_THINKING: usize = 64;
    let letters = |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).collect() };
    let in_front = text.strip_suffix(tail).filter(|_| !tail.is_empty());
    content.contains(text)
        || in_front.is_some_and(|front| front.len() <= content.len() - tail.len() + WORDS_AROUND_THINKING)
        || letters(text) == letters(content)
        || letters(text).to_lowercase() == letters(content).to_lowercase()
}

/// Bytes that two texts begin with alike, at a boundary of characters.
fn common_front(one: &str, other: &str) -> usize {
    let equal = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    (0..=equal).rev().find(|at| one.is_char_boundary(*at)).unwrap_or(0)
}

/// Bytes that two texts end with alike, at a boundary of characters.
fn common_back(one: &str, other: &str) -> usize {
    let equal = one.bytes().rev().zip(other.bytes().rev()).take_while(|(one, other)| one == other).count();
    (0..=equal).rev().find(|back| one.is_char_boundary(one.len() - back)).unwrap_or(0)
}
