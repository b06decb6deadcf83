//! Root-mean-square norm: computed in fp32, rounded to the input's type, then multiplied by the weight, as
//! transformers' `LlamaRMSNorm` does; and its gradient by hand.

use tch::{Kind, TchError, Tensor};

/// A norm's weight `[hidden]` and ε.
#[derive(Debug)]
pub(crate) struct RmsNorm {
    weight: Tensor,
    epsilon: f64,
}

impl RmsNorm {
    pub(crate) fn new(weight: Tensor, epsilon: f64) -> Self {
        Self { weight, epsilon }
    }

    /// The normed `x` and the reciprocal root mean square `[rows, 1]` in fp32.
    pub(crate) fn forward(&self, x: &Tensor) -> Result<(Tensor, Tensor), TchError> {
        let width = x.size().last().copied().unwrap_or(1) as f64;
        let norm = x.f_norm_scalaropt_dim_dtype(2, [-1].as_slice(), true, Kind::Float)?;
        let mut square = norm.f_mul(&norm)?;
        let scale = square.f_mul_scalar_(1.0 / width)?.f_add_scalar_(self.epsilon)?.f_rsqrt_()?;
        Ok((self.apply(x, &scale)?, scale))
    }

    /// The normed `x` again from the `scale` that [`RmsNorm::forward`] gave.
    pub(crate) fn apply(&self, x: &Tensor, scale: &Tensor) -> Result<Tensor, TchError> {
        if x.kind() == Kind::Float {
            return x.f_mul(scale)?.f_mul_(&self.weight);
        }
        x.f_totype(Kind::Float)?.f_mul_(scale)?.f_totype(x.kind())?.f_mul_(&self.weight)
    }

    /// Adds the gradient of `x`, for the gradient `dy` of the normed `x`, onto `dx`; `dy` is used up.
    ///
    /// With `g = dy·w` and `s` the scale: `dx = s·g − x·s³·mean(g·x)`.
    pub(crate) fn add_backward(
        &self,
        dy: Tensor,
        x: &Tensor,
        scale: &Tensor,
        mut dx: Tensor,
    ) -> Result<Tensor, TchError> {
        let width = x.size().last().copied().unwrap_or(1) as f64;
        let kind = x.kind();
        let (mut g, x) = (single(dy)?, single(x.shallow_clone())?);
        let g = g.f_mul_(&self.weight)?;
        let dot = g.f_mul(&x)?.f_sum_dim_intlist([-1].as_slice(), true, Kind::Float)?;
        let mut factor = scale.f_mul(scale)?.f_mul_(scale)?.f_mul_(&dot)?;
        let factor = factor.f_mul_scalar_(-1.0 / width)?;
        if kind == Kind::Float {
            let _ = dx.f_addcmul_(&g, scale)?.f_addcmul_(&x, &factor)?;
            return Ok(dx);
        }
        let mut sum = single(dx)?;
        let _ = sum.f_addcmul_(&g, scale)?.f_addcmul_(&x, &factor)?;
        sum.f_totype(kind)
    }
}

fn single(x: Tensor) -> Result<Tensor, TchError> {
    if x.kind() == Kind::Float { Ok(x) } else { x.f_totype(Kind::Float) }
}
