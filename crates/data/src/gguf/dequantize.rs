//! Numbers out of blocks, in the order of operations of `PyPI` `gguf`'s quants.py, so that the results are equal bit for
//! bit. Layouts: ggml's ggml-common.h.

use half::{bf16, f16};

use super::block::BlockType;
use super::dequantize_k::{q4_k, q5_k, q6_k};

/// Values per thread below which a second thread is not worth its start.
const VALUES_PER_THREAD: usize = 1 << 17;
const MOST_THREADS: usize = 8;

/// All values in the bytes of a tensor of this type; a last incomplete block is left out.
pub fn dequantize(block_type: BlockType, bytes: &[u8]) -> Vec<f32> {
    let blocks = bytes.len() / block_type.block_bytes();
    let mut values = vec![0.0f32; blocks * block_type.block_length()];
    let available = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let threads = (values.len() / VALUES_PER_THREAD).clamp(1, available);
    let share = blocks.div_ceil(threads).max(1);
    let inputs = bytes.chunks(share * block_type.block_bytes());
    let outputs = values.chunks_mut(share * block_type.block_length());
    if threads == 1 {
        inputs.zip(outputs).for_each(|(input, output)| expand(block_type, input, output));
    } else {
        std::thread::scope(|scope| {
            for (input, output) in inputs.zip(outputs) {
                scope.spawn(move || expand(block_type, input, output));
            }
        });
    }
    values
}

fn expand(block_type: BlockType, bytes: &[u8], out: &mut [f32]) {
    let function = match block_type {
        BlockType::F32 => |block: &[u8], out: &mut [f32]| {
            out[0] = f32::from_le_bytes([block[0], block[1], block[2], block[3]]);
        },
        BlockType::F16 => |block: &[u8], out: &mut [f32]| out[0] = half_at(block, 0),
        BlockType::BF16 => {
            |block: &[u8], out: &mut [f32]| out[0] = bf16::from_le_bytes([block[0], block[1]]).to_f32()
        }
        BlockType::Q4_0 => q4_0,
        BlockType::Q4_1 => q4_1,
        BlockType::Q5_0 => q5_0,
        BlockType::Q5_1 => q5_1,
        BlockType::Q8_0 => q8_0,
        BlockType::Q4K => q4_k,
        BlockType::Q5K => q5_k,
        BlockType::Q6K => q6_k,
    };
    let blocks = bytes.chunks_exact(block_type.block_bytes());
    for (block, values) in blocks.zip(out.chunks_exact_mut(block_type.block_length())) {
        function(block, values);
    }
}

/// The half-precision number at byte `at`.
pub(super) fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

fn q4_0(block: &[u8], out: &mut [f32]) {
    let scale = half_at(block, 0);
    for (i, byte) in block[2..18].iter().enumerate() {
        out[i] = scale * f32::from((byte & 15) as i8 - 8);
        out[i + 16] = scale * f32::from((byte >> 4) as i8 - 8);
    }
}

fn q4_1(block: &[u8], out: &mut [f32]) {
    let (scale, minimum) = (half_at(block, 0), half_at(block, 2));
    for (i, byte) in block[4..20].iter().enumerate() {
        out[i] = scale * f32::from(byte & 15) + minimum;
        out[i + 16] = scale * f32::from(byte >> 4) + minimum;
    }
}

/// The fifth bits of the numbers `i` and `i + 16` of a block, in place 4.
fn fifth_bits(bits: u32, i: usize) -> (u8, u8) {
    (((bits >> i) as u8 & 1) << 4, ((bits >> (i + 16)) as u8 & 1) << 4)
}

fn q5_0(block: &[u8], out: &mut [f32]) {
    let scale = half_at(block, 0);
    let bits = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
    for (i, byte) in block[6..22].iter().enumerate() {
        let (low, high) = fifth_bits(bits, i);
        out[i] = scale * f32::from((byte & 15 | low) as i8 - 16);
        out[i + 16] = scale * f32::from((byte >> 4 | high) as i8 - 16);
    }
}

fn q5_1(block: &[u8], out: &mut [f32]) {
    let (scale, minimum) = (half_at(block, 0), half_at(block, 2));
    let bits = u32::from_le_bytes([block[4], block[5], block[6], block[7]]);
    for (i, byte) in block[8..24].iter().enumerate() {
        let (low, high) = fifth_bits(bits, i);
        out[i] = scale * f32::from(byte & 15 | low) + minimum;
        out[i + 16] = scale * f32::from(byte >> 4 | high) + minimum;
    }
}

fn q8_0(block: &[u8], out: &mut [f32]) {
    let scale = half_at(block, 0);
    for (value, byte) in out.iter_mut().zip(&block[2..34]) {
        *value = f32::from(*byte as i8) * scale;
    }
}
