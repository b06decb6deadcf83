//! What differs between the configurations of some runs.

use std::collections::BTreeSet;

use super::field::parse_number;
use super::run::Run;

/// A key that not all runs agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The configuration key.
    pub key: String,
    /// Each run's value, in the order asked for; `None` where a run has none.
    pub values: Vec<Option<String>>,
}

/// Keys that name a run or tell where it came from rather than what it does.
fn is_about_the_run(key: &str) -> bool {
    key.starts_with("provenance.") || matches!(key, "provenance" | "run_name" | "output_dir" | "notes")
}

/// The configuration keys on which `runs` differ, by name. Numbers count as equal by value (`2e-4`, `0.0002`).
pub fn differences(runs: &[&Run]) -> Vec<Difference> {
    let keys: BTreeSet<&str> = runs
        .iter()
        .flat_map(|run| run.config.iter())
        .map(|(key, _)| key)
        .filter(|key| !is_about_the_run(key))
        .collect();
    keys.into_iter().filter_map(|key| difference(key, runs)).collect()
}

fn difference(key: &str, runs: &[&Run]) -> Option<Difference> {
    let values: Vec<Option<&str>> = runs.iter().map(|run| run.config.get(key)).collect();
    let differs = values.windows(2).any(|pair| !same(pair[0], pair[1]));
    let owned = |value: Option<&str>| value.map(str::to_owned);
    differs.then(|| Difference { key: key.to_owned(), values: values.into_iter().map(owned).collect() })
}

fn same(left: Option<&str>, right: Option<&str>) -> bool {
    let number = |text: Option<&str>| text.and_then(parse_number);
    match (number(left), number(right)) {
        (Some(left), Some(right)) => left.total_cmp(&right).is_eq(),
        _ => left == right,
    }
}
