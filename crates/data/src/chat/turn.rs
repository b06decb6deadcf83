//! Where a turn begins and ends around an answer whose place is known.

use std::ops::Range;

/// Bytes that a mark such as `<|im_end|>` has at most.
const LONGEST_MARK: usize = 48;
/// Bytes of the template's own words between an answer and the token that ends its turn.
const LONGEST_GAP: usize = 64;

/// Where what is learnt begins: at the answer, or right behind the generation prompt where the template writes that
/// before the answer and more after it, as the model has to write this itself. The text from `from` is looked at;
/// `before` is the message that comes before the answer.
pub(super) fn start(text: &str, from: usize, answer: usize, prompt: &str, before: &str) -> usize {
    if prompt.is_empty() {
        return answer;
    }
    let gap = &text[from..answer];
    let Some(at) = gap.rfind(prompt) else { return answer };
    let begin = at + prompt.len();
    let before = before.trim();
    // A message may spell the prompt itself.
    if before.contains(prompt) && gap.rfind(before).is_some_and(|place| place + before.len() > begin) {
        return answer;
    }
    from + begin
}

/// Whether the first learnt token begins in what the model is given when it is asked: behind the generation prompt it
/// would be cut otherwise. A space in front of a word is no such case where the prompt ends before it.
pub(super) fn is_merged(text: &str, token: &Range<usize>, start: usize, prompt: &str) -> bool {
    let over = text.get(token.start..start).unwrap_or_default();
    let behind_prompt = !prompt.is_empty() && text[..start].ends_with(prompt);
    !over.is_empty() && (behind_prompt || over.contains('\n'))
}

/// Where what is learnt ends: behind the special token that ends the turn, else behind a mark that stands there as
/// text, else with the answer. `next` is the message that follows.
pub(super) fn end(
    text: &str,
    answer: usize,
    next: Option<&str>,
    offsets: &[Range<usize>],
    is_special: impl Fn(usize) -> bool,
) -> usize {
    let first = offsets.partition_point(|token| token.start < answer);
    let special = (first..offsets.len()).find(|index| is_special(*index)).map(|index| offsets[index].clone());
    let rest = &text[answer..];
    let space = rest.len() - rest.trim_start().len();
    let mark = mark_length(&rest[space..]);
    if let Some(special) = special {
        let gap = text.get(answer..special.start).unwrap_or_default();
        let belongs = gap.trim().is_empty()
            || mark == 0 && gap.len() <= LONGEST_GAP && next.is_none_or(|next| !mentions(gap, next));
        if belongs {
            return special.end;
        }
    }
    if mark > 0 { answer + space + mark } else { answer }
}

fn mentions(gap: &str, message: &str) -> bool {
    message.trim().is_empty() || gap.contains(message.trim())
}

/// The bytes of a mark that `text` begins with: `<` to `>` without white space between.
fn mark_length(text: &str) -> usize {
    let Some(inner) = text.strip_prefix('<') else { return 0 };
    match inner.find(|character: char| matches!(character, '<' | '>') || character.is_whitespace()) {
        Some(end) if inner[end..].starts_with('>') && end > 0 && end + 2 <= LONGEST_MARK => end + 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end behind the answer `a` in a text of one token a character, of which `;` is special.
    fn ended<'a>(text: &'a str, next: Option<&str>) -> &'a str {
        let offsets: Vec<Range<usize>> = (0..text.len()).map(|at| at..at + 1).collect();
        let answer = text.find('a').unwrap() + 1;
        &text[answer..end(text, answer, next, &offsets, |index| text[index..].starts_with(';'))]
    }

    #[test]
    fn a_turn_ends_with_its_special_token_or_mark() {
        assert_eq!(ended(">a;\n", None), ";");
        assert_eq!(ended(">a \n;>", None), " \n;");
        assert_eq!(ended("a</x>;", None), "</x>");
        assert_eq!(ended("a<|end|>\n<|user|>b;", Some("b")), "<|end|>");
        assert_eq!(ended("a -- ;b;", Some("b")), " -- ;");
        assert_eq!(ended("a\nUser: b\nBot: c;", Some("b")), "");
        assert_eq!(ended("a < b>", None), "");
        assert_eq!(ended("a", None), "");
    }

    #[test]
    fn a_token_is_merged_where_it_reaches_into_the_prompt() {
        let merged = |text: &str, token: Range<usize>, prompt: &str| is_merged(text, &token, 3, prompt);
        assert!(merged("B:\n\nyo", 2..4, "B:\n"));
        assert!(merged("B:hyo", 2..4, "B:h") && merged("B:\n\nyo", 2..4, ""));
        assert!(!merged("B:\nyo", 3..5, "B:\n"));
        assert!(!merged("B: yo", 2..5, "B:"), "the prompt ends before the space");
    }

    #[test]
    fn what_the_template_writes_behind_the_prompt_is_learnt() {
        let text = "U:hi B:<think></think>yo";
        let answer = text.len() - 2;
        assert_eq!(start(text, 0, answer, "B:", "hi"), 7);
        assert_eq!(start(text, 0, answer, "Bot:", "hi"), answer);
        assert_eq!(start(text, 0, answer, "", "hi"), answer);
        // The message before spells the prompt.
        let text = "U:x B:y yo";
        assert_eq!(start(text, 0, text.len() - 2, "B:", "x B:y"), text.len() - 2);
    }
}
