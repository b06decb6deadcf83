//! Rotary positions, split-halves convention: the two halves of each head turn against each other.

use tch::{Device, Kind, TchError, Tensor};

/// Cosines and sines of every position, `[positions, head_dim / 2]`, computed in fp64 and rounded through fp32.
#[derive(Debug)]
pub(crate) struct Rope {
    cos: Tensor,
    sin: Tensor,
}

/// The turns of the rows of one batch, `[rows, 1, head_dim / 2]`.
#[derive(Debug)]
pub(crate) struct Turns {
    cos: Tensor,
    sin: Tensor,
    minus_sin: Tensor,
}

impl Rope {
    /// Tables for `positions` positions from the frequencies (radians per position) of a head's pairs.
    pub(crate) fn new(
        frequencies: &[f64],
        positions: usize,
        kind: Kind,
        device: Device,
    ) -> Result<Self, TchError> {
        // transformers multiplies fp32 positions by fp32 frequencies; so do we, to agree with it at long positions.
        let angles: Vec<f32> = (0..positions)
            .flat_map(|position| frequencies.iter().map(move |frequency| position as f32 * *frequency as f32))
            .collect();
        let size = [positions as i64, frequencies.len() as i64];
        let angles = Tensor::f_from_slice(&angles)?.f_view(size)?;
        let table = |values: Tensor| values.f_to_device_(device, kind, false, false);
        Ok(Self { cos: table(angles.f_cos()?)?, sin: table(angles.f_sin()?)? })
    }

    /// How many positions the tables hold.
    pub(crate) fn positions(&self) -> i64 {
        self.cos.size().first().copied().unwrap_or(0)
    }

    /// The turns of rows at `positions` (`[rows]`, int64).
    pub(crate) fn turns(&self, positions: &Tensor) -> Result<Turns, TchError> {
        let cos = self.cos.f_index_select(0, positions)?.f_unsqueeze(1)?;
        let sin = self.sin.f_index_select(0, positions)?.f_unsqueeze(1)?;
        let minus_sin = sin.f_neg()?;
        Ok(Turns { cos, sin, minus_sin })
    }
}

impl Turns {
    /// Turns `x` of shape `[rows, heads, head_dim]`.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        turn(x, &self.cos, &self.sin, &self.minus_sin)
    }

    /// The gradient of `x`: the same turn backwards.
    pub(crate) fn backward(&self, dy: &Tensor) -> Result<Tensor, TchError> {
        turn(dy, &self.cos, &self.minus_sin, &self.sin)
    }
}

fn turn(x: &Tensor, cos: &Tensor, sin: &Tensor, minus_sin: &Tensor) -> Result<Tensor, TchError> {
    let half = cos.size().last().copied().unwrap_or(0);
    let (first, second) = (x.f_narrow(-1, 0, half)?, x.f_narrow(-1, half, half)?);
    let out = x.f_empty_like()?;
    let (mut low, mut high) = (out.f_narrow(-1, 0, half)?, out.f_narrow(-1, half, half)?);
    let _ = first.f_mul_out(&low, cos)?;
    let _ = low.f_addcmul_(&second, minus_sin)?;
    let _ = second.f_mul_out(&high, cos)?;
    let _ = high.f_addcmul_(&first, sin)?;
    Ok(out)
}
