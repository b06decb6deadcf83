//! What a check tells of a training on pictures: base model, adapters and their strength, pictures, and about how much
//! memory it needs.

use loradeck_core::config::{ImageSettings, Precision, Settings};
use serde::{Deserialize, Serialize};

use crate::base_model::stable_diffusion::{Component, StableDiffusion, StableDiffusionVersion};
use crate::image::{ImageCheck, ImageData};
use crate::image_check::{pixels_per_latent, plan_request};
use crate::image_memory::{ImageMemory, ImageMemoryRequest, estimate};
use crate::lora_names::{ChosenSite, Part};

/// Adapters of one part that share rank and alpha.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdapterRow {
    /// `unet` or `text_encoder`.
    pub part: String,
    /// r.
    pub rank: u32,
    /// α.
    pub alpha: f64,
    /// α / r: what the adapters' product is multiplied by.
    pub strength: f64,
    /// How many layers have such adapters.
    pub modules: usize,
    /// Their trained parameters.
    pub parameters: u64,
}

/// What a check of a training on pictures found out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageCheckSummary {
    /// The base model's path as found.
    pub base_model: String,
    /// Its name: its own, or the last part of the path.
    pub base_model_name: String,
    /// `diffusers` or `checkpoint`.
    pub base_model_kind: String,
    /// `Stable Diffusion 1.x` or `Stable Diffusion 2.x`: by the layout of its text encoder.
    pub base_model_version: String,
    /// Bytes of its weight files.
    pub base_model_size: u64,
    /// Weights of UNet, text encoder and VAE.
    pub base_parameters: u64,
    /// Trained parameters.
    pub adapter_parameters: u64,
    /// Layers with an adapter.
    pub adapter_modules: usize,
    /// The adapters by part, rank and alpha, in the order of the model.
    pub adapters: Vec<AdapterRow>,
    /// Whether the text encoder is trained too.
    pub trains_text_encoder: bool,
    /// The pictures.
    pub pictures: ImageCheck,
    /// Optimizer steps of one pass over the training pictures.
    pub steps_per_epoch: u64,
    /// Optimizer steps in all.
    pub total_steps: u64,
    /// About how many bytes the training takes.
    pub memory: ImageMemory,
}

impl ImageCheckSummary {
    /// What is worth telling about opened files and the sites chosen.
    pub(crate) fn of(
        settings: &Settings,
        image: &ImageSettings,
        (base, data, sites): (&StableDiffusion, &ImageData, &[ChosenSite]),
        cuda: bool,
    ) -> Self {
        let adapters = adapter_rows(sites);
        let adapter_parameters = adapters.iter().map(|row| row.parameters).sum();
        let pictures = data.check(image, plan_request(settings));
        let half = match settings.precision {
            Precision::Bf16 | Precision::Fp16 => true,
            Precision::Auto => cuda,
            Precision::Fp32 => false,
        };
        let (unet, encoder, vae) = (
            base.parameters(Component::Unet),
            base.parameters(Component::TextEncoder),
            base.parameters(Component::Vae),
        );
        let memory = estimate(&ImageMemoryRequest {
            unet: base.unet(),
            vae: base.vae(),
            frozen: unet + encoder,
            vae_parameters: vae,
            adapter_parameters,
            bytes_per_number: if half { 2 } else { 4 },
            batch_size: u64::from(settings.batch_size).min(largest_batch(&pictures)),
            latent_pixels: largest_bucket(data) / u64::from(pixels_per_latent(base)).pow(2),
            gradient_checkpointing: image.gradient_checkpointing,
        });
        Self {
            base_model: base.path().display().to_string(),
            base_model_name: base.name(),
            base_model_kind: base.kind().name().to_owned(),
            base_model_version: version(base.version()).to_owned(),
            base_model_size: base.size(),
            base_parameters: unet + encoder + vae,
            adapter_parameters,
            adapter_modules: sites.len(),
            trains_text_encoder: sites.iter().any(|site| site.site.part == Part::TextEncoder),
            adapters,
            steps_per_epoch: pictures.steps_per_epoch,
            total_steps: pictures.total_steps,
            pictures,
            memory,
        }
    }

    /// What is trained, in words: `UNet only (text_encoder_lr is 0)`.
    pub fn parts(&self) -> &'static str {
        let has_unet = self.adapters.iter().any(|row| row.part == Part::Unet.name());
        match (has_unet, self.trains_text_encoder) {
            (true, true) => "UNet and text encoder",
            (true, false) => "UNet only (text_encoder_lr is 0)",
            (false, _) => "text encoder only (unet_lr is 0)",
        }
    }
}

/// No batch holds more looks than its bucket has in an epoch.
fn largest_batch(pictures: &ImageCheck) -> u64 {
    pictures.buckets.iter().map(|row| row.looks).max().unwrap_or(1).max(1)
}

fn version(version: StableDiffusionVersion) -> &'static str {
    match version {
        StableDiffusionVersion::One => "Stable Diffusion 1.x",
        StableDiffusionVersion::Two => "Stable Diffusion 2.x",
    }
}

fn adapter_rows(sites: &[ChosenSite]) -> Vec<AdapterRow> {
    let mut rows: Vec<AdapterRow> = Vec::new();
    for chosen in sites {
        let part = chosen.site.part.name();
        let parameters = chosen.site.parameters(chosen.rank as usize);
        let is_alike = |row: &&mut AdapterRow| {
            row.part == part && row.rank == chosen.rank && row.alpha.to_bits() == chosen.alpha.to_bits()
        };
        match rows.iter_mut().find(is_alike) {
            Some(row) => {
                row.modules += 1;
                row.parameters += parameters;
            }
            None => rows.push(AdapterRow {
                part: part.to_owned(),
                rank: chosen.rank,
                alpha: chosen.alpha,
                strength: chosen.scale(),
                modules: 1,
                parameters,
            }),
        }
    }
    rows
}

/// Pixels of the largest bucket in use.
fn largest_bucket(data: &ImageData) -> u64 {
    let pixels = data
        .train
        .samples
        .iter()
        .map(|sample| u64::from(sample.bucket.width) * u64::from(sample.bucket.height));
    pixels.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base_model::stable_diffusion::testing::{sd1_text_encoder, sd1_unet};
    use crate::lora_names::{adapter_sites, choose};

    fn rows(extra: &str) -> Vec<AdapterRow> {
        let text =
            format!("base_model: m\ntrain_data_dir: d\ndata_type: image\nlora_targets: attention\n{extra}");
        let path = std::path::Path::new("e.yaml");
        let settings = loradeck_core::config::read_frozen(path, &text, &[]).unwrap().0;
        let sites = adapter_sites(&sd1_unet(), &sd1_text_encoder());
        adapter_rows(&choose(&settings, settings.image().unwrap(), &sites).unwrap())
    }

    #[test]
    fn adapters_of_one_part_rank_and_alpha_share_a_row() {
        let plain = rows("lora_rank: 4\nlora_alpha: 2\n");
        assert_eq!(plain.len(), 1);
        let row = &plain[0];
        assert_eq!((row.part.as_str(), row.rank, row.strength), ("unet", 4, 0.5));
        // diffusers' own script has these on Stable Diffusion 1.5.
        assert_eq!((row.modules, row.parameters), (128, 797_184));
        let other = rows("lora_rank: 4\nalpha_pattern: {to_v: 8}\n");
        let strengths: Vec<_> = other.iter().map(|row| (row.alpha, row.strength, row.modules)).collect();
        assert_eq!(strengths, [(8.0, 2.0, 128)]);
        let other = rows("lora_rank: 4\nalpha_pattern: {to_v: 1}\ntext_encoder_lr: 1e-5\n");
        assert_eq!(other.iter().filter(|row| row.part == "unet").count(), 2);
        assert_eq!(other.iter().filter(|row| row.part == "text_encoder").count(), 1);
    }
}
