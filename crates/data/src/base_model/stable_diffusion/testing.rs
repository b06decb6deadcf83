//! Tiny Stable Diffusion models for tests, with weights that are random and always the same, in both layouts.

use std::path::Path;

use serde_json::{Value, json};

use super::stored::{TextNames, in_checkpoint};
use super::*;
use crate::safetensors::DataType;
use crate::safetensors::testing::build;

/// Stable Diffusion 1's UNet.
pub(crate) fn sd1_unet() -> UnetConfig {
    UnetConfig {
        in_channels: 4,
        out_channels: 4,
        block_out_channels: vec![320, 640, 1280, 1280],
        down_attention: vec![true, true, true, false],
        up_attention: vec![false, true, true, true],
        layers_per_block: 2,
        attention_heads: vec![8; 4],
        transformer_layers: 1,
        cross_attention_dim: 768,
        norm_num_groups: 32,
        norm_eps: 1e-5,
        use_linear_projection: false,
        flip_sin_to_cos: true,
        freq_shift: 0.0,
    }
}

/// Stable Diffusion 1's text encoder.
pub(crate) fn sd1_text_encoder() -> ClipTextConfig {
    ClipTextConfig {
        vocab_size: 49_408,
        hidden_size: 768,
        intermediate_size: 3072,
        num_hidden_layers: 12,
        num_attention_heads: 12,
        max_position_embeddings: 77,
        hidden_act: Activation::QuickGelu,
        layer_norm_eps: 1e-5,
    }
}

/// Stable Diffusion 1's VAE.
pub(crate) fn sd1_vae() -> VaeConfig {
    VaeConfig {
        in_channels: 3,
        out_channels: 3,
        latent_channels: 4,
        block_out_channels: vec![128, 256, 512, 512],
        layers_per_block: 2,
        norm_num_groups: 32,
        scaling_factor: 0.18215,
        mid_block_attention: true,
        use_quant_conv: true,
        use_post_quant_conv: true,
    }
}

/// A tiny model that a checkpoint file can describe: 32 groups, 8 heads, text heads of width 64.
#[derive(Clone)]
pub(crate) struct Tiny {
    pub(crate) unet: UnetConfig,
    pub(crate) vae: VaeConfig,
    pub(crate) text: ClipTextConfig,
    pub(crate) second: bool,
}

/// Like Stable Diffusion 1.
pub(crate) fn tiny() -> Tiny {
    Tiny {
        unet: UnetConfig {
            block_out_channels: vec![32, 64],
            down_attention: vec![true, false],
            up_attention: vec![false, true],
            layers_per_block: 1,
            attention_heads: vec![8; 2],
            cross_attention_dim: 64,
            ..sd1_unet()
        },
        vae: VaeConfig { block_out_channels: vec![32, 64], layers_per_block: 1, ..sd1_vae() },
        text: ClipTextConfig {
            vocab_size: 40,
            hidden_size: 64,
            intermediate_size: 96,
            num_hidden_layers: 2,
            num_attention_heads: 1,
            max_position_embeddings: 16,
            ..sd1_text_encoder()
        },
        second: false,
    }
}

/// Like Stable Diffusion 2: linear projections, `OpenCLIP`'s names, heads of width 64.
pub(crate) fn tiny_2() -> Tiny {
    let mut tiny = tiny();
    tiny.second = true;
    tiny.unet.use_linear_projection = true;
    tiny.unet.block_out_channels = vec![64, 128];
    tiny.unet.attention_heads = vec![1, 2];
    tiny.text.hidden_act = Activation::Gelu;
    tiny
}

/// A tensor: name, number type, shape, bytes.
pub(crate) type Tensor = (String, DataType, Vec<usize>, Vec<u8>);

impl Tiny {
    /// A part's weights under diffusers' names, in single precision.
    pub(crate) fn weights(&self, component: Component) -> Vec<Tensor> {
        let layers = layers::of(component, &self.unet, &self.vae, &self.text);
        let single = |(name, shape): (String, Vec<usize>)| {
            let bytes = noise(&name, shape.iter().product()).flat_map(f32::to_le_bytes).collect();
            (name, DataType::F32, shape, bytes)
        };
        layers::weights(&layers).into_iter().map(single).collect()
    }

    /// The `config.json` of each part, as diffusers and transformers write them.
    pub(crate) fn configs(&self) -> [(&'static str, Value); 5] {
        let blocks = |flags: &[bool], with: &str, without: &str| -> Value {
            flags.iter().map(|with_attention| if *with_attention { with } else { without }).collect()
        };
        let (unet, vae, text) = (&self.unet, &self.vae, &self.text);
        let heads = if self.second { json!(unet.attention_heads) } else { json!(unet.attention_heads[0]) };
        let gelu = text.hidden_act == Activation::Gelu;
        [
            (
                "model_index.json",
                json!({
                    "_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.30.0",
                    "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
                    "text_encoder": ["transformers", "CLIPTextModel"], "safety_checker": [null, null],
                    "tokenizer": ["transformers", "CLIPTokenizer"], "scheduler": ["diffusers", "PNDMScheduler"],
                }),
            ),
            (
                "unet/config.json",
                json!({
                    "_class_name": "UNet2DConditionModel", "act_fn": "silu", "attention_head_dim": heads,
                    "block_out_channels": unet.block_out_channels, "center_input_sample": false,
                    "cross_attention_dim": unet.cross_attention_dim,
                    "down_block_types": blocks(&unet.down_attention, "CrossAttnDownBlock2D", "DownBlock2D"),
                    "up_block_types": blocks(&unet.up_attention, "CrossAttnUpBlock2D", "UpBlock2D"),
                    "downsample_padding": 1, "flip_sin_to_cos": true, "freq_shift": 0, "in_channels": 4,
                    "out_channels": 4, "layers_per_block": unet.layers_per_block, "mid_block_scale_factor": 1,
                    "norm_eps": 1e-5, "norm_num_groups": 32, "sample_size": 8,
                    "use_linear_projection": unet.use_linear_projection,
                }),
            ),
            (
                "vae/config.json",
                json!({
                    "_class_name": "AutoencoderKL", "act_fn": "silu", "block_out_channels": vae.block_out_channels,
                    "down_block_types": vec!["DownEncoderBlock2D"; vae.block_out_channels.len()],
                    "up_block_types": vec!["UpDecoderBlock2D"; vae.block_out_channels.len()], "in_channels": 3,
                    "out_channels": 3, "latent_channels": 4, "layers_per_block": vae.layers_per_block,
                    "norm_num_groups": 32, "sample_size": 16,
                }),
            ),
            (
                "text_encoder/config.json",
                json!({
                    "architectures": ["CLIPTextModel"], "attention_dropout": 0.0, "bos_token_id": 0, "dropout": 0.0,
                    "eos_token_id": 2, "hidden_act": if gelu { "gelu" } else { "quick_gelu" },
                    "hidden_size": text.hidden_size, "initializer_factor": 1.0, "initializer_range": 0.02,
                    "intermediate_size": text.intermediate_size, "layer_norm_eps": 1e-5,
                    "max_position_embeddings": text.max_position_embeddings, "model_type": "clip_text_model",
                    "num_attention_heads": text.num_attention_heads, "num_hidden_layers": text.num_hidden_layers,
                    "pad_token_id": 1, "projection_dim": 64, "torch_dtype": "float32",
                    "transformers_version": "4.22.0.dev0", "vocab_size": text.vocab_size,
                }),
            ),
            (
                "scheduler/scheduler_config.json",
                json!({
                    "_class_name": "PNDMScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear",
                    "beta_start": 0.00085, "num_train_timesteps": 1000, "set_alpha_to_one": false,
                    "skip_prk_steps": true, "steps_offset": 1, "trained_betas": null, "clip_sample": false,
                }),
            ),
        ]
    }

    /// Writes the diffusers folder, without a tokenizer.
    pub(crate) fn write_folder(&self, folder: &Path) {
        for (name, config) in self.configs() {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, config.to_string()).unwrap();
        }
        for component in [Component::TextEncoder, Component::Unet, Component::Vae] {
            write(&folder.join(part_file(component)), &self.weights(component));
        }
    }

    /// The tensors of the checkpoint file, as LDM's programs write them: with convolutions for the VAE's attention.
    pub(crate) fn checkpoint(&self) -> Vec<Tensor> {
        let names = if self.second { TextNames::OpenClip } else { TextNames::Clip };
        let mut tensors: Vec<Tensor> = Vec::new();
        for component in [Component::TextEncoder, Component::Unet, Component::Vae] {
            for (name, dtype, mut shape, bytes) in self.weights(component) {
                let stored = in_checkpoint(component, &name, &self.unet, &self.vae, names).unwrap();
                if stored.name.contains("attn_1.") && shape.len() == 2 {
                    shape.extend([1, 1]);
                }
                // Queries, keys and values come in this order: each is appended to its projection.
                match tensors.iter_mut().find(|tensor| tensor.0 == stored.name) {
                    Some(projection) => {
                        projection.2[0] += shape[0];
                        projection.3.extend(bytes);
                    }
                    None => tensors.push((stored.name, dtype, shape, bytes)),
                }
            }
        }
        if self.second {
            let last = self.text.num_hidden_layers;
            let name = format!("cond_stage_model.model.transformer.resblocks.{last}.ln_1.weight");
            tensors.push((name, DataType::F32, vec![1], vec![0; 4]));
        }
        tensors
    }
}

/// A part's weight file in a diffusers folder.
pub(crate) fn part_file(component: Component) -> &'static str {
    match component {
        Component::TextEncoder => "text_encoder/model.safetensors",
        Component::Unet => "unet/diffusion_pytorch_model.safetensors",
        Component::Vae => "vae/diffusion_pytorch_model.safetensors",
    }
}

/// Writes a safetensors file.
pub(crate) fn write(path: &Path, tensors: &[Tensor]) {
    let borrowed: Vec<_> = tensors
        .iter()
        .map(|(n, dtype, shape, bytes)| (n.as_str(), *dtype, shape.clone(), bytes.clone()))
        .collect();
    std::fs::write(path, build(&borrowed)).unwrap();
}

/// Numbers that follow from a name alone (splitmix64), between −1 and 1.
fn noise(name: &str, count: usize) -> impl Iterator<Item = f32> {
    let seed = name.bytes().fold(14_695_981_039_346_656_037_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(1_099_511_628_211)
    });
    (1..=count as u64).map(move |number| {
        let mut z = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    })
}
