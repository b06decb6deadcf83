//! The sample answers of a run: `samples/STEP-PROMPT-SEED.txt`, paired with the prompts of its configuration.

use std::collections::BTreeMap;
use std::fs;

use loradeck_core::run::RunFolder;

use super::inputs::Answer;

/// Characters of an answer that are kept.
const KEPT: usize = 4000;

/// Prompts with the first and the last answer given to each. `last_step` is where training ended; an answer of step 0
/// is the base model's.
pub(super) fn answers(run: &RunFolder, prompts: &[String], last_step: u64) -> Vec<Answer> {
    let Ok(entries) = fs::read_dir(run.samples()) else { return Vec::new() };
    let mut texts: BTreeMap<(usize, u64), String> = BTreeMap::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let Some((step, prompt)) = step_and_prompt(&name) else { continue };
        if let Ok(text) = fs::read_to_string(&path) {
            texts.insert((prompt, step), text.chars().take(KEPT).collect());
        }
    }
    paired(&texts, prompts, last_step)
}

/// `00000024-1-0.txt` is the answer to prompt 1 after step 24.
fn step_and_prompt(name: &str) -> Option<(u64, usize)> {
    let stem = name.strip_suffix(".txt")?;
    let mut numbers = stem.split('-');
    let step = numbers.next()?.trim_start_matches("step").parse().ok()?;
    Some((step, numbers.next()?.parse().ok()?))
}

fn paired(texts: &BTreeMap<(usize, u64), String>, prompts: &[String], last_step: u64) -> Vec<Answer> {
    // Prompts are counted from 0 where any file says so, else from 1.
    let first = usize::from(!texts.keys().any(|(prompt, _)| *prompt == 0));
    let answer = |(index, prompt): (usize, &String)| {
        let given: Vec<(u64, &String)> = texts
            .iter()
            .filter(|((number, _), _)| *number == index + first)
            .map(|((_, step), text)| (*step, text))
            .collect();
        let before = given.first().filter(|(step, _)| *step == 0).map(|(_, text)| (*text).clone());
        let after = given.last().filter(|(step, _)| *step > 0);
        (before.is_some() || after.is_some()).then(|| Answer {
            prompt: prompt.clone(),
            before,
            after: after.map(|(_, text)| (*text).clone()),
            step: after.map_or(last_step, |(step, _)| *step),
        })
    };
    prompts.iter().enumerate().filter_map(answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_and_last_answers_are_paired_with_their_prompts() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        fs::create_dir(run.samples()).unwrap();
        for (name, text) in [
            ("00000000-0-0.txt", "old"),
            ("00000012-0-0.txt", "half"),
            ("00000024-0-0.txt", "new"),
            ("notes.md", ""),
        ] {
            fs::write(run.samples().join(name), text).unwrap();
        }
        let found = answers(&run, &["Why?".to_owned(), "Unasked?".to_owned()], 24);
        let expected =
            Answer { prompt: "Why?".into(), before: Some("old".into()), after: Some("new".into()), step: 24 };
        assert_eq!(found, [expected]);
    }
}
