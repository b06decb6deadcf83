//! Places for branches: their sizes, and the one handle on both kinds of layers.

use tch::Tensor;

use super::branch::Branch;
use super::conv::AutogradConv2d;
use super::linear::AutogradLinear;

/// The sizes of a layer that may carry a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotKind {
    /// A linear layer with a weight `[outputs, inputs]`.
    Linear {
        /// Width of what goes in.
        inputs: i64,
        /// Width of what comes out.
        outputs: i64,
    },
    /// A convolution with a weight `[outputs, inputs, kernel, kernel]`.
    Conv {
        /// Channels that go in.
        inputs: i64,
        /// Channels that come out.
        outputs: i64,
        /// Height and width of the kernel.
        kernel: i64,
        /// Stride both ways.
        stride: i64,
        /// Zeros put around what goes in.
        padding: i64,
    },
}

impl SlotKind {
    /// The size of A for a rank.
    pub fn a_size(self, rank: i64) -> Vec<i64> {
        match self {
            Self::Linear { inputs, .. } => vec![rank, inputs],
            Self::Conv { inputs, kernel, .. } => vec![rank, inputs, kernel, kernel],
        }
    }

    /// The size of B for a rank.
    pub fn b_size(self, rank: i64) -> Vec<i64> {
        match self {
            Self::Linear { outputs, .. } => vec![outputs, rank],
            Self::Conv { outputs, .. } => vec![outputs, rank, 1, 1],
        }
    }

    /// Numbers that one row of A sees, from which its first values' spread follows.
    pub fn fan_in(self) -> i64 {
        match self {
            Self::Linear { inputs, .. } => inputs,
            Self::Conv { inputs, kernel, .. } => inputs * kernel * kernel,
        }
    }

    pub(super) fn check(self, branch: &Branch) -> Result<(), AttachError> {
        let rank = branch.a.size().first().copied().unwrap_or(0);
        fits("A", &branch.a, &self.a_size(rank))?;
        fits("B", &branch.b, &self.b_size(rank))
    }
}

fn fits(matrix: &'static str, tensor: &Tensor, expected: &[i64]) -> Result<(), AttachError> {
    let found = tensor.size();
    if found == expected { Ok(()) } else { Err(AttachError { matrix, found, expected: expected.to_vec() }) }
}

/// A branch that does not fit its layer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{matrix} has the shape {found:?}, but the layer needs {expected:?}: it was made for another layer or model"
)]
pub struct AttachError {
    /// A or B.
    pub matrix: &'static str,
    /// Its shape.
    pub found: Vec<i64>,
    /// The shape that fits.
    pub expected: Vec<i64>,
}

/// A layer that may carry a branch, open to change.
#[derive(Debug)]
pub enum LayerMut<'a> {
    /// A linear layer.
    Linear(&'a mut AutogradLinear),
    /// A convolution.
    Conv(&'a mut AutogradConv2d),
}

impl LayerMut<'_> {
    /// The layer's sizes.
    pub fn kind(&self) -> SlotKind {
        match self {
            Self::Linear(layer) => layer.kind(),
            Self::Conv(layer) => layer.kind(),
        }
    }

    /// The frozen weight.
    pub fn weight(&self) -> &Tensor {
        match self {
            Self::Linear(layer) => layer.weight(),
            Self::Conv(layer) => layer.weight(),
        }
    }

    /// Puts `branch` in the place of an earlier one; refuses sizes that do not fit.
    pub fn attach(&mut self, branch: Branch) -> Result<(), AttachError> {
        match self {
            Self::Linear(layer) => layer.attach(branch),
            Self::Conv(layer) => layer.attach(branch),
        }
    }

    /// Takes the branch off.
    pub fn detach(&mut self) -> Option<Branch> {
        match self {
            Self::Linear(layer) => layer.detach(),
            Self::Conv(layer) => layer.detach(),
        }
    }
}
