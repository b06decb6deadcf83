//! Sort keys: a field's name, with `-` in front for the other way round.

use std::cmp::Ordering;

use loradeck_core::metrics::{Goal, registry};

use super::field::{FieldName, FieldValue};
use super::run::Run;

/// How a list is sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SortKey {
    /// The field's name; empty for the order of experiments and numbers.
    pub field: String,
    /// The other way round.
    pub reversed: bool,
}

impl SortKey {
    /// Reads `field` or `-field`.
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix('-') {
            Some(field) => Self { field: field.to_owned(), reversed: true },
            None => Self { field: text.to_owned(), reversed: false },
        }
    }

    /// Sorts runs: pinned ones first, then by the field (metrics best first), runs without it last; equals by
    /// workspace, experiment and number.
    pub fn sort(&self, runs: &mut Vec<&Run>) {
        let name = FieldName::new(&self.field);
        let keyed = runs.iter().map(|run| (self.value(&name, run), *run));
        let mut keyed: Vec<(Option<FieldValue<'_>>, &Run)> = keyed.collect();
        keyed.sort_by(|(left_value, left), (right_value, right)| {
            let pinned = right.labels.pin.cmp(&left.labels.pin);
            let by_value = || self.by_value(left_value.as_ref(), right_value.as_ref());
            let by_place = || match natural(left, right) {
                order if self.field.is_empty() && self.reversed => order.reverse(),
                order => order,
            };
            pinned.then_with(by_value).then_with(by_place)
        });
        runs.clear();
        runs.extend(keyed.into_iter().map(|(_, run)| run));
    }

    fn value<'a>(&self, name: &FieldName, run: &'a Run) -> Option<FieldValue<'a>> {
        match self.field.as_str() {
            "" => None,
            // States sort by how much they want attention, not by their names.
            "state" => Some(FieldValue::Number(f64::from(run.state() as u8))),
            _ => name.of(run),
        }
    }

    fn by_value(&self, left: Option<&FieldValue<'_>>, right: Option<&FieldValue<'_>>) -> Ordering {
        match (left, right) {
            (Some(left), Some(right)) => {
                let order = compare(left, right);
                if self.reversed == self.higher_is_better() { order } else { order.reverse() }
            }
            (left, right) => right.is_some().cmp(&left.is_some()),
        }
    }

    fn higher_is_better(&self) -> bool {
        let tag = self.field.trim_end_matches(".best").trim_end_matches(".last").trim_end_matches(".first");
        tag.contains('/') && registry::describe(tag).goal == Some(Goal::Maximise)
    }
}

fn compare(left: &FieldValue<'_>, right: &FieldValue<'_>) -> Ordering {
    match (left.number(), right.number()) {
        (Some(left), Some(right)) => left.total_cmp(&right),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left.text().cmp(&right.text()),
    }
}

/// By workspace, experiment and number.
pub(super) fn natural(left: &Run, right: &Run) -> Ordering {
    (left.workspace, &left.experiment, &left.name).cmp(&(right.workspace, &right.experiment, &right.name))
}
