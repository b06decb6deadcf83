//! Every key of an experiment file in one table: kind, default, whether it is supported yet, and a line about it.
//!
//! Reading, overrides, sweeps, the frozen text, the JSON schema and the documentation all follow this table.

mod foreign_names;
mod image;
mod keeping;
mod lora;
mod running;
mod text;
mod training;
mod what;

use super::settings::DataType;
use crate::text::nearest;

/// A key of the experiment file.
#[derive(Debug, PartialEq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Shorter spellings.
    pub aliases: &'static [&'static str],
    /// The group it is shown in.
    pub group: Group,
    /// What its value may be.
    pub kind: Kind,
    /// What it is where it is not given.
    pub default: Default,
    /// Whether anything acts on it yet.
    pub support: Support,
    /// The only data type that it is for; none: it is for all.
    pub task: Option<DataType>,
    /// One line of documentation.
    pub about: &'static str,
}

/// The groups of keys, in the order in which they are shown and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Models, data and names.
    What,
    /// The adapters.
    Lora,
    /// The training loop.
    Training,
    /// Checkpoints, evaluation, samples.
    Keeping,
    /// Language models only.
    Text,
    /// Image models only.
    Image,
    /// Where and how runs are started.
    Running,
}

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A whole number from `min` to `max`.
    Whole {
        /// Smallest.
        min: i128,
        /// Largest.
        max: i128,
    },
    /// A finite number.
    Real(Range),
    /// `true` or `false`.
    Flag,
    /// Text; numbers are taken as they are spelt.
    Text,
    /// The path of a file or folder.
    Path,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of texts; a single text is a list of one.
    TextList,
    /// A text or a list of texts.
    TextOrList,
    /// A program and its arguments, as a list: nothing goes through a shell.
    Command,
    /// Texts by name.
    TextMap,
    /// Environment variables by name; secrets without their values.
    Environment,
    /// Where another trainer writes its metrics.
    Metrics,
    /// One of these whole numbers.
    WholeOf(&'static [i128]),
    /// A list of whole numbers, at least one; a single number is a list of one.
    WholeList {
        /// Smallest.
        min: i128,
        /// Largest.
        max: i128,
    },
    /// Whole numbers by patterns of module names.
    WholeMap {
        /// Smallest.
        min: i128,
        /// Largest.
        max: i128,
    },
    /// Finite numbers by patterns of module names.
    RealMap(Range),
    /// `white`, `black`, or `#rrggbb`.
    Colour,
    /// `{epochs, weight}`: how the adapters' strength rises.
    StrengthWarmup,
    /// One value of whatever type.
    Scalar,
    /// An amount of memory: bytes, or a number with a unit such as `12 GiB`.
    Memory,
    /// What a run asks of Slurm.
    Slurm,
    /// Anything: keys that are not supported yet.
    Any,
}

/// The range of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// Above 0.
    Positive,
    /// 0 or more.
    NotNegative,
    /// From 0 to below 1.
    Share,
}

/// What a key is where it is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// It must be given.
    Required,
    /// Nothing.
    Nothing,
    /// This value, as it would be written.
    Fixed(&'static str),
    /// These values, by the data type.
    ByTask {
        /// On text.
        text: &'static str,
        /// On pictures.
        image: &'static str,
    },
    /// Follows from others, as this text says.
    Derived(&'static str),
}

/// Whether a key can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It is acted on.
    Supported,
    /// It is known and refused, never ignored; the text says what to do instead, where there is something.
    NotYet(&'static str),
}

impl Group {
    /// All groups in order.
    pub const ALL: [Self; 7] =
        [Self::What, Self::Lora, Self::Training, Self::Keeping, Self::Text, Self::Image, Self::Running];

    /// The group's heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::What => "what",
            Self::Lora => "LoRA",
            Self::Training => "training",
            Self::Keeping => "keeping",
            Self::Text => "text",
            Self::Image => "image",
            Self::Running => "running",
        }
    }
}

impl Key {
    const fn new(
        group: Group,
        name: &'static str,
        kind: Kind,
        default: Default,
        about: &'static str,
    ) -> Self {
        Self { name, aliases: &[], group, kind, default, support: Support::Supported, task: None, about }
    }

    const fn not_yet(group: Group, name: &'static str, instead: &'static str, about: &'static str) -> Self {
        let support = Support::NotYet(instead);
        Self {
            name,
            aliases: &[],
            group,
            kind: Kind::Any,
            default: Default::Nothing,
            support,
            task: None,
            about,
        }
    }

    const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn only(mut self, task: DataType) -> Self {
        self.task = Some(task);
        self
    }

    /// Whether a training on that data has the key.
    pub fn is_for(&self, data_type: DataType) -> bool {
        self.task.is_none_or(|task| task == data_type)
    }

    /// Whether it can be used.
    pub fn is_supported(&self) -> bool {
        self.support == Support::Supported
    }

    /// Whether it is a setting of the run, and so part of a frozen configuration. The others say how the run stands
    /// in the queue, which may change while it waits.
    pub fn is_setting(&self) -> bool {
        self.is_supported() && !QUEUE_KEYS.contains(&self.name)
    }

    /// Whether it says where and how the run is started rather than what is trained.
    pub fn is_running(&self) -> bool {
        self.group == Group::Running
    }
}

/// Seeds.
const SEED: Kind = Kind::Whole { min: 0, max: 18_446_744_073_709_551_615 };

/// Keys that `queue.json` holds, not the frozen configuration.
const QUEUE_KEYS: [&str; 3] = ["priority", "hold", "after"];

const TABLES: [&[Key]; 7] =
    [what::KEYS, lora::KEYS, training::KEYS, keeping::KEYS, text::KEYS, image::KEYS, running::KEYS];

/// All keys, group by group.
pub fn all_keys() -> impl Iterator<Item = &'static Key> + Clone {
    TABLES.into_iter().flatten()
}

/// The key of that name or alias.
pub fn find_key(name: &str) -> Option<&'static Key> {
    all_keys().find(|key| key.name == name || key.aliases.contains(&name))
}

/// A hint for a name that is no key: the nearest one.
pub(crate) fn nearest_key_hint(name: &str, also: &[&'static str]) -> Option<String> {
    let folded = name.to_lowercase().replace(['-', ' '], "_");
    if let Some(hint) = foreign_names::foreign_name_hint(&folded) {
        return Some(hint);
    }
    let known = all_keys().flat_map(|key| key.aliases.iter().chain([&key.name])).chain(also).copied();
    if known.clone().any(|key| key == folded) {
        return Some(format!("write '{folded}'"));
    }
    // Aliases of two letters are near to everything.
    nearest(&folded, known.filter(|key| key.len() > 2)).map(|key| format!("did you mean '{key}'?"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_keys_share_a_name() {
        let names: Vec<_> = all_keys().flat_map(|key| key.aliases.iter().chain([&key.name])).collect();
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
        assert!(names.len() > 100);
    }

    #[test]
    fn every_group_is_in_its_table_and_documented() {
        for (table, group) in TABLES.iter().zip(Group::ALL) {
            assert!(table.iter().all(|key| key.group == group && !key.about.is_empty()), "{group:?}");
        }
    }

    #[test]
    fn slips_are_recognised() {
        assert_eq!(find_key("lr").map(|key| key.name), Some("learning_rate"));
        assert_eq!(nearest_key_hint("lora_rnk", &[]).as_deref(), Some("did you mean 'lora_rank'?"));
        assert_eq!(nearest_key_hint("Learning-Rate", &[]).as_deref(), Some("write 'learning_rate'"));
        assert_eq!(nearest_key_hint("sweeep", &["sweep"]).as_deref(), Some("did you mean 'sweep'?"));
        assert_eq!(nearest_key_hint("xyz_unheard_of", &[]), None);
        assert_eq!(nearest_key_hint("output_name", &[]).as_deref(), Some("write 'run_name'"));
    }
}
