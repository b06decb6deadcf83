//! Which axes vary, given the values of others: an axis with conditions does only where all of them hold, and where
//! the axes they are about vary themselves.

use super::search_plan::Condition;
use crate::config::value::Value;

/// Something with conditions.
pub(crate) trait Gated {
    /// Whether it sets the key.
    fn sets(&self, key: &str) -> bool;
    /// What must hold for it.
    fn conditions(&self) -> &[Condition];
}

/// For each axis whether it varies; `value_of` tells the value that a key would have.
pub(crate) fn active<G: Gated>(axes: &[G], value_of: &dyn Fn(&str) -> Option<Value>) -> Vec<bool> {
    (0..axes.len()).map(|index| is_active(axes, index, value_of, axes.len())).collect()
}

/// `depth` ends what a circle would not; those are refused before they come here.
fn is_active<G: Gated>(
    axes: &[G],
    index: usize,
    value_of: &dyn Fn(&str) -> Option<Value>,
    depth: usize,
) -> bool {
    axes[index].conditions().iter().all(|condition| {
        let parent = axes.iter().position(|axis| axis.sets(&condition.key));
        let varies = parent.is_none_or(|parent| depth > 0 && is_active(axes, parent, value_of, depth - 1));
        varies && value_of(&condition.key).is_some_and(|value| condition.values.contains(&value))
    })
}

/// An axis whose conditions lead back to itself.
pub(crate) fn circle<G: Gated>(axes: &[G]) -> Option<usize> {
    (0..axes.len()).find(|start| {
        let mut seen = vec![false; axes.len()];
        let mut next = parents(axes, *start);
        while let Some(index) = next.pop() {
            if index == *start {
                return true;
            }
            if !std::mem::replace(&mut seen[index], true) {
                next.extend(parents(axes, index));
            }
        }
        false
    })
}

fn parents<G: Gated>(axes: &[G], index: usize) -> Vec<usize> {
    let keys = axes[index].conditions().iter().map(|condition| condition.key.as_str());
    keys.filter_map(|key| axes.iter().position(|axis| axis.sets(key))).collect()
}
