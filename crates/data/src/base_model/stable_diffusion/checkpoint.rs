//! One checkpoint file in the original (LDM) layout.

use std::path::Path;

use super::from_shapes::{self, Tensors};
use super::parts::{Part, Places, refuse_unread};
use super::stored::{self, Stored, TextNames};
use super::{
    Component, OpenOptions, PredictionType, StableDiffusion, StableDiffusionLayout, StableDiffusionVersion,
    layers, noise, recognise, weight_file,
};
use crate::base_model::BaseModelError;
use crate::safetensors::SafetensorsFile;

/// The prefixes of the three parts' tensors.
const PARTS: [(Component, &str); 3] = [
    (Component::TextEncoder, "cond_stage_model."),
    (Component::Unet, "model.diffusion_model."),
    (Component::Vae, "first_stage_model."),
];

fn unsupported(path: &Path, problem: impl Into<String>) -> BaseModelError {
    BaseModelError::Unsupported { path: path.to_path_buf(), problem: problem.into() }
}

pub(super) fn open(path: &Path, options: OpenOptions) -> Result<StableDiffusion, BaseModelError> {
    refuse_pickle(path)?;
    let weights = weight_file::open(path)?;
    if let Some(problem) = recognise::refuse(weights.entries()) {
        return Err(unsupported(path, problem));
    }
    let refused = |problem: String| unsupported(path, problem);
    let tensors = Tensors(weights.entries());
    let names = from_shapes::text_names(tensors).map_err(refused)?;
    let text = from_shapes::text_encoder(tensors, names).map_err(refused)?;
    let unet = from_shapes::unet(tensors, &text).map_err(refused)?;
    let vae = from_shapes::vae(tensors).map_err(refused)?;
    if unet.in_channels != vae.latent_channels {
        return Err(unsupported(
            path,
            format!(
                "its UNet takes {} channels, its VAE gives latents of {}",
                unet.in_channels, vae.latent_channels
            ),
        ));
    }
    let prediction = prediction_type(&weights, names, options.prediction_type).map_err(refused)?;
    let scheduler = from_shapes::scheduler(prediction);
    noise::check(&weights, &scheduler).map_err(refused)?;
    let mut places = Places::default();
    for (component, prefix) in PARTS {
        let layers = layers::of(component, &unet, &vae, &text);
        let part = Part { component, file: 0, weights: &weights, layers };
        let averaged = options.use_ema && component == Component::Unet;
        let mut read = places.add(&part, |name| {
            let stored = stored::in_checkpoint(component, name, &unet, &vae, names);
            stored.into_iter().map(|stored| if averaged { average(&stored) } else { stored }).collect()
        })?;
        if averaged {
            // The weights that are averaged stand beside their averages: they must be the same layers.
            let plain = layers::weights(&part.layers).into_iter();
            read.extend(plain.filter_map(|(name, _)| {
                Some(stored::in_checkpoint(component, &name, &unet, &vae, names)?.name)
            }));
        }
        let last = text.num_hidden_layers;
        let own = weights.entries().keys().filter(|name| name.starts_with(prefix));
        refuse_unread(&weights, own, &read, |name| harmless(name, names, last))?;
    }
    Ok(StableDiffusion {
        path: path.to_path_buf(),
        layout: StableDiffusionLayout::Checkpoint,
        version: match names {
            TextNames::Clip | TextNames::ClipWithoutPrefix => StableDiffusionVersion::One,
            TextNames::OpenClip => StableDiffusionVersion::Two,
        },
        unet,
        vae,
        text_encoder: text,
        scheduler,
        // Stable Diffusion 2.1's scores overflow in half precision; its file does not say which 2.x it is.
        upcast_attention: names == TextNames::OpenClip,
        own_name: None,
        files: vec![weights],
        places,
    })
}

fn average(stored: &Stored) -> Stored {
    Stored { name: stored::averaged(&stored.name), third: stored.third }
}

/// Refuses the files that PyTorch itself writes, by their extension.
fn refuse_pickle(path: &Path) -> Result<(), BaseModelError> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if ["ckpt", "pt", "pth", "bin"].iter().any(|pickle| extension.eq_ignore_ascii_case(pickle)) {
        return Err(unsupported(path, format!("a pickle. {}", weight_file::PICKLE)));
    }
    Ok(())
}

/// What the UNet predicts: as the file says, as the caller says, or the noise for Stable Diffusion 1.
fn prediction_type(
    weights: &SafetensorsFile,
    names: TextNames,
    given: Option<PredictionType>,
) -> Result<PredictionType, String> {
    let said = match weights.metadata().get("modelspec.prediction_type").map(String::as_str) {
        None | Some("") => weights.entries().contains_key("v_pred").then_some(PredictionType::VPrediction),
        Some("epsilon") => Some(PredictionType::Epsilon),
        Some("v" | "v_prediction") => Some(PredictionType::VPrediction),
        Some(other) => {
            return Err(format!(
                "its 'modelspec.prediction_type' is '{other}', which is not supported (epsilon, v)"
            ));
        }
    };
    match (said, given, names) {
        (Some(said), Some(given), _) if said != given => Err(format!(
            "it says itself that it predicts {}, which contradicts the setting ({})",
            word(said),
            word(given)
        )),
        (Some(prediction), _, _) | (None, Some(prediction), _) => Ok(prediction),
        (None, None, TextNames::OpenClip) => Err(
            "a Stable Diffusion 2 checkpoint, which does not say whether it predicts noise (2-base) or velocity (2, \
             2.1): use its diffusers folder"
                .into(),
        ),
        (None, None, _) => Ok(PredictionType::Epsilon),
    }
}

fn word(prediction: PredictionType) -> &'static str {
    match prediction {
        PredictionType::Epsilon => "the noise",
        PredictionType::VPrediction => "the velocity",
    }
}

/// Tensors of the three parts that no layer reads and that change nothing: positions, what belongs to the pooled state
/// or to CLIP's comparison with pictures, the VAE's training loss, and `OpenCLIP`'s last layer, which Stable
/// Diffusion 2 does not use.
fn harmless(name: &str, names: TextNames, last_layer: usize) -> bool {
    let fixed = [
        "cond_stage_model.transformer.text_model.embeddings.position_ids",
        "cond_stage_model.transformer.embeddings.position_ids",
        "cond_stage_model.transformer.text_projection.weight",
        "cond_stage_model.text_projection",
        "cond_stage_model.logit_scale",
        "cond_stage_model.model.text_projection",
        "cond_stage_model.model.logit_scale",
        "cond_stage_model.model.attn_mask",
    ];
    let unused = format!("cond_stage_model.model.transformer.resblocks.{last_layer}.");
    fixed.contains(&name)
        || name.starts_with("first_stage_model.loss.")
        || name.starts_with("first_stage_model.model_ema.")
        || (names == TextNames::OpenClip && name.starts_with(&unused))
}
