//! Everything that can be known of a training on pictures before it takes any GPU time: that the base model is one that
//! can be trained, that the pictures can be used, and that the adapters have a place.

use std::path::Path;

use loradeck_core::config::{Diagnostic, Diagnostics, ImageSettings, Settings};
use loradeck_core::file;

use crate::base_model::BaseModelError;
use crate::base_model::stable_diffusion::StableDiffusion;
use crate::caption_lengths::CaptionLengths;
use crate::check::warmup_beyond_the_end;
use crate::image::words::counted;
use crate::image::{ImageData, ImagePlan, ImageRequest, PlanRequest, Progress};
use crate::image_summary::ImageCheckSummary;
use crate::lora_names::{ChosenSite, adapter_sites, choose};
use crate::order::PlanLength;

/// Opened and checked inputs of a training on pictures.
#[derive(Debug)]
pub struct ImageInputs {
    /// The base model.
    pub base: StableDiffusion,
    /// The pictures.
    pub data: ImageData,
    /// The order of training.
    pub plan: ImagePlan,
    /// The layers that receive an adapter.
    pub sites: Vec<ChosenSite>,
    /// What the report should tell as the check does, one sentence each.
    pub remarks: Vec<String>,
}

/// What a training on pictures reads, opened as far as that went: settings that differ only in what is trained share it.
#[derive(Debug)]
pub struct ImageFiles {
    base: Option<StableDiffusion>,
    data: Option<ImageData>,
    captions: CaptionLengths,
    problems: Vec<Diagnostic>,
}

impl ImageFiles {
    /// Opens base model and pictures; `progress` is told after each picture. What cannot be opened is told by whatever
    /// is asked next, so that a missing model does not hide what is wrong with the pictures.
    pub fn open(
        root: &Path,
        settings: &Settings,
        image: &ImageSettings,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Self {
        let mut problems = Vec::new();
        // The key has said what it is about.
        let of_model = |message: String| {
            Diagnostic::of_file("base_model", message.strip_prefix("base model ").unwrap_or(&message))
        };
        let base = open_base(root, &settings.base_model)
            .map_err(|error| problems.push(of_model(error.to_string())))
            .ok();
        let request = ImageRequest {
            root,
            train_data_dir: &settings.train_data_dir,
            eval_data_dir: settings.eval_data_dir.as_deref(),
            eval_split: settings.eval_split,
            split_seed: settings.split_seed,
            settings: image,
        };
        let data = ImageData::load(&request, progress).map_err(|found| problems.extend(found.0)).ok();
        let tokenizer = base.as_ref().and_then(|base| {
            base.tokenizer().map_err(|error| problems.push(of_model(error.to_string()))).ok()
        });
        let captions = match (&tokenizer, &data) {
            (Some(tokenizer), Some(data)) => CaptionLengths::of(data, tokenizer),
            _ => CaptionLengths::default(),
        };
        Self { base, data, captions, problems }
    }

    /// What decides which pictures a training sees and how they are sorted: settings of equal keys share the files.
    pub fn key(settings: &Settings, image: &ImageSettings) -> String {
        let seed = if settings.eval_split > 0.0 { settings.split_seed } else { 0 };
        let folders = (&settings.base_model, &settings.train_data_dir, &settings.eval_data_dir);
        let sizes = (
            image.resolution,
            image.min_bucket_reso,
            image.max_bucket_reso,
            image.bucket_reso_steps,
            image.num_repeats,
        );
        let rest = (
            &image.trigger_word,
            &image.background,
            &image.reg_data_dir,
            image.on_bad_sample,
            image.masked_loss,
        );
        format!("{:?}", (folders, settings.eval_split.to_bits(), seed, sizes, rest))
    }

    /// What `settings` make of the files: everything, or every problem at once.
    fn decide(
        &self,
        settings: &Settings,
        image: &ImageSettings,
    ) -> Result<(&StableDiffusion, &ImageData, Vec<ChosenSite>), Diagnostics> {
        let mut problems = self.problems.clone();
        let sites = self.base.as_ref().and_then(|base| {
            problems.extend(sizes_that_do_not_fit(base, image));
            problems.extend(encoder_layers_that_are_not_there(base, image));
            let sites = adapter_sites(base.unet(), base.text_encoder());
            let chosen = choose(settings, image, &sites);
            chosen.map_err(|error| problems.push(Diagnostic::of_file(error.key(), error.to_string()))).ok()
        });
        match (&self.base, &self.data, sites) {
            (Some(base), Some(data), Some(sites)) if problems.is_empty() => Ok((base, data, sites)),
            _ => Err(Diagnostics(problems)),
        }
    }

    /// What a check tells of a training with `settings` on these files; `cuda` says whether it would run on a GPU,
    /// which decides the number format.
    pub fn summary(
        &self,
        settings: &Settings,
        image: &ImageSettings,
        cuda: bool,
    ) -> Result<ImageCheckSummary, Diagnostics> {
        let (base, data, sites) = self.decide(settings, image)?;
        let mut summary = ImageCheckSummary::of(settings, image, (base, data, &sites), cuda);
        summary.pictures.notes.extend(self.captions.note(image));
        summary.pictures.notes.extend(prompts_without_trigger(settings, image));
        match warmup_beyond_the_end(settings, summary.total_steps) {
            Some(problem) => Err(Diagnostics(vec![problem])),
            None => Ok(summary),
        }
    }
}

/// Opens and checks everything that a training on pictures reads; `progress` is told after each picture. Every problem
/// is told at once: a model that cannot be opened does not hide what is wrong with the pictures.
pub fn open_image_inputs(
    root: &Path,
    settings: &Settings,
    image: &ImageSettings,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<ImageInputs, Diagnostics> {
    let files = ImageFiles::open(root, settings, image, progress);
    let (_, data, sites) = files.decide(settings, image)?;
    let plan = data.train.plan(plan_request(settings));
    if let Some(problem) = warmup_beyond_the_end(settings, plan.total_steps()) {
        return Err(Diagnostics(vec![problem]));
    }
    match files {
        ImageFiles { base: Some(base), data: Some(data), captions, .. } => {
            let remarks = captions.note(image).into_iter().chain(data.remarks(image)).collect();
            Ok(ImageInputs { base, data, plan, sites, remarks })
        }
        // Unreachable: what is missing has been told above.
        ImageFiles { problems, .. } => Err(Diagnostics(problems)),
    }
}

/// Opens the base model that `text` names: a path as it stands or relative to `root`.
pub fn open_base(root: &Path, text: &str) -> Result<StableDiffusion, BaseModelError> {
    let path = file::below(root, text);
    if !path.exists() {
        return Err(BaseModelError::NotFound { text: text.to_owned(), path, hint: String::new() });
    }
    StableDiffusion::open(&path)
}

/// How checked settings cut a training into steps.
pub fn plan_request(settings: &Settings) -> PlanRequest {
    PlanRequest {
        batch_size: settings.batch_size as usize,
        gradient_accumulation: settings.gradient_accumulation as usize,
        length: settings.max_steps.map_or(PlanLength::Epochs(settings.epochs), PlanLength::Steps),
        seed: settings.seed,
    }
}

/// Sample prompts that do not call up what is trained.
fn prompts_without_trigger(settings: &Settings, image: &ImageSettings) -> Option<String> {
    let word = image.trigger_word.as_deref().filter(|word| !word.is_empty())?;
    let is_without = |prompt: &&String| !prompt.to_lowercase().contains(&word.to_lowercase());
    let without = settings.sample_prompts.iter().filter(is_without).count();
    (without > 0).then(|| {
        let prompts = counted(without, "sample prompt");
        format!(
            "{prompts} without the trigger word '{word}': such pictures may show little of what is trained"
        )
    })
}

/// Pixels of a latent's side: each resolution of the autoencoder but the last halves the picture.
pub fn pixels_per_latent(base: &StableDiffusion) -> u32 {
    1 << base.vae().block_out_channels.len().saturating_sub(1)
}

/// Sides of pictures must be multiples of this: the network halves the latents at each of its resolutions but the last.
pub fn side_multiple(base: &StableDiffusion) -> u32 {
    pixels_per_latent(base) << base.unet().block_out_channels.len().saturating_sub(1)
}

/// Refuses buckets whose sides the model cannot halve as often as it does.
fn sizes_that_do_not_fit(base: &StableDiffusion, image: &ImageSettings) -> Vec<Diagnostic> {
    let multiple = side_multiple(base);
    let misfit = |key: &str, value: u32| {
        (!value.is_multiple_of(multiple)).then(|| {
            let message = format!("is no multiple of {multiple}, which this base model's sizes must be");
            let problem = Diagnostic { value: Some(value.to_string()), ..Diagnostic::of_file(key, message) };
            // A resolution between two steps of the buckets would be trained at another size than it says.
            let steps = image.bucket_reso_steps;
            let unit = if key == "resolution" && steps.is_multiple_of(multiple) { steps } else { multiple };
            let below = (value / unit).max(1) * unit;
            problem.with_hint(format!("{below} or {}", below + unit))
        })
    };
    [misfit("resolution", image.resolution), misfit("bucket_reso_steps", image.bucket_reso_steps)]
        .into_iter()
        .flatten()
        .collect()
}

fn encoder_layers_that_are_not_there(base: &StableDiffusion, image: &ImageSettings) -> Option<Diagnostic> {
    let layers = base.text_encoder().num_hidden_layers;
    (image.clip_skip as usize > layers).then(|| {
        let message = format!("is more than the {layers} layers of this base model's text encoder");
        Diagnostic { value: Some(image.clip_skip.to_string()), ..Diagnostic::of_file("clip_skip", message) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(extra: &str) -> Settings {
        let text = format!("base_model: m\ntrain_data_dir: d\ndata_type: image\n{extra}");
        loradeck_core::config::read_frozen(Path::new("e.yaml"), &text, &[]).unwrap().0
    }

    #[test]
    fn trials_that_differ_only_in_what_is_trained_share_their_files() {
        let key = |extra: &str| {
            let settings = settings(extra);
            ImageFiles::key(&settings, settings.image().unwrap())
        };
        let plain = key("");
        for same in
            ["lora_rank: 4\n", "learning_rate: 1e-3\n", "batch_size: 3\n", "split_seed: 4\n", "epochs: 2\n"]
        {
            assert_eq!(key(same), plain, "{same}");
        }
        for other in [
            "resolution: 768\n",
            "bucket_reso_steps: 128\n",
            "num_repeats: 2\n",
            "trigger_word: sks\n",
            "eval_split: 0.1\n",
            "on_bad_sample: skip\n",
            "reg_data_dir: r\n",
            "masked_loss: true\n",
            "background: black\n",
        ] {
            assert_ne!(key(other), plain, "{other}");
        }
        assert_ne!(key("eval_split: 0.1\nsplit_seed: 4\n"), key("eval_split: 0.1\n"));
    }

    #[test]
    fn a_missing_model_does_not_hide_a_missing_folder() {
        let root = tempfile::tempdir().unwrap();
        let settings = settings("");
        let image = settings.image().unwrap();
        let error = open_image_inputs(root.path(), &settings, image, &|_| {}).unwrap_err().to_string();
        assert!(error.contains("base_model: ") && error.contains("\nd: "), "{error}");
        let files = ImageFiles::open(root.path(), &settings, image, &|_| {});
        assert_eq!(files.summary(&settings, image, false).unwrap_err().to_string(), error);
    }
}
