//! Frozen layers that may carry a trained low-rank branch whose gradients come from autograd: linear layers and 2-D
//! convolutions. Names of layers are diffusers' and transformers' module names.

mod branch;
mod context;
mod conv;
mod linear;
mod slot;

pub use branch::{Branch, Dropout};
pub use context::{Context, MaskPart, Masks, Strength};
pub use conv::AutogradConv2d;
pub use linear::AutogradLinear;
pub use slot::{AttachError, LayerMut, SlotKind};

pub(crate) const NO_TENSOR: Option<tch::Tensor> = None;

#[cfg(test)]
mod tests;
