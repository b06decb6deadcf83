//! Every layer with weights that a configuration calls for, under diffusers' and transformers' names. Weight lists and
//! the places where an adapter can sit are both read off this one list.

use super::{ClipTextConfig, Component, UnetConfig, VaeConfig};

/// One layer with weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layer {
    /// The module's path, such as `down_blocks.0.resnets.0.conv1`.
    pub(crate) path: String,
    pub(crate) kind: LayerKind,
    pub(crate) bias: bool,
}

/// What a layer computes, with its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LayerKind {
    Linear { inputs: usize, outputs: usize },
    Conv { inputs: usize, outputs: usize, kernel: usize, stride: usize },
    Norm { channels: usize },
    Embedding { rows: usize, width: usize },
}

impl Layer {
    /// The layer's weights: names and shapes, outermost size first.
    pub(crate) fn weights(&self) -> Vec<(String, Vec<usize>)> {
        let (shape, outputs) = match self.kind {
            LayerKind::Linear { inputs, outputs } => (vec![outputs, inputs], outputs),
            LayerKind::Conv { inputs, outputs, kernel, .. } => {
                (vec![outputs, inputs, kernel, kernel], outputs)
            }
            LayerKind::Norm { channels } => (vec![channels], channels),
            LayerKind::Embedding { rows, width } => (vec![rows, width], width),
        };
        let bias = self.bias.then(|| (format!("{}.bias", self.path), vec![outputs]));
        std::iter::once((format!("{}.weight", self.path), shape)).chain(bias).collect()
    }
}

/// All weights of a part.
pub(super) fn weights(layers: &[Layer]) -> Vec<(String, Vec<usize>)> {
    layers.iter().flat_map(Layer::weights).collect()
}

/// The layers of one part.
pub(super) fn of(
    component: Component,
    unet: &UnetConfig,
    vae: &VaeConfig,
    text: &ClipTextConfig,
) -> Vec<Layer> {
    match component {
        Component::Unet => self::unet(unet),
        Component::Vae => self::vae(vae),
        Component::TextEncoder => self::text_encoder(text),
    }
}

struct List(Vec<Layer>);

impl List {
    fn add(&mut self, path: String, kind: LayerKind, bias: bool) {
        self.0.push(Layer { path, kind, bias });
    }

    fn linear(&mut self, path: String, inputs: usize, outputs: usize) {
        self.add(path, LayerKind::Linear { inputs, outputs }, true);
    }

    fn linear_without_bias(&mut self, path: String, inputs: usize, outputs: usize) {
        self.add(path, LayerKind::Linear { inputs, outputs }, false);
    }

    fn conv(&mut self, path: String, inputs: usize, outputs: usize, kernel: usize) {
        self.add(path, LayerKind::Conv { inputs, outputs, kernel, stride: 1 }, true);
    }

    fn downsampler(&mut self, path: String, channels: usize) {
        self.add(path, LayerKind::Conv { inputs: channels, outputs: channels, kernel: 3, stride: 2 }, true);
    }

    fn norm(&mut self, path: String, channels: usize) {
        self.add(path, LayerKind::Norm { channels }, true);
    }

    /// A residual block; `time` is the width of the time embedding, where it takes one.
    fn resnet(&mut self, path: &str, inputs: usize, outputs: usize, time: Option<usize>) {
        self.norm(format!("{path}.norm1"), inputs);
        self.conv(format!("{path}.conv1"), inputs, outputs, 3);
        if let Some(time) = time {
            self.linear(format!("{path}.time_emb_proj"), time, outputs);
        }
        self.norm(format!("{path}.norm2"), outputs);
        self.conv(format!("{path}.conv2"), outputs, outputs, 3);
        if inputs != outputs {
            self.conv(format!("{path}.conv_shortcut"), inputs, outputs, 1);
        }
    }

    /// A UNet's attention block (diffusers' `Transformer2DModel`).
    fn transformer(&mut self, path: &str, config: &UnetConfig, channels: usize) {
        let projection = |list: &mut Self, name: &str| {
            let path = format!("{path}.{name}");
            if config.use_linear_projection {
                list.linear(path, channels, channels);
            } else {
                list.conv(path, channels, channels, 1);
            }
        };
        self.norm(format!("{path}.norm"), channels);
        projection(self, "proj_in");
        for number in 0..config.transformer_layers {
            let block = format!("{path}.transformer_blocks.{number}");
            self.norm(format!("{block}.norm1"), channels);
            self.attention(&format!("{block}.attn1"), channels, channels);
            self.norm(format!("{block}.norm2"), channels);
            self.attention(&format!("{block}.attn2"), channels, config.cross_attention_dim);
            self.norm(format!("{block}.norm3"), channels);
            // GEGLU: one half is the gate of the other.
            self.linear(format!("{block}.ff.net.0.proj"), channels, 8 * channels);
            self.linear(format!("{block}.ff.net.2"), 4 * channels, channels);
        }
        projection(self, "proj_out");
    }

    /// A UNet's attention layer; `context` is the width of what keys and values are made from.
    fn attention(&mut self, path: &str, channels: usize, context: usize) {
        self.linear_without_bias(format!("{path}.to_q"), channels, channels);
        self.linear_without_bias(format!("{path}.to_k"), context, channels);
        self.linear_without_bias(format!("{path}.to_v"), context, channels);
        self.linear(format!("{path}.to_out.0"), channels, channels);
    }
}

/// The UNet's layers (diffusers' `UNet2DConditionModel`).
pub(crate) fn unet(config: &UnetConfig) -> Vec<Layer> {
    let mut list = List(Vec::new());
    let channels = &config.block_out_channels;
    let (Some(&first), Some(&last)) = (channels.first(), channels.last()) else { return Vec::new() };
    let time = 4 * first;
    list.conv("conv_in".into(), config.in_channels, first, 3);
    list.linear("time_embedding.linear_1".into(), first, time);
    list.linear("time_embedding.linear_2".into(), time, time);
    let mut inputs = first;
    for (block, &outputs) in channels.iter().enumerate() {
        let path = format!("down_blocks.{block}");
        for layer in 0..config.layers_per_block {
            list.resnet(&format!("{path}.resnets.{layer}"), inputs, outputs, Some(time));
            if config.down_attention[block] {
                list.transformer(&format!("{path}.attentions.{layer}"), config, outputs);
            }
            inputs = outputs;
        }
        if block + 1 < channels.len() {
            list.downsampler(format!("{path}.downsamplers.0.conv"), outputs);
        }
    }
    list.resnet("mid_block.resnets.0", last, last, Some(time));
    list.transformer("mid_block.attentions.0", config, last);
    list.resnet("mid_block.resnets.1", last, last, Some(time));
    up_blocks(&mut list, config, time);
    list.norm("conv_norm_out".into(), first);
    list.conv("conv_out".into(), first, config.out_channels, 3);
    list.0
}

fn up_blocks(list: &mut List, config: &UnetConfig, time: usize) {
    let channels: Vec<usize> = config.block_out_channels.iter().rev().copied().collect();
    let mut inputs = channels[0];
    for (block, &outputs) in channels.iter().enumerate() {
        let path = format!("up_blocks.{block}");
        // The skipped states come from the down block of this resolution, the last of them from the next finer one.
        let finer = channels.get(block + 1).copied().unwrap_or(outputs);
        for layer in 0..=config.layers_per_block {
            let skipped = if layer == config.layers_per_block { finer } else { outputs };
            list.resnet(&format!("{path}.resnets.{layer}"), inputs + skipped, outputs, Some(time));
            if config.up_attention[block] {
                list.transformer(&format!("{path}.attentions.{layer}"), config, outputs);
            }
            inputs = outputs;
        }
        if block + 1 < channels.len() {
            list.conv(format!("{path}.upsamplers.0.conv"), outputs, outputs, 3);
        }
    }
}

/// The VAE's layers (diffusers' `AutoencoderKL`).
pub(crate) fn vae(config: &VaeConfig) -> Vec<Layer> {
    let mut list = List(Vec::new());
    let channels = &config.block_out_channels;
    let (Some(&first), Some(&last)) = (channels.first(), channels.last()) else { return Vec::new() };
    list.conv("encoder.conv_in".into(), config.in_channels, first, 3);
    let mut inputs = first;
    for (block, &outputs) in channels.iter().enumerate() {
        let path = format!("encoder.down_blocks.{block}");
        for layer in 0..config.layers_per_block {
            list.resnet(&format!("{path}.resnets.{layer}"), inputs, outputs, None);
            inputs = outputs;
        }
        if block + 1 < channels.len() {
            list.downsampler(format!("{path}.downsamplers.0.conv"), outputs);
        }
    }
    vae_middle(&mut list, "encoder.mid_block", last, config.mid_block_attention);
    list.norm("encoder.conv_norm_out".into(), last);
    // Mean and log variance of each latent channel.
    list.conv("encoder.conv_out".into(), last, 2 * config.latent_channels, 3);
    list.conv("decoder.conv_in".into(), config.latent_channels, last, 3);
    vae_middle(&mut list, "decoder.mid_block", last, config.mid_block_attention);
    let mut inputs = last;
    for (block, &outputs) in channels.iter().rev().enumerate() {
        let path = format!("decoder.up_blocks.{block}");
        for layer in 0..=config.layers_per_block {
            list.resnet(&format!("{path}.resnets.{layer}"), inputs, outputs, None);
            inputs = outputs;
        }
        if block + 1 < channels.len() {
            list.conv(format!("{path}.upsamplers.0.conv"), outputs, outputs, 3);
        }
    }
    list.norm("decoder.conv_norm_out".into(), first);
    list.conv("decoder.conv_out".into(), first, config.out_channels, 3);
    let moments = 2 * config.latent_channels;
    if config.use_quant_conv {
        list.conv("quant_conv".into(), moments, moments, 1);
    }
    if config.use_post_quant_conv {
        list.conv("post_quant_conv".into(), config.latent_channels, config.latent_channels, 1);
    }
    list.0
}

fn vae_middle(list: &mut List, path: &str, channels: usize, attention: bool) {
    list.resnet(&format!("{path}.resnets.0"), channels, channels, None);
    if attention {
        list.norm(format!("{path}.attentions.0.group_norm"), channels);
        for name in ["to_q", "to_k", "to_v", "to_out.0"] {
            list.linear(format!("{path}.attentions.0.{name}"), channels, channels);
        }
    }
    list.resnet(&format!("{path}.resnets.1"), channels, channels, None);
}

/// The text encoder's layers (transformers' `CLIPTextModel`, with version 4's prefix `text_model.`).
pub(crate) fn text_encoder(config: &ClipTextConfig) -> Vec<Layer> {
    let mut list = List(Vec::new());
    let (width, inner) = (config.hidden_size, config.intermediate_size);
    for (name, rows) in
        [("token_embedding", config.vocab_size), ("position_embedding", config.max_position_embeddings)]
    {
        list.add(format!("text_model.embeddings.{name}"), LayerKind::Embedding { rows, width }, false);
    }
    for layer in 0..config.num_hidden_layers {
        let path = format!("text_model.encoder.layers.{layer}");
        for name in ["q_proj", "k_proj", "v_proj", "out_proj"] {
            list.linear(format!("{path}.self_attn.{name}"), width, width);
        }
        list.norm(format!("{path}.layer_norm1"), width);
        list.linear(format!("{path}.mlp.fc1"), width, inner);
        list.linear(format!("{path}.mlp.fc2"), inner, width);
        list.norm(format!("{path}.layer_norm2"), width);
    }
    list.norm("text_model.final_layer_norm".into(), width);
    list.0
}
