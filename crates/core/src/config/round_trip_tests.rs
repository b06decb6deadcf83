//! Properties over all settings and over generated files.
#![allow(clippy::inconsistent_struct_constructor)] // as proptest's macro takes them apart

use std::path::Path;

use proptest::prelude::*;

use super::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9 ./_-]{1,12}",
        "\\PC{1,20}",
        "[ -~\n\t]{1,16}",
        Just("null".to_owned()),
        Just("1e3".to_owned())
    ]
}

fn path() -> impl Strategy<Value = String> {
    text().prop_filter("a path", |path| !path.trim().is_empty())
}

fn targets() -> impl Strategy<Value = LoraTargets> {
    prop_oneof![
        path().prop_filter("of both", |text| text != "kohya" && text != "qkv").prop_map(LoraTargets::Preset),
        proptest::collection::vec(text(), 1..4).prop_map(LoraTargets::List),
    ]
}

prop_compose! {
    fn what()(
        base_model in path(), train_data_dir in path(), output_dir in proptest::option::of(path()),
        eval_data_dir in proptest::option::of(path()), share in 0.0..1.0f64, run_name in proptest::option::of(text()),
        version in proptest::option::of(text()), notes in proptest::option::of(text()), lora_targets in targets(),
        sample_prompts in proptest::collection::vec(text(), 0..3), split_seed: u64,
        lora_rank in 1..65_536u32, lora_alpha in 1e-300..1e300f64,
    ) -> Settings {
        let eval_split = if eval_data_dir.is_some() { 0.0 } else { share };
        let mut settings = minimal("");
        settings.eval_steps = (eval_data_dir.is_some() || eval_split > 0.0).then_some(7);
        Settings {
            base_model, train_data_dir, output_dir, eval_data_dir, eval_split, run_name, version, notes, lora_targets,
            sample_prompts, split_seed, lora_rank, lora_alpha, ..settings
        }
    }
}

prop_compose! {
    fn slurm()(
        is_slurm: bool, word in "[a-z][a-z0-9_:,.]{0,9}", minutes in proptest::option::of(1..9999u32),
        gibibytes in proptest::option::of(1..999u32), at_once in proptest::option::of(1..99u32),
        extra in proptest::collection::vec("--[x-z][a-z0-9-]{0,8}(=[ -~]{0,9})?", 0..3),
    ) -> RunningSettings {
        let slurm = SlurmSettings {
            partition: Some(word.clone()), account: None, gres: Some(word), time: minutes.map(|m| m.to_string()),
            memory: gibibytes.map(|g| memory_text(u64::from(g) << 30)), array_parallelism: at_once, extra,
        };
        let launcher = if is_slurm { Launcher::Slurm } else { Launcher::Local };
        RunningSettings { launcher, slurm: is_slurm.then_some(slurm), ..RunningSettings::default() }
    }
}

prop_compose! {
    fn any_settings()(
        settings in what().boxed(), batch_size in 1..65_536u32, learning_rate in 1e-12..10.0f64, warmup_steps in 0..50u64,
        max_grad_norm in 0.0..1e9f64, epochs in 1e-3..1e6f64, max_steps in proptest::option::of(50..1_000_000u64),
        seed: u64, threads in proptest::option::of(1..4096u32), schedule in 0..3usize, precision in 0..4usize,
        task in task().boxed(), save_steps in 1..1_000_000_000u64, slurm in slurm(),
    ) -> Settings {
        use LearningRateSchedule::{Constant, Cosine, Linear};
        let formats = [Precision::Auto, Precision::Fp32, Precision::Bf16, Precision::Fp16];
        let precision = formats[if matches!(task, TaskSettings::Text(_)) { precision % 3 } else { precision }];
        Settings {
            batch_size, learning_rate, warmup_steps, max_grad_norm, epochs, max_steps, seed, threads, task,
            save_steps, lr_scheduler: [Cosine, Linear, Constant][schedule],
            precision, running: slurm, ..settings
        }
    }
}

prop_compose! {
    fn lora_of_images()(
        trigger_word in proptest::option::of(text()), lora_dropout in 0.0..1.0f64,
        rank_pattern in proptest::collection::btree_map("[a-z_.: ]{1,9}", 1..65_536u32, 0..3),
        alpha_pattern in proptest::collection::btree_map("[a-z][.][*](to_q|to_k)", 1e-300..1e300f64, 0..3),
        weight in proptest::option::of(0.0..1.0f64), ema_decay in proptest::option::of(0.0..1.0f64),
        unet_lr in 1e-12..1.0f64, text_encoder_lr in 0.0..1.0f64,
        conv in proptest::option::of((1..65_536u32, 1e-9..1e9f64)), rank_dropout in 0.0..1.0f64,
        scale_weight_norms in proptest::option::of(1e-9..1e9f64),
    ) -> ImageSettings {
        ImageSettings {
            trigger_word, lora_dropout, rank_pattern, alpha_pattern, ema_decay, unet_lr,
            text_encoder_lr, rank_dropout, scale_weight_norms,
            strength_warmup: weight.map(|weight| StrengthWarmup { epochs: 1e-3, weight }),
            conv_rank: conv.map(|(rank, _)| rank), conv_alpha: conv.map(|(_, alpha)| alpha),
            ..minimal("data_type: image\n").image().unwrap().clone()
        }
    }
}

prop_compose! {
    fn images()(
        settings in lora_of_images().boxed(), steps in 1..16u32, min in 1..4u32, wider in 0..4u32, num_repeats in 1..9u32,
        flags: [bool; 6], colour in "#[0-9a-f]{6}|white|black", caption_dropout_rate in 0.0..1.0f64,
        max_token_length in 1..4u32, min_snr_gamma in proptest::option::of(1e-3..1e3f64), noise_offset in 0.0..9.0f64,
        reg_data_dir in proptest::option::of(path()), seeds in proptest::collection::vec(0..u64::MAX, 1..4),
        kinds in (0..4usize, 0..4usize, 0..2usize), sample_negative_prompt in text(), guidance in 0.0..99.0f64,
    ) -> ImageSettings {
        use LossType::{Huber, L1, L2, SmoothL1};
        use SampleScheduler::{Ddim, DpmPp2M, Euler, EulerA};
        let steps = 8 * steps;
        ImageSettings {
            bucket_reso_steps: steps, min_bucket_reso: steps * min, resolution: steps * (min + wider) + 3,
            max_bucket_reso: steps * (min + 2 * wider), num_repeats, flip_aug: flags[0], random_crop: flags[1],
            shuffle_caption: flags[2], masked_loss: flags[3], cache_latents: flags[4],
            debiased_estimation: flags[5] && min_snr_gamma.is_none(), min_snr_gamma, background: colour,
            caption_dropout_rate, max_token_length: 75 * max_token_length, noise_offset, reg_data_dir,
            sample_seeds: seeds, loss_type: [L2, L1, Huber, SmoothL1][kinds.0], sample_guidance: guidance,
            sample_scheduler: [Ddim, Euler, EulerA, DpmPp2M][kinds.1], sample_negative_prompt,
            on_bad_sample: [OnBadSample::Stop, OnBadSample::Skip][kinds.2], ..settings
        }
    }
}

fn task() -> impl Strategy<Value = TaskSettings> {
    let text = (2..1_000_000u32, proptest::bool::ANY)
        .prop_map(|(max_seq_len, train_on_prompt)| TextSettings { max_seq_len, train_on_prompt });
    // Boxed, since strategies within each other take more of a test's stack than there is.
    prop_oneof![
        text.prop_map(TaskSettings::Text),
        images().boxed().prop_map(|images| TaskSettings::Image(Box::new(images)))
    ]
}

fn minimal(rest: &str) -> Settings {
    let text = format!("base_model: m\ntrain_data_dir: d\n{rest}");
    let (_, plan) = plan(Path::new("e.yaml"), &text, &[], None).unwrap();
    plan.trials.into_iter().next().unwrap().settings
}

proptest! {
    #[test]
    fn any_settings_read_back_from_their_frozen_text(settings in any_settings().boxed(), note in text()) {
        let provenance = Provenance { overrides: vec![note.clone()], retry_of: Some(note), ..Provenance::default() };
        let frozen = frozen_text(&settings, Some(&provenance));
        let back = read_frozen(Path::new("config.yaml"), &frozen, &[]).map_err(|p| p.to_string());
        prop_assert_eq!(back, Ok((settings, provenance)), "{}", frozen);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "((lr|rank|sweep|seed|x|provenance|lora_targets): ?[ -~]{0,20}\n){0,5}|\\PC{0,80}") {
        let _ = plan(Path::new("e.yaml"), &text, &["seed=1,2".to_owned()], None);
    }

    /// A bad value is put into a generated file: the position that is told is where it stands.
    #[test]
    fn positions_are_where_the_value_stands(
        comments in proptest::collection::vec("(# [a-zä ]{0,8})?", 0..4), spaces in 1..6usize, quote: bool, at in 0..4usize,
    ) {
        let mut lines = vec!["base_model: m".to_owned(), "train_data_dir: d".to_owned(), "notes: 'für später'".to_owned()];
        lines.extend(comments);
        let value = if quote { "\"bad\"" } else { "bad" };
        lines.insert(at, format!("lora_rank:{}{value} # ü", " ".repeat(spaces)));
        let error = plan(Path::new("e.yaml"), &lines.join("\n"), &[], None).unwrap_err();
        let [only] = error.0.as_slice() else { panic!("{error}") };
        prop_assert_eq!((only.line, only.column), (at + 1, 11 + spaces));
        prop_assert_eq!(only.value.as_deref(), Some("bad"));
    }

    /// The product has every combination once, whatever the number of values.
    #[test]
    fn an_expansion_is_a_product(lengths in proptest::collection::vec(1..5usize, 1..4)) {
        let keys = ["seed", "lora_rank", "batch_size"];
        let overrides: Vec<String> = keys.iter().zip(&lengths).map(|(key, n)| format!("{key}=range(1,{})", n + 1)).collect();
        let (_, plan) = plan(Path::new("e.yaml"), "base_model: m\ntrain_data_dir: d\n", &overrides, None).unwrap();
        let labels: std::collections::BTreeSet<String> = plan.trials.iter().map(Trial::label).collect();
        prop_assert_eq!(plan.trials.len(), lengths.iter().product::<usize>());
        prop_assert_eq!(labels.len(), plan.trials.len());
    }
}
