//! What is known about metrics by their tags: name, unit, which way is better, and other programs' spellings.
//!
//! Sources of foreign spellings: transformers `integrations/integration_utils.py` (`rewrite_logs`), sd-scripts
//! `train_network.py` (`generate_step_logs`), diffusers `examples/text_to_image/train_text_to_image_lora.py`.

use std::borrow::Cow;

use super::series::Goal;

/// What a metric's numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A bare number.
    Plain,
    /// Bytes.
    Bytes,
    /// A share from 0 to 1.
    Share,
    /// Percent from 0 to 100.
    Percent,
    /// Watts.
    Watts,
    /// Tokens per second.
    TokensPerSecond,
    /// Pictures per second.
    ImagesPerSecond,
    /// Seconds.
    Seconds,
}

/// What is known about one metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// For people: `training loss`.
    pub name: Cow<'static, str>,
    /// What its numbers count.
    pub unit: Unit,
    /// Which way is better, where there is a better.
    pub goal: Option<Goal>,
}

type Entry = (&'static str, &'static str, Unit, Option<Goal>);

/// Our own tags, in the order in which lists show them.
const KNOWN: &[Entry] = &[
    ("train/loss", "training loss", Unit::Plain, Some(Goal::Minimise)),
    ("eval/loss", "validation loss", Unit::Plain, Some(Goal::Minimise)),
    ("eval/perplexity", "validation perplexity", Unit::Plain, Some(Goal::Minimise)),
    ("train/learning_rate", "learning rate", Unit::Plain, None),
    ("train/learning_rate/unet", "learning rate, UNet", Unit::Plain, None),
    ("train/learning_rate/text_encoder", "learning rate, text encoder", Unit::Plain, None),
    ("train/grad_norm", "gradient norm", Unit::Plain, None),
    ("train/epoch", "epoch", Unit::Plain, None),
    ("train/tokens_per_second", "tokens per second", Unit::TokensPerSecond, Some(Goal::Maximise)),
    ("train/images_per_second", "images per second", Unit::ImagesPerSecond, Some(Goal::Maximise)),
    ("system/memory_bytes", "memory", Unit::Bytes, Some(Goal::Minimise)),
    ("system/gpu_memory_bytes", "GPU memory", Unit::Bytes, Some(Goal::Minimise)),
    ("system/gpu_utilization", "GPU utilization", Unit::Percent, Some(Goal::Maximise)),
    ("system/gpu_power_watts", "GPU power", Unit::Watts, None),
];

/// Other programs' tags and ours of the same meaning.
const FOREIGN: &[(&str, &str)] = &[
    ("loss/current", "train/loss"),
    ("loss/validation/epoch_average", "eval/loss"),
    ("lr/unet", "train/learning_rate/unet"),
    ("lr/textencoder", "train/learning_rate/text_encoder"),
    ("lr/group0", "train/learning_rate"),
    ("train_loss", "train/loss"),
    ("step_loss", "train/loss"),
    ("val_loss", "eval/loss"),
    ("loss", "train/loss"),
    ("eval_loss", "eval/loss"),
    ("lr", "train/learning_rate"),
    ("learning_rate", "train/learning_rate"),
    ("grad_norm", "train/grad_norm"),
];

/// What is known about `tag`, ours or foreign; guessed from its last word where it is not known.
pub fn describe(tag: &str) -> Description {
    let tag = canonical(tag);
    if let Some((_, name, unit, goal)) = KNOWN.iter().find(|entry| entry.0 == tag) {
        return Description { name: Cow::Borrowed(name), unit: *unit, goal: *goal };
    }
    let (unit, goal) = guess(tag);
    Description { name: Cow::Owned(tag.replace('_', " ")), unit, goal }
}

/// Our tag for `tag`: itself where it is ours or unknown.
pub fn canonical(tag: &str) -> &str {
    FOREIGN.iter().find(|(foreign, _)| *foreign == tag).map_or(tag, |(_, ours)| ours)
}

/// Other programs' tags that mean `tag`.
pub fn aliases(tag: &str) -> impl Iterator<Item = &'static str> + '_ {
    FOREIGN.iter().filter(move |(_, ours)| *ours == tag).map(|(foreign, _)| *foreign)
}

/// Where `tag` stands in lists: known ones first, in the table's order, then the others by name.
pub fn rank(tag: &str) -> usize {
    let tag = canonical(tag);
    KNOWN.iter().position(|entry| entry.0 == tag).unwrap_or(KNOWN.len())
}

/// Which way `tag` is better; lower where nothing is known, as for a loss.
pub fn goal_or_lower(tag: &str) -> Goal {
    describe(tag).goal.unwrap_or(Goal::Minimise)
}

fn guess(tag: &str) -> (Unit, Option<Goal>) {
    let word = tag.rsplit('/').next().unwrap_or(tag).to_ascii_lowercase();
    let holds = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
    if word.contains("tokens_per_second") {
        (Unit::TokensPerSecond, Some(Goal::Maximise))
    } else if word.ends_with("_per_second") {
        (Unit::Plain, Some(Goal::Maximise))
    } else if word.ends_with("_bytes") {
        (Unit::Bytes, None)
    } else if holds(&[
        "accuracy",
        "f1",
        "bleu",
        "rouge",
        "precision",
        "recall",
        "score",
        "reward",
        "exact_match",
    ]) {
        (Unit::Plain, Some(Goal::Maximise))
    } else if holds(&["runtime", "seconds"]) {
        (Unit::Seconds, Some(Goal::Minimise))
    } else if holds(&["loss", "perplexity", "error"]) || tag.starts_with("eval/") {
        (Unit::Plain, Some(Goal::Minimise))
    } else {
        (Unit::Plain, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_fall_and_speeds_rise() {
        for (tag, goal) in [
            ("train/loss", Some(Goal::Minimise)),
            ("eval/anything", Some(Goal::Minimise)),
            ("eval/accuracy", Some(Goal::Maximise)),
            ("eval/samples_per_second", Some(Goal::Maximise)),
            ("train/tokens_per_second", Some(Goal::Maximise)),
            ("train/learning_rate", None),
            ("custom", None),
        ] {
            assert_eq!(describe(tag).goal, goal, "{tag}");
        }
    }

    #[test]
    fn foreign_tags_mean_ours() {
        assert_eq!(canonical("loss/current"), "train/loss");
        assert_eq!(describe("lr/unet").name, "learning rate, UNet");
        assert_eq!(canonical("train/loss"), "train/loss");
        assert!(aliases("train/loss").any(|alias| alias == "train_loss"));
        assert!(rank("train_loss") < rank("custom"));
    }

    #[test]
    fn no_foreign_tag_is_one_of_ours() {
        assert!(FOREIGN.iter().all(|(foreign, _)| KNOWN.iter().all(|entry| entry.0 != *foreign)));
    }
}
