//! Parts that the UNet, the autoencoder and the text encoder share.

mod attention;
mod norm;
mod resample;
mod resnet;

pub(crate) use attention::{attend, attend_in_single};
pub(crate) use norm::{GroupNorm, LayerNorm};
pub(crate) use resample::{Downsample, Upsample};
pub(crate) use resnet::{Resnet, ResnetShape};

use crate::adapters::autograd::LayerMut;

/// What a model calls for each of its layers that may carry a branch.
pub(crate) type Visitor<'v> = &'v mut dyn FnMut(&str, LayerMut<'_>);
