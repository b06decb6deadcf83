//! From bytes of a text to tokens.

use std::ops::Range;

/// The tokens that share at least one byte with `span`; tokens stand in the text's order.
pub(super) fn overlapping(offsets: &[Range<usize>], span: &Range<usize>) -> Range<usize> {
    if span.is_empty() {
        return 0..0;
    }
    let first = offsets.partition_point(|token| token.end <= span.start);
    let last = offsets.partition_point(|token| token.start < span.end);
    first..last.max(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_counts_where_it_shares_a_byte() {
        let offsets = [0..2, 2..5, 5..5, 5..9];
        assert_eq!(overlapping(&offsets, &(0..2)), 0..1);
        assert_eq!(overlapping(&offsets, &(1..3)), 0..2);
        assert_eq!(overlapping(&offsets, &(4..9)), 1..4);
        assert_eq!(overlapping(&offsets, &(3..3)), 0..0);
    }
}
