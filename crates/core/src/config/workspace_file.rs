//! `loradeck.yaml`: the workspace's own settings.

use std::path::PathBuf;

use serde::Deserialize;

#[derive(Deserialize)]
struct WorkspaceFile {
    #[serde(default)]
    trainer: Option<PathBuf>,
}

/// The trainer program named in `loradeck.yaml`'s text, if one is.
pub fn workspace_trainer(text: &str) -> Option<PathBuf> {
    serde_yaml::from_str::<WorkspaceFile>(text).ok()?.trainer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trainer_is_read_where_it_is_named() {
        assert_eq!(workspace_trainer("format: 1\n"), None);
        assert_eq!(workspace_trainer("format: 1\ntrainer: bin/t\n"), Some(PathBuf::from("bin/t")));
    }
}
