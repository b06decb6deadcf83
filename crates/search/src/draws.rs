//! Random numbers that are functions of what they are for: `SplitMix64` (Steele, Lea and Flood, "Fast splittable
//! pseudorandom number generators", OOPSLA 2014) started from a hash of seed, trial, purpose and parameter name.

use crate::normal;

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser of `SplitMix64` (Stafford's variant 13): a bijection of 64 bits in which every bit depends on all.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// FNV-1a over the bytes of a name, so that a parameter keeps its numbers when others come or go beside it.
fn hash(name: &str) -> u64 {
    name.bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

/// What numbers are drawn for; different purposes never share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A random trial's value of one parameter.
    Random = 1,
    /// Candidates of the estimator, for one group of parameters.
    Candidates = 2,
}

/// An endless stream of random numbers, fixed by what it is for.
#[derive(Clone, Debug)]
pub(crate) struct Draws {
    state: u64,
}

impl Draws {
    /// The stream for one `name` (of a parameter or a group) in the `attempt`th try at the trial's proposal.
    pub(crate) fn new(seed: u64, trial: u64, purpose: Purpose, attempt: u64, name: &str) -> Self {
        let words = [trial, purpose as u64, attempt, hash(name)];
        let state =
            words.iter().fold(mix(seed ^ GOLDEN), |state, word| mix(state.wrapping_add(GOLDEN) ^ word));
        Self { state }
    }

    fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// A number in the open interval (0, 1): the middles of 2⁵² equal cells, so that both ends stay out.
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    /// The index of one of `weights`, as likely as it is heavy; never one of weight zero while there is another.
    pub(crate) fn pick(&mut self, weights: &[f64]) -> usize {
        pick(weights, self.unit())
    }

    /// A number from the normal distribution, cut to `[low, high]` (either may be infinite), by inversion.
    pub(crate) fn truncated_normal(&mut self, mean: f64, deviation: f64, low: f64, high: f64) -> f64 {
        let from = normal::cumulative((low - mean) / deviation);
        let to = normal::cumulative((high - mean) / deviation);
        let at = from + (to - from) * self.unit();
        (mean + deviation * normal::quantile(at)).clamp(low, high)
    }
}

/// The index at which the running sum of `weights` passes the share `unit` of their total.
pub(crate) fn pick(weights: &[f64], unit: f64) -> usize {
    let mut left = unit * weights.iter().sum::<f64>();
    for (index, weight) in weights.iter().enumerate() {
        if left < *weight {
            return index;
        }
        left -= weight;
    }
    // Rounding may leave a crumb beyond the last: it belongs to the last that can be drawn at all.
    weights.iter().rposition(|weight| *weight > 0.0).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_sequence_of_splitmix64_holds() {
        // Vigna's reference C code, seed 1234567.
        let mut draws = Draws { state: 1_234_567 };
        let expected = [6_457_827_717_110_365_317_u64, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        for word in expected {
            assert_eq!(draws.next_u64(), word);
        }
    }

    #[test]
    fn whatever_a_stream_is_for_makes_it_another() {
        let first =
            |seed, trial, purpose, attempt, name| Draws::new(seed, trial, purpose, attempt, name).next_u64();
        let all = [
            first(1, 2, Purpose::Random, 0, "rank"),
            first(2, 1, Purpose::Random, 0, "rank"),
            first(1, 3, Purpose::Random, 0, "rank"),
            first(1, 2, Purpose::Candidates, 0, "rank"),
            first(1, 2, Purpose::Random, 1, "rank"),
            first(1, 2, Purpose::Random, 0, "alpha"),
        ];
        for (index, value) in all.iter().enumerate() {
            assert!(!all[..index].contains(value));
        }
    }

    #[test]
    fn weights_of_zero_are_never_picked() {
        for step in 0..=1000 {
            assert_eq!(
                pick(&[0.0, 2.0, 0.0, 6.0, 0.0], f64::from(step) / 1000.0),
                if step < 250 { 1 } else { 3 }
            );
        }
        assert_eq!(pick(&[0.0, 1.0, 0.0], 1.0), 1);
    }

    #[test]
    fn cut_normals_stay_inside_and_have_the_right_mean() {
        let mut draws = Draws::new(3, 0, Purpose::Candidates, 0, "");
        let count = 20_000;
        let values: Vec<f64> =
            (0..count).map(|_| draws.truncated_normal(0.0, 1.0, 0.0, f64::INFINITY)).collect();
        assert!(values.iter().all(|value| *value >= 0.0));
        // The half-normal distribution's mean is √(2/π).
        let mean = values.iter().sum::<f64>() / f64::from(count);
        assert!((mean - (2.0 / std::f64::consts::PI).sqrt()).abs() < 0.015, "{mean}");
    }
}
