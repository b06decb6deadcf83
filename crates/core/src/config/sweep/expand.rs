//! The combinations of a sweep, by number: the first axis varies slowest, as nested loops in the file's order.

use super::axis::Axis;
use super::gate::{Gated, active};
use super::search_plan::Condition;
use crate::config::experiment::Entry;
use crate::config::value::Value;

/// The most combinations that are looked through for those in which all conditions hold.
const LOOKED_THROUGH: u64 = 1_000_000;

/// A sweep with more trials than it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany {
    /// How many there are, where that is known.
    pub(crate) count: Option<u64>,
}

impl Gated for Axis {
    fn sets(&self, key: &str) -> bool {
        self.keys.iter().any(|known| known.name == key)
    }

    fn conditions(&self) -> &[Condition] {
        &self.when
    }
}

/// The first `cap` combinations, each with the entries that vary in it; an error where they are more than `limit`.
/// `fixed` tells the value of a key that no axis sets.
pub(crate) fn combinations<'a>(
    axes: &'a [Axis],
    fixed: &dyn Fn(&str) -> Option<Value>,
    cap: u64,
    limit: u64,
) -> Result<Vec<Vec<&'a Entry>>, TooMany> {
    let whole = axes.iter().fold(1, |product: u64, axis| product.saturating_mul(axis.len()));
    let has_conditions = axes.iter().any(|axis| !axis.when.is_empty());
    if !has_conditions && whole.min(cap) > limit {
        return Err(TooMany { count: Some(whole) });
    }
    let mut found = Vec::new();
    for number in 0..whole {
        if found.len() as u64 == cap {
            break;
        }
        let next = chosen(axes, &decoded(axes, number), has_conditions, fixed);
        if number == LOOKED_THROUGH || (next.is_some() && found.len() as u64 == limit) {
            return Err(TooMany { count: None });
        }
        found.extend(next);
    }
    Ok(found)
}

/// One index per axis.
fn decoded(axes: &[Axis], number: u64) -> Vec<u64> {
    let mut rest = number;
    let mut indices: Vec<u64> = Vec::with_capacity(axes.len());
    for axis in axes.iter().rev() {
        let length = axis.len().max(1);
        indices.push(rest % length);
        rest /= length;
    }
    indices.reverse();
    indices
}

/// The entries of one combination. An axis that does not vary stands at its first row only, so that no combination
/// comes twice.
fn chosen<'a>(
    axes: &'a [Axis],
    indices: &[u64],
    has_conditions: bool,
    fixed: &dyn Fn(&str) -> Option<Value>,
) -> Option<Vec<&'a Entry>> {
    let entries = |at: usize| axes[at].row(indices[at]).iter().flatten();
    if !has_conditions {
        return Some((0..axes.len()).flat_map(entries).collect());
    }
    let value_of = |key: &str| {
        let entry = (0..axes.len()).flat_map(entries).find(|entry| entry.key.name == key);
        entry.map(|entry| entry.value.clone()).or_else(|| fixed(key))
    };
    let varies = active(axes, &value_of);
    if varies.iter().zip(indices).any(|(varies, index)| !varies && *index != 0) {
        return None;
    }
    Some((0..axes.len()).filter(|at| varies[*at]).flat_map(entries).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::find_key;
    use crate::config::place::Place;

    fn axis(name: &str, count: i128) -> Axis {
        let key = find_key(name).unwrap();
        let row = |number| vec![Some(Entry { key, value: Value::Whole(number), place: Place::File })];
        Axis::coupled(vec![key], (1..=count).map(row).collect(), Place::File)
    }

    fn count(axes: &[Axis], cap: u64, limit: u64) -> Result<usize, TooMany> {
        combinations(axes, &|_| None, cap, limit).map(|found| found.len())
    }

    #[test]
    fn as_many_as_may_be_are_not_too_many() {
        let axes = [axis("seed", 5), axis("lora_rank", 4)];
        assert_eq!(count(&axes, u64::MAX, 20), Ok(20));
        assert_eq!(count(&axes, u64::MAX, 19), Err(TooMany { count: Some(20) }));
        assert_eq!(count(&axes, 19, 19), Ok(19));
        assert_eq!(count(&[], u64::MAX, 19), Ok(1));
        let mut rank = axis("lora_rank", 4);
        rank.when = vec![Condition { key: "seed".to_owned(), values: vec![Value::Whole(1)] }];
        // Four with the first seed, one with each of the others.
        let axes = [axis("seed", 5), rank];
        assert_eq!(count(&axes, u64::MAX, 8), Ok(8));
        assert_eq!(count(&axes, u64::MAX, 7), Err(TooMany { count: None }));
        assert_eq!(count(&axes, 3, 7), Ok(3));
    }
}
