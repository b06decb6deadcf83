//! Settings that a resumed training may change: what they are, and what became of them.

use std::collections::BTreeMap;

use loradeck_core::config::Settings;
use serde_json::{Value, json};

/// A setting that is no longer what it was.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change {
    /// The key.
    pub key: String,
    /// As the checkpoint has it.
    pub before: Value,
    /// As it is from here on.
    pub after: Value,
}

/// Returns the settings that steer the steps still to come and are free to change, by key.
pub(super) fn changeable(settings: &Settings, total_steps: u64) -> BTreeMap<String, Value> {
    let mut values = vec![
        ("learning_rate", json!(settings.learning_rate)),
        ("lr_scheduler", json!(settings.lr_scheduler)),
        ("warmup_steps", json!(settings.warmup_steps)),
        ("weight_decay", json!(settings.weight_decay)),
        ("max_grad_norm", json!(settings.max_grad_norm)),
        ("total_steps", json!(total_steps)),
    ];
    if let Some(image) = settings.image() {
        values.push(("unet_lr", json!(image.unet_lr)));
        values.push(("text_encoder_lr", json!(image.text_encoder_lr)));
    }
    values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Returns what differs between a checkpoint's settings and those in force. Keys that one of them lacks do not count:
/// earlier versions stored none.
pub(super) fn changes(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Vec<Change> {
    let pairs = before.iter().filter_map(|(key, value)| Some((key, value, after.get(key)?)));
    pairs
        .filter(|(_, before, after)| before != after)
        .map(|(key, before, after)| Change { key: key.clone(), before: before.clone(), after: after.clone() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_both_know_and_differs_is_a_change() {
        let map = |pairs: &[(&str, Value)]| -> BTreeMap<String, Value> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
        };
        let before = map(&[("learning_rate", json!(1e-4)), ("weight_decay", json!(0.0))]);
        let after =
            map(&[("learning_rate", json!(5e-5)), ("weight_decay", json!(0.0)), ("total_steps", json!(9))]);
        let found = changes(&before, &after);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].key.as_str(), &found[0].after), ("learning_rate", &json!(5e-5)));
        assert!(changes(&BTreeMap::new(), &after).is_empty());
    }
}
