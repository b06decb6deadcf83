//! What a file is, by the names of its tensors; other architectures are refused by their names.

use std::collections::HashMap;

use crate::safetensors::Entry;

/// Why a file of these tensors is no Stable Diffusion 1.x or 2.x checkpoint; `None` where it may be one.
pub(super) fn refuse(entries: &HashMap<String, Entry>) -> Option<String> {
    let any = |test: &dyn Fn(&str) -> bool| entries.keys().any(|name| test(name));
    let starts = |prefix: &str| any(&|name: &str| name.starts_with(prefix));
    let holds = |part: &str| any(&|name: &str| name.contains(part));
    if entries.is_empty() {
        return Some("it holds no tensors".into());
    }
    if holds("lora_") || holds(".lora.") || holds("hada_w1") || holds("lokr_w") {
        return Some("a LoRA adapter, not a base model: name the model that it was trained on".into());
    }
    if let Some(name) = other_architecture(&starts, &holds) {
        return Some(format!("{name}, which is not supported yet (Stable Diffusion 1.x and 2.x are)"));
    }
    if starts("control_model.") || holds("controlnet_cond_embedding") {
        return Some("a ControlNet, not a base model".into());
    }
    if !starts("model.diffusion_model.") {
        return Some(without_unet(&starts));
    }
    None
}

fn other_architecture(starts: &dyn Fn(&str) -> bool, holds: &dyn Fn(&str) -> bool) -> Option<&'static str> {
    let in_model = |part: &str| starts(&format!("model.diffusion_model.{part}")) || starts(part);
    if starts("conditioner.embedders.1.") {
        return Some("a Stable Diffusion XL checkpoint");
    }
    if starts("conditioner.embedders.0.model.") && in_model("label_emb.") {
        return Some("a Stable Diffusion XL refiner checkpoint");
    }
    if in_model("joint_blocks.") {
        return Some("a Stable Diffusion 3 model");
    }
    if in_model("double_blocks.") {
        return Some("a FLUX model");
    }
    if in_model("label_emb.") || in_model("add_embedding.") {
        return Some("a Stable Diffusion XL UNet");
    }
    if in_model("clip_txt_mapper.") || in_model("clip_mapper.") {
        return Some("a Stable Cascade model");
    }
    if in_model("adaln_single.") || in_model("transformer_blocks.0.scale_shift_table") {
        return Some("a diffusion transformer (PixArt or its kin)");
    }
    if in_model("transformer_blocks.") || in_model("single_transformer_blocks.") || in_model("blocks.0.") {
        return Some("a diffusion transformer");
    }
    if holds("time_stack.") || holds("motion_modules.") {
        return Some("a video model");
    }
    None
}

/// What to say of a file that lacks the UNet.
fn without_unet(starts: &dyn Fn(&str) -> bool) -> String {
    let vae = ["first_stage_model.", "encoder.down.", "decoder.up.", "encoder.down_blocks."];
    if vae.iter().any(|prefix| starts(prefix)) {
        return "a VAE without UNet and text encoder: name the whole model's file or its diffusers folder"
            .into();
    }
    if starts("down_blocks.") || starts("input_blocks.") {
        return "a UNet alone, without VAE and text encoder: name the whole model's file or its diffusers folder".into();
    }
    if starts("text_model.") || starts("cond_stage_model.") {
        return "a text encoder alone: name the whole model's file or its diffusers folder".into();
    }
    if starts("model.layers.") || starts("model.embed_tokens.") {
        return "a language model's weight file: for a language model name its folder with config.json"
            .into();
    }
    "not a Stable Diffusion checkpoint: no tensor's name begins with 'model.diffusion_model.'".into()
}

/// Why the class of a diffusers pipeline is not supported; `None` where it is.
pub(super) fn refuse_pipeline(class: &str) -> Option<String> {
    let what = match class {
        "StableDiffusionPipeline" | "StableDiffusionImg2ImgPipeline" => return None,
        _ if class.contains("Inpaint") => "an inpainting model",
        _ if class.contains("StableDiffusionXL") => "Stable Diffusion XL",
        _ if class.contains("StableDiffusion3") => "Stable Diffusion 3",
        _ if class.contains("Flux") => "FLUX",
        _ if class.contains("Cascade") => "Stable Cascade",
        _ if class.contains("PixArt") => "PixArt",
        _ => "another kind of model",
    };
    Some(format!("{what} ('{class}'), which is not supported yet (StableDiffusionPipeline is)"))
}
