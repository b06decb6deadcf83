//! What is allowed in a data set but worth knowing, one sentence each.

use std::collections::BTreeMap;

use super::{Row, TrainingData};
use crate::chat::LeftOut;

impl TrainingData {
    /// What the chat template makes of the conversations that a reader of the data would not expect, with the number
    /// of samples and the first one's place.
    pub fn notes(&self) -> Vec<String> {
        let rows = || self.train.rows.iter().chain(self.eval.iter().flat_map(|eval| &eval.rows));
        let mut left_out: BTreeMap<&LeftOut, Found<'_>> = BTreeMap::new();
        for row in rows() {
            for what in &row.left_out {
                left_out.entry(what).or_insert(Found { first: row, samples: 0 }).samples += 1;
            }
        }
        let mut notes: Vec<String> = left_out
            .iter()
            .map(|(what, found)| found.sentence(&format!("the chat template {what}")))
            .collect();
        let mut merged = rows().filter(|row| row.merged_starts > 0);
        if let Some(first) = merged.next() {
            let found = Found { first, samples: 1 + merged.count() };
            notes.push(found.sentence(
                "an answer's first token also holds the end of the template's header, which is learnt with it and \
                 cannot be asked for at that place",
            ));
        }
        notes
    }
}

struct Found<'a> {
    first: &'a Row,
    samples: usize,
}

impl Found<'_> {
    fn sentence(&self, what: &str) -> String {
        let Self { first, samples } = self;
        let plural = if *samples == 1 { "" } else { "s" };
        format!("{what} in {samples} sample{plural} (first in {}:{})", first.file, first.line)
    }
}
