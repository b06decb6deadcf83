//! A Stable Diffusion model with adapters and its pictures, as the engine trains it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use loradeck_core::cache;
use loradeck_data::image::{Draw, ImageSample, MicroBatch, View, caption_of, evaluation_batches};
use loradeck_data::image_check::pixels_per_latent;
use tch::{Device, Kind, TchError, Tensor};

use super::batch::{Clean, Denoising};
use super::conditioning::Conditioning;
use super::evaluation::Evaluation;
use super::generate::Generator;
use super::inputs::Inputs;
use super::latent_store::{LatentStore, encoder_hash};
use super::latents::{LatentCache, Told};
use super::masks::DrawnMasks;
use super::noise::NoiseKey;
use super::norms;
use super::parts::{Loading, Parts};
use super::release::{kohya_facts, release_name};
use super::samples::{self, requests};
use super::sites::{self, DropoutRates, TEXT_ENCODER, UNET};
use super::working_copy::WorkingCopy;
use crate::adapters::AdapterSet;
use crate::adapters::autograd::Context;
use crate::device::Hardware;
use crate::engine::record::Record;
use crate::error::TrainError;
use crate::export::image as export;
use crate::models::flow::Flow;
use crate::models::tape::Tape;
use crate::models::unet::Unet;
use crate::tasks::diffusion::scheduler::NoiseSchedule;
use crate::tasks::{Description, FinalWeights, Interrupted, RateGroup, Task, Unit};

/// A Stable Diffusion model with adapters and its pictures.
#[derive(Debug)]
pub struct Diffusion<'a> {
    /// What was read.
    pub inputs: &'a Inputs,
    pub(super) unet: Unet,
    pub(super) conditioning: Conditioning,
    pub(super) latents: LatentCache,
    schedule: NoiseSchedule,
    adapters: AdapterSet,
    copy: WorkingCopy,
    held_out: Vec<MicroBatch>,
    loss_scale: Option<Tensor>,
    device: Device,
    pub(super) kind: Kind,
}

impl<'a> Diffusion<'a> {
    /// Loads the model and attaches fresh adapters.
    pub fn build(inputs: &'a Inputs, hardware: &Hardware) -> Result<Self, TrainError> {
        let (settings, image) = (&inputs.settings, &inputs.image);
        let (device, kind) = (hardware.device(), hardware.kind);
        let loading = Loading {
            device,
            kind,
            text_encoder_is_trained: image.text_encoder_lr > 0.0,
            clip_skip: image.clip_skip,
            max_token_length: image.max_token_length,
        };
        let Parts { mut unet, mut conditioning, vae, vae_weights, schedule } =
            Parts::load(&inputs.base, loading)?;
        let chosen = sites::adapter_sites(&inputs.sites);
        let adapters = AdapterSet::new(chosen, settings.seed, sites::diffusers_name, device)?;
        let rates = DropoutRates {
            input: image.lora_dropout,
            rank: image.rank_dropout,
            module: image.module_dropout,
        };
        let copy = WorkingCopy::new(&adapters, kind)?;
        sites::attach(&mut unet, &mut conditioning.encoder, &adapters, &copy, rates)?;
        let keeps = image.cache_latents && !image.random_crop;
        let mut latents = LatentCache::new(vae, device, inputs.data.background, keeps);
        if image.cache_latents_to_disk && keeps {
            let encoder = encoder_hash(&inputs.base, vae_weights.iter())?;
            if let Some(folder) = latents_folder() {
                latents.use_store(LatentStore::new(folder, &encoder, &hardware.numerics(), device));
                latents.prepare(looks(inputs))?;
            }
        }
        let held_out = inputs.data.held_out.as_ref().map_or_else(Vec::new, |held_out| {
            let buckets: Vec<_> = held_out.samples.iter().map(|sample| sample.bucket).collect();
            evaluation_batches(&buckets, settings.evaluation_batch() as usize)
        });
        Ok(Self {
            inputs,
            unet,
            conditioning,
            latents,
            schedule,
            adapters,
            copy,
            held_out,
            loss_scale: None,
            device,
            kind,
        })
    }

    /// Shows the layers the adapters as they are now, at full strength.
    pub(super) fn refresh(&mut self) -> Result<(), TrainError> {
        Ok(self.copy.refresh(&self.adapters.parameters, 1.0)?)
    }

    /// What a micro-batch is trained on and the captions that go with it. `place` is the number of pictures before it
    /// in the step.
    pub fn draw(
        &mut self,
        step: u64,
        place: u32,
        batch: &MicroBatch,
    ) -> Result<(Denoising, Vec<String>), TrainError> {
        let (inputs, image) = (self.inputs, &self.inputs.image);
        let seed = inputs.settings.seed;
        let mut clean = Vec::with_capacity(batch.draws.len());
        let mut captions = Vec::with_capacity(batch.draws.len());
        for (offset, draw) in batch.draws.iter().enumerate() {
            let key = NoiseKey { seed, step, place: place + offset as u32 };
            let Some(sample) = inputs.data.train.samples.get(draw.sample) else { continue };
            captions.push(caption_of(seed, *draw, &sample.caption, image));
            clean.push(self.clean(sample, *draw, key)?);
        }
        Ok((Denoising::draw(&clean, &self.schedule, image, self.device)?, captions))
    }

    fn clean(&mut self, sample: &ImageSample, draw: Draw, key: NoiseKey) -> Result<Clean, TrainError> {
        let inputs = self.inputs;
        let view = View::of(inputs.settings.seed, draw, &sample.fit(), &inputs.image);
        let look = self.latents.look(sample, view)?;
        let size = look.mean.size();
        let drawn = key.posterior([size[0], size[1], size[2]])?.f_to(self.device)?;
        let latents = look.mean.f_add(&look.deviation.f_mul(&drawn)?)?;
        let weight = if sample.regularisation { inputs.image.prior_loss_weight } else { 1.0 };
        let latents = latents.f_mul_scalar(inputs.base.vae().scaling_factor)?;
        Ok(Clean { latents, mask: look.mask, weight, key })
    }

    /// What became of the files of latents, where there are any.
    fn lines_of_store(&self) -> Vec<String> {
        if !self.inputs.image.cache_latents_to_disk {
            return Vec::new();
        }
        let Told { fetched, computed, unwritten } = self.latents.told();
        let mut lines = vec![format!("latents: {fetched} from the cache, {computed} computed")];
        lines.extend(unwritten.as_ref().map(|problem| format!("warning: latents are not kept: {problem}")));
        if latents_folder().is_none() {
            lines.push("warning: latents are not kept: neither XDG_CACHE_HOME nor HOME is set".to_owned());
        }
        lines
    }

    /// The share of the adapters' strength at `step` (from 1): below 1 in the first rounds where the settings say so.
    fn strength(&self, step: u64) -> f64 {
        let Some(warmup) = self.inputs.image.strength_warmup else { return 1.0 };
        let share = self.inputs.plan.epochs_after(step.saturating_sub(1)) / warmup.epochs;
        if share >= 1.0 { 1.0 } else { warmup.weight + (1.0 - warmup.weight) * share }
    }

    /// The loss of a micro-batch divided by the `total` pictures of the step; adds its gradients.
    fn train_on(
        &mut self,
        step: u64,
        place: u32,
        batch: &MicroBatch,
        total: usize,
    ) -> Result<Tensor, TrainError> {
        let (denoising, captions) = self.draw(step, place, batch)?;
        let masks = DrawnMasks::new(NoiseKey { seed: self.inputs.settings.seed, step, place });
        let context = Context { masks: Some(&masks), ..Context::default() };
        // Frozen states are taken from before: autograd would follow them for nothing.
        let frozen = if self.inputs.image.text_encoder_lr > 0.0 {
            None
        } else {
            Some(self.conditioning.states(&captions, &context)?)
        };
        let strength = self.strength(step);
        let loss_of = |prediction: &Tensor| {
            let loss = denoising.loss(prediction, &self.schedule, &self.inputs.image)?;
            loss.f_div_scalar(total.max(1) as f64)
        };
        if self.inputs.image.gradient_checkpointing {
            let mut tape = Tape::new(context);
            let states = match frozen {
                Some(states) => tape.constant(states),
                None => self.conditioning.run(&captions, &mut tape)?,
            };
            let prediction = denoising.predict_through(&self.unet, &states, self.kind, &mut tape)?;
            let leaf = prediction.tensor().f_detach()?.f_requires_grad_(true)?;
            let loss = tch::with_grad(|| loss_of(&leaf))?;
            let scaled = tch::with_grad(|| self.scaled(&loss))?;
            let gradient = Tensor::f_run_backward(&[scaled], &[leaf], false, false)?.remove(0);
            self.copy.add_handed(strength, &mut self.adapters.gradients, |sink| {
                tape.backward(&prediction, gradient, sink)
            })?;
            return Ok(loss.f_detach()?);
        }
        let loss = tch::with_grad(|| -> Result<Tensor, TrainError> {
            let states = match &frozen {
                Some(states) => states.shallow_clone(),
                None => self.conditioning.states(&captions, &context)?,
            };
            Ok(loss_of(&denoising.predict(&self.unet, &states, self.kind, &context)?)?)
        })?;
        let scaled = tch::with_grad(|| self.scaled(&loss))?;
        self.copy.add_gradients(&scaled, strength, &mut self.adapters.gradients)?;
        Ok(loss.f_detach()?)
    }

    /// The loss as its gradients are computed.
    fn scaled(&self, loss: &Tensor) -> Result<Tensor, TchError> {
        self.loss_scale.as_ref().map_or_else(|| Ok(loss.shallow_clone()), |scale| loss.f_mul(scale))
    }

    fn generator(&self) -> Generator<'_> {
        let base = &self.inputs.base;
        Generator {
            unet: &self.unet,
            conditioning: &self.conditioning,
            vae: &self.latents.vae,
            schedule: &self.schedule,
            scaling_factor: base.vae().scaling_factor,
            pixels_per_latent: pixels_per_latent(base),
            channels: base.vae().latent_channels as i64,
            device: self.device,
            kind: self.kind,
        }
    }

    /// How many adapters the denoising network has: they come first.
    fn unet_sites(&self) -> usize {
        self.adapters.sites().iter().take_while(|site| site.module.starts_with(UNET)).count()
    }
}

impl Task for Diffusion<'_> {
    fn unit(&self) -> Unit {
        Unit::Images
    }

    fn total_steps(&self) -> u64 {
        self.inputs.plan.total_steps()
    }

    fn epochs_after(&self, steps: u64) -> f64 {
        self.inputs.plan.epochs_after(steps)
    }

    fn adapters(&self) -> &AdapterSet {
        &self.adapters
    }

    fn adapters_mut(&mut self) -> &mut AdapterSet {
        &mut self.adapters
    }

    fn rate_groups(&self) -> Vec<RateGroup> {
        let (image, peak) = (&self.inputs.image, self.inputs.settings.learning_rate);
        let first_of_text = self.unet_sites();
        let boundary = if first_of_text == self.adapters.sites().len() {
            self.adapters.count() as i64
        } else {
            self.adapters.range(first_of_text).0
        };
        let end = self.adapters.count() as i64;
        let groups = [
            RateGroup { name: "unet", factor: image.unet_lr / peak, start: 0, count: boundary },
            RateGroup {
                name: TEXT_ENCODER,
                factor: image.text_encoder_lr / peak,
                start: boundary,
                count: end - boundary,
            },
        ];
        groups.into_iter().filter(|group| group.count > 0).collect()
    }

    fn average_decay(&self) -> Option<f64> {
        self.inputs.image.ema_decay
    }

    fn accumulate(&mut self, step: u64, loss: &mut Tensor) -> Result<usize, TrainError> {
        let batches = self.inputs.plan.step(step.saturating_sub(1));
        self.copy.refresh(&self.adapters.parameters, self.strength(step))?;
        let total: usize = batches.iter().map(|batch| batch.draws.len()).sum();
        let mut place = 0;
        for batch in &batches {
            let _ = loss.f_add_(&self.train_on(step, place, batch, total)?)?;
            place += batch.draws.len() as u32;
        }
        Ok(total)
    }

    fn scale_loss(&mut self, scale: Tensor) {
        self.loss_scale = Some(scale);
    }

    fn after_update(&mut self) -> Result<(), TrainError> {
        if let Some(largest) = self.inputs.image.scale_weight_norms {
            norms::limit(&mut self.adapters, largest)?;
        }
        Ok(())
    }

    fn samples_of_step(&self, step: u64) -> String {
        let chosen = self.inputs.plan.step(step.saturating_sub(1)).into_iter().flat_map(|batch| batch.draws);
        let samples = chosen.filter_map(|draw| self.inputs.data.train.samples.get(draw.sample));
        samples.map(|sample| sample.name.clone()).collect::<Vec<_>>().join(", ")
    }

    fn has_held_out(&self) -> bool {
        !self.held_out.is_empty()
    }

    fn evaluate(&mut self, interrupted: Interrupted<'_>) -> Result<Option<f64>, TrainError> {
        let Some(held_out) = &self.inputs.data.held_out else { return Ok(None) };
        self.refresh()?;
        let mut evaluation = Evaluation {
            unet: &self.unet,
            conditioning: &self.conditioning,
            latents: &mut self.latents,
            schedule: &self.schedule,
            scaling_factor: self.inputs.base.vae().scaling_factor,
            device: self.device,
            kind: self.kind,
        };
        evaluation.loss(&held_out.samples, &self.held_out, interrupted)
    }

    fn produce_samples(
        &mut self,
        step: u64,
        record: &mut Record,
        interrupted: Interrupted<'_>,
    ) -> Result<(), TrainError> {
        let (settings, image) = (&self.inputs.settings, &self.inputs.image);
        let requests = requests(settings, image);
        if requests.is_empty() {
            return Ok(());
        }
        self.refresh()?;
        samples::produce(self.generator(), &requests, image.clip_skip, step, record, interrupted)
    }

    fn sample_steps(&self) -> Option<u64> {
        self.inputs.image.sample_steps
    }

    fn describe(&self) -> Description {
        let inputs = self.inputs;
        let base = inputs.base.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let trained = match (inputs.image.unet_lr > 0.0, inputs.image.text_encoder_lr > 0.0) {
            (true, false) => "UNet only (text_encoder_lr is 0)",
            (false, _) => "text encoder only (unet_lr is 0)",
            (true, true) => "UNet and text encoder",
        };
        let scale = inputs.settings.lora_alpha / f64::from(inputs.settings.lora_rank);
        let mut lines = vec![
            format!("{}; trained: {trained}", inputs.data.train.summary()),
            format!(
                "strength alpha / rank = {} / {} = {scale}",
                inputs.settings.lora_alpha, inputs.settings.lora_rank
            ),
        ];
        lines.extend(self.lines_of_store());
        if inputs.base.upcast_attention() && self.kind != Kind::Float {
            lines.push("attention in fp32, as this base asks for (upcast_attention)".to_owned());
        }
        if self.kind == Kind::Half && !self.device.is_cuda() {
            lines.push("warning: fp16 is slow on a CPU (hint: precision: fp32)".to_owned());
        }
        Description {
            base,
            train_samples: inputs.data.train.pictures().count() as u64,
            eval_samples: inputs.data.held_out.as_ref().map_or(0, |part| part.samples.len()) as u64,
            lines,
        }
    }

    fn weights_name(&self) -> &'static str {
        export::TRAINED_WEIGHTS
    }

    fn checkpoint_files(&self) -> Result<Vec<(String, Vec<u8>)>, TrainError> {
        let made = export::diffusers(&self.adapters, &self.inputs.sites, &BTreeMap::new())?;
        Ok(vec![(export::DIFFUSERS_WEIGHTS.to_owned(), made.bytes)])
    }

    fn write_final(
        &self,
        folder: &Path,
        metadata: &BTreeMap<String, String>,
        record: &Record,
    ) -> Result<FinalWeights, TrainError> {
        let name = release_name(self.inputs, record.run());
        let facts = kohya_facts(self.inputs, &name, &record.summary, self.kind);
        let made = export::diffusers(
            &self.adapters,
            &self.inputs.sites,
            &facts_of_diffusers(self.inputs, metadata),
        )?;
        let single = export::kohya(&self.adapters, &self.inputs.sites, &facts, metadata)?;
        let (sha256, released) = export::write_final(folder, &made, &single, &name)?;
        Ok(FinalWeights { sha256, files: vec![released, export::DIFFUSERS_WEIGHTS.to_owned()] })
    }
}

/// Where latents are kept.
fn latents_folder() -> Option<PathBuf> {
    cache::of_user(cache::LATENTS)
}

/// All looks of a training that crops in the centre.
fn looks(inputs: &Inputs) -> impl Iterator<Item = (&ImageSample, View)> {
    let flips: &[bool] = if inputs.image.flip_aug { &[false, true] } else { &[false] };
    let training = inputs.data.train.samples.iter().flat_map(|sample| {
        flips.iter().map(move |flip| (sample, View { flip: *flip, ..View::centre(&sample.fit()) }))
    });
    let held_out = inputs.data.held_out.iter().flat_map(|part| &part.samples);
    training.chain(held_out.map(|sample| (sample, View::centre(&sample.fit()))))
}

/// What the header of diffusers' file says besides: the words that call the adapter up, as the Hugging Face hub names
/// them.
fn facts_of_diffusers(inputs: &Inputs, metadata: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut header = metadata.clone();
    if let Some(word) = &inputs.image.trigger_word {
        header.insert("trained_words".to_owned(), word.clone());
    }
    header.insert("train_alpha".to_owned(), inputs.settings.lora_alpha.to_string());
    header
}
