//! `metadata.csv`: one row per sample used.

use std::fmt::Write;

use super::Dataset;
use crate::chat::LeftOut;

/// What is told about one sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The file, as the configuration and the folder name it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// Tokens after cutting.
    pub tokens: usize,
    /// Tokens before cutting.
    pub full_tokens: usize,
    /// Tokens in the loss.
    pub trained_tokens: usize,
    /// Characters of all contents.
    pub characters: usize,
    /// The roles in order, separated by spaces.
    pub roles: String,
    /// The first 16 hexadecimal digits of the sha256 of roles and contents.
    pub digest: String,
    /// Assistant turns that no special token ends.
    pub turns_without_end: usize,
    /// Whether a content spells one of the model's special tokens.
    pub special_in_content: bool,
    /// Answers of which the first token also holds text in front of the answer.
    pub merged_starts: usize,
    /// What of the messages the chat template does not write.
    pub left_out: Vec<LeftOut>,
}

/// The table of one or several parts, such as `[("train", …), ("eval", …)]`.
pub fn metadata_csv(parts: &[(&str, &Dataset)]) -> String {
    let mut out = String::from("split,file,line,tokens,trained_tokens,characters,roles,digest,truncated\n");
    for (split, dataset) in parts {
        for row in &dataset.rows {
            let truncated = row.full_tokens > row.tokens;
            // Writing to a text cannot fail.
            let _ = writeln!(
                out,
                "{},{},{},{},{},{},{},{},{truncated}",
                field(split),
                field(&row.file),
                row.line,
                row.tokens,
                row.trained_tokens,
                row.characters,
                field(&row.roles),
                row.digest,
            );
        }
    }
    out
}

/// A field as RFC 4180 has it; control characters become visible.
fn field(text: &str) -> String {
    let text = loradeck_core::text::harmless(text);
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into_owned() }
}

impl Dataset {
    /// The rows as CSV, all of the split `train`.
    pub fn metadata_csv(&self) -> String {
        metadata_csv(&[("train", self)])
    }
}
