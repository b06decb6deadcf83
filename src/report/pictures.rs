//! The sample pictures of a run, from its journal. No IO.

use loradeck_core::run::JournalEntry;
use serde_json::Value;

use super::inputs::{PictureAt, PictureRow};

/// Characters of a prompt that are kept.
const KEPT: usize = 4000;
/// Prompts that are kept.
const PROMPTS: usize = 16;

/// One row for each prompt, in their order, with its pictures by step. A picture drawn again at a step, as a resumed run
/// does, replaces the one before.
pub(crate) fn pictures(journal: &[JournalEntry]) -> Vec<PictureRow> {
    let mut rows: Vec<PictureRow> = Vec::new();
    for entry in journal.iter().filter(|entry| entry.kind == "sample") {
        let Some((row, picture)) = read(entry) else { continue };
        let is_same = |known: &PictureRow| PictureRow { pictures: Vec::new(), ..known.clone() } == row;
        let index = rows.iter().position(is_same).unwrap_or_else(|| {
            rows.push(row);
            rows.len() - 1
        });
        let known = &mut rows[index].pictures;
        known.retain(|other| other.step != picture.step);
        known.push(picture);
    }
    rows.sort_by_key(|row| row.number);
    rows.truncate(PROMPTS);
    for row in &mut rows {
        row.pictures.sort_by_key(|picture| picture.step);
    }
    rows
}

fn read(entry: &JournalEntry) -> Option<(PictureRow, PictureAt)> {
    let file = entry.text("picture").filter(|name| is_plain(name))?;
    let number = |key: &str| entry.facts.get(key).and_then(Value::as_u64).unwrap_or(0);
    let text = |key: &str| entry.text(key).unwrap_or_default().chars().take(KEPT).collect::<String>();
    let row = PictureRow {
        number: number("number"),
        prompt: text("prompt"),
        negative_prompt: text("negative_prompt"),
        seed: number("seed"),
        scheduler: text("scheduler"),
        steps: number("steps"),
        guidance: entry.facts.get("guidance").and_then(Value::as_f64).unwrap_or(0.0),
        clip_skip: number("clip_skip"),
        width: number("width"),
        height: number("height"),
        pictures: Vec::new(),
    };
    Some((row, PictureAt { step: entry.step?, file: file.to_owned() }))
}

/// Whether a journal's name stays in its folder.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}

/// The released weight files, as the newest journal entry names them.
pub(super) fn released(journal: &[JournalEntry]) -> Vec<String> {
    let newest = journal.iter().rev().find(|entry| entry.kind == "weights");
    let files = newest.and_then(|entry| entry.facts.get("files")).and_then(Value::as_array);
    let names = files.into_iter().flatten().filter_map(Value::as_str);
    names.filter(|name| is_plain(name)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(step: u64, number: u64, file: &str) -> JournalEntry {
        JournalEntry::new("sample", 1)
            .at(step)
            .with("number", number)
            .with("prompt", format!("prompt {number}"))
            .with("picture", file)
            .with("seed", 40 + number)
            .with("guidance", 7.5)
    }

    #[test]
    fn pictures_stand_by_prompt_and_step() {
        let journal = [
            sample(0, 2, "b0.png"),
            sample(0, 1, "a0.png"),
            sample(6, 1, "old.png"),
            sample(6, 1, "a6.png"),
            sample(3, 1, "a3.png"),
            sample(3, 1, "../escape.png"),
            JournalEntry::new("sample", 1).at(3).with("prompt", "text").with("answer", "no picture"),
        ];
        let rows = pictures(&journal);
        let files: Vec<Vec<&str>> =
            rows.iter().map(|row| row.pictures.iter().map(|p| p.file.as_str()).collect()).collect();
        assert_eq!(files, [vec!["a0.png", "a3.png", "a6.png"], vec!["b0.png"]]);
        assert_eq!((rows[0].seed, rows[0].guidance), (41, 7.5));
    }

    #[test]
    fn the_newest_weights_are_the_released_ones() {
        let weights = |files: &[&str]| JournalEntry::new("weights", 1).with("files", files.to_vec());
        let journal = [weights(&["old.safetensors"]), weights(&["new.safetensors", "../x", "b.safetensors"])];
        assert_eq!(released(&journal), ["new.safetensors", "b.safetensors"]);
        assert!(released(&[]).is_empty());
    }
}
