//! Which samples are no longer those that a checkpoint was trained on: by the table of samples that lies beside it.

use std::collections::HashSet;

use loradeck_core::file;
use loradeck_core::run::RunFolder;

use crate::error::TrainError;
use crate::tasks::TaskInputs;

/// Samples that are named.
const MOST: usize = 3;
/// Characters of a sample's row that are shown.
const SHOWN: usize = 80;

/// Adds the samples that differ to an error of a checkpoint that belongs to another training.
pub(super) fn named(error: TrainError, run: &RunFolder, inputs: &dyn TaskInputs) -> TrainError {
    match error {
        TrainError::Identity { path, field, stored, wanted, .. } => {
            let before = file::read_text(&run.metadata()).unwrap_or_default();
            let rows = changed(&before, &inputs.metadata_csv());
            TrainError::Identity { path, field, stored, wanted, rows }
        }
        other => other,
    }
}

/// The rows that only one of two tables has, `; now …` and `; before …`, after `: `; empty where they agree or one is
/// not there.
fn changed(before: &str, after: &str) -> String {
    if before.is_empty() || after.is_empty() {
        return String::new();
    }
    let only = |of: &str, other: &str| -> Vec<String> {
        let other: HashSet<&str> = other.lines().collect();
        of.lines()
            .filter(|line| !other.contains(line))
            .map(|line| line.chars().take(SHOWN).collect())
            .collect()
    };
    let told = [("before", only(before, after)), ("now", only(after, before))];
    let told: Vec<String> = told
        .iter()
        .filter(|(_, rows)| !rows.is_empty())
        .map(|(when, rows)| {
            let more = rows.len().saturating_sub(MOST);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{when} '{}'{more}", rows[..rows.len().min(MOST)].join("', '"))
        })
        .collect();
    if told.is_empty() { String::new() } else { format!(": samples {}", told.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_that_differ_are_named() {
        let before = "split,file,caption\ntrain,a.png,a tree\ntrain,b.png,a house\n";
        assert_eq!(
            changed(before, &before.replace("a tree", "a bush")),
            ": samples before 'train,a.png,a tree'; now 'train,a.png,a bush'"
        );
        assert_eq!(changed(before, before), "");
        assert_eq!((changed("", before), changed(before, "")), (String::new(), String::new()));
        let many =
            ["train,0.png,x", "train,1.png,x", "train,2.png,x", "train,3.png,x", "train,4.png,x"].join("\n");
        assert!(
            changed(before, &format!("{before}{many}"))
                .ends_with("now 'train,0.png,x', 'train,1.png,x', 'train,2.png,x' and 2 more")
        );
    }
}
