//! Runs that differ only in their seed: one experiment done several times.

use loradeck_core::config::find_key;

use super::Runs;
use crate::store::{Difference, Run, RunId, differences, parse_number};

/// The key that runs of one group may differ in.
const SEED: &str = "seed";

/// Runs with the same settings but for the seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedGroup {
    /// The runs, in the order in which they are charted.
    pub runs: Vec<RunId>,
    /// What tells this group from the others: `rank 8, lr 2e-3`.
    pub label: String,
}

impl SeedGroup {
    /// Whether it is drawn as a band: there is more than one run.
    pub fn is_band(&self) -> bool {
        self.runs.len() > 1
    }
}

/// The runs grouped by everything but their seed, in the order of each group's first run.
pub fn seed_groups(runs: &Runs, charted: &[RunId]) -> Vec<SeedGroup> {
    let found: Vec<&Run> = charted.iter().filter_map(|id| runs.get(*id)).collect();
    let differing: Vec<Difference> =
        differences(&found).into_iter().filter(|difference| difference.key != SEED).collect();
    let told: Vec<&Difference> =
        differing.iter().filter(|difference| !follows_rank(difference, &differing)).collect();
    let mut groups: Vec<(Vec<String>, SeedGroup)> = Vec::new();
    for (index, run) in found.iter().enumerate() {
        let value = |difference: &Difference| compared(difference.values[index].as_deref());
        // Runs of two experiments are two things even where their settings agree.
        let mut key: Vec<String> = vec![format!("{} {}", run.workspace, run.experiment)];
        key.extend(differing.iter().map(value));
        if let Some((_, group)) = groups.iter_mut().find(|(known, _)| *known == key) {
            group.runs.push(run.id);
            continue;
        }
        let words: Vec<String> = told.iter().filter_map(|difference| words(difference, index)).collect();
        let label = if words.is_empty() { run.experiment.clone() } else { words.join(", ") };
        groups.push((key, SeedGroup { runs: vec![run.id], label }));
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// `lora_alpha` mostly follows the rank, and then tells nothing.
fn follows_rank(difference: &Difference, all: &[Difference]) -> bool {
    difference.key == "lora_alpha" && all.iter().any(|other| other.key == "lora_rank")
}

/// Numbers are equal by value, as [`differences`] has it.
fn compared(value: Option<&str>) -> String {
    match value {
        Some(text) => parse_number(text).map_or_else(|| format!("={text}"), |number| format!("{number:e}")),
        None => String::new(),
    }
}

fn words(difference: &Difference, index: usize) -> Option<String> {
    let value = difference.values[index].as_ref()?;
    let aliases = find_key(&difference.key).map(|key| key.aliases).unwrap_or_default();
    let name = aliases.iter().find(|alias| alias.len() > 1).copied().unwrap_or(&difference.key);
    Some(format!("{name} {value}"))
}

#[cfg(test)]
mod tests {
    use loradeck_core::run::State;

    use super::*;
    use crate::tui::sample::{self, made_up};

    #[test]
    fn runs_are_grouped_by_everything_but_their_seed() {
        let folder = tempfile::tempdir().unwrap();
        let mut made = made_up::MadeUp::new(folder.path());
        for (number, (rank, seed)) in
            [(4, 0), (8, 0), (4, 1), (8, 1), (4, 2), (16, 0)].into_iter().enumerate()
        {
            let mut plan = made_up::Plan::new(number as u32 + 1, rank, 1e-3).at(State::Finished, 4);
            plan.seed = seed;
            made.add("seeds", &plan);
        }
        let sample = sample::of(folder, made);
        let ids = sample.ids();
        let groups = seed_groups(&sample.runs, &ids);
        let shape: Vec<(&str, Vec<RunId>)> =
            groups.iter().map(|group| (group.label.as_str(), group.runs.clone())).collect();
        let expected = [
            ("rank 4", vec![ids[0], ids[2], ids[4]]),
            ("rank 8", vec![ids[1], ids[3]]),
            ("rank 16", vec![ids[5]]),
        ];
        assert_eq!(shape, expected);
        let alone = seed_groups(&sample.runs, &[ids[0], ids[2]]);
        assert_eq!((alone.len(), alone[0].label.as_str()), (1, "seeds"));
        assert!(seed_groups(&sample.runs, &[]).is_empty());
    }
}
