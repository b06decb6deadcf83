//! Minima and maxima of blocks of values, so that any stretch of a long series is summed up in a few steps.
//!
//! Level 0 sums up blocks of 32 values, each further level 32 blocks of the one below.

use std::ops::Range;

/// Binary logarithm of how many nodes one node of the next level sums up.
const SHIFT: usize = 5;
/// How many nodes one node of the next level sums up.
const BLOCK: usize = 1 << SHIFT;
/// Levels kept: the last sums up 2^25 values per node.
const LEVELS: usize = 5;

/// The extremes of a stretch of values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extremes {
    /// The smallest finite value; infinite where there is none.
    pub min: f32,
    /// The largest finite value; negative infinite where there is none.
    pub max: f32,
    /// How many values are NaN or infinite.
    pub non_finite: u32,
}

impl Extremes {
    /// Of no values.
    pub const EMPTY: Self = Self { min: f32::INFINITY, max: f32::NEG_INFINITY, non_finite: 0 };

    /// Of one value.
    pub fn of(value: f32) -> Self {
        if value.is_finite() {
            Self { min: value, max: value, non_finite: 0 }
        } else {
            Self { non_finite: 1, ..Self::EMPTY }
        }
    }

    /// Of all values of a slice, without branches, so that the compiler can take several at once.
    pub fn of_all(values: &[f32]) -> Self {
        values.iter().fold(Self::EMPTY, |all, &value| {
            let finite = value.is_finite();
            Self {
                min: all.min.min(if finite { value } else { f32::INFINITY }),
                max: all.max.max(if finite { value } else { f32::NEG_INFINITY }),
                non_finite: all.non_finite + u32::from(!finite),
            }
        })
    }

    /// Of two stretches together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            non_finite: self.non_finite.saturating_add(other.non_finite),
        }
    }

    /// Whether a finite value is among them.
    pub fn has_finite(&self) -> bool {
        self.min <= self.max
    }
}

/// Values with the extremes of their blocks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pyramid {
    values: Vec<f32>,
    levels: [Vec<Extremes>; LEVELS],
}

impl Pyramid {
    /// The values themselves.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Appends a value.
    pub fn push(&mut self, value: f32) {
        let mut index = self.values.len();
        self.values.push(value);
        let extremes = Extremes::of(value);
        for nodes in &mut self.levels {
            index >>= SHIFT;
            match nodes.get_mut(index) {
                Some(node) => *node = node.and(extremes),
                None => nodes.push(extremes),
            }
        }
    }

    /// Keeps the first `length` values.
    pub fn truncate(&mut self, length: usize) {
        if length >= self.values.len() {
            return;
        }
        self.values.truncate(length);
        let mut below = length;
        for level in 0..LEVELS {
            // Nodes of kept values only stay; the one that also summed up dropped values is made anew.
            let whole = length >> (SHIFT * (level + 1));
            let part = (whole << SHIFT..below).map(|index| self.node(level, index));
            let rest = part.reduce(Extremes::and);
            self.levels[level].truncate(whole);
            self.levels[level].extend(rest);
            below = self.levels[level].len();
        }
    }

    /// Puts `value` at `index`, moving everything from there on back by one.
    pub fn insert(&mut self, index: usize, value: f32) {
        self.replace_rest(index, value, index);
    }

    /// Replaces the value at `index`.
    pub fn set(&mut self, index: usize, value: f32) {
        self.replace_rest(index, value, index + 1);
    }

    /// Puts `value` at `index`, followed by what stood from `rest` on.
    fn replace_rest(&mut self, index: usize, value: f32, rest: usize) {
        let moved = self.values.get(rest..).unwrap_or_default().to_vec();
        self.truncate(index);
        self.push(value);
        for value in moved {
            self.push(value);
        }
    }

    /// The extremes of a stretch, in a few dozen steps however long it is.
    pub fn extremes(&self, stretch: Range<usize>) -> Extremes {
        let (start, end) = (stretch.start, stretch.end.min(self.values.len()));
        // The whole blocks of 32 within the stretch; what is before and after them is short.
        let first = start.next_multiple_of(BLOCK);
        let last = end - end % BLOCK;
        if first >= last {
            return Extremes::of_all(self.values.get(start..end).unwrap_or_default());
        }
        let edges =
            Extremes::of_all(&self.values[start..first]).and(Extremes::of_all(&self.values[last..end]));
        edges.and(self.blocks(first >> SHIFT, last >> SHIFT))
    }

    /// The extremes of the blocks of level 0 from `at` to `end`.
    fn blocks(&self, mut at: usize, end: usize) -> Extremes {
        let mut all = Extremes::EMPTY;
        while at < end {
            // The largest node that begins here and ends within the stretch.
            let mut level = 0;
            let mut width = 1;
            while level + 1 < LEVELS && at.is_multiple_of(width * BLOCK) && at + width * BLOCK <= end {
                level += 1;
                width *= BLOCK;
            }
            all = all.and(self.levels[level][at / width]);
            at += width;
        }
        all
    }

    /// The first place of exactly `value`, one of [`Pyramid::extremes`]' answers, within a stretch.
    #[allow(clippy::float_cmp)]
    pub fn position(&self, stretch: Range<usize>, value: f32) -> Option<usize> {
        let end = stretch.end.min(self.values.len());
        let mut at = stretch.start;
        while at < end {
            let block = &self.levels[0][at >> SHIFT];
            let next = ((at >> SHIFT) + 1) << SHIFT;
            if block.min <= value && value <= block.max {
                let found = (at..next.min(end)).find(|&index| self.values[index] == value);
                if found.is_some() {
                    return found;
                }
            }
            at = next;
        }
        None
    }

    /// Node `index` of what `level` sums up: values for 0, blocks of the level below for others.
    fn node(&self, level: usize, index: usize) -> Extremes {
        match level.checked_sub(1) {
            None => Extremes::of(self.values[index]),
            Some(below) => self.levels[below][index],
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[f32]) -> Pyramid {
        let mut pyramid = Pyramid::default();
        for value in values {
            pyramid.push(*value);
        }
        pyramid
    }

    fn plainly(values: &[f32]) -> Extremes {
        values.iter().map(|value| Extremes::of(*value)).fold(Extremes::EMPTY, Extremes::and)
    }

    fn values() -> impl Strategy<Value = Vec<f32>> {
        let value = prop_oneof![9 => -1e3f32..1e3, 1 => Just(f32::NAN), 1 => Just(f32::INFINITY)];
        proptest::collection::vec(value, 0..3000)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn extremes_are_those_of_a_plain_scan(values in values(), a in 0usize..3000, b in 0usize..3000) {
            let (a, b) = (a.min(b).min(values.len()), a.max(b).min(values.len()));
            let pyramid = of(&values);
            let extremes = pyramid.extremes(a..b);
            prop_assert_eq!(extremes, plainly(&values[a..b]));
            if extremes.has_finite() {
                let place = pyramid.position(a..b, extremes.max).unwrap();
                prop_assert_eq!(Some(place - a), values[a..b].iter().position(|v| *v >= extremes.max && v.is_finite()));
            }
        }

        #[test]
        fn a_changed_pyramid_equals_a_fresh_one(values in values(), at in 0usize..3000, value in -2e3f32..2e3) {
            let at = at.min(values.len());
            let mut expected = values.iter().copied().filter(|v| v.is_finite()).collect::<Vec<_>>();
            let at = at.min(expected.len());
            let mut pyramid = of(&expected);
            pyramid.insert(at, value);
            expected.insert(at, value);
            prop_assert_eq!(&pyramid, &of(&expected));
            pyramid.set(at, 7.0);
            expected[at] = 7.0;
            prop_assert_eq!(&pyramid, &of(&expected));
            pyramid.truncate(at);
            prop_assert_eq!(&pyramid, &of(&expected[..at]));
        }
    }

    #[test]
    fn a_spike_that_was_cut_off_is_forgotten_on_every_level() {
        for length in 2000..2060 {
            let mut pyramid = of(&vec![1.0; length]);
            pyramid.push(99.0);
            pyramid.truncate(length);
            assert_eq!(pyramid, of(&vec![1.0; length]), "{length}");
        }
    }

    #[test]
    fn one_spike_in_a_million_is_found() {
        let mut pyramid = Pyramid::default();
        (0..1_000_000).for_each(|index| pyramid.push(if index == 654_321 { 99.0 } else { 1.0 }));
        assert!((pyramid.extremes(1..999_999).max - 99.0).abs() < f32::EPSILON);
        assert_eq!(pyramid.position(0..1_000_000, 99.0), Some(654_321));
    }
}
