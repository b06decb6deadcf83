//! One tokenised sample, and the padding of several into one rectangular batch.

/// The tokens of one conversation and which of them are learnt.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Sample {
    /// Token ids.
    pub ids: Vec<u32>,
    /// For each token, whether it is a target of the loss. Not shifted: the trainer predicts token `i` from those
    /// before it wherever `labels_mask[i]` is true, so the first one is never a target.
    pub labels_mask: Vec<bool>,
}

impl Sample {
    /// The number of tokens that the loss counts.
    pub fn trained_tokens(&self) -> usize {
        self.labels_mask.iter().skip(1).filter(|trained| **trained).count()
    }
}

/// Several samples as one rectangle, padded on the right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Token ids, `[rows, width]` in row-major order.
    pub ids: Vec<i64>,
    /// Which tokens are targets, in the same order; false on padding. Not shifted, as in [`Sample`].
    pub labels_mask: Vec<bool>,
    /// The number of real tokens of each row.
    pub lengths: Vec<usize>,
    /// The number of rows.
    pub rows: usize,
    /// The number of columns.
    pub width: usize,
}

impl Batch {
    /// The number of tokens that the loss counts.
    pub fn trained_tokens(&self) -> usize {
        let rows = self.labels_mask.chunks(self.width.max(1));
        rows.map(|row| row.iter().skip(1).filter(|trained| **trained).count()).sum()
    }
}

/// Pads samples on the right with `pad_id` to the longest, rounded up to a multiple of `multiple` (1: as long as the
/// longest). Causal attention never looks right, so real tokens do not see the padding.
pub fn collate(samples: &[&Sample], pad_id: u32, multiple: usize) -> Batch {
    let longest = samples.iter().map(|sample| sample.ids.len()).max().unwrap_or(0);
    let width = longest.div_ceil(multiple.max(1)) * multiple.max(1);
    let mut batch = Batch {
        ids: Vec::with_capacity(samples.len() * width),
        labels_mask: Vec::with_capacity(samples.len() * width),
        lengths: Vec::with_capacity(samples.len()),
        rows: samples.len(),
        width,
    };
    for (row, sample) in samples.iter().enumerate() {
        batch.ids.extend(sample.ids.iter().map(|id| i64::from(*id)));
        batch.ids.resize((row + 1) * width, i64::from(pad_id));
        batch.labels_mask.extend(&sample.labels_mask);
        batch.labels_mask.resize((row + 1) * width, false);
        batch.lengths.push(sample.ids.len());
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_on_the_right_and_never_a_target() {
        let long = Sample { ids: vec![1, 2, 3], labels_mask: vec![false, true, true] };
        let short = Sample { ids: vec![4], labels_mask: vec![true] };
        let batch = collate(&[&long, &short], 9, 1);
        assert_eq!((batch.rows, batch.width, batch.lengths.as_slice()), (2, 3, [3, 1].as_slice()));
        assert_eq!(batch.ids, [1, 2, 3, 4, 9, 9]);
        assert_eq!(batch.labels_mask, [false, true, true, true, false, false]);
        // The first token of a row has nothing before it that could predict it.
        assert_eq!((batch.trained_tokens(), long.trained_tokens(), short.trained_tokens()), (2, 2, 0));
        assert_eq!(collate(&[&long, &short], 9, 8).width, 8);
        assert_eq!(collate(&[], 9, 8).width, 0);
    }
}
