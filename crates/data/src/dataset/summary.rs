//! A data set in numbers, for reports and checks.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::Dataset;

const MOST_BINS: usize = 10;

/// Counts and token statistics of a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Files read.
    pub files: usize,
    /// Samples.
    pub samples: usize,
    /// Messages of all samples.
    pub messages: usize,
    /// Characters of all contents.
    pub characters: usize,
    /// Tokens per sample, after cutting.
    pub tokens: Distribution,
    /// Tokens per sample that the loss counts.
    pub trained_tokens: Distribution,
    /// Samples cut to the greatest length.
    pub truncated: usize,
    /// Samples whose conversation occurred before.
    pub duplicates: usize,
    /// Samples with an assistant turn that no special token ends: the model does not learn to stop there.
    pub without_end: usize,
    /// Samples that spell one of the model's special tokens in a content, where it counts as that token.
    pub special_in_content: usize,
    /// Names of what lies in the folder and was not read.
    pub ignored_files: Vec<String>,
}

/// How numbers are distributed; all zero where there are none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// The smallest.
    pub min: usize,
    /// Half are at most this (the lower of two middle ones).
    pub median: usize,
    /// 95 % are at most this.
    pub p95: usize,
    /// The greatest.
    pub max: usize,
    /// The sum.
    pub total: usize,
    /// At most ten bins of equal width.
    pub histogram: Vec<Bin>,
}

/// One bin of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bin {
    /// The smallest number that falls in.
    pub from: usize,
    /// The greatest number that falls in.
    pub to: usize,
    /// How many fall in.
    pub count: usize,
}

impl Distribution {
    /// The distribution of some numbers.
    pub fn of(mut numbers: Vec<usize>) -> Self {
        numbers.sort_unstable();
        let (Some(&min), Some(&max)) = (numbers.first(), numbers.last()) else { return Self::default() };
        let at_share = |hundredths: usize| numbers[(numbers.len() * hundredths).div_ceil(100).max(1) - 1];
        let width = (max - min + 1).div_ceil(MOST_BINS);
        let bins = (max - min + 1).div_ceil(width);
        let mut histogram: Vec<Bin> = (0..bins)
            .map(|bin| Bin { from: min + bin * width, to: min + (bin + 1) * width - 1, count: 0 })
            .collect();
        for number in &numbers {
            histogram[(number - min) / width].count += 1;
        }
        Self { min, median: at_share(50), p95: at_share(95), max, total: numbers.iter().sum(), histogram }
    }
}

impl Summary {
    pub(super) fn of(dataset: &Dataset) -> Self {
        let rows = &dataset.rows;
        let mut seen = HashSet::new();
        let mut files: Vec<&str> = rows.iter().map(|row| row.file.as_str()).collect();
        files.dedup();
        let distribution =
            |number: fn(&super::Row) -> usize| Distribution::of(rows.iter().map(number).collect());
        Self {
            files: files.len(),
            samples: rows.len(),
            messages: rows.iter().map(|row| row.roles.split(' ').count()).sum(),
            characters: rows.iter().map(|row| row.characters).sum(),
            tokens: distribution(|row| row.tokens),
            trained_tokens: distribution(|row| row.trained_tokens),
            truncated: rows.iter().filter(|row| row.full_tokens > row.tokens).count(),
            duplicates: rows.iter().filter(|row| !seen.insert(row.digest.as_str())).count(),
            without_end: rows.iter().filter(|row| row.turns_without_end > 0).count(),
            special_in_content: rows.iter().filter(|row| row.special_in_content).count(),
            ignored_files: dataset.ignored_files.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_distribution_is_that_of_its_numbers() {
        let distribution = Distribution::of((1..=100).rev().collect());
        let Distribution { min, median, p95, max, total, histogram } = distribution;
        assert_eq!((min, median, p95, max, total), (1, 50, 95, 100, 5050));
        assert_eq!((histogram.len(), histogram[0]), (10, Bin { from: 1, to: 10, count: 10 }));
        assert_eq!(Distribution::of(vec![7]).histogram, [Bin { from: 7, to: 7, count: 1 }]);
        assert_eq!(Distribution::of(Vec::new()), Distribution::default());
    }

    proptest! {
        #[test]
        fn every_number_falls_into_one_bin(numbers in proptest::collection::vec(0usize..5000, 1..50)) {
            let distribution = Distribution::of(numbers.clone());
            prop_assert_eq!(distribution.histogram.iter().map(|bin| bin.count).sum::<usize>(), numbers.len());
            prop_assert!(distribution.histogram.len() <= MOST_BINS);
            prop_assert!(distribution.median <= distribution.p95 && distribution.p95 <= distribution.max);
        }
    }
}
