//! One layer of the text transformer.

use loradeck_data::base_model::stable_diffusion::{Activation, ClipTextConfig};
use tch::{TchError, Tensor};

use crate::adapters::autograd::{AutogradLinear, Context, LayerMut};
use crate::models::blocks::{LayerNorm, Visitor, attend};
use crate::models::loader::{LoadError, Loader};

/// Causal self-attention and a feed-forward block, each behind a layer norm and beside a residual path.
#[derive(Debug)]
pub(super) struct Layer {
    norm_1: LayerNorm,
    query: AutogradLinear,
    key: AutogradLinear,
    value: AutogradLinear,
    out: AutogradLinear,
    norm_2: LayerNorm,
    inner: AutogradLinear,
    outer: AutogradLinear,
    heads: i64,
    activation: Activation,
}

impl Layer {
    pub(super) fn load(loader: &Loader, module: &str, config: &ClipTextConfig) -> Result<Self, LoadError> {
        let (width, wide) = (config.hidden_size, config.intermediate_size);
        let at = |part: &str| format!("{module}.{part}");
        let norm = |part: &str| loader.layer_norm(&at(part), width, config.layer_norm_eps);
        let square = |part: &str| loader.linear(&at(part), width, width);
        Ok(Self {
            norm_1: norm("layer_norm1")?,
            query: square("self_attn.q_proj")?,
            key: square("self_attn.k_proj")?,
            value: square("self_attn.v_proj")?,
            out: square("self_attn.out_proj")?,
            norm_2: norm("layer_norm2")?,
            inner: loader.linear(&at("mlp.fc1"), width, wide)?,
            outer: loader.linear(&at("mlp.fc2"), wide, width)?,
            heads: config.num_attention_heads as i64,
            activation: config.hidden_act,
        })
    }

    /// States `[samples, length, width]` to the next layer's.
    pub(super) fn forward(&self, x: &Tensor, context: &Context) -> Result<Tensor, TchError> {
        let x = x.f_add(&self.attention(&self.norm_1.forward(x)?, context)?)?;
        x.f_add(&self.feed_forward(&self.norm_2.forward(&x)?, context)?)
    }

    fn attention(&self, x: &Tensor, context: &Context) -> Result<Tensor, TchError> {
        let query = self.query.forward(x, context)?;
        let key = self.key.forward(x, context)?;
        let value = self.value.forward(x, context)?;
        self.out.forward(&attend(&query, &key, &value, self.heads, true)?, context)
    }

    fn feed_forward(&self, x: &Tensor, context: &Context) -> Result<Tensor, TchError> {
        let inner = activate(&self.inner.forward(x, context)?, self.activation)?;
        self.outer.forward(&inner, context)
    }

    /// `q_proj`, `k_proj`, `v_proj`, `out_proj`, `mlp.fc1`, `mlp.fc2`.
    pub(super) fn visit(&mut self, module: &str, visitor: Visitor) {
        let layers = [
            ("self_attn.q_proj", &mut self.query),
            ("self_attn.k_proj", &mut self.key),
            ("self_attn.v_proj", &mut self.value),
            ("self_attn.out_proj", &mut self.out),
            ("mlp.fc1", &mut self.inner),
            ("mlp.fc2", &mut self.outer),
        ];
        for (part, layer) in layers {
            visitor(&format!("{module}.{part}"), LayerMut::Linear(layer));
        }
    }
}

fn activate(x: &Tensor, activation: Activation) -> Result<Tensor, TchError> {
    match activation {
        Activation::QuickGelu => x.f_mul(&x.f_mul_scalar(1.702)?.f_sigmoid()?),
        Activation::Gelu => x.f_gelu("none"),
    }
}
