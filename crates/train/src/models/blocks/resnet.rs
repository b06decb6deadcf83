//! The residual block of UNet and autoencoder (diffusers' `ResnetBlock2D`).

use tch::{TchError, Tensor};

use super::{GroupNorm, Visitor};
use crate::adapters::autograd::{AutogradConv2d, AutogradLinear, Context, LayerMut};
use crate::models::loader::{ConvShape, LoadError, Loader};

/// The sizes of a residual block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResnetShape {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// Width of the time embedding, where the block sees it.
    pub(crate) time_width: Option<usize>,
    pub(crate) groups: usize,
    pub(crate) epsilon: f64,
}

/// Norm, SiLU, convolution, twice; the time embedding joins between, the input at the end.
#[derive(Debug)]
pub(crate) struct Resnet {
    norm_1: GroupNorm,
    conv_1: AutogradConv2d,
    time: Option<AutogradLinear>,
    norm_2: GroupNorm,
    conv_2: AutogradConv2d,
    shortcut: Option<AutogradConv2d>,
}

impl Resnet {
    pub(crate) fn load(loader: &Loader, module: &str, shape: ResnetShape) -> Result<Self, LoadError> {
        let ResnetShape { inputs, outputs, time_width, groups, epsilon } = shape;
        let at = |part: &str| format!("{module}.{part}");
        let time = time_width.map(|width| loader.linear(&at("time_emb_proj"), width, outputs));
        let shortcut = (inputs != outputs)
            .then(|| loader.conv(&at("conv_shortcut"), ConvShape::same(inputs, outputs, 1)));
        Ok(Self {
            norm_1: loader.group_norm(&at("norm1"), groups, inputs, epsilon)?,
            conv_1: loader.conv(&at("conv1"), ConvShape::same(inputs, outputs, 3))?,
            time: time.transpose()?,
            norm_2: loader.group_norm(&at("norm2"), groups, outputs, epsilon)?,
            conv_2: loader.conv(&at("conv2"), ConvShape::same(outputs, outputs, 3))?,
            shortcut: shortcut.transpose()?,
        })
    }

    /// `x` `[samples, in, height, width]` to `[samples, out, height, width]`; `time` `[samples, time width]` is the
    /// time embedding after its SiLU, which all blocks share.
    pub(crate) fn forward(
        &self,
        x: &Tensor,
        time: Option<&Tensor>,
        context: &Context,
    ) -> Result<Tensor, TchError> {
        let mut inner = self.conv_1.forward(&self.norm_1.forward(x)?.f_silu()?, context)?;
        if let (Some(projection), Some(time)) = (&self.time, time) {
            inner = inner.f_add(&projection.forward(time, context)?.f_unsqueeze(-1)?.f_unsqueeze(-1)?)?;
        }
        let inner = self.conv_2.forward(&self.norm_2.forward(&inner)?.f_silu()?, context)?;
        match &self.shortcut {
            Some(shortcut) => shortcut.forward(x, context)?.f_add(&inner),
            None => x.f_add(&inner),
        }
    }

    /// `conv1`, `time_emb_proj`, `conv2`, `conv_shortcut`.
    pub(crate) fn visit(&mut self, module: &str, visitor: Visitor) {
        visitor(&format!("{module}.conv1"), LayerMut::Conv(&mut self.conv_1));
        if let Some(time) = &mut self.time {
            visitor(&format!("{module}.time_emb_proj"), LayerMut::Linear(time));
        }
        visitor(&format!("{module}.conv2"), LayerMut::Conv(&mut self.conv_2));
        if let Some(shortcut) = &mut self.shortcut {
            visitor(&format!("{module}.conv_shortcut"), LayerMut::Conv(shortcut));
        }
    }
}
