//! `loradeck new NAME --template T`: an experiment from a starter, the program's own or the workspace's.

use std::path::Path;

use anyhow::Result;
use loradeck_core::file::{self, Durability};
use loradeck_core::run::Workspace;
use loradeck_core::text::{nearest, slug};

use super::out::UsageError;
use super::{OK, out};

/// The starters that come with the program. `NAME` stands for the experiment's name.
const STARTERS: [(&str, &str); 4] = [
    ("image", include_str!("../../templates/starters/image.yaml")),
    ("minimal", include_str!("../../templates/starters/minimal.yaml")),
    ("sweep", include_str!("../../templates/starters/sweep.yaml")),
    ("text", include_str!("../../templates/starters/text.yaml")),
];

/// The longest name of an experiment, in bytes.
const NAME_LIMIT: usize = 64;

pub(super) fn new(name: &str, template: &str) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    refuse_bad_name(name)?;
    let experiment = workspace.experiment(name);
    if experiment.path().exists() {
        let message = format!("there is an experiment '{name}' already (hint: `loradeck check {name}`)");
        return Err(UsageError(message).into());
    }
    let text = starter(&workspace, template)?.replace("NAME", name);
    file::create_folder(&experiment.path().join("data"))?;
    file::replace(&experiment.file(), text.as_bytes(), Durability::Synced)?;
    let folder = workspace.relative(experiment.path()).display().to_string();
    out::line(&format!("made {folder}/experiment.yaml"));
    out::line(&format!(
        "next: name a base model in it, put data into {folder}/data, then `loradeck check {name}`"
    ));
    Ok(OK)
}

fn refuse_bad_name(name: &str) -> Result<(), UsageError> {
    let is_good = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= NAME_LIMIT
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if is_good {
        return Ok(());
    }
    let better = slug(name, NAME_LIMIT);
    let hint = if better.is_empty() { "style-7b".to_owned() } else { better };
    Err(UsageError(format!(
        "'{name}' is no name for a folder (hint: letters, digits, '-', '_', '.': {hint})"
    )))
}

/// The starter's text: of the workspace, else of the program.
fn starter(workspace: &Workspace, template: &str) -> Result<String> {
    let is_plain = !template.contains(['/', '\\']) && !template.starts_with('.');
    let own = workspace.templates().join("starters").join(format!("{template}.yaml"));
    if is_plain && own.is_file() {
        return Ok(file::read_text(&own)?);
    }
    if let Some((_, text)) = STARTERS.iter().find(|(name, _)| *name == template) {
        return Ok((*text).to_owned());
    }
    let names = STARTERS.map(|(name, _)| name);
    let near = nearest(template, names).map_or_else(String::new, |near| format!("did you mean '{near}'? "));
    Err(UsageError(format!("there is no template '{template}' (hint: {near}known are {})", names.join(", ")))
        .into())
}

#[cfg(test)]
mod tests {
    use loradeck_core::config::plan;

    use super::*;

    #[test]
    fn every_starter_is_a_valid_experiment() {
        for (name, text) in STARTERS {
            let text = text.replace("NAME", "my-style");
            let read = plan(Path::new("experiment.yaml"), &text, &[], None);
            let (_, plan) = read.unwrap_or_else(|problems| panic!("{name}: {problems}"));
            assert_eq!(plan.trials.len(), if name == "sweep" { 4 } else { 1 });
            assert_eq!(plan.trials[0].settings.train_data_dir, "experiments/my-style/data");
        }
    }

    #[test]
    fn names_are_one_folder() {
        for good in ["a", "style-7b", "Charlie_v2.1"] {
            assert!(refuse_bad_name(good).is_ok(), "{good}");
        }
        for bad in ["", "a/b", "..", "-x", ".hidden", "a b", "ü", &"x".repeat(65)] {
            assert!(refuse_bad_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_workspaces_starter_comes_first_and_unknown_ones_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        let own = folder.path().join("templates/starters/text.yaml");
        file::create_folder(own.parent().unwrap()).unwrap();
        file::replace(&own, b"lora_rank: 3\n", Durability::Renamed).unwrap();
        assert_eq!(starter(&workspace, "text").unwrap(), "lora_rank: 3\n");
        assert!(starter(&workspace, "sweep").unwrap().contains("method: grid"));
        let error = starter(&workspace, "swep").unwrap_err().to_string();
        assert!(error.contains("did you mean 'sweep'?"), "{error}");
        assert!(starter(&workspace, "../text").is_err());
    }
}
