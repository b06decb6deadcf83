//! The "K" blocks of 256 numbers: scales that are themselves quantised (ggml-quants.c, gguf-py quants.py).

use super::dequantize::half_at;

/// The eight 6-bit scales and minima packed into twelve bytes.
fn scales_and_minima(packed: &[u8]) -> ([u8; 8], [u8; 8]) {
    let (mut scales, mut minima) = ([0; 8], [0; 8]);
    for i in 0..4 {
        let (scale, minimum, both) = (packed[i], packed[i + 4], packed[i + 8]);
        scales[i] = scale & 63;
        minima[i] = minimum & 63;
        scales[i + 4] = both & 0x0f | (scale >> 2) & 0x30;
        minima[i + 4] = both >> 4 | (minimum >> 2) & 0x30;
    }
    (scales, minima)
}

/// Eight groups of 32 numbers: `scale·number - minimum`, where `number(group, i)` gives the quantised number.
fn groups(block: &[u8], out: &mut [f32], number: impl Fn(usize, usize) -> u8) {
    let (factor, minimum_factor) = (half_at(block, 0), half_at(block, 2));
    let (scales, minima) = scales_and_minima(&block[4..16]);
    for (group, values) in out.chunks_exact_mut(32).enumerate() {
        let scale = factor * f32::from(scales[group]);
        let minimum = minimum_factor * f32::from(minima[group]);
        for (i, value) in values.iter_mut().enumerate() {
            *value = scale * f32::from(number(group, i)) - minimum;
        }
    }
}

/// Nibble `i` of `group` where each 32 bytes hold an even group in their low halves and the next in their high ones.
fn nibble(bytes: &[u8], group: usize, i: usize) -> u8 {
    let byte = bytes[group / 2 * 32 + i];
    if group.is_multiple_of(2) { byte & 15 } else { byte >> 4 }
}

pub(super) fn q4_k(block: &[u8], out: &mut [f32]) {
    groups(block, out, |group, i| nibble(&block[16..144], group, i));
}

pub(super) fn q5_k(block: &[u8], out: &mut [f32]) {
    let high = &block[16..48];
    groups(block, out, |group, i| nibble(&block[48..176], group, i) | ((high[i] >> group) & 1) << 4);
}

/// Two halves of 128 numbers; in each, four runs of 32 share 64 bytes of low nibbles and 32 bytes of high bit pairs.
pub(super) fn q6_k(block: &[u8], out: &mut [f32]) {
    let factor = half_at(block, 208);
    for (half, values) in out.chunks_exact_mut(128).enumerate() {
        let low = &block[half * 64..half * 64 + 64];
        let high = &block[128 + half * 32..160 + half * 32];
        let scales = &block[192 + half * 8..200 + half * 8];
        for (at, value) in values.iter_mut().enumerate() {
            let (run, i) = (at / 32, at % 32);
            let byte = low[run % 2 * 32 + i];
            let nibble = if run < 2 { byte & 15 } else { byte >> 4 };
            let number = (nibble | ((high[i] >> (2 * run)) & 3) << 4) as i8 - 32;
            let scale = factor * f32::from(scales[at / 16] as i8);
            *value = scale * f32::from(number);
        }
    }
}
