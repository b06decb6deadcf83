//! Names and shapes at Stable Diffusion's own size, held against what its files are known to hold.

use std::collections::HashSet;

use super::super::stored::{TextNames, in_checkpoint};
use super::*;

fn weights(component: Component) -> Vec<(String, Vec<usize>)> {
    layers::weights(&layers::of(component, &sd1_unet(), &sd1_vae(), &sd1_text_encoder()))
}

fn parameters(weights: &[(String, Vec<usize>)]) -> usize {
    weights.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum()
}

#[test]
fn stable_diffusion_1_has_its_known_number_of_weights() {
    let counts = COMPONENTS.map(|component| {
        let weights = weights(component);
        (weights.len(), parameters(&weights))
    });
    assert_eq!(counts, [(196, 123_060_480), (686, 859_520_964), (248, 83_653_863)]);
}

#[test]
fn stable_diffusion_2_has_its_known_number_of_weights() {
    let unet = UnetConfig {
        attention_heads: vec![5, 10, 20, 20],
        cross_attention_dim: 1024,
        use_linear_projection: true,
        ..sd1_unet()
    };
    assert_eq!(parameters(&layers::weights(&layers::unet(&unet))), 865_910_724);
}

#[test]
fn every_weight_has_a_name_of_its_own_in_a_checkpoint() {
    for names in [TextNames::Clip, TextNames::ClipWithoutPrefix, TextNames::OpenClip] {
        let mut seen = HashSet::new();
        for component in COMPONENTS {
            for (name, _) in weights(component) {
                let stored = in_checkpoint(component, &name, &sd1_unet(), &sd1_vae(), names);
                let stored = stored.unwrap_or_else(|| panic!("{name} has no name"));
                assert!(seen.insert((stored.name.clone(), stored.third)), "{} twice", stored.name);
            }
        }
    }
}

#[test]
fn names_are_those_of_v1_5_pruned() {
    let cases = [
        (Component::Unet, "conv_in.bias", "input_blocks.0.0.bias"),
        (Component::Unet, "time_embedding.linear_2.weight", "time_embed.2.weight"),
        (Component::Unet, "down_blocks.0.downsamplers.0.conv.weight", "input_blocks.3.0.op.weight"),
        (
            Component::Unet,
            "down_blocks.1.resnets.0.conv_shortcut.bias",
            "input_blocks.4.0.skip_connection.bias",
        ),
        (Component::Unet, "down_blocks.2.attentions.1.proj_in.weight", "input_blocks.8.1.proj_in.weight"),
        (
            Component::Unet,
            "down_blocks.3.resnets.1.time_emb_proj.bias",
            "input_blocks.11.0.emb_layers.1.bias",
        ),
        (Component::Unet, "mid_block.resnets.1.conv2.weight", "middle_block.2.out_layers.3.weight"),
        (
            Component::Unet,
            "mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj.weight",
            "middle_block.1.transformer_blocks.0.ff.net.0.proj.weight",
        ),
        (Component::Unet, "up_blocks.0.upsamplers.0.conv.weight", "output_blocks.2.1.conv.weight"),
        (Component::Unet, "up_blocks.1.upsamplers.0.conv.bias", "output_blocks.5.2.conv.bias"),
        (Component::Unet, "up_blocks.3.attentions.2.norm.weight", "output_blocks.11.1.norm.weight"),
        (Component::Unet, "conv_norm_out.weight", "out.0.weight"),
        (
            Component::Vae,
            "encoder.down_blocks.1.resnets.0.conv_shortcut.weight",
            "encoder.down.1.block.0.nin_shortcut.weight",
        ),
        (
            Component::Vae,
            "encoder.down_blocks.2.downsamplers.0.conv.bias",
            "encoder.down.2.downsample.conv.bias",
        ),
        (Component::Vae, "encoder.mid_block.resnets.1.norm1.weight", "encoder.mid.block_2.norm1.weight"),
        (Component::Vae, "decoder.mid_block.attentions.0.group_norm.bias", "decoder.mid.attn_1.norm.bias"),
        (
            Component::Vae,
            "decoder.mid_block.attentions.0.to_out.0.weight",
            "decoder.mid.attn_1.proj_out.weight",
        ),
        (Component::Vae, "decoder.up_blocks.0.resnets.2.conv1.weight", "decoder.up.3.block.2.conv1.weight"),
        (Component::Vae, "decoder.up_blocks.2.upsamplers.0.conv.weight", "decoder.up.1.upsample.conv.weight"),
        (Component::Vae, "decoder.conv_norm_out.bias", "decoder.norm_out.bias"),
        (Component::Vae, "post_quant_conv.weight", "post_quant_conv.weight"),
    ];
    for (component, name, expected) in cases {
        let prefix = if component == Component::Unet { "model.diffusion_model" } else { "first_stage_model" };
        let stored = in_checkpoint(component, name, &sd1_unet(), &sd1_vae(), TextNames::Clip).unwrap();
        assert_eq!(stored.name, format!("{prefix}.{expected}"));
        assert!(weights(component).iter().any(|(known, _)| known == name), "{name}");
    }
}

#[test]
fn names_are_those_of_stable_diffusion_2s_text_encoder() {
    for (name, expected, third) in [
        ("embeddings.position_embedding.weight", "positional_embedding", None),
        ("embeddings.token_embedding.weight", "token_embedding.weight", None),
        ("encoder.layers.3.self_attn.k_proj.bias", "transformer.resblocks.3.attn.in_proj_bias", Some(1)),
        ("encoder.layers.3.self_attn.v_proj.weight", "transformer.resblocks.3.attn.in_proj_weight", Some(2)),
        ("encoder.layers.0.self_attn.out_proj.weight", "transformer.resblocks.0.attn.out_proj.weight", None),
        ("encoder.layers.0.mlp.fc2.bias", "transformer.resblocks.0.mlp.c_proj.bias", None),
        ("encoder.layers.0.layer_norm2.bias", "transformer.resblocks.0.ln_2.bias", None),
        ("final_layer_norm.weight", "ln_final.weight", None),
    ] {
        let name = format!("text_model.{name}");
        let stored =
            in_checkpoint(Component::TextEncoder, &name, &sd1_unet(), &sd1_vae(), TextNames::OpenClip)
                .unwrap();
        assert_eq!((stored.name, stored.third), (format!("cond_stage_model.model.{expected}"), third));
    }
}
