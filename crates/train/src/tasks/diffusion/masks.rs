//! Dropout masks that follow from the step and the layer alone.

use loradeck_data::random::{Purpose, Stream};
use tch::{TchError, Tensor};

use super::noise::NoiseKey;
use crate::adapters::autograd::{MaskPart, Masks};

/// The masks of one micro-batch. libtorch's own generator draws them, seeded anew for each by seed, step, place, layer
/// and part: a resumed training draws the same ones.
#[derive(Clone, Copy, Debug)]
pub struct DrawnMasks(NoiseKey);

impl DrawnMasks {
    /// The masks of the micro-batch whose first picture has this key.
    pub fn new(key: NoiseKey) -> Self {
        Self(key)
    }
}

impl Masks for DrawnMasks {
    fn keep(
        &self,
        layer: u32,
        part: MaskPart,
        rate: f64,
        size: &[i64],
        like: &Tensor,
    ) -> Result<Tensor, TchError> {
        let NoiseKey { seed, step, place } = self.0;
        let number = layer * 4 + part as u32;
        let mut stream = Stream::part(seed ^ step.rotate_left(32), Purpose::Dropout, place, number);
        tch::manual_seed(stream.next_u64() as i64);
        let drawn = Tensor::f_rand(size, (tch::Kind::Float, like.device()))?;
        drawn.f_ge(rate)?.f_to_kind(like.kind())
    }
}
