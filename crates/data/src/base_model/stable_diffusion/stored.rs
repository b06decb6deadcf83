//! From a weight's name in a diffusers folder to what it is called in a file: in the original (LDM) layout, in
//! `OpenCLIP`'s, and in folders that older versions of the libraries wrote.

use std::ops::Range;

use super::{Component, UnetConfig, VaeConfig};

/// A name under which a file may hold a weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    /// The tensor's name in the file.
    pub(super) name: String,
    /// The part of the tensor's rows that is meant: this third of them; the whole where `None`.
    pub(super) third: Option<usize>,
}

impl Stored {
    fn whole(name: String) -> Self {
        Self { name, third: None }
    }

    /// The rows meant, of a tensor whose third has `rows` rows.
    pub(super) fn rows(&self, rows: usize) -> Option<Range<usize>> {
        self.third.map(|third| third * rows..(third + 1) * rows)
    }
}

/// How the text encoder's weights are called in a checkpoint file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextNames {
    /// `cond_stage_model.transformer.text_model.…`
    Clip,
    /// `cond_stage_model.transformer.…`
    ClipWithoutPrefix,
    /// `cond_stage_model.model.…`
    OpenClip,
}

/// The names in a diffusers folder, the present ones first.
pub(super) fn in_folder(component: Component, name: &str) -> Vec<Stored> {
    let mut names = vec![Stored::whole(name.to_owned())];
    match component {
        Component::Vae => {
            // Names that diffusers used before 0.17.
            let old = [("to_q", "query"), ("to_k", "key"), ("to_v", "value"), ("to_out.0", "proj_attn")];
            names.extend(
                old.iter()
                    .filter(|(new, _)| name.contains(&format!(".attentions.0.{new}.")))
                    .map(|(new, old)| Stored::whole(name.replace(new, old))),
            );
        }
        Component::TextEncoder => {
            // transformers 5 holds the text model itself, without its name in front.
            names.extend(name.strip_prefix("text_model.").map(|rest| Stored::whole(rest.to_owned())));
        }
        Component::Unet => {}
    }
    names
}

/// The name in a checkpoint file; `None` for a name of no weight of that part.
pub(super) fn in_checkpoint(
    component: Component,
    name: &str,
    unet: &UnetConfig,
    vae: &VaeConfig,
    text: TextNames,
) -> Option<Stored> {
    if component == Component::TextEncoder {
        return text_encoder(name, text);
    }
    let (module, kind) = name.rsplit_once('.')?;
    let (prefix, module) = match component {
        Component::Unet => ("model.diffusion_model", unet_module(module, unet)?),
        _ => ("first_stage_model", vae_module(module, vae.block_out_channels.len())?),
    };
    Some(Stored::whole(format!("{prefix}.{module}.{kind}")))
}

/// The name of a UNet weight's moving average (LDM's `LitEma`): all dots after the first part left out.
pub(super) fn averaged(name: &str) -> String {
    let rest = name.strip_prefix("model.").unwrap_or(name);
    format!("model_ema.{}", rest.replace('.', ""))
}

fn unet_module(module: &str, config: &UnetConfig) -> Option<String> {
    let outer = [
        ("conv_in", "input_blocks.0.0"),
        ("time_embedding.linear_1", "time_embed.0"),
        ("time_embedding.linear_2", "time_embed.2"),
        ("conv_norm_out", "out.0"),
        ("conv_out", "out.2"),
    ];
    if let Some((_, ldm)) = outer.iter().find(|(name, _)| *name == module) {
        return Some((*ldm).to_owned());
    }
    let (layers, parts): (usize, Vec<&str>) = (config.layers_per_block, module.splitn(5, '.').collect());
    match *parts.as_slice() {
        ["down_blocks", block, kind, layer, rest] => {
            let (block, layer): (usize, usize) = (block.parse().ok()?, layer.parse().ok()?);
            // Place 0 is the first convolution; a block holds its layers and a downsampler.
            let place = 1 + block * (layers + 1) + layer;
            Some(match kind {
                "resnets" => format!("input_blocks.{place}.0.{}", unet_resnet(rest)?),
                "attentions" => format!("input_blocks.{place}.1.{rest}"),
                "downsamplers" => format!("input_blocks.{}.0.op", (block + 1) * (layers + 1)),
                _ => return None,
            })
        }
        ["mid_block", "resnets", layer, ..] => {
            let layer: usize = layer.parse().ok()?;
            let rest = module.splitn(4, '.').nth(3)?;
            Some(format!("middle_block.{}.{}", 2 * layer, unet_resnet(rest)?))
        }
        ["mid_block", "attentions", ..] => Some(format!("middle_block.1.{}", module.splitn(4, '.').nth(3)?)),
        ["up_blocks", block, kind, layer, rest] => {
            let (block, layer): (usize, usize) = (block.parse().ok()?, layer.parse().ok()?);
            let place = block * (layers + 1) + layer;
            Some(match kind {
                "resnets" => format!("output_blocks.{place}.0.{}", unet_resnet(rest)?),
                "attentions" => format!("output_blocks.{place}.1.{rest}"),
                "upsamplers" => {
                    let after = if *config.up_attention.get(block)? { 2 } else { 1 };
                    format!("output_blocks.{}.{after}.conv", block * (layers + 1) + layers)
                }
                _ => return None,
            })
        }
        _ => None,
    }
}

fn unet_resnet(layer: &str) -> Option<&'static str> {
    Some(match layer {
        "norm1" => "in_layers.0",
        "conv1" => "in_layers.2",
        "time_emb_proj" => "emb_layers.1",
        "norm2" => "out_layers.0",
        "conv2" => "out_layers.3",
        "conv_shortcut" => "skip_connection",
        _ => return None,
    })
}

fn vae_module(module: &str, levels: usize) -> Option<String> {
    if matches!(module, "quant_conv" | "post_quant_conv") {
        return Some(module.to_owned());
    }
    let (side, rest) = module.split_once('.')?;
    let parts: Vec<&str> = rest.splitn(4, '.').collect();
    let rest = match *parts.as_slice() {
        ["conv_norm_out"] => "norm_out".to_owned(),
        ["conv_in" | "conv_out"] => rest.to_owned(),
        ["mid_block", "resnets", layer, inner] => {
            format!("mid.block_{}.{}", layer.parse::<usize>().ok()? + 1, vae_resnet(inner))
        }
        ["mid_block", "attentions", "0", inner] => {
            let inner = match inner {
                "group_norm" => "norm",
                "to_q" => "q",
                "to_k" => "k",
                "to_v" => "v",
                "to_out.0" => "proj_out",
                _ => return None,
            };
            format!("mid.attn_1.{inner}")
        }
        ["down_blocks", block, "resnets", inner] => {
            let (layer, inner) = inner.split_once('.')?;
            format!("down.{block}.block.{layer}.{}", vae_resnet(inner))
        }
        ["down_blocks", block, "downsamplers", _] => format!("down.{block}.downsample.conv"),
        ["up_blocks", block, kind, inner] => {
            // LDM counts the decoder's blocks from the finest on, diffusers from the coarsest.
            let block = (levels - 1).checked_sub(block.parse::<usize>().ok()?)?;
            if kind == "upsamplers" {
                format!("up.{block}.upsample.conv")
            } else {
                let (layer, inner) = inner.split_once('.')?;
                format!("up.{block}.block.{layer}.{}", vae_resnet(inner))
            }
        }
        _ => return None,
    };
    Some(format!("{side}.{rest}"))
}

fn vae_resnet(layer: &str) -> &str {
    if layer == "conv_shortcut" { "nin_shortcut" } else { layer }
}

fn text_encoder(name: &str, names: TextNames) -> Option<Stored> {
    let rest = name.strip_prefix("text_model.")?;
    match names {
        TextNames::Clip => Some(Stored::whole(format!("cond_stage_model.transformer.{name}"))),
        TextNames::ClipWithoutPrefix => Some(Stored::whole(format!("cond_stage_model.transformer.{rest}"))),
        TextNames::OpenClip => open_clip(rest),
    }
}

fn open_clip(rest: &str) -> Option<Stored> {
    let whole = |name: String| Some(Stored::whole(format!("cond_stage_model.model.{name}")));
    let Some(in_layer) = rest.strip_prefix("encoder.layers.") else {
        return whole(match rest {
            "embeddings.token_embedding.weight" => "token_embedding.weight".to_owned(),
            "embeddings.position_embedding.weight" => "positional_embedding".to_owned(),
            other => other.replace("final_layer_norm", "ln_final"),
        });
    };
    let (layer, rest) = in_layer.split_once('.')?;
    let (module, kind) = rest.rsplit_once('.')?;
    let block = format!("transformer.resblocks.{layer}");
    // Queries, keys and values are the thirds of one projection.
    if let Some(third) = ["q", "k", "v"].iter().position(|p| module == format!("self_attn.{p}_proj")) {
        let name = format!("cond_stage_model.model.{block}.attn.in_proj_{kind}");
        return Some(Stored { name, third: Some(third) });
    }
    let module = match module {
        "self_attn.out_proj" => "attn.out_proj",
        "layer_norm1" => "ln_1",
        "layer_norm2" => "ln_2",
        "mlp.fc1" => "mlp.c_fc",
        "mlp.fc2" => "mlp.c_proj",
        _ => return None,
    };
    whole(format!("{block}.{module}.{kind}"))
}
