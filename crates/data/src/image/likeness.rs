//! How alike two pictures look: a 64-bit difference hash and a thumbnail's colours.

use super::picture::{Picture, luma};

const ROWS: u32 = 8;
const COLUMNS: u32 = 9;
const THUMB: u32 = 4;
/// Bits of the difference hash that may differ between near duplicates.
const MOST_BITS: u32 = 4;
/// Levels of 255 by which a thumbnail's colour may differ: plain pictures have equal hashes, whatever their colour.
const MOST_LEVELS: u8 = 20;

/// A picture's looks, small enough to compare every pair of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likeness {
    /// Bit `8·row + column`: whether a cell of the 9×8 mean brightnesses is darker than its right neighbour.
    pub hash: u64,
    /// Mean colours of 4×4 cells.
    thumb: Vec<u8>,
}

impl Likeness {
    /// The looks of `picture`. Whole numbers only, so that every machine gives the same.
    pub fn of(picture: &Picture) -> Self {
        let cells = means(picture, COLUMNS, ROWS);
        let brightness: Vec<u8> = cells.iter().map(|cell| luma(*cell)).collect();
        let mut hash = 0;
        for (row, cells) in brightness.chunks_exact(COLUMNS as usize).enumerate() {
            for (column, pair) in cells.windows(2).enumerate() {
                hash |= u64::from(pair[0] < pair[1]) << (8 * row + column);
            }
        }
        Self { hash, thumb: means(picture, THUMB, THUMB).concat() }
    }

    /// Whether both pictures show nearly the same: hashes at most 4 bits apart and thumbnails at most 20 levels.
    pub fn is_near(&self, other: &Self) -> bool {
        (self.hash ^ other.hash).count_ones() <= MOST_BITS
            && self.thumb.iter().zip(&other.thumb).all(|(a, b)| a.abs_diff(*b) <= MOST_LEVELS)
    }
}

/// Mean colours of `columns` × `rows` cells; each cell has at least one pixel.
fn means(picture: &Picture, columns: u32, rows: u32) -> Vec<[u8; 3]> {
    let span = |index: u32, cells: u32, length: u32| {
        let edge = |at: u32| (u64::from(at) * u64::from(length) / u64::from(cells)) as u32;
        let from = edge(index).min(length - 1);
        from..edge(index + 1).max(from + 1)
    };
    let mut out = Vec::with_capacity((columns * rows) as usize);
    for row in 0..rows {
        for column in 0..columns {
            let (xs, ys) = (span(column, columns, picture.width()), span(row, rows, picture.height()));
            let count = u64::from(xs.end - xs.start) * u64::from(ys.end - ys.start);
            let mut sums = [0u64; 3];
            for y in ys {
                for x in xs.clone() {
                    let pixel = picture.pixel(x, y);
                    sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += u64::from(value));
                }
            }
            out.push(sums.map(|sum| ((sum + count / 2) / count) as u8));
        }
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A picture of soft random blobs.
    pub(crate) fn blobs(seed: u64, width: u32, height: u32) -> Picture {
        let mut stream = crate::random::Stream::new(seed, crate::random::Purpose::Test, 9);
        let rgb = (0..48).map(|_| (stream.next_u32() >> 24) as u8).collect();
        Picture::new(4, 4, rgb).unwrap().resized(width, height)
    }

    #[test]
    fn the_same_at_another_size_or_brightness_is_near_and_another_is_not() {
        let one = blobs(1, 200, 160);
        let look = Likeness::of(&one);
        assert!(look.is_near(&Likeness::of(&one.resized(90, 72))));
        let brighter: Vec<u8> = one.rgb().iter().map(|byte| byte.saturating_add(6)).collect();
        assert!(look.is_near(&Likeness::of(&Picture::new(200, 160, brighter).unwrap())));
        for seed in 2..30 {
            assert!(!look.is_near(&Likeness::of(&blobs(seed, 200, 160))), "{seed}");
        }
        assert!(!look.is_near(&Likeness::of(&one.mirrored())));
    }

    #[test]
    fn plain_pictures_of_different_colours_are_not_alike() {
        let plain = |colour| Likeness::of(&Picture::filled(30, 30, colour));
        assert_eq!(plain([255, 0, 0]).hash, plain([0, 0, 255]).hash);
        assert!(!plain([255, 0, 0]).is_near(&plain([0, 0, 255])));
        assert!(plain([255, 0, 0]).is_near(&plain([250, 0, 4])));
        let _ = Likeness::of(&Picture::filled(1, 1, [3, 4, 5]));
    }

    #[test]
    fn a_gradient_to_the_right_sets_all_bits() {
        let rgb = (0..4).flat_map(|_| (0u8..18).flat_map(|x| [x * 14; 3])).collect();
        assert_eq!(Likeness::of(&Picture::new(18, 4, rgb).unwrap()).hash, u64::MAX);
    }
}
