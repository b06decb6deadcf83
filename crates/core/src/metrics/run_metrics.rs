//! Everything one run has measured, by tag.

use std::collections::HashMap;

use super::event::Image;
use super::registry;
use super::series::Series;
use super::tail::EventSink;

/// How many texts are kept; older ones are dropped (the run's `samples/` folder has them all).
const KEPT_TEXTS: usize = 200;
/// How much of a text is kept, in bytes.
const KEPT_TEXT_BYTES: usize = 64 * 1024;

/// A text logged with the metrics, such as a sample. It is as hostile as any log.
#[derive(Clone, Debug, PartialEq)]
pub struct TextNote {
    /// Its tag.
    pub tag: String,
    /// The training step.
    pub step: u64,
    /// Seconds since 1970.
    pub time: f64,
    /// The text, its first 64 kB.
    pub text: String,
}

/// The series of one run, filled by an [`super::EventTail`].
#[derive(Clone, Debug, Default)]
pub struct RunMetrics {
    names: HashMap<Box<str>, usize>,
    series: Vec<(Box<str>, Series)>,
    texts: Vec<TextNote>,
    /// Where the last value went: values of one step mostly come in the same order.
    next: usize,
}

impl RunMetrics {
    /// The series of `tag`; where it has none, that of another program's tag of the same meaning.
    pub fn get(&self, tag: &str) -> Option<&Series> {
        let own = |tag: &str| self.names.get(tag).map(|index| &self.series[*index].1);
        let filled = |tag: &str| own(tag).filter(|series| !series.is_empty());
        filled(tag).or_else(|| registry::aliases(tag).find_map(filled))
    }

    /// All tags that have points: known metrics first, then by name. A foreign tag is listed as ours where ours has
    /// no series of its own.
    pub fn tags(&self) -> Vec<&str> {
        let filled = self.series.iter().filter(|(_, series)| !series.is_empty());
        let mut tags: Vec<&str> = filled.map(|(tag, _)| self.shown(tag)).collect();
        tags.sort_unstable_by_key(|tag| (registry::rank(tag), *tag));
        tags.dedup();
        tags
    }

    fn shown<'a>(&'a self, tag: &'a str) -> &'a str {
        let ours = registry::canonical(tag);
        let taken = ours != tag
            && self.get(ours).is_some_and(|series| {
                self.names
                    .get(tag)
                    .is_none_or(|index| !std::ptr::eq(series, &raw const self.series[*index].1))
            });
        if taken { tag } else { ours }
    }

    /// The texts logged, oldest first.
    pub fn texts(&self) -> &[TextNote] {
        &self.texts
    }

    /// The zero of the time axis: the earliest time of any point, in seconds since 1970.
    pub fn origin(&self) -> Option<f64> {
        self.series.iter().filter_map(|(_, series)| series.times().first().copied()).reduce(f64::min)
    }

    /// The largest step of any point.
    pub fn last_step(&self) -> Option<u64> {
        self.series.iter().filter_map(|(_, series)| series.steps().last().copied()).max()
    }

    /// The newest time of any point, in seconds since 1970.
    pub fn last_time(&self) -> Option<f64> {
        self.series.iter().filter_map(|(_, series)| series.times().last().copied()).reduce(f64::max)
    }

    /// How many points there are in all series.
    pub fn points(&self) -> usize {
        self.series.iter().map(|(_, series)| series.len()).sum()
    }

    fn series_mut(&mut self, tag: &str) -> &mut Series {
        let guess = if self.next < self.series.len() { self.next } else { 0 };
        let guessed = self.series.get(guess).is_some_and(|(name, _)| **name == *tag);
        let index = if guessed { guess } else { self.index_of(tag) };
        self.next = index + 1;
        &mut self.series[index].1
    }

    /// The place of `tag`'s series, made where missing.
    fn index_of(&mut self, tag: &str) -> usize {
        if let Some(index) = self.names.get(tag) {
            return *index;
        }
        self.names.insert(tag.into(), self.series.len());
        self.series.push((tag.into(), Series::default()));
        self.series.len() - 1
    }
}

impl EventSink for RunMetrics {
    fn scalar(&mut self, tag: &str, step: u64, time: f64, value: f64) {
        self.series_mut(tag).push(step, time, value);
    }

    fn text(&mut self, tag: &str, step: u64, time: f64, text: &str) {
        if self.texts.len() >= KEPT_TEXTS {
            self.texts.remove(0);
        }
        let text = text[..text.floor_char_boundary(KEPT_TEXT_BYTES)].to_owned();
        self.texts.push(TextNote { tag: tag.to_owned(), step, time, text });
    }

    fn image(&mut self, _tag: &str, _step: u64, _time: f64, _image: &Image<'_>) {}

    fn purge(&mut self, step: u64) {
        for (_, series) in &mut self.series {
            series.purge(step);
        }
        self.texts.retain(|text| text.step < step);
    }

    fn clear(&mut self) {
        // Emptied, not removed: what was derived from a series sees its revision change.
        self.purge(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_tag_answers_for_ours_until_ours_is_there() {
        let mut metrics = RunMetrics::default();
        metrics.scalar("loss/current", 1, 10.0, 2.0);
        metrics.scalar("custom", 1, 9.0, 2.0);
        assert_eq!(metrics.tags(), ["train/loss", "custom"]);
        assert_eq!(metrics.get("train/loss").map(Series::len), Some(1));
        metrics.scalar("train/loss", 2, 11.0, 2.0);
        assert_eq!(metrics.tags(), ["loss/current", "train/loss", "custom"]);
        assert_eq!(metrics.get("train/loss").and_then(Series::last).map(|point| point.step), Some(2));
        assert_eq!(metrics.origin(), Some(9.0));
        assert_eq!(metrics.last_step(), Some(2));
    }

    #[test]
    fn two_foreign_tags_of_one_meaning_stay_apart() {
        let mut metrics = RunMetrics::default();
        metrics.scalar("train_loss", 1, 0.0, 2.0);
        metrics.scalar("loss/current", 1, 0.0, 3.0);
        assert_eq!(metrics.tags(), ["train/loss", "train_loss"]);
    }

    #[test]
    fn a_restart_and_a_replaced_file_drop_points_and_texts() {
        let mut metrics = RunMetrics::default();
        for step in 0..5 {
            metrics.scalar("train/loss", step, 0.0, 2.0);
            metrics.text("samples/text", step, 0.0, "text");
        }
        metrics.purge(3);
        assert_eq!((metrics.points(), metrics.texts().len()), (3, 3));
        let revision = metrics.get("train/loss").map(Series::revision);
        metrics.clear();
        assert!(metrics.tags().is_empty());
        metrics.scalar("train/loss", 0, 0.0, 2.0);
        assert_ne!(metrics.get("train/loss").map(Series::revision), revision);
    }

    #[test]
    fn texts_are_bounded() {
        let mut metrics = RunMetrics::default();
        for step in 0..300 {
            metrics.text("samples/text", step, 0.0, &"ä".repeat(KEPT_TEXT_BYTES));
        }
        assert_eq!(metrics.texts().len(), KEPT_TEXTS);
        assert_eq!(metrics.texts()[0].step, 100);
        assert!(metrics.texts()[0].text.len() <= KEPT_TEXT_BYTES);
    }
}
