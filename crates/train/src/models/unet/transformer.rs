//! The transformer over the pixels of one resolution (diffusers' `Transformer2DModel`).

use tch::{TchError, Tensor};

use super::Conditions;
use super::config::TransformerShape;
use super::feed_forward::FeedForward;
use crate::adapters::autograd::{AutogradConv2d, AutogradLinear, Context, LayerMut};
use crate::models::blocks::{GroupNorm, LayerNorm, Visitor, attend, attend_in_single};
use crate::models::flow::{Flow, Value};
use crate::models::loader::{ConvShape, LoadError, Loader};

/// ε of the group norm before the transformer, whatever the rest of the network has.
const GROUP_EPSILON: f64 = 1e-6;
/// ε of the layer norms, PyTorch's default.
const LAYER_EPSILON: f64 = 1e-5;

/// What attention looks at, and how.
#[derive(Clone, Copy)]
struct Seen<'a> {
    /// `[samples, length, width]`.
    states: &'a Tensor,
    /// Whether attention is computed in fp32.
    upcast: bool,
}

/// Norm, projection, transformer layers, projection, beside a residual path.
#[derive(Debug)]
pub(super) struct Transformer {
    norm: GroupNorm,
    proj_in: Projection,
    layers: Vec<TransformerLayer>,
    proj_out: Projection,
}

/// A 1×1 convolution (Stable Diffusion 1) or a linear layer (2): the same mathematics, other tensors.
#[derive(Debug)]
enum Projection {
    Conv(AutogradConv2d),
    Linear(AutogradLinear),
}

impl Transformer {
    pub(super) fn load(loader: &Loader, module: &str, shape: TransformerShape) -> Result<Self, LoadError> {
        let layer =
            |number| TransformerLayer::load(loader, &format!("{module}.transformer_blocks.{number}"), shape);
        Ok(Self {
            norm: loader.group_norm(
                &format!("{module}.norm"),
                shape.groups,
                shape.channels,
                GROUP_EPSILON,
            )?,
            proj_in: Projection::load(loader, &format!("{module}.proj_in"), shape)?,
            layers: (0..shape.layers).map(layer).collect::<Result<_, _>>()?,
            proj_out: Projection::load(loader, &format!("{module}.proj_out"), shape)?,
        })
    }

    /// `x` `[samples, channels, height, width]` to the same size, as one block.
    pub(super) fn run<'a>(
        &'a self,
        x: &Value,
        conditions: Conditions,
        flow: &mut impl Flow<'a>,
    ) -> Result<Value, TchError> {
        let upcast = conditions.upcast_attention;
        flow.run([x, conditions.states], move |[x, states], context| {
            self.forward(x, Seen { states, upcast }, context)
        })
    }

    fn forward(&self, x: &Tensor, seen: Seen, context: &Context) -> Result<Tensor, TchError> {
        let (_, _, height, width) = x.size4()?;
        let mut inner = self.proj_in.inwards(&self.norm.forward(x)?, context)?;
        for layer in &self.layers {
            inner = layer.forward(&inner, seen, context)?;
        }
        self.proj_out.outwards(&inner, height, width, context)?.f_add(x)
    }

    pub(super) fn visit(&mut self, module: &str, visitor: Visitor) {
        visitor(&format!("{module}.proj_in"), self.proj_in.layer());
        for (number, layer) in self.layers.iter_mut().enumerate() {
            layer.visit(&format!("{module}.transformer_blocks.{number}"), visitor);
        }
        visitor(&format!("{module}.proj_out"), self.proj_out.layer());
    }
}

impl Projection {
    fn load(loader: &Loader, module: &str, shape: TransformerShape) -> Result<Self, LoadError> {
        let channels = shape.channels;
        if shape.linear_projection {
            loader.linear(module, channels, channels).map(Self::Linear)
        } else {
            loader.conv(module, ConvShape::same(channels, channels, 1)).map(Self::Conv)
        }
    }

    /// `[samples, channels, height, width]` to `[samples, height · width, channels]`.
    fn inwards(&self, x: &Tensor, context: &Context) -> Result<Tensor, TchError> {
        let flat = |x: &Tensor| x.f_flatten(2, 3)?.f_transpose(1, 2);
        match self {
            Self::Conv(conv) => flat(&conv.forward(x, context)?),
            Self::Linear(linear) => linear.forward(&flat(x)?, context),
        }
    }

    /// The way back.
    fn outwards(&self, x: &Tensor, height: i64, width: i64, context: &Context) -> Result<Tensor, TchError> {
        let (samples, _, channels) = x.size3()?;
        let spread =
            |x: &Tensor| x.f_transpose(1, 2)?.f_contiguous()?.f_view([samples, channels, height, width]);
        match self {
            Self::Conv(conv) => conv.forward(&spread(x)?, context),
            Self::Linear(linear) => spread(&linear.forward(x, context)?),
        }
    }

    fn layer(&mut self) -> LayerMut<'_> {
        match self {
            Self::Conv(conv) => LayerMut::Conv(conv),
            Self::Linear(linear) => LayerMut::Linear(linear),
        }
    }
}

/// Self-attention, cross-attention to the text, feed-forward (diffusers' `BasicTransformerBlock`).
#[derive(Debug)]
struct TransformerLayer {
    norm_1: LayerNorm,
    own: Attention,
    norm_2: LayerNorm,
    cross: Attention,
    norm_3: LayerNorm,
    feed_forward: FeedForward,
}

impl TransformerLayer {
    fn load(loader: &Loader, module: &str, shape: TransformerShape) -> Result<Self, LoadError> {
        let width = shape.channels;
        let norm = |part: &str| loader.layer_norm(&format!("{module}.{part}"), width, LAYER_EPSILON);
        Ok(Self {
            norm_1: norm("norm1")?,
            own: Attention::load(loader, &format!("{module}.attn1"), shape, width)?,
            norm_2: norm("norm2")?,
            cross: Attention::load(loader, &format!("{module}.attn2"), shape, shape.states)?,
            norm_3: norm("norm3")?,
            feed_forward: FeedForward::load(loader, &format!("{module}.ff"), width)?,
        })
    }

    fn forward(&self, x: &Tensor, seen: Seen, context: &Context) -> Result<Tensor, TchError> {
        let own = |x| Seen { states: x, ..seen };
        let normed = self.norm_1.forward(x)?;
        let x = self.own.forward(&normed, own(&normed), context)?.f_add(x)?;
        let x = self.cross.forward(&self.norm_2.forward(&x)?, seen, context)?.f_add(&x)?;
        self.feed_forward.forward(&self.norm_3.forward(&x)?, context)?.f_add(&x)
    }

    fn visit(&mut self, module: &str, visitor: Visitor) {
        self.own.visit(&format!("{module}.attn1"), visitor);
        self.cross.visit(&format!("{module}.attn2"), visitor);
        self.feed_forward.visit(&format!("{module}.ff"), visitor);
    }
}

/// Attention from pixels to pixels or to the text; only the last projection has a bias.
#[derive(Debug)]
struct Attention {
    query: AutogradLinear,
    key: AutogradLinear,
    value: AutogradLinear,
    out: AutogradLinear,
    heads: i64,
}

impl Attention {
    /// `seen` is the width of what keys and values are made from.
    fn load(loader: &Loader, module: &str, shape: TransformerShape, seen: usize) -> Result<Self, LoadError> {
        let width = shape.channels;
        Ok(Self {
            query: loader.linear_without_bias(&format!("{module}.to_q"), width, width)?,
            key: loader.linear_without_bias(&format!("{module}.to_k"), seen, width)?,
            value: loader.linear_without_bias(&format!("{module}.to_v"), seen, width)?,
            out: loader.linear(&format!("{module}.to_out.0"), width, width)?,
            heads: shape.heads as i64,
        })
    }

    fn forward(&self, x: &Tensor, seen: Seen, context: &Context) -> Result<Tensor, TchError> {
        let Seen { states, upcast } = seen;
        let query = self.query.forward(x, context)?;
        let (key, value) = (self.key.forward(states, context)?, self.value.forward(states, context)?);
        let attend = if upcast { attend_in_single } else { attend };
        self.out.forward(&attend(&query, &key, &value, self.heads, false)?, context)
    }

    fn visit(&mut self, module: &str, visitor: Visitor) {
        let layers = [
            ("to_q", &mut self.query),
            ("to_k", &mut self.key),
            ("to_v", &mut self.value),
            ("to_out.0", &mut self.out),
        ];
        for (part, layer) in layers {
            visitor(&format!("{module}.{part}"), LayerMut::Linear(layer));
        }
    }
}
