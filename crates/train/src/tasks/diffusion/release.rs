//! What a finished adapter's single file says of its training.

use std::collections::BTreeMap;

use loradeck_core::config::{LearningRateSchedule, LossType, MOST_OF_A_NAME, load_frozen};
use loradeck_core::run::{RunFolder, RunName, Summary};
use loradeck_data::lora_names::KohyaFacts;
use serde_json::json;
use tch::Kind;

use super::Inputs;
use crate::device;

/// The name of the released file without its ending: `run_name`, else the experiment's or the folder's name; then the
/// version, as in `charlie_avatar_v2`; a run of a sweep adds its number, as in `charlie_avatar_v2-0003`, so that the
/// files of all runs can lie in one folder.
pub fn release_name(inputs: &Inputs, run: &RunFolder) -> String {
    let settings = &inputs.settings;
    // Outside a workspace the folder that holds the run is no experiment.
    let experiment = || {
        let in_runs = run.path().parent().is_some_and(|folder| folder.ends_with("runs"));
        run.experiment().filter(|_| in_runs)
    };
    let name = settings.run_name.clone().or_else(experiment).unwrap_or_else(|| run.name());
    let whole = match &settings.version {
        Some(version) => format!("{name}_{version}"),
        None => name,
    };
    let number = if is_of_a_sweep(run) { RunName::parse(&run.name()).map(|name| name.number) } else { None };
    plain_name(&whole, number)
}

/// Whether the frozen configuration says so.
fn is_of_a_sweep(run: &RunFolder) -> bool {
    load_frozen(&run.config(), &[]).is_ok_and(|(_, provenance)| provenance.sweep.is_some())
}

/// A file's name without its ending, of at most [`MOST_OF_A_NAME`] bytes before the run's number.
fn plain_name(whole: &str, number: Option<u32>) -> String {
    // A name never leaves its folder and needs no quoting anywhere, such as in a WebUI prompt.
    let kept = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let plain: String = whole.chars().map(kept).collect();
    let mut end = plain.len().min(MOST_OF_A_NAME);
    while !plain.is_char_boundary(end) {
        end -= 1;
    }
    let plain = plain[..end].trim_matches('.');
    let plain = if plain.is_empty() { "adapter" } else { plain };
    number.map_or_else(|| plain.to_owned(), |number| format!("{plain}-{number:04}"))
}

/// sd-scripts' facts of this training.
pub(super) fn kohya_facts(inputs: &Inputs, name: &str, summary: &Summary, kind: Kind) -> KohyaFacts {
    let (settings, image, base) = (&inputs.settings, &inputs.image, &inputs.base);
    let train = &inputs.data.train;
    let seconds = loradeck_core::time::Moment::seconds;
    let some_rate = |rate: f64| (rate > 0.0).then_some(rate);
    KohyaFacts {
        version: Some(base.version()),
        prediction_type: Some(base.scheduler().prediction_type),
        training_started_at: Some(seconds(summary.started)),
        training_finished_at: Some(seconds(loradeck_core::time::Moment::now())),
        output_name: Some(name.to_owned()),
        training_comment: settings.notes.clone(),
        learning_rate: Some(settings.learning_rate),
        unet_lr: some_rate(image.unet_lr),
        text_encoder_lr: some_rate(image.text_encoder_lr),
        num_train_images: Some(train.pictures().map(|sample| sample.repeats as usize).sum()),
        num_reg_images: Some(train.regularisation().map(|sample| sample.repeats as usize).sum()),
        num_batches_per_epoch: Some(inputs.plan.batches_per_epoch() as usize),
        num_epochs: Some(inputs.plan.epochs_after(inputs.plan.total_steps()).ceil() as usize),
        epoch: Some(summary.epoch.ceil() as usize),
        steps: Some(summary.step as usize),
        max_train_steps: Some(inputs.plan.total_steps() as usize),
        lr_scheduler: Some(schedule_word(settings.lr_scheduler).to_owned()),
        lr_warmup_steps: Some(settings.warmup_steps as usize),
        optimizer: Some(format!("torch.optim.adamw.AdamW(weight_decay={:?})", settings.weight_decay)),
        network_dim: Some(settings.lora_rank as usize),
        network_alpha: Some(settings.lora_alpha),
        network_dropout: (image.lora_dropout > 0.0).then_some(image.lora_dropout),
        network_args: network_arguments(inputs),
        seed: Some(settings.seed),
        clip_skip: Some(image.clip_skip as usize),
        mixed_precision: Some(if kind == Kind::Float { "no" } else { device::kind_name(kind) }.to_owned()),
        max_token_length: Some(image.max_token_length as usize),
        cache_latents: Some(image.cache_latents),
        gradient_checkpointing: Some(image.gradient_checkpointing),
        gradient_accumulation_steps: Some(settings.gradient_accumulation as usize),
        max_grad_norm: Some(settings.max_grad_norm),
        noise_offset: (image.noise_offset > 0.0).then_some(image.noise_offset),
        multires_noise_iterations: (image.multires_noise_iterations > 0)
            .then_some(image.multires_noise_iterations as usize),
        multires_noise_discount: (image.multires_noise_iterations > 0)
            .then_some(image.multires_noise_discount),
        ip_noise_gamma: (image.ip_noise_gamma > 0.0).then_some(image.ip_noise_gamma),
        min_snr_gamma: image.min_snr_gamma,
        debiased_estimation: Some(image.debiased_estimation),
        scale_weight_norms: image.scale_weight_norms,
        caption_dropout_rate: Some(image.caption_dropout_rate),
        caption_tag_dropout_rate: Some(image.caption_tag_dropout_rate),
        prior_loss_weight: Some(image.prior_loss_weight),
        loss_type: Some(loss_word(image.loss_type).to_owned()),
        tag_frequency: tag_frequency(inputs),
        dataset_dirs: dataset_dirs(inputs),
        bucket_info: Some(bucket_info(inputs)),
        sd_model_name: Some(base.name()),
        sd_model_hash: base.model_hash(),
        new_sd_model_hash: summary.base_sha256.clone(),
        title: Some(name.to_owned()),
        resolution: Some((image.resolution as usize, image.resolution as usize)),
        date: Some(date()),
        description: settings.notes.clone(),
        trigger_phrase: image.trigger_word.clone(),
        tags: image.trigger_word.clone(),
        ..KohyaFacts::default()
    }
}

fn network_arguments(inputs: &Inputs) -> BTreeMap<String, String> {
    let image = &inputs.image;
    let mut arguments = BTreeMap::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            arguments.insert(name.to_owned(), value);
        }
    };
    add("conv_dim", image.conv_rank.map(|rank| rank.to_string()));
    add("conv_alpha", image.conv_rank.and(image.conv_alpha).map(|alpha| alpha.to_string()));
    add("rank_dropout", (image.rank_dropout > 0.0).then(|| image.rank_dropout.to_string()));
    add("module_dropout", (image.module_dropout > 0.0).then(|| image.module_dropout.to_string()));
    arguments
}

/// How often each part of a caption occurs; a trigger word has a line of its own, since WebUIs show these as the words
/// to type.
fn tag_frequency(inputs: &Inputs) -> BTreeMap<String, BTreeMap<String, usize>> {
    let counted = inputs.data.train.tag_frequency().into_iter();
    counted
        .map(|(folder, tags)| (folder, tags.into_iter().map(|(tag, count)| (tag, count as usize)).collect()))
        .collect()
}

fn dataset_dirs(inputs: &Inputs) -> BTreeMap<String, (usize, usize)> {
    let mut folders: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for sample in inputs.data.train.pictures() {
        let folder = folders.entry(sample.folder.clone()).or_insert((sample.repeats as usize, 0));
        folder.1 += 1;
    }
    folders
}

fn bucket_info(inputs: &Inputs) -> serde_json::Value {
    let buckets: serde_json::Map<String, serde_json::Value> = inputs
        .plan
        .per_bucket()
        .iter()
        .enumerate()
        .map(|(number, (bucket, looks, _))| {
            let value = json!({ "resolution": [bucket.width, bucket.height], "count": looks });
            (number.to_string(), value)
        })
        .collect();
    json!({ "buckets": buckets })
}

fn schedule_word(schedule: LearningRateSchedule) -> &'static str {
    match schedule {
        LearningRateSchedule::Cosine => "cosine",
        LearningRateSchedule::Linear => "linear",
        LearningRateSchedule::Constant => "constant",
    }
}

fn loss_word(loss: LossType) -> &'static str {
    match loss {
        LossType::L2 => "l2",
        LossType::L1 => "l1",
        LossType::Huber => "huber",
        LossType::SmoothL1 => "smooth_l1",
    }
}

/// Now, as `2026-01-31T12:00:00`.
fn date() -> String {
    let text = loradeck_core::time::Moment::now().to_rfc3339();
    text.get(..19).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_any_folder_and_tells_the_runs_of_a_sweep_apart() {
        assert_eq!(plain_name("../my style_v2", None), "_my_style_v2");
        assert_eq!(
            (plain_name("..", None), plain_name("..", Some(3))),
            ("adapter".into(), "adapter-0003".into())
        );
        assert_eq!([1, 12].map(|number| plain_name("chalk", Some(number))), ["chalk-0001", "chalk-0012"]);
        let long = plain_name(&"ä".repeat(300), Some(7));
        assert!(long.len() <= MOST_OF_A_NAME + 5 && long.ends_with("ä-0007"), "{long}");
    }

    #[test]
    fn the_frozen_configuration_tells_of_the_sweep() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        let write = |provenance: &str| {
            let text = format!("base_model: m\ntrain_data_dir: d\ndata_type: image\n{provenance}");
            std::fs::write(run.config(), text).unwrap();
        };
        write("provenance: {sweep: 2}\n");
        assert!(is_of_a_sweep(&run));
        write("");
        assert!(!is_of_a_sweep(&run));
    }
}
