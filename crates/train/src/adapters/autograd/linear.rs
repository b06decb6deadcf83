//! A frozen linear layer that may carry a branch.

use tch::{TchError, Tensor};

use super::NO_TENSOR;
use super::branch::{Branch, RankDim};
use super::context::Context;
use super::slot::{AttachError, SlotKind};

/// A frozen linear layer `y = x · Wᵀ + bias`, perhaps with a branch.
#[derive(Debug)]
pub struct AutogradLinear {
    weight: Tensor,
    bias: Option<Tensor>,
    adapter: Option<Branch>,
}

impl AutogradLinear {
    /// A layer of `weight` `[out, in]` and `bias` `[out]`.
    pub fn frozen(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight, bias, adapter: None }
    }

    /// `x` `[…, in]` to `[…, out]`.
    pub fn forward(&self, x: &Tensor, context: &Context) -> Result<Tensor, TchError> {
        let y = x.f_linear(&self.weight, self.bias.as_ref())?;
        match &self.adapter {
            Some(branch) if !context.base_only => {
                let down = |x: &Tensor, a: &Tensor| x.f_linear(a, NO_TENSOR);
                branch.add_onto(&y, x, context, RankDim::Last, down, up_onto)
            }
            _ => Ok(y),
        }
    }

    /// The layer's sizes.
    pub fn kind(&self) -> SlotKind {
        let size = self.weight.size();
        SlotKind::Linear { inputs: size[1], outputs: size[0] }
    }

    /// The frozen weight `[out, in]`.
    pub fn weight(&self) -> &Tensor {
        &self.weight
    }

    /// The branch, if there is one.
    pub fn adapter(&self) -> Option<&Branch> {
        self.adapter.as_ref()
    }

    /// Puts `branch` in the place of an earlier one; refuses sizes that do not fit.
    pub fn attach(&mut self, branch: Branch) -> Result<(), AttachError> {
        self.kind().check(&branch)?;
        self.adapter = Some(branch);
        Ok(())
    }

    /// Takes the branch off.
    pub fn detach(&mut self) -> Option<Branch> {
        self.adapter.take()
    }
}

/// `y + inner · Bᵀ` in one product.
fn up_onto(y: &Tensor, inner: &Tensor, b: &Tensor) -> Result<Tensor, TchError> {
    let (outputs, rank) = b.size2()?;
    let sum = y.f_reshape([-1, outputs])?.f_addmm(&inner.f_reshape([-1, rank])?, &b.f_numpy_t()?)?;
    sum.f_view(y.size().as_slice())
}
