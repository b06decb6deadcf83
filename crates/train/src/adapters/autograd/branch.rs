//! The trained branch of a layer and its dropouts.

use tch::{TchError, Tensor};

use super::context::{Context, MaskPart, Strength};

/// How often parts of a branch are left out in training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// The layer's number, by which masks are drawn.
    pub layer: u32,
    /// Probability for a single number of the branch's input (PEFT's `lora_dropout`).
    pub input: f64,
    /// Probability for a row of A in a sample (sd-scripts' `rank_dropout`).
    pub rank: f64,
    /// Probability for the whole branch (sd-scripts' `module_dropout`); what is kept is not made larger.
    pub module: f64,
}

/// A trained branch: the layer's output becomes `y + scale · up(down(x))`.
///
/// Linear layer: `a` `[r, in]`, `b` `[out, r]`. Convolution with a k×k kernel: `a` `[r, in, k, k]`, with the layer's
/// own stride and padding, `b` `[out, r, 1, 1]`. Both are leaves that require a gradient, in fp32; the forward pass
/// casts them to the input's number type.
#[derive(Debug)]
pub struct Branch {
    /// A, which goes down to the rank.
    pub a: Tensor,
    /// B, which goes up to the outputs.
    pub b: Tensor,
    /// α/r, or α/√r for rsLoRA.
    pub scale: f64,
    /// The dropouts, if there are any.
    pub dropout: Option<Dropout>,
}

impl Branch {
    /// `y + scale · up(down(x))`. `down` applies A, `up_onto` adds what B makes of its result onto `y`, and `rank_dim`
    /// is the dimension of `down`'s result that counts the rank.
    pub(super) fn add_onto(
        &self,
        y: &Tensor,
        x: &Tensor,
        context: &Context,
        rank_dim: RankDim,
        down: impl FnOnce(&Tensor, &Tensor) -> Result<Tensor, TchError>,
        up_onto: impl FnOnce(&Tensor, &Tensor, &Tensor) -> Result<Tensor, TchError>,
    ) -> Result<Tensor, TchError> {
        if let Some(used) = context.used {
            used.borrow_mut().extend([self.a.shallow_clone(), self.b.shallow_clone()]);
        }
        let (a, b) = (self.a.f_to_kind(x.kind())?, self.b.f_to_kind(x.kind())?);
        let x = self.drop_input(x, context)?;
        let inner = self.drop_rank(&down(&x, &a)?, context, rank_dim)?;
        let inner = self.drop_module(&self.scaled(&inner, context)?, context)?;
        up_onto(y, &inner, &b)
    }

    /// The scale is applied to the narrow middle, where it costs least.
    fn scaled(&self, inner: &Tensor, context: &Context) -> Result<Tensor, TchError> {
        match context.strength {
            // Branches whose factors hold their scale already need no kernel for it.
            Strength::One if (self.scale - 1.0).abs() < f64::EPSILON => Ok(inner.shallow_clone()),
            Strength::One => inner.f_mul_scalar(self.scale),
            Strength::Number(strength) => inner.f_mul_scalar(self.scale * strength),
            Strength::Tensor(strength) => {
                inner.f_mul(&strength.f_mul_scalar(self.scale)?.f_to_kind(inner.kind())?)
            }
        }
    }

    fn drop_input(&self, x: &Tensor, context: &Context) -> Result<Tensor, TchError> {
        self.masked(x, context, MaskPart::Input, Tensor::size)
    }

    fn drop_rank(&self, inner: &Tensor, context: &Context, dim: RankDim) -> Result<Tensor, TchError> {
        self.masked(inner, context, MaskPart::Rank, |inner| dim.mask_size(&inner.size()))
    }

    fn drop_module(&self, inner: &Tensor, context: &Context) -> Result<Tensor, TchError> {
        self.masked(inner, context, MaskPart::Module, |_| Vec::new())
    }

    fn masked(
        &self,
        x: &Tensor,
        context: &Context,
        part: MaskPart,
        size: impl FnOnce(&Tensor) -> Vec<i64>,
    ) -> Result<Tensor, TchError> {
        let (Some(dropout), Some(masks)) = (self.dropout, context.masks) else {
            return Ok(x.shallow_clone());
        };
        let (rate, kept) = match part {
            MaskPart::Input => (dropout.input, 1.0 - dropout.input),
            MaskPart::Rank => (dropout.rank, 1.0 - dropout.rank),
            MaskPart::Module => (dropout.module, 1.0),
        };
        if rate <= 0.0 {
            return Ok(x.shallow_clone());
        }
        let keep = masks.keep(dropout.layer, part, rate, &size(x), x)?;
        // A rate of 1 keeps nothing: the mask alone makes the zeros.
        let keep = if kept > 0.0 { keep.f_div_scalar(kept)? } else { keep };
        x.f_mul(&keep)
    }
}

/// Where the rank stands among the dimensions of A's output; the first dimension counts samples.
#[derive(Clone, Copy)]
pub(super) enum RankDim {
    /// Last, as in linear layers.
    Last,
    /// Second, as in convolutions.
    Second,
}

impl RankDim {
    /// The size of a mask with one number for each sample and rank.
    fn mask_size(self, size: &[i64]) -> Vec<i64> {
        let rank = match self {
            Self::Last => size.len() - 1,
            Self::Second => 1,
        };
        size.iter().enumerate().map(|(at, length)| if at == 0 || at == rank { *length } else { 1 }).collect()
    }
}
