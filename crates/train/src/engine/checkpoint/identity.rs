//! What must be the same for a training to go on from a checkpoint.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The settings and inputs that a checkpoint is bound to, by name. Steps, learning rate and what is kept may change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Identity(Map<String, Value>);

/// The field of the hash of everything that the base model's configuration says about its arithmetic.
pub const COMPUTES: &str = "base_model_configuration";
/// The field of the hash of all token ids and loss masks.
pub const TOKENS: &str = "tokens_and_loss_masks";
/// The field of the hash of every byte of the base model's weights.
pub const BASE_SHA256: &str = "base_model_weights";

/// Fields that checkpoints of earlier versions, and those written before the base model was hashed, do not have.
const MAY_BE_ABSENT: [&str; 3] = [COMPUTES, TOKENS, BASE_SHA256];

/// The first field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name, that of the key where there is one.
    pub field: String,
    /// In the checkpoint.
    pub stored: String,
    /// In the training that wants to go on.
    pub wanted: String,
}

impl Identity {
    /// Binds to `value` under `field`: the key's name where there is one.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Serialize) -> Self {
        // What cannot be written as JSON (there is nothing of the kind here) differs from everything.
        self.0.insert(field.to_owned(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }

    /// What differs between this training and the one that `stored` is of.
    pub fn difference(&self, stored: &Self) -> Option<Difference> {
        let (stored, lenient) = stored.flattened(self);
        let gone = stored.0.keys().filter(|field| !self.0.contains_key(*field));
        let fields = self.0.keys().chain(gone);
        let is_known = |field: &&String| {
            self.0.contains_key(*field) && stored.0.contains_key(*field)
                || !(MAY_BE_ABSENT.contains(&field.as_str()) || lenient)
        };
        fields.into_iter().filter(is_known).find_map(|field| {
            let value = |identity: &Self| identity.0.get(field).cloned().unwrap_or(Value::Null);
            let (stored, wanted) = (value(&stored), value(self));
            (stored != wanted).then(|| Difference {
                field: field.clone(),
                stored: short(&stored),
                wanted: short(&wanted),
            })
        })
    }
}

impl Identity {
    /// Earlier versions kept the settings of a task as one object in one field: its entries take fields of their own
    /// here. Whether there was one: then the fields that only one of the two has do not count, since it held others.
    fn flattened(&self, wanted: &Self) -> (Self, bool) {
        let is_group =
            |(field, value): &(&String, &Value)| value.is_object() && !wanted.0.contains_key(field.as_str());
        let Some((group, Value::Object(entries))) = self.0.iter().find(is_group) else {
            return (self.clone(), false);
        };
        let mut flat = self.0.clone();
        flat.remove(group);
        flat.extend(entries.clone());
        (Self(flat), true)
    }
}

fn short(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    // Hashes need not be shown whole to be told apart.
    if text.len() == 64 { text[..12].to_owned() } else { text }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn example() -> Identity {
        Identity::default().with("base_model", "a".repeat(64)).with("lora_rank", 8).with("precision", "fp32")
    }

    #[test]
    fn the_field_that_differs_is_named() {
        let wanted = example().with("lora_rank", 4);
        let difference = wanted.difference(&example()).unwrap();
        assert_eq!(
            (difference.field.as_str(), difference.stored.as_str(), difference.wanted.as_str()),
            ("lora_rank", "8", "4")
        );
        assert_eq!(example().difference(&example()), None);
    }

    #[test]
    fn an_earlier_group_of_settings_is_compared_entry_by_entry() {
        let group = serde_json::json!({ "flip": true, "drawn_with": "x" });
        let stored = example().with("group", group);
        assert_eq!(example().with("flip", true).with("newer", 3).difference(&stored), None);
        assert_eq!(example().with("flip", false).difference(&stored).unwrap().field, "flip");
        assert_eq!(example().with("lora_rank", 4).difference(&stored).unwrap().field, "lora_rank");
    }

    #[test]
    fn a_checkpoint_without_the_newer_fields_is_still_of_the_same_training() {
        let wanted = example().with(BASE_SHA256, "b".repeat(64)).with(TOKENS, "c".repeat(64));
        assert_eq!(wanted.difference(&example()), None);
        assert_eq!(example().difference(&wanted), None);
        let other = example().with(TOKENS, "d".repeat(64));
        assert_eq!(wanted.difference(&other).unwrap().field, TOKENS);
        assert!(example().with("rank_pattern", "x").difference(&example()).is_some());
    }
}
