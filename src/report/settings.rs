//! A run's settings as rows of a table, from its frozen `config.yaml`.

use loradeck_core::config::{self, Group, Key, Provenance, Settings, Value};
use loradeck_core::error::FileError;
use loradeck_core::run::RunFolder;

/// One setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Its key.
    pub key: &'static str,
    /// Its value as the configuration spells it.
    pub value: String,
    /// Whether it is what it would be by itself.
    pub is_default: bool,
    /// Whether somebody chose it: it is not the default, or its sweep varies it.
    pub is_chosen: bool,
    /// One line about the key.
    pub about: &'static str,
    /// Whether it names things (paths, names, notes) rather than how training goes.
    pub is_name: bool,
    /// Whether it says how training goes rather than how the run is started.
    pub is_trained: bool,
}

/// A frozen configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Frozen {
    /// The settings as the last attempt used them.
    pub settings: Settings,
    /// Where they came from.
    pub provenance: Provenance,
}

/// Why a configuration could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FrozenError {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is no configuration.
    #[error("{0}")]
    Config(String),
}

impl Frozen {
    /// Reads a run's `config.yaml` and applies the overrides of its last attempt.
    pub fn read(run: &RunFolder, overrides: &[String]) -> Result<Self, FrozenError> {
        let path = run.config();
        let text = loradeck_core::file::read_text(&path)?;
        let read = config::read_frozen(&path, &text, overrides);
        let (settings, provenance) = read.map_err(|problems| FrozenError::Config(problems.to_string()))?;
        Ok(Self { settings, provenance })
    }

    /// All settings that have a value and matter to the run, in the order of the table of keys.
    pub fn rows(&self) -> Vec<Setting> {
        let is_varied = |key: &str| {
            self.provenance
                .varied
                .iter()
                .any(|pair| pair.split_once('=').is_some_and(|(name, _)| name == key))
        };
        let row = |(key, value): (&'static Key, Value)| {
            let is_default = config::default_in(&self.settings, key)
                .is_some_and(|default| default.plain() == value.plain());
            Setting {
                key: key.name,
                value: value.plain(),
                is_default,
                is_chosen: !is_default || is_varied(key.name),
                about: key.about,
                is_name: key.group == Group::What && !["eval_split", "split_seed"].contains(&key.name),
                is_trained: !key.is_running() && key.group != Group::What,
            }
        };
        config::said(&self.settings).into_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_know_whether_they_are_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        std::fs::write(
            run.config(),
            "base_model: m.gguf\ntrain_data_dir: data\nlora_rank: 4\nlora_alpha: 8\nlearning_rate: 0.002\n",
        )
        .unwrap();
        let frozen = Frozen::read(&run, &["max_steps=7".to_owned()]).unwrap();
        let rows = frozen.rows();
        let of = |key: &str| rows.iter().find(|row| row.key == key).unwrap();
        assert_eq!((of("lora_alpha").value.as_str(), of("lora_alpha").is_default), ("8", true));
        assert_eq!((of("learning_rate").value.as_str(), of("learning_rate").is_default), ("2e-3", false));
        assert_eq!((of("max_steps").value.as_str(), of("max_steps").is_default), ("7", false));
        assert!(of("batch_size").is_default && of("base_model").is_name && !of("lora_rank").is_name);
        std::fs::write(run.config(), "lora_rnk: 4\n").unwrap();
        let error = Frozen::read(&run, &[]).unwrap_err().to_string();
        assert!(error.contains("lora_rnk"), "{error}");
    }
}
