//! A frozen 2-D convolution that may carry a branch.

use tch::{TchError, Tensor};

use super::NO_TENSOR;
use super::branch::{Branch, RankDim};
use super::context::Context;
use super::slot::{AttachError, SlotKind};

/// A frozen 2-D convolution with a square kernel, perhaps with a branch.
#[derive(Debug)]
pub struct AutogradConv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    stride: i64,
    padding: i64,
    adapter: Option<Branch>,
}

impl AutogradConv2d {
    /// A layer of `weight` `[out, in, k, k]` and `bias` `[out]`; stride and padding are the same both ways.
    pub fn frozen(weight: Tensor, bias: Option<Tensor>, stride: i64, padding: i64) -> Self {
        Self { weight, bias, stride, padding, adapter: None }
    }

    /// `x` `[samples, in, height, width]` to `[samples, out, …, …]`.
    pub fn forward(&self, x: &Tensor, context: &Context) -> Result<Tensor, TchError> {
        let y = convolve(x, &self.weight, self.bias.as_ref(), self.stride, self.padding)?;
        match &self.adapter {
            Some(branch) if !context.base_only => branch.add_onto(
                &y,
                x,
                context,
                RankDim::Second,
                |x, a| convolve(x, a, NO_TENSOR.as_ref(), self.stride, self.padding),
                |y, inner, b| y.f_add(&convolve(inner, b, NO_TENSOR.as_ref(), 1, 0)?),
            ),
            _ => Ok(y),
        }
    }

    /// The layer's sizes.
    pub fn kind(&self) -> SlotKind {
        let size = self.weight.size();
        SlotKind::Conv {
            inputs: size[1],
            outputs: size[0],
            kernel: size[2],
            stride: self.stride,
            padding: self.padding,
        }
    }

    /// The frozen weight `[out, in, k, k]`.
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

fn convolve(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: i64,
    padding: i64,
) -> Result<Tensor, TchError> {
    x.f_conv2d(weight, bias, [stride, stride], [padding, padding], [1, 1], 1)
}
