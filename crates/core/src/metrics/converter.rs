//! From readings of foreign sources to the run's own event files: what is new is appended, what is known is left, and
//! what contradicts the known is a restart.
//!
//! Because a source that is read again from its beginning changes nothing, a file that is replaced whole, a process
//! that takes over, and a trainer that starts its table afresh are all the same case.

use std::collections::{BTreeMap, HashMap};

use super::event::Image;
use super::registry::{canonical, describe};
use super::series::Goal;
use super::source::Reading;
use super::tail::EventSink;
use super::writer::EventWriter;
use crate::error::FileError;
use crate::run::MetricBest;
use crate::time::Moment;

/// A value as the event files hold it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Known {
    step: u64,
    time: f64,
    value: f32,
}

/// What must be written so that readers of the event files see what the sources say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Update {
    /// A restart: what was written at this step or later does not count any more.
    pub purge: Option<u64>,
    /// Then these, by step.
    pub readings: Vec<Reading>,
}

impl Update {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.purge.is_none() && self.readings.is_empty()
    }

    /// Appends the update to an event file; readings of one step and time are one event.
    ///
    /// # Errors
    /// [`FileError`] where the file cannot be written.
    pub fn write(&self, writer: &mut EventWriter, now: Moment) -> Result<(), FileError> {
        if let Some(step) = self.purge {
            writer.session_start(step, now)?;
        }
        let together = |a: &Reading, b: &Reading| a.step == b.step && a.time.to_bits() == b.time.to_bits();
        for event in self.readings.chunk_by(together) {
            let values: Vec<(&str, f32)> =
                event.iter().map(|reading| (reading.tag.as_str(), reading.value as f32)).collect();
            writer.scalars(event[0].step, &values, Moment::from_seconds(event[0].time))?;
        }
        Ok(())
    }
}

/// Everything that a run's event files say, and which source each tag belongs to.
#[derive(Clone, Debug, Default)]
pub struct Converter {
    known: BTreeMap<String, Vec<Known>>,
    owners: HashMap<String, usize>,
}

impl Converter {
    /// What follows from the readings of one look at source number `source`. A tag belongs to the first source that
    /// has it; what others say of it is left out.
    pub fn take(&mut self, source: usize, readings: Vec<Reading>) -> Update {
        let mut update = Update::default();
        for reading in settled(readings) {
            if *self.owners.entry(reading.tag.clone()).or_insert(source) != source {
                continue;
            }
            match self.compare(&reading) {
                Comparison::Known => {}
                Comparison::New => {
                    self.push(&reading);
                    update.readings.push(reading);
                }
                Comparison::Restart => {
                    update.purge = Some(update.purge.map_or(reading.step, |step| step.min(reading.step)));
                    self.truncate(&reading.tag, reading.step);
                    self.push(&reading);
                }
            }
        }
        if let Some(step) = update.purge {
            update.readings.retain(|reading| reading.step < step);
            update.readings.extend(self.from(step));
        }
        update.readings.sort_by(|a, b| a.step.cmp(&b.step).then(a.time.total_cmp(&b.time)));
        update
    }

    /// Our tags with what a summary tells of them.
    pub fn bests(&self) -> BTreeMap<String, MetricBest> {
        let mut bests = BTreeMap::new();
        for (tag, known) in &self.known {
            let ours = canonical(tag);
            if ours != tag && self.known.contains_key(ours) {
                continue;
            }
            let higher_is_better = describe(ours).goal == Some(Goal::Maximise);
            if let Some(best) = best_of(known, higher_is_better) {
                bests.insert(ours.to_owned(), best);
            }
        }
        bests
    }

    /// Our tags whose values are not finite to the end, with the first step of that end.
    pub fn not_finite(&self) -> BTreeMap<String, u64> {
        let tail = |known: &Vec<Known>| {
            let finite = known.iter().rposition(|known| known.value.is_finite());
            known.get(finite.map_or(0, |at| at + 1)).map(|first| first.step)
        };
        self.known.iter().filter_map(|(tag, known)| Some((canonical(tag).to_owned(), tail(known)?))).collect()
    }

    /// The highest step of any tag.
    pub fn last_step(&self) -> Option<u64> {
        self.known.values().filter_map(|known| known.last()).map(|last| last.step).max()
    }

    /// The first and the last time of any value, in seconds since 1970.
    pub fn span(&self) -> Option<(f64, f64)> {
        let times = || self.known.values().flatten().map(|known| known.time).filter(|time| time.is_finite());
        times().reduce(f64::min).zip(times().reduce(f64::max))
    }

    /// When that step was, as far as other values tell; for sources that write no times.
    pub fn time_at(&self, step: u64) -> Option<f64> {
        let before = |known: &Vec<Known>| {
            let at = known.partition_point(|known| known.step <= step);
            at.checked_sub(1).map(|index| known[index].time)
        };
        self.known.values().filter_map(before).reduce(f64::max)
    }

    /// The newest value of `tag`, one of ours.
    pub fn last(&self, tag: &str) -> Option<f64> {
        let of = |(known, values): (&String, &Vec<Known>)| {
            (canonical(known) == tag).then(|| values.last().copied()).flatten()
        };
        self.known.iter().filter_map(of).max_by_key(|last| last.step).map(|last| f64::from(last.value))
    }

    fn compare(&self, reading: &Reading) -> Comparison {
        let Some(known) = self.known.get(&reading.tag) else { return Comparison::New };
        let at = known.partition_point(|known| known.step < reading.step);
        match known.get(at) {
            Some(there) if there.step == reading.step && is_same(there.value, reading.value as f32) => {
                Comparison::Known
            }
            // A value that is written again at the newest step replaces it, which readers do by themselves.
            Some(there) if there.step == reading.step && at + 1 == known.len() => Comparison::New,
            Some(_) => Comparison::Restart,
            None => Comparison::New,
        }
    }

    fn push(&mut self, reading: &Reading) {
        let known = self.known.entry(reading.tag.clone()).or_default();
        let fresh = Known { step: reading.step, time: reading.time, value: reading.value as f32 };
        let at = known.partition_point(|known| known.step < reading.step);
        match known.get_mut(at) {
            Some(there) if there.step == reading.step => *there = fresh,
            _ => known.insert(at, fresh),
        }
    }

    fn truncate(&mut self, tag: &str, step: u64) {
        if let Some(known) = self.known.get_mut(tag) {
            known.truncate(known.partition_point(|known| known.step < step));
        }
    }

    /// All values of all tags at `step` or later.
    fn from(&self, step: u64) -> Vec<Reading> {
        let mut readings: Vec<Reading> = Vec::new();
        for (tag, known) in &self.known {
            let start = known.partition_point(|known| known.step < step);
            readings.extend(known[start..].iter().map(|known| Reading {
                tag: tag.clone(),
                step: known.step,
                time: known.time,
                value: f64::from(known.value),
            }));
        }
        readings
    }
}

/// How a reading stands to what is known.
enum Comparison {
    Known,
    New,
    Restart,
}

fn is_same(left: f32, right: f32) -> bool {
    left.to_bits() == right.to_bits() || (left.is_nan() && right.is_nan())
}

/// What one look at a source comes to, where the source itself goes back to an earlier step: of each tag the last
/// word on every step, and nothing that a restart has made void.
fn settled(readings: Vec<Reading>) -> Vec<Reading> {
    let mut newest: HashMap<&str, (u64, usize)> = HashMap::new();
    let mut is_void = vec![false; readings.len()];
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, reading) in readings.iter().enumerate() {
        let of_tag = places.entry(&reading.tag).or_default();
        if newest.get(reading.tag.as_str()).is_some_and(|(step, _)| reading.step <= *step) {
            while let Some(last) = of_tag.pop_if(|last| readings[*last].step >= reading.step) {
                is_void[last] = true;
            }
        }
        of_tag.push(index);
        newest.insert(&reading.tag, (reading.step, index));
    }
    let mut kept = is_void.into_iter();
    let mut readings = readings;
    readings.retain(|_| !kept.next().unwrap_or(false));
    readings
}

fn best_of(known: &[Known], higher_is_better: bool) -> Option<MetricBest> {
    let finite = || known.iter().filter(|known| known.value.is_finite());
    let (first, last) = (finite().next()?, finite().next_back()?);
    let better = |a: &Known, b: &Known| if higher_is_better { b.value > a.value } else { b.value < a.value };
    let best = finite().fold(first, |best, known| if better(best, known) { known } else { best });
    Some(MetricBest {
        best: f64::from(best.value),
        best_step: best.step,
        last: f64::from(last.value),
        last_step: last.step,
        first: f64::from(first.value),
        first_step: first.step,
    })
}

/// What stands in the run's event files already, by whomever.
impl EventSink for Converter {
    fn scalar(&mut self, tag: &str, step: u64, time: f64, value: f64) {
        self.push(&Reading { tag: tag.to_owned(), step, time, value });
    }

    fn image(&mut self, _tag: &str, _step: u64, _time: f64, _image: &Image<'_>) {}

    fn purge(&mut self, step: u64) {
        for known in self.known.values_mut() {
            known.truncate(known.partition_point(|known| known.step < step));
        }
    }

    fn clear(&mut self) {
        self.known.clear();
    }
}

#[cfg(test)]
#[path = "converter_tests.rs"]
mod tests;
