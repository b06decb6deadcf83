//! A diffusers folder.

use std::path::{Path, PathBuf};

use loradeck_core::file;
use serde_json::{Map, Value};

use super::parts::{Part, Places, refuse_unread};
use super::{
    Activation, ClipTextConfig, Component, OpenOptions, StableDiffusion, StableDiffusionLayout,
    StableDiffusionVersion, UnetConfig, VaeConfig, layers, read_scheduler, read_text_encoder, read_unet,
    read_vae, recognise, stored, weight_file,
};
use crate::base_model::BaseModelError;
use crate::base_model::keys::Keys;

/// The order of the weight files in hashes.
const COMPONENTS: [Component; 3] = [Component::TextEncoder, Component::Unet, Component::Vae];

fn unsupported(path: &Path, problem: impl Into<String>) -> BaseModelError {
    BaseModelError::Unsupported { path: path.to_path_buf(), problem: problem.into() }
}

pub(super) fn open(path: &Path, options: OpenOptions) -> Result<StableDiffusion, BaseModelError> {
    if options.use_ema {
        let problem = "a diffusers folder holds no moving average of its weights; use the checkpoint file";
        return Err(unsupported(path, problem));
    }
    let index = read_index(path)?;
    let read = |part: &str, name: &str| json(&path.join(part).join(name));
    let (unet, unet_path) = read("unet", "config.json")?;
    let (vae, vae_path) = read("vae", "config.json")?;
    let (text, text_path) = read("text_encoder", "config.json")?;
    let (scheduler, scheduler_path) = read("scheduler", "scheduler_config.json")?;
    let (unet, upcast_attention) = read_unet::read(Keys::new(&unet, &unet_path))?;
    let vae = read_vae::read(Keys::new(&vae, &vae_path))?;
    let text = read_text_encoder::read(Keys::new(&text, &text_path))?;
    let scheduler = read_scheduler::read(Keys::new(&scheduler, &scheduler_path))?;
    if options.prediction_type.is_some_and(|given| given != scheduler.prediction_type) {
        let problem = "its 'prediction_type' is not the one that was asked for";
        return Err(unsupported(&scheduler_path, problem));
    }
    fit(&unet, &vae, &text).map_err(|problem| unsupported(path, problem))?;
    let (mut files, mut places) = (Vec::new(), Places::default());
    for component in COMPONENTS {
        let weights = weight_file::open(&weight_path(path, component)?)?;
        let layers = layers::of(component, &unet, &vae, &text);
        let part = Part { component, file: files.len(), weights: &weights, layers };
        let read = places.add(&part, |name| stored::in_folder(component, name))?;
        refuse_unread(&weights, weights.entries().keys(), &read, |name| harmless(component, name))?;
        files.push(weights);
    }
    let version = match text.hidden_act {
        Activation::QuickGelu => StableDiffusionVersion::One,
        Activation::Gelu => StableDiffusionVersion::Two,
    };
    let own_name = index.get("_name_or_path").and_then(Value::as_str).filter(|name| !name.is_empty());
    Ok(StableDiffusion {
        path: path.to_path_buf(),
        layout: StableDiffusionLayout::Diffusers,
        version,
        unet,
        vae,
        text_encoder: text,
        scheduler,
        upcast_attention,
        own_name: own_name.map(str::to_owned),
        files,
        places,
    })
}

/// `model_index.json`, of a pipeline that is supported.
fn read_index(path: &Path) -> Result<Map<String, Value>, BaseModelError> {
    let index_path = path.join("model_index.json");
    if !index_path.exists() {
        return Err(unsupported(path, "the folder holds no model_index.json, so it is no diffusers model"));
    }
    let (index, _) = json(&index_path)?;
    let Some(class) = index.get("_class_name").and_then(Value::as_str) else {
        return Err(BaseModelError::Key { path: index_path, key: "_class_name".into() });
    };
    if let Some(problem) = recognise::refuse_pipeline(class) {
        return Err(unsupported(path, problem));
    }
    // A part is named by its library and class, [null, null] where the pipeline goes without it.
    let has = |key: &str| index.get(key).and_then(|part| part.get(1)).is_some_and(Value::is_string);
    for (key, model) in
        [("text_encoder_2", "Stable Diffusion XL"), ("transformer", "a diffusion transformer")]
    {
        if has(key) {
            return Err(unsupported(
                path,
                format!("{model} ('{key}' in model_index.json) is not supported yet"),
            ));
        }
    }
    let classes =
        [("unet", "UNet2DConditionModel"), ("vae", "AutoencoderKL"), ("text_encoder", "CLIPTextModel")];
    for (key, expected) in classes {
        let Some(found) = index.get(key).and_then(|part| part.get(1)) else { continue };
        if found != expected {
            return Err(unsupported(
                &index_path,
                format!("'{key}' is of the class {found}, which is not supported ({expected})"),
            ));
        }
    }
    Ok(index)
}

/// A JSON object and its path.
fn json(path: &Path) -> Result<(Map<String, Value>, PathBuf), BaseModelError> {
    match file::read_json::<Value>(path)? {
        Some(Value::Object(map)) => Ok((map, path.to_path_buf())),
        Some(_) => Err(unsupported(path, "it is no JSON object")),
        None => Err(unsupported(path, "the file is missing; the diffusers folder is not whole")),
    }
}

/// Refuses parts that cannot work together.
fn fit(unet: &UnetConfig, vae: &VaeConfig, text: &ClipTextConfig) -> Result<(), String> {
    if unet.in_channels != vae.latent_channels {
        return Err(format!(
            "its UNet takes {} channels, its VAE gives latents of {}",
            unet.in_channels, vae.latent_channels
        ));
    }
    if unet.cross_attention_dim != text.hidden_size {
        return Err(format!(
            "its UNet reads text states of width {}, its text encoder gives {}",
            unet.cross_attention_dim, text.hidden_size
        ));
    }
    Ok(())
}

/// The weight file of a part: full precision before half, then the weights without moving average.
fn weight_path(folder: &Path, component: Component) -> Result<PathBuf, BaseModelError> {
    let (part, stem, pickle) = match component {
        Component::TextEncoder => ("text_encoder", "model", "pytorch_model"),
        Component::Unet => ("unet", "diffusion_pytorch_model", "diffusion_pytorch_model"),
        Component::Vae => ("vae", "diffusion_pytorch_model", "diffusion_pytorch_model"),
    };
    let folder = folder.join(part);
    let variants = ["", ".fp16", ".bf16", ".non_ema"];
    let paths = variants.iter().map(|variant| folder.join(format!("{stem}{variant}.safetensors")));
    if let Some(path) = paths.into_iter().find(|path| path.exists()) {
        return Ok(path);
    }
    for name in [format!("{stem}.safetensors.index.json"), format!("{stem}.fp16.safetensors.index.json")] {
        if folder.join(&name).exists() {
            return Err(unsupported(
                &folder,
                format!(
                    "its weights are split over several files ({name}), which is not supported; save the model \
                     with max_shard_size=\"100GB\""
                ),
            ));
        }
    }
    let pickles = [format!("{pickle}.bin"), format!("{pickle}.fp16.bin")];
    if let Some(name) = pickles.iter().find(|name| folder.join(name).exists()) {
        let problem = format!("its only weight file is the pickle {name}. {}", weight_file::PICKLE);
        return Err(unsupported(&folder, problem));
    }
    Err(unsupported(
        &folder,
        format!("there is no weight file ({stem}.safetensors, {stem}.fp16.safetensors)"),
    ))
}

/// Tensors that no layer reads and that change nothing.
fn harmless(component: Component, name: &str) -> bool {
    let in_text = ["embeddings.position_ids", "text_model.embeddings.position_ids", "text_projection.weight"];
    component == Component::TextEncoder && in_text.contains(&name)
}
