//! The transformer's feed-forward block: a linear layer whose second half gates the first by the exact GELU (GEGLU:
//! Shazeer, "GLU variants improve Transformer", 2020), and one back.

use tch::{TchError, Tensor};

use crate::adapters::autograd::{AutogradLinear, Context, LayerMut};
use crate::models::blocks::Visitor;
use crate::models::loader::{LoadError, Loader};

/// The inner width as a multiple of the outer.
const EXPANSION: usize = 4;

#[derive(Debug)]
pub(super) struct FeedForward {
    inner: AutogradLinear,
    outer: AutogradLinear,
}

impl FeedForward {
    pub(super) fn load(loader: &Loader, module: &str, width: usize) -> Result<Self, LoadError> {
        let wide = EXPANSION * width;
        Ok(Self {
            inner: loader.linear(&format!("{module}.net.0.proj"), width, 2 * wide)?,
            outer: loader.linear(&format!("{module}.net.2"), wide, width)?,
        })
    }

    pub(super) fn forward(&self, x: &Tensor, context: &Context) -> Result<Tensor, TchError> {
        let both = self.inner.forward(x, context)?;
        let wide = both.size().last().copied().unwrap_or(0) / 2;
        let (value, gate) = (both.f_narrow(-1, 0, wide)?, both.f_narrow(-1, wide, wide)?);
        self.outer.forward(&value.f_mul(&gate.f_gelu("none")?)?, context)
    }

    pub(super) fn visit(&mut self, module: &str, visitor: Visitor) {
        visitor(&format!("{module}.net.0.proj"), LayerMut::Linear(&mut self.inner));
        visitor(&format!("{module}.net.2"), LayerMut::Linear(&mut self.outer));
    }
}
