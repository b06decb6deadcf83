//! From the names that a trainer uses to our tags.

use std::collections::{BTreeMap, HashMap};

use super::spec::{SourceKind, SourceSpec};
use crate::metrics::registry::canonical;
use crate::text::harmless;

/// The most tags that one source may have; what is beyond comes from no trainer.
const TAG_LIMIT: usize = 2_000;
/// The longest tag, in characters.
const LONGEST: usize = 200;

/// What one source's names have become.
#[derive(Debug)]
pub(super) struct Names {
    map: BTreeMap<String, String>,
    is_hugging_face: bool,
    /// Their name and ours; `None` where it is not taken.
    known: HashMap<String, Option<String>>,
}

impl Names {
    pub(super) fn new(spec: &SourceSpec) -> Self {
        let is_hugging_face = spec.source == SourceKind::TrainerState;
        Self { map: spec.map.clone(), is_hugging_face, known: HashMap::new() }
    }

    /// Our tag for `theirs`. Of two names that mean the same metric the first keeps the tag, the other its own name.
    pub(super) fn ours(&mut self, theirs: &str) -> Option<String> {
        if let Some(known) = self.known.get(theirs) {
            return known.clone();
        }
        if self.known.len() >= TAG_LIMIT {
            return None;
        }
        let tag = self.choose(theirs);
        self.known.insert(theirs.to_owned(), tag.clone());
        tag
    }

    fn choose(&self, theirs: &str) -> Option<String> {
        if let Some(mapped) = self.map.get(theirs) {
            return Some(mapped.clone()).filter(|tag| !tag.is_empty());
        }
        let plain: String = harmless(theirs).trim().chars().take(LONGEST).collect();
        let named = if self.is_hugging_face { hugging_face_tag(&plain) } else { plain };
        let ours = canonical(&named);
        let is_taken = ours != named && self.known.values().flatten().any(|taken| taken == ours);
        Some(if is_taken { named } else { ours.to_owned() }).filter(|tag| !tag.is_empty())
    }
}

/// Hugging Face's own tag for an entry of `log_history` (transformers `integrations/integration_utils.py`,
/// `rewrite_logs`).
fn hugging_face_tag(name: &str) -> String {
    for (prefix, group) in [("eval_", "eval"), ("test_", "test")] {
        if let Some(rest) = name.strip_prefix(prefix) {
            return format!("{group}/{rest}");
        }
    }
    format!("train/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_wins_then_the_usual_meanings() {
        let mut spec = SourceSpec::new(SourceKind::Jsonl);
        spec.map.insert("acc".into(), "eval/accuracy".into());
        spec.map.insert("noise".into(), String::new());
        let mut names = Names::new(&spec);
        assert_eq!(names.ours("acc").as_deref(), Some("eval/accuracy"));
        assert_eq!(names.ours("noise"), None);
        assert_eq!(names.ours("loss").as_deref(), Some("train/loss"));
        assert_eq!(names.ours("train_loss").as_deref(), Some("train_loss"), "the first keeps the tag");
        assert_eq!(names.ours("val_loss").as_deref(), Some("eval/loss"));
        assert_eq!(names.ours("a\u{1b}[2Jb").as_deref(), Some("a␛[2Jb"));
    }

    #[test]
    fn hugging_face_names_become_its_tags() {
        let mut names = Names::new(&SourceSpec::new(SourceKind::TrainerState));
        let tags: Vec<Option<String>> =
            ["loss", "eval_loss", "eval_accuracy", "learning_rate"].map(|name| names.ours(name)).into();
        assert_eq!(
            tags.iter().flatten().collect::<Vec<_>>(),
            ["train/loss", "eval/loss", "eval/accuracy", "train/learning_rate"]
        );
    }

    #[test]
    fn endless_names_are_not_taken() {
        let mut names = Names::new(&SourceSpec::new(SourceKind::Jsonl));
        let taken = (0..3_000).filter(|index| names.ours(&format!("m{index}")).is_some()).count();
        assert_eq!(taken, TAG_LIMIT);
    }
}
