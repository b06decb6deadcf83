//! Half and double the resolution (diffusers' `Downsample2D` and `Upsample2D`, with a convolution).

use tch::{TchError, Tensor};

use super::Visitor;
use crate::adapters::autograd::{AutogradConv2d, Context, LayerMut};
use crate::models::loader::{ConvShape, LoadError, Loader};

/// A 3×3 convolution of stride 2.
#[derive(Debug)]
pub(crate) struct Downsample {
    conv: AutogradConv2d,
    /// Whether zeros stand on the right and below only (the autoencoder) instead of on all sides (the UNet).
    one_sided: bool,
}

impl Downsample {
    pub(crate) fn load(
        loader: &Loader,
        module: &str,
        channels: usize,
        one_sided: bool,
    ) -> Result<Self, LoadError> {
        let padding = usize::from(!one_sided);
        let shape = ConvShape { channels: (channels, channels), kernel: 3, stride: 2, padding };
        Ok(Self { conv: loader.conv(&format!("{module}.conv"), shape)?, one_sided })
    }

    pub(crate) fn forward(&self, x: &Tensor, context: &Context) -> Result<Tensor, TchError> {
        if self.one_sided {
            self.conv.forward(&x.f_constant_pad_nd([0, 1, 0, 1])?, context)
        } else {
            self.conv.forward(x, context)
        }
    }

    pub(crate) fn visit(&mut self, module: &str, visitor: Visitor) {
        visitor(&format!("{module}.conv"), LayerMut::Conv(&mut self.conv));
    }
}

/// Every pixel repeated, then a 3×3 convolution.
#[derive(Debug)]
pub(crate) struct Upsample {
    conv: AutogradConv2d,
}

impl Upsample {
    pub(crate) fn load(loader: &Loader, module: &str, channels: usize) -> Result<Self, LoadError> {
        let shape = ConvShape::same(channels, channels, 3);
        Ok(Self { conv: loader.conv(&format!("{module}.conv"), shape)? })
    }

    /// To `size` (height, width), or to twice the size without one.
    pub(crate) fn forward(
        &self,
        x: &Tensor,
        size: Option<(i64, i64)>,
        context: &Context,
    ) -> Result<Tensor, TchError> {
        let (_, _, height, width) = x.size4()?;
        let (height, width) = size.unwrap_or((2 * height, 2 * width));
        self.conv.forward(&x.f_upsample_nearest2d([height, width], None, None)?, context)
    }

    pub(crate) fn visit(&mut self, module: &str, visitor: Visitor) {
        visitor(&format!("{module}.conv"), LayerMut::Conv(&mut self.conv));
    }
}
