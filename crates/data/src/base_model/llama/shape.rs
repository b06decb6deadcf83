//! The sizes and constants of a Llama model.

/// The sizes and constants of a Llama model, whichever file they come from.
#[derive(Clone, Debug, PartialEq)]
pub struct LlamaShape {
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width inside the feed-forward block.
    pub intermediate_size: usize,
    /// Number of decoder layers.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub key_value_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// The ε of the root-mean-square norms.
    pub rms_norm_epsilon: f64,
    /// The base of the rotary frequencies.
    pub rope_theta: f64,
    /// How the rotary frequencies are stretched for long contexts.
    pub rope_scaling: Option<RopeScaling>,
    /// Rows of the embedding.
    pub vocabulary: usize,
    /// The longest context the model was made for, in tokens.
    pub max_positions: usize,
    /// Whether the output head is the embedding.
    pub tied_embeddings: bool,
}

/// A stretching of the rotary frequencies.
#[derive(Clone, Debug, PartialEq)]
pub enum RopeScaling {
    /// Every frequency divided by this factor (transformers' `_compute_linear_scaling_rope_parameters`).
    Linear(f64),
    /// Llama 3.1's rule, from config.json.
    Llama3(Llama3Scaling),
    /// Divisors of the frequencies, one for each pair of a head, from a GGUF file's `rope_freqs.weight`.
    Factors(Vec<f32>),
}

/// The constants of Llama 3.1's rule (transformers' `_compute_llama3_parameters`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Llama3Scaling {
    /// By how much low frequencies are divided.
    pub factor: f64,
    /// Wavelengths beyond original / this are divided in full.
    pub low_frequency_factor: f64,
    /// Wavelengths below original / this stay as they are.
    pub high_frequency_factor: f64,
    /// The context length of the pretraining, in tokens.
    pub original_max_positions: f64,
}

impl LlamaShape {
    /// The rotary frequencies of one head, in radians per position: `head_dim / 2` numbers, stretching applied.
    pub fn inverse_frequencies(&self) -> Vec<f64> {
        let plain = (0..self.head_dim / 2).map(|i| {
            let exponent = (2 * i) as f64 / self.head_dim as f64;
            1.0 / self.rope_theta.powf(exponent)
        });
        match &self.rope_scaling {
            None => plain.collect(),
            Some(RopeScaling::Linear(factor)) => plain.map(|frequency| frequency / factor).collect(),
            Some(RopeScaling::Llama3(scaling)) => plain.map(|frequency| scaling.apply(frequency)).collect(),
            Some(RopeScaling::Factors(factors)) => {
                plain.zip(factors).map(|(frequency, factor)| frequency / f64::from(*factor)).collect()
            }
        }
    }

    /// The number of weights, embedding and head included.
    pub fn parameters(&self) -> u64 {
        let attention = self.hidden_size * self.head_dim * (2 * self.heads + 2 * self.key_value_heads);
        let layer = attention + 3 * self.hidden_size * self.intermediate_size + 2 * self.hidden_size;
        let embeddings = self.vocabulary * self.hidden_size * if self.tied_embeddings { 1 } else { 2 };
        (self.layers * layer + embeddings + self.hidden_size) as u64
    }
}

impl Llama3Scaling {
    fn apply(&self, frequency: f64) -> f64 {
        let wavelength = std::f64::consts::TAU / frequency;
        if wavelength > self.original_max_positions / self.low_frequency_factor {
            return frequency / self.factor;
        }
        if wavelength < self.original_max_positions / self.high_frequency_factor {
            return frequency;
        }
        let between = (self.original_max_positions / wavelength - self.low_frequency_factor)
            / (self.high_frequency_factor - self.low_frequency_factor);
        (1.0 - between) * frequency / self.factor + between * frequency
    }
}

/// A size beyond this is a broken file, not a model: products of two such sizes still fit.
const LARGEST_SIZE: usize = 1 << 28;

impl LlamaShape {
    /// Refuses sizes that cannot belong together; the answer says which.
    pub(super) fn check(&self) -> Result<(), String> {
        let sizes = [
            self.hidden_size,
            self.intermediate_size,
            self.layers,
            self.heads,
            self.key_value_heads,
            self.head_dim,
            self.vocabulary,
            self.max_positions,
        ];
        if sizes.iter().any(|size| !(1..=LARGEST_SIZE).contains(size)) {
            return Err("one of its sizes is zero or absurdly large".into());
        }
        if !self.heads.is_multiple_of(self.key_value_heads) {
            return Err(format!(
                "{} heads cannot share {} key and value heads",
                self.heads, self.key_value_heads
            ));
        }
        if !self.head_dim.is_multiple_of(2) {
            return Err(format!("a head width of {} has no rotary halves", self.head_dim));
        }
        if !(self.rms_norm_epsilon > 0.0 && self.rope_theta > 0.0) {
            return Err("its norm's epsilon or rotary base is not positive".into());
        }
        Ok(())
    }
}
