//! Random numbers that are functions of a counter: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
//! 1, 2, 3", SC 2011; test vectors of Random123). The same seed gives the same numbers on every machine, in any order.

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// The four 32-bit words that Philox4x32-10 gives for `counter` under `key`.
pub fn philox4x32(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..ROUNDS {
        if round > 0 {
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        let left = u64::from(MULTIPLIERS[0]) * u64::from(counter[0]);
        let right = u64::from(MULTIPLIERS[1]) * u64::from(counter[2]);
        counter = [
            (right >> 32) as u32 ^ counter[1] ^ key[0],
            right as u32,
            (left >> 32) as u32 ^ counter[3] ^ key[1],
            left as u32,
        ];
    }
    counter
}

/// What a stream of random numbers is for; different purposes never share numbers under one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// The order of samples within an epoch.
    Order = 1,
    /// The choice of held-out samples.
    Split = 2,
    /// The first values of adapter weights.
    Initialise = 3,
    /// Everything that a test draws.
    Test = 4,
    /// The order of pictures and batches within an epoch.
    PictureOrder = 5,
    /// Where a picture is cropped and whether it is mirrored.
    Crop = 6,
    /// What is shuffled in and left out of a caption.
    Caption = 7,
    /// The noise that a picture is trained with.
    Noise = 8,
    /// The offset of that noise's mean.
    NoiseOffset = 9,
    /// That noise's further scales.
    NoiseScales = 10,
    /// Further noise on the input alone.
    Perturbation = 11,
    /// The noise level of a picture.
    Timestep = 12,
    /// The draw from a picture's distribution of latents.
    Posterior = 13,
    /// What dropout leaves out.
    Dropout = 14,
    /// The noise of held-out pictures.
    Evaluation = 15,
    /// The noise that sample pictures begin with.
    Sampling = 16,
}

/// An endless stream of random numbers, fixed by seed, purpose and a number within the purpose (an epoch, a tensor).
#[derive(Clone, Debug)]
pub struct Stream {
    key: [u32; 2],
    purpose: Purpose,
    number: u32,
    block: u64,
    ready: [u32; 4],
    used: usize,
}

impl Stream {
    /// The stream of `seed` for `purpose`, the `number`th of its kind.
    pub fn new(seed: u64, purpose: Purpose, number: u32) -> Self {
        let key = [seed as u32, (seed >> 32) as u32];
        Self { key, purpose, number, block: 0, ready: [0; 4], used: 4 }
    }

    /// The stream of one of many `part`s within the `number`th of its kind, such as one picture of an epoch. Parts share
    /// no numbers as long as each draws fewer than 2³⁴.
    pub fn part(seed: u64, purpose: Purpose, number: u32, part: u32) -> Self {
        Self { block: u64::from(part) << 32, ..Self::new(seed, purpose, number) }
    }

    /// The next 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == self.ready.len() {
            let counter = [self.block as u32, (self.block >> 32) as u32, self.number, self.purpose as u32];
            self.ready = philox4x32(counter, self.key);
            self.block = self.block.wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.ready[self.used - 1]
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) | u64::from(self.next_u32()) << 32
    }

    /// A whole number in `0..bound` (0 for an empty range), by multiplication: the bias is below `bound`/2⁶⁴.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next_u64()) * bound as u128) >> 64) as usize
    }

    /// A number in `[0, 1)` with 24 random bits.
    pub fn unit(&mut self) -> f32 {
        (self.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// `count` numbers from `[low, high)`.
    pub fn uniform(&mut self, count: usize, low: f32, high: f32) -> Vec<f32> {
        (0..count).map(|_| low + (high - low) * self.unit()).collect()
    }

    /// `count` numbers from the normal distribution with this mean and standard deviation (Box and Muller, 1958).
    pub fn normal(&mut self, count: usize, mean: f32, deviation: f32) -> Vec<f32> {
        let mut out = Vec::with_capacity(count + 1);
        while out.len() < count {
            // 1 - unit lies in (0, 1], so that the logarithm is finite.
            let radius = (-2.0 * (1.0 - f64::from(self.unit())).ln()).sqrt();
            let angle = std::f64::consts::TAU * f64::from(self.unit());
            out.push(mean + deviation * (radius * angle.cos()) as f32);
            out.push(mean + deviation * (radius * angle.sin()) as f32);
        }
        out.truncate(count);
        out
    }
}

/// First values of a LoRA A matrix with `inputs` columns: U(-1/√inputs, 1/√inputs), which is PEFT's
/// `kaiming_uniform_(a=√5)`. `number` tells the adapter's tensors apart.
pub fn lora_kaiming(seed: u64, number: u32, rows: usize, inputs: usize) -> Vec<f32> {
    let bound = 1.0 / (inputs.max(1) as f32).sqrt();
    Stream::new(seed, Purpose::Initialise, number).uniform(rows * inputs, -bound, bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_random123_hold() {
        let cases = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, expected) in cases {
            assert_eq!(philox4x32(counter, key), expected);
        }
    }

    #[test]
    fn streams_of_different_purpose_number_or_seed_differ() {
        let first = |seed, purpose, number| Stream::new(seed, purpose, number).next_u64();
        let all = [
            first(1, Purpose::Order, 0),
            first(1, Purpose::Order, 1),
            first(1, Purpose::Split, 0),
            first(2, Purpose::Order, 0),
            first(1 << 32, Purpose::Order, 0),
        ];
        for (index, value) in all.iter().enumerate() {
            assert!(!all[..index].contains(value));
        }
    }

    #[test]
    fn the_moments_of_both_distributions_are_right() {
        let count = 40_000;
        let moments = |values: &[f32]| {
            let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / f64::from(count);
            let variance =
                values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / f64::from(count);
            (mean, variance)
        };
        let mut stream = Stream::new(7, Purpose::Test, 0);
        let (mean, variance) = moments(&stream.uniform(count as usize, -1.0, 1.0));
        assert!(mean.abs() < 0.02 && (variance - 1.0 / 3.0).abs() < 0.01, "{mean} {variance}");
        let (mean, variance) = moments(&stream.normal(count as usize, 3.0, 2.0));
        assert!((mean - 3.0).abs() < 0.05 && (variance - 4.0).abs() < 0.1, "{mean} {variance}");
        assert!(lora_kaiming(0, 0, 4, 100).iter().all(|v| (-0.1..0.1).contains(v)));
    }
}
