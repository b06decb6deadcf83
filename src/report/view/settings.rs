//! The settings' table.

use serde::Serialize;

use super::super::markdown::{code, code_cell, inline};
use super::super::settings::{Frozen, Setting};

/// One row; all texts are Markdown for a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub(crate) struct SettingView {
    pub key: String,
    pub value: String,
    /// Whether it is as it would be by itself.
    pub is_default: bool,
    pub about: String,
}

pub(super) fn rows(frozen: &Frozen) -> Vec<SettingView> {
    frozen.rows().iter().filter(|row| row.key != "notes").map(row).collect()
}

fn row(setting: &Setting) -> SettingView {
    // Several prompts of a whole page each would make the table unreadable; they stand in config.yaml.
    let value: String = setting.value.chars().take(120).collect();
    let cut = if value.len() < setting.value.len() { "…" } else { "" };
    let key = code_cell(setting.key);
    SettingView {
        key: if setting.is_default { key } else { format!("**{key}**") },
        value: code_cell(&format!("{value}{cut}")),
        is_default: setting.is_default,
        about: inline(setting.about),
    }
}

/// Settings that no sentence holds.
const TOO_LONG: [&str; 5] = ["sample_prompts", "command", "resume_command", "env", "metrics"];

/// What was chosen for this run; names of things and prompts are left out.
pub(super) fn chosen(frozen: &Frozen) -> Vec<String> {
    frozen
        .rows()
        .iter()
        .filter(|row| row.is_chosen && !row.is_name && !TOO_LONG.contains(&row.key))
        .map(|row| format!("{} **{}**", code(row.key), inline(&row.value)))
        .collect()
}
