//! Sort keys: a field's name, with `-` in front for the other way round.

use std::cmp::Ordering;

use loradeck_core::metrics::{Goal, registry};

use super::field::{FieldValue, field};
use super::run::{Run, ShownState};

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

    /// The order of two runs: pinned ones first, then by the field (metrics best first), runs without it last; equals
    /// by experiment and number.
    pub fn compare(&self, left: &Run, right: &Run) -> Ordering {
        let pinned = right.labels.pin.cmp(&left.labels.pin);
        pinned.then_with(|| self.by_field(left, right)).then_with(|| natural(left, right))
    }

    fn by_field(&self, left: &Run, right: &Run) -> Ordering {
        if self.field.is_empty() {
            let order = natural(left, right);
            return if self.reversed { order.reverse() } else { order };
        }
        if self.field == "state" {
            let order = order_of(left.state()).cmp(&order_of(right.state()));
            return if self.reversed { order.reverse() } else { order };
        }
        match (field(left, &self.field), field(right, &self.field)) {
            (Some(left), Some(right)) => {
                let order = compare(&left, &right);
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

fn order_of(state: ShownState) -> usize {
    state as usize
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
