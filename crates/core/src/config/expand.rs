//! The cartesian product of a sweep, by number: the first key varies slowest, as nested loops in the file's order.

use super::experiment::Entry;
use super::sweep::Parameter;

/// How many combinations there are; 1 where nothing is swept.
pub(crate) fn count(swept: &[Parameter]) -> u64 {
    swept.iter().fold(1, |product: u64, parameter| product.saturating_mul(parameter.values.len() as u64))
}

/// The combination of that number, below [`count`]: one value per parameter, in order.
pub(crate) fn combination(swept: &[Parameter], number: u64) -> Vec<&Entry> {
    let mut rest = number;
    let mut chosen: Vec<&Entry> = Vec::with_capacity(swept.len());
    for parameter in swept.iter().rev() {
        let length = parameter.values.len().max(1) as u64;
        chosen.extend(parameter.values.get((rest % length) as usize));
        rest /= length;
    }
    chosen.reverse();
    chosen
}
