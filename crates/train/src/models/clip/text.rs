//! The text transformer from token ids to states.

use loradeck_data::base_model::stable_diffusion::ClipTextConfig;
use tch::{TchError, Tensor};

use super::layer::Layer;
use crate::adapters::autograd::{Context, LayerMut};
use crate::models::blocks::LayerNorm;
use crate::models::flow::{Direct, Flow, Value};
use crate::models::loader::{LoadError, Loader};

/// A frozen text encoder with places for branches.
#[derive(Debug)]
pub struct ClipText {
    /// `[vocabulary, width]`.
    tokens: Tensor,
    /// `[positions, width]`.
    positions: Tensor,
    layers: Vec<Layer>,
    norm: LayerNorm,
}

impl ClipText {
    /// Loads the encoder that `config` describes.
    pub fn load(config: &ClipTextConfig, loader: &Loader) -> Result<Self, LoadError> {
        check(config)?;
        let width = config.hidden_size;
        let embedding = |part: &str, rows: usize| {
            loader.tensor(&format!("text_model.embeddings.{part}.weight"), &[rows, width])
        };
        Ok(Self {
            tokens: embedding("token_embedding", config.vocab_size)?,
            positions: embedding("position_embedding", config.max_position_embeddings)?,
            layers: (0..config.num_hidden_layers)
                .map(|number| Layer::load(loader, &layer_name(number), config))
                .collect::<Result<_, _>>()?,
            norm: loader.layer_norm("text_model.final_layer_norm", width, config.layer_norm_eps)?,
        })
    }

    /// The states `[samples, length, width]` of the token ids `ids` (int64 `[samples, length]`).
    ///
    /// With a `clip_skip` of 0 or 1 they are the last layer's, with 2 those of the layer before, and so on; the final
    /// layer norm is applied to whichever it is, as A1111 and sd-scripts do.
    pub fn forward(&self, ids: &Tensor, clip_skip: u32, context: &Context) -> Result<Tensor, TchError> {
        Ok(self.run(ids, clip_skip, &mut Direct(context))?.tensor().shallow_clone())
    }

    /// The same, layer by layer through `flow`.
    pub fn run<'a>(
        &'a self,
        ids: &Tensor,
        clip_skip: u32,
        flow: &mut impl Flow<'a>,
    ) -> Result<Value, TchError> {
        let mut x = flow.constant(self.embed(ids)?);
        for layer in self.layers_before(clip_skip)? {
            x = flow.run([&x], |[x], context| layer.forward(x, context))?;
        }
        flow.run([&x], |[x], _| self.norm.forward(x))
    }

    fn embed(&self, ids: &Tensor) -> Result<Tensor, TchError> {
        let length = ids.size2()?.1;
        let most = self.positions.size2()?.0;
        if length > most {
            return Err(TchError::Shape(format!(
                "{length} tokens are too many for the text encoder: it has {most} positions"
            )));
        }
        let tokens = Tensor::f_embedding(&self.tokens, ids, -1, false, false)?;
        tokens.f_add(&self.positions.f_narrow(0, 0, length)?)
    }

    fn layers_before(&self, clip_skip: u32) -> Result<&[Layer], TchError> {
        let skipped = clip_skip.max(1) as usize - 1;
        match self.layers.len().checked_sub(skipped) {
            Some(count) if count > 0 => Ok(&self.layers[..count]),
            _ => {
                let layers = self.layers.len();
                Err(TchError::Shape(format!(
                    "clip_skip {clip_skip} leaves no layer: the text encoder has {layers}"
                )))
            }
        }
    }

    /// Calls `visitor` for every layer that may carry a branch: layer by layer `q_proj`, `k_proj`, `v_proj`,
    /// `out_proj`, `mlp.fc1`, `mlp.fc2`, by names such as `text_model.encoder.layers.0.self_attn.q_proj`.
    pub fn visit(&mut self, visitor: &mut dyn FnMut(&str, LayerMut<'_>)) {
        for (number, layer) in self.layers.iter_mut().enumerate() {
            layer.visit(&layer_name(number), visitor);
        }
    }
}

fn layer_name(number: usize) -> String {
    format!("text_model.encoder.layers.{number}")
}

fn check(config: &ClipTextConfig) -> Result<(), LoadError> {
    let refuse = |problem| Err(LoadError::Config { component: "text encoder", problem });
    let (width, heads) = (config.hidden_size, config.num_attention_heads);
    if heads == 0 || width == 0 || !width.is_multiple_of(heads) {
        return refuse(format!("hidden_size {width} cannot be shared between {heads} num_attention_heads"));
    }
    if config.num_hidden_layers == 0 {
        return refuse("num_hidden_layers is 0".to_owned());
    }
    Ok(())
}
