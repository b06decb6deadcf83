//! The header of diffusers' `pytorch_lora_weights.safetensors`. Readers disagree on the strength: diffusers reads the
//! header's alpha, ComfyUI and older readers take 1 without an `.alpha` tensor. So the scale (alpha / rank) is folded
//! into B, and the header says alpha = rank: right for all.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Part, Site};

/// An adapter as the header describes it.
#[derive(Clone, Copy, Debug)]
pub struct HeaderAdapter<'a> {
    /// Where it sits.
    pub site: &'a Site,
    /// Its rank.
    pub rank: usize,
    /// Whether it has DoRA's magnitudes.
    pub magnitude: bool,
}

/// The whole header: `format`, and the adapters' description where there are any.
pub fn diffusers_header(adapters: &[HeaderAdapter<'_>]) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("format".to_owned(), "pt".to_owned()),
        ("lora_adapter_metadata".to_owned(), adapter_metadata(adapters)),
    ])
}

/// The value of `lora_adapter_metadata`: the fields of PEFT's `LoraConfig` with the part's name in front, as JSON with
/// sorted keys, for factors into which the scale is folded.
pub fn adapter_metadata(adapters: &[HeaderAdapter<'_>]) -> String {
    let mut all = BTreeMap::new();
    for part in [Part::Unet, Part::TextEncoder] {
        let of_part: Vec<_> = adapters.iter().filter(|adapter| adapter.site.part == part).collect();
        if !of_part.is_empty() {
            all.extend(
                config(&of_part).into_iter().map(|(key, value)| (format!("{}.{key}", part.name()), value)),
            );
        }
    }
    // Texts, numbers and lists of them: this cannot fail.
    serde_json::to_string_pretty(&all).unwrap_or_default()
}

fn config(adapters: &[&HeaderAdapter<'_>]) -> [(&'static str, Value); 13] {
    let rank = most_common(adapters.iter().map(|adapter| adapter.rank));
    let others = adapters.iter().filter(|adapter| adapter.rank != rank);
    let ranks: BTreeMap<&str, usize> = others.map(|adapter| (name(adapter.site), adapter.rank)).collect();
    let mut names: Vec<&str> = adapters.iter().map(|adapter| name(adapter.site)).collect();
    names.sort_unstable();
    [
        ("alpha_pattern", json!(ranks)),
        ("bias", json!("none")),
        ("fan_in_fan_out", json!(false)),
        ("init_lora_weights", json!(true)),
        ("lora_alpha", json!(rank)),
        ("lora_dropout", json!(0.0)),
        ("modules_to_save", Value::Null),
        ("peft_type", json!("LORA")),
        ("r", json!(rank)),
        ("rank_pattern", json!(ranks)),
        ("target_modules", json!(names)),
        ("use_dora", json!(adapters.iter().any(|adapter| adapter.magnitude))),
        ("use_rslora", json!(false)),
    ]
}

/// The module's name for PEFT's suffix rule: without `text_model.`, which the models of transformers 5 do not have.
fn name(site: &Site) -> &str {
    site.path.strip_prefix("text_model.").unwrap_or(&site.path)
}

/// The number that occurs most often; the smallest of several.
fn most_common(numbers: impl Iterator<Item = usize>) -> usize {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for number in numbers {
        *counts.entry(number).or_default() += 1;
    }
    let most = counts.iter().max_by_key(|(number, count)| (**count, std::cmp::Reverse(**number)));
    most.map_or(0, |(number, _)| *number)
}
