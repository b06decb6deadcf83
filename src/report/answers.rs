//! The sample answers of a run, from its journal. No IO.

use loradeck_core::run::JournalEntry;
use serde_json::Value;

use super::inputs::Answer;

/// Characters of a prompt or an answer that are kept.
const KEPT: usize = 4000;
/// Prompts that are kept.
const PROMPTS: usize = 8;

/// Prompts with the first and the last answer given to each, in the order of the prompts. An answer of step 0 is the
/// base model's.
pub(super) fn answers(journal: &[JournalEntry]) -> Vec<Answer> {
    let mut found: Vec<(u64, Answer)> = Vec::new();
    for entry in journal.iter().filter(|entry| entry.kind == "sample") {
        let (Some(step), Some(prompt), Some(answer)) =
            (entry.step, entry.text("prompt"), entry.text("answer"))
        else {
            continue;
        };
        let number = entry.facts.get("number").and_then(Value::as_u64).unwrap_or(0);
        let prompt = shortened(prompt);
        let index = found.iter().position(|(known, answer)| *known == number && answer.prompt == prompt);
        let index = index.unwrap_or_else(|| {
            found.push((number, Answer { prompt, ..Answer::default() }));
            found.len() - 1
        });
        note(&mut found[index].1, step, shortened(answer));
    }
    found.sort_by_key(|(number, _)| *number);
    found.truncate(PROMPTS);
    found.into_iter().map(|(_, answer)| answer).collect()
}

fn note(known: &mut Answer, step: u64, text: String) {
    if step == 0 {
        known.before.get_or_insert(text);
    } else if step >= known.step {
        known.after = Some(text);
        known.step = step;
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(KEPT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(step: u64, number: u64, answer: &str) -> JournalEntry {
        let prompt = format!("prompt {number}");
        JournalEntry::new("sample", 1)
            .at(step)
            .with("number", number)
            .with("prompt", prompt)
            .with("answer", answer)
    }

    #[test]
    fn first_and_last_answers_are_paired_by_prompt() {
        let journal = [
            sample(0, 2, "old"),
            sample(0, 1, "base"),
            sample(12, 2, "half"),
            sample(24, 2, "new"),
            // A resumed run answers some steps again.
            sample(12, 2, "half again"),
            JournalEntry::new("sample", 1).with("prompt", "without a step"),
        ];
        let found = answers(&journal);
        let texts: Vec<_> = found
            .iter()
            .map(|answer| {
                (answer.prompt.as_str(), answer.before.as_deref(), answer.after.as_deref(), answer.step)
            })
            .collect();
        assert_eq!(texts, [("prompt 1", Some("base"), None, 0), ("prompt 2", Some("old"), Some("new"), 24)]);
    }
}
