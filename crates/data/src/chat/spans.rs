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

/// The tokens up to and with the last special one, where only white space follows it: a template's line break after
/// the end-of-turn token belongs to no answer. Without a special token, all of them.
pub(super) fn up_to_end(
    tokens: Range<usize>,
    text: &str,
    span: &Range<usize>,
    offsets: &[Range<usize>],
    is_special: impl Fn(usize) -> bool,
) -> Range<usize> {
    let Some(end) = tokens.clone().rev().find(|index| is_special(*index)) else { return tokens };
    let rest = text.get(offsets[end].end..span.end).unwrap_or_default();
    if rest.trim().is_empty() { tokens.start..end + 1 } else { tokens }
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

    #[test]
    fn white_space_behind_the_end_is_not_learnt() {
        let offsets = [0..2, 2..3, 3..4];
        let special = |index| index == 1;
        assert_eq!(up_to_end(0..3, "ab;\n", &(0..4), &offsets, special), 0..2);
        assert_eq!(up_to_end(0..3, "ab;c", &(0..4), &offsets, special), 0..3);
        assert_eq!(up_to_end(0..3, "ab;\n", &(0..4), &offsets, |_| false), 0..3);
    }
}
