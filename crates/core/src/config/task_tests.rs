//! Trainings on pictures beside those on text: which it is, which keys it has, what is frozen of it.

use std::path::Path;

use super::*;

const BASE: &str = "base_model: models/sd\ntrain_data_dir: data\n";
const IMAGE: &str = "base_model: models/sd\ntrain_data_dir: data\ndata_type: image\n";

fn planned(text: &str, overrides: &[&str]) -> Result<Plan, String> {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    plan(Path::new("e.yaml"), text, &overrides, None).map(|(_, plan)| plan).map_err(|error| error.to_string())
}

fn one(text: &str, overrides: &[&str]) -> Settings {
    planned(text, overrides).unwrap().trials.remove(0).settings
}

fn image(rest: &str, overrides: &[&str]) -> ImageSettings {
    one(&format!("{IMAGE}{rest}"), overrides).image().unwrap().clone()
}

fn wrong(rest: &str, overrides: &[&str]) -> String {
    planned(&format!("{IMAGE}{rest}"), overrides).unwrap_err()
}

fn frozen(text: &str, overrides: &[&str]) -> Settings {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    read_frozen(Path::new("config.yaml"), text, &overrides).unwrap().0
}

#[test]
fn image_trainings_have_their_own_defaults() {
    let settings = one(IMAGE, &[]);
    assert_eq!((settings.data_type(), settings.is_image(), settings.text()), (DataType::Image, true, None));
    assert_eq!((settings.epochs, settings.batch_size, settings.split_seed), (10.0, 4, 0));
    assert_eq!(settings.lora_targets, LoraTargets::Preset("attention".into()));
    let image = settings.image().unwrap();
    assert_eq!((image.resolution, image.min_bucket_reso, image.max_bucket_reso), (512, 256, 1024));
    assert_eq!((image.unet_lr, image.text_encoder_lr, image.conv_alpha), (2e-4, 0.0, None));
    assert_eq!((image.background.as_str(), image.sample_negative_prompt.as_str()), ("white", ""));
    assert_eq!(
        (image.sample_seeds.as_slice(), image.sample_scheduler),
        ([0].as_slice(), SampleScheduler::Ddim)
    );
    assert!(image.cache_latents && image.rank_pattern.is_empty() && image.strength_warmup.is_none());
    let text = one(BASE, &[]);
    assert_eq!((text.text(), text.image()), (Some(&TextSettings::default()), None));
    assert_eq!((text.epochs, text.lora_targets), (3.0, LoraTargets::Preset("qkv".into())));
}

#[test]
fn latents_go_to_the_disk_only_where_they_are_kept() {
    assert!(image("cache_latents_to_disk: true", &[]).cache_latents_to_disk);
    for (other, words) in [
        ("cache_latents: false", "but cache_latents is false"),
        ("random_crop: true", "together with random_crop"),
    ] {
        let error = wrong(&format!("cache_latents_to_disk: true\n{other}"), &[]);
        assert!(error.contains("cache_latents_to_disk: 'true'") && error.contains(words), "{error}");
    }
}

#[test]
fn fp16_is_for_pictures() {
    assert_eq!(one(IMAGE, &["precision=fp16"]).precision, Precision::Fp16);
    let error = planned(BASE, &["precision=fp16"]).unwrap_err();
    assert!(
        error.contains("precision: 'fp16' is for image models") && error.contains("bf16 or fp32"),
        "{error}"
    );
}

#[test]
fn every_image_key_is_read() {
    let image = image(
        "trigger_word: sks\nlora_dropout: 0.1\nrank_pattern: {down_blocks.0: 4}\nalpha_pattern: {mid: 1}\n\
         strength_warmup: {epochs: 2, weight: 0.5}\nema_decay: 0.999\ngradient_checkpointing: true\n\
         resolution: 768\nbucket_reso_steps: 32\nnum_repeats: 3\nbackground: '#A0b0c0'\nmax_token_length: 150\n\
         on_bad_sample: skip\ntext_encoder_lr: 1e-5\nconv_rank: 4\nloss_type: smooth_l1\nmin_snr_gamma: 5\n\
         sample_prompts: [a cat]\nsample_steps: 50\nsample_seeds: [7, 18446744073709551615]\n\
         sample_scheduler: dpmpp_2m\nsample_negative_prompt: blurry\nreg_data_dir: reg\n",
        &["lr=1e-3"],
    );
    assert_eq!((image.trigger_word.as_deref(), image.lora_dropout), (Some("sks"), 0.1));
    assert_eq!((image.rank_pattern["down_blocks.0"], image.alpha_pattern["mid"]), (4, 1.0));
    assert_eq!(image.strength_warmup, Some(StrengthWarmup { epochs: 2.0, weight: 0.5 }));
    assert_eq!((image.min_bucket_reso, image.max_bucket_reso, image.num_repeats), (384, 1536, 3));
    assert_eq!((image.background.as_str(), image.on_bad_sample), ("#a0b0c0", OnBadSample::Skip));
    assert_eq!((image.unet_lr, image.conv_rank, image.conv_alpha), (1e-3, Some(4), Some(8.0)));
    assert_eq!((image.loss_type, image.sample_scheduler), (LossType::SmoothL1, SampleScheduler::DpmPp2M));
    assert_eq!(image.sample_seeds, [7, u64::MAX]);
}

#[test]
fn overrides_and_sweeps_take_the_new_kinds() {
    let changed = image(
        "",
        &[
            "rank_pattern={down_blocks: 4, up: 8}",
            "strength_warmup={epochs: 2, weight: 0.25}",
            "sample_seeds=[1, 2]",
            "background=#00ff00",
            "max_token_length=225",
        ],
    );
    assert_eq!((changed.rank_pattern["down_blocks"], changed.rank_pattern["up"]), (4, 8));
    assert_eq!(changed.strength_warmup.map(|warmup| warmup.weight), Some(0.25));
    assert_eq!((changed.sample_seeds.as_slice(), changed.max_token_length), ([1, 2].as_slice(), 225));
    assert_eq!(changed.background, "#00ff00");
    let swept = planned(IMAGE, &["lora_dropout=0,0.1", "rank_pattern={a: 4},{a: 8}"]).unwrap();
    let labels: Vec<String> = swept.trials.iter().map(Trial::label).collect();
    assert_eq!(labels[1], "lora_dropout=0 rank_pattern={a: 8}");
    assert_eq!(swept.trials.len(), 4);
    let drawn = "sweep:\n  method: random\n  run_cap: 3\n  parameters:\n    unet_lr: {min: 1e-5, max: 1e-3}\n    \
                 noise_offset: {distribution: uniform, min: 0, max: 0.1}\n    resolution: {values: [256, 512]}\n";
    let search = planned(&format!("{IMAGE}{drawn}"), &[]).unwrap().search.unwrap();
    assert_eq!(search.base.get("data_type"), Some(&Value::Text("image".into())));
    assert_eq!(search.base.get("epochs"), Some(&Value::Real(10.0)));
    let trial = search.trial_of(&search.point(&[0.0, 1.0, 0.0])).unwrap();
    let of_trial = trial.settings.image().unwrap();
    assert_eq!((of_trial.resolution, of_trial.min_bucket_reso, trial.settings.epochs), (256, 128, 10.0));
    assert!(!search.base.contains_key("max_seq_len"));
    let error = wrong("", &["data_type=text,image"]);
    assert!(error.contains("data_type: cannot be swept"), "{error}");
}

#[test]
fn keys_of_the_other_kind_are_told_once_where_they_stand() {
    let text = format!("{BASE}lora_dropout: 0.1\nresolution: 512\ndata_type: text\n");
    assert_eq!(
        planned(&text, &["trigger_word=x"]).unwrap_err(),
        "e.yaml:3:15: lora_dropout: is not supported for language models yet\n\
         e.yaml:4:13: resolution: is for image models, and this trains on text (data_type: text)\n\
         command line:1:14: trigger_word: is not supported for language models yet"
    );
    assert_eq!(
        wrong("max_seq_len: 64\n", &[]),
        "e.yaml:4:14: max_seq_len: is for language models, and this trains on pictures (data_type: image)"
    );
    let sweep = "sweep: {method: grid, parameters: {lora_dropout: {values: [0, 0.1, 0.2]}}}\n";
    let error = planned(&format!("{BASE}{sweep}"), &[]).unwrap_err();
    assert_eq!(error.lines().count(), 1, "{error}");
    // One whose data type is unknown is not told what it may not have.
    let error = planned(&format!("{BASE}data_type: pictures\nresolution: 512\n"), &[]).unwrap_err();
    assert!(
        error.starts_with("e.yaml:3:12: data_type: 'pictures' is not one of") && error.lines().count() == 1
    );
}

#[test]
fn presets_are_those_of_the_data_type() {
    assert!(planned(&format!("{IMAGE}lora_targets: kohya\n"), &[]).is_ok());
    let error = wrong("lora_targets: qkv\n", &[]);
    assert!(error.contains("e.yaml:4:15: lora_targets: 'qkv' is a preset for language models"), "{error}");
    let error = planned(&format!("{BASE}lora_targets: kohya\n"), &[]).unwrap_err();
    assert!(error.contains("e.yaml:3:15: lora_targets: 'kohya' is a preset for image models"), "{error}");
    assert!(error.contains("hint: qkv, attention, character"), "{error}");
}

#[test]
fn what_contradicts_itself_is_told_with_its_place() {
    for (rest, said) in [
        ("min_bucket_reso: 2048\n", "4:18: min_bucket_reso: '2048' is above max_bucket_reso (1024)"),
        ("min_bucket_reso: 576\n", "4:18: min_bucket_reso: '576' is above the square's side of 512 pixels"),
        ("max_bucket_reso: 448\n", "4:18: max_bucket_reso: '448' is below the square's side of 512 pixels"),
        (
            "min_bucket_reso: 250\n",
            "min_bucket_reso: '250' is no multiple of bucket_reso_steps (64)\n  hint: 192 or 256",
        ),
        (
            "max_bucket_reso: 1000\n",
            "max_bucket_reso: '1000' is no multiple of bucket_reso_steps (64)\n  hint: 960 or 1024",
        ),
        ("bucket_reso_steps: 20\n", "4:20: bucket_reso_steps: '20' is no multiple of 8"),
        ("resolution: 32\n", "4:13: resolution: '32' is below bucket_reso_steps (64)"),
        ("max_token_length: 77\n", "4:19: max_token_length: '77' is not one of 75, 150, 225"),
        ("unet_lr: 0\n", "4:10: unet_lr: and text_encoder_lr are both 0, so that nothing is trained"),
        ("conv_alpha: 4\n", "4:13: conv_alpha: is given, but there is no conv_rank"),
        ("unet_lr: 0\ntext_encoder_lr: 1e-5\nconv_rank: 4\n", "6:12: conv_rank: is given, but unet_lr is 0"),
        (
            "min_snr_gamma: 5\ndebiased_estimation: true\n",
            "4:16: min_snr_gamma: is given together with debiased",
        ),
        (
            "strength_warmup: {epochs: 11, weight: 0.1}\n",
            "strength_warmup: takes 11 epochs, but there are 10",
        ),
        ("sample_steps: 10\n", "4:15: sample_steps: is given, but there are no sample_prompts"),
        ("warmup_steps: 11\nmax_steps: 10\n", "4:15: warmup_steps: '11' is more than the 10 steps"),
        (
            "background: #ffffff\n",
            "background: is empty: '#' begins a comment\n  hint: put the colour in quotes",
        ),
        ("background: red\n", "4:13: background: 'red' is no colour"),
        ("rank_pattern: {'a(': 4}\n", "4:16: rank_pattern: 'a(' is no regular expression"),
        ("caption_dropout_rate: 1\n", "4:23: caption_dropout_rate: '1' is not a share"),
    ] {
        let error = wrong(rest, &[]);
        assert!(error.contains(said), "{rest}: {error}");
        assert!(error.starts_with("e.yaml:"), "{error}");
        assert_eq!(error.lines().filter(|line| !line.starts_with("  hint")).count(), 1, "{error}");
    }
    assert!(planned(&format!("{IMAGE}unet_lr: 0\ntext_encoder_lr: 1e-5\n"), &[]).is_ok());
    assert!(
        planned(&format!("{IMAGE}strength_warmup: {{epochs: 11, weight: 0}}\nmax_steps: 9\n"), &[]).is_ok()
    );
    assert!(planned(&format!("{IMAGE}resolution: 32\nbucket_reso_steps: 8\n"), &[]).is_ok());
    let gguf = "base_model: a.GGUF\ntrain_data_dir: d\ndata_type: image\n";
    let error = planned(gguf, &[]).unwrap_err();
    assert!(
        error.starts_with("e.yaml:1:13: base_model: 'a.GGUF' is a GGUF file, which holds a language"),
        "{error}"
    );
}

#[test]
fn a_frozen_configuration_has_the_keys_of_its_data_type_only() {
    let names = |settings: &Settings| -> Vec<String> {
        let text = frozen_text(settings, None);
        let lines = text.lines().filter(|line| !line.starts_with([' ', '#']));
        lines.filter_map(|line| Some(line.split_once(':')?.0.to_owned())).collect()
    };
    for (settings, data_type) in [(one(BASE, &[]), DataType::Text), (one(IMAGE, &[]), DataType::Image)] {
        let names = names(&settings);
        assert!(names.contains(&"data_type".to_owned()) && names.contains(&"split_seed".to_owned()));
        let keys: Vec<&Key> = names.iter().map(|name| find_key(name).unwrap()).collect();
        assert!(keys.iter().all(|key| key.is_for(data_type)), "{names:?}");
        assert_eq!(frozen(&frozen_text(&settings, None), &[]), settings);
    }
}

#[test]
fn a_frozen_configuration_of_before_is_of_text_and_splits_as_it_did() {
    let text = "base_model: m.gguf\ntrain_data_dir: d\neval_split: 0.1\nseed: 5\nmax_seq_len: 64\n";
    let settings = frozen(text, &[]);
    assert_eq!((settings.data_type(), settings.seed, settings.split_seed), (DataType::Text, 5, 5));
    assert_eq!(settings.text().map(|text| text.max_seq_len), Some(64));
    assert_eq!(frozen(&frozen_text(&settings, None), &["seed=6"]).split_seed, 5);
    // An experiment that is written now splits by its own key.
    assert_eq!((one(text, &[]).seed, one(text, &[]).split_seed), (5, 0));
    assert_eq!(frozen(&format!("{text}split_seed: 2\n"), &[]).split_seed, 2);
    let old = planned(
        &format!(
            "{text}sweep: {{method: random, run_cap: 2, parameters: {{lora_rank: {{values: [4, 8]}}}}}}\n"
        ),
        &[],
    );
    let mut old = old.unwrap().search.unwrap();
    old.base.retain(|key, _| !["data_type", "split_seed"].contains(&key.as_str()));
    let trial = old.trial_of(&old.point(&[0.0])).unwrap();
    assert_eq!((trial.settings.data_type(), trial.settings.split_seed), (DataType::Text, 5));
}

#[test]
fn defaults_that_follow_do_so_in_a_frozen_configuration_too() {
    let text = frozen_text(&one(&format!("{IMAGE}conv_rank: 4\n"), &[]), Some(&Provenance::default()));
    let of = |overrides: &[&str]| frozen(&text, overrides).image().unwrap().clone();
    let changed = of(&["resolution=768", "lr=1e-3", "conv_rank=8"]);
    assert_eq!((changed.min_bucket_reso, changed.max_bucket_reso), (384, 1536));
    assert_eq!((changed.unet_lr, changed.conv_alpha), (1e-3, Some(16.0)));
    let kept = of(&["resolution=768", "max_bucket_reso=1024"]);
    assert_eq!((kept.min_bucket_reso, kept.max_bucket_reso, kept.unet_lr), (384, 1024, 2e-4));
    let own = frozen_text(&one(&format!("{IMAGE}unet_lr: 1e-4\n"), &[]), Some(&Provenance::default()));
    assert_eq!(frozen(&own, &["lr=1e-3"]).image().map(|image| image.unet_lr), Some(1e-4));
    // Nobody chose them, so no table marks them and no comparison names them.
    let (small, large) = (one(IMAGE, &["resolution=256"]), one(IMAGE, &["resolution=512"]));
    assert_eq!(differing_keys(&[&small, &large]), ["resolution"]);
    let table = settings_table(&small);
    let chosen: Vec<&str> = table.iter().filter(|row| !row.is_default).map(|row| row.key).collect();
    assert_eq!(chosen, ["base_model", "train_data_dir", "resolution"]);
}

#[test]
fn a_command_says_itself_that_it_trains_on_pictures() {
    let command = "command: [train, \"${resolution}\", \"${lora_rank}\"]\n";
    let of_pictures = one(&format!("{command}data_type: image\nresolution: 768\n"), &[]);
    assert_eq!(of_pictures.value_of("resolution"), Some(Value::Whole(768)));
    let text = frozen_text(&of_pictures, None);
    assert!(text.contains("data_type: image\n") && !text.contains("bucket"), "{text}");
    assert_eq!(frozen(&text, &[]), of_pictures);
    // Without it, names of image keys are the command's own, as they were before there were such keys.
    let own = one(&format!("{command}parameters: {{resolution: '512,512'}}\n"), &["resolution=640x480"]);
    assert_eq!(own.value_of("resolution"), Some(Value::Text("640x480".into())));
    let text = frozen_text(&own, None);
    assert!(!text.contains("data_type"), "{text}");
    assert_eq!(frozen(&text, &["resolution=1"]).value_of("resolution"), Some(Value::Whole(1)));
    let error = planned(&format!("{command}resolution: 512\n"), &[]).unwrap_err();
    assert!(
        error.contains("e.yaml:2:13: resolution: is for image models")
            && error.contains("data_type: image` if")
    );
    let error =
        planned(&format!("{command}data_type: image\nparameters: {{resolution: 5}}\n"), &[]).unwrap_err();
    assert!(error.contains("parameters.resolution: is a key of its own"), "{error}");
}

#[test]
fn parameters_of_one_experiment_take_no_key_from_another() {
    let command = "command: [train, \"${dropout}\"]\nparameters: {dropout: 5}\n";
    assert_eq!(one(command, &["dropout=7"]).value_of("dropout"), Some(Value::Whole(7)));
    assert_eq!(number_text(image("", &["dropout=0.25"]).lora_dropout), "0.25");
    let swept = format!("{IMAGE}sweep: {{method: grid, parameters: {{dropout: {{values: [0.5]}}}}}}\n");
    assert_eq!(one(&swept, &[]).image().map(|image| image.lora_dropout), Some(0.5));
    let search = "sweep: {method: random, run_cap: 2, parameters: {dropout: {values: [2, 3]}}}\n";
    let plan = planned(&format!("{command}{search}"), &[]).unwrap().search.unwrap();
    let trial = plan.trial_of(&plan.point(&[1.0])).unwrap();
    assert_eq!(trial.settings.value_of("dropout"), Some(Value::Whole(3)));
}

#[test]
fn the_schema_says_which_keys_are_whose() {
    let schema = json_schema();
    let of = |key: &str| &schema["properties"][key];
    let about = |key: &str| of(key)["description"].as_str().unwrap().to_owned();
    assert!(about("resolution").ends_with("[image models only]"), "{}", about("resolution"));
    assert!(about("max_seq_len").ends_with("[language models only]"));
    assert!(about("epochs").contains("(default: 3 for language models, 10 for image models)"));
    assert!(of("epochs")["default"].is_null() && of("resolution")["default"] == 512);
    assert_eq!(of("max_token_length")["anyOf"][0]["enum"], serde_json::json!([75, 150, 225]));
    assert_eq!(of("rank_pattern")["anyOf"][0]["additionalProperties"]["minimum"], 1);
    assert_eq!(of("sample_seeds")["anyOf"][0]["anyOf"][1]["items"]["maximum"], u64::MAX);
    assert_eq!(of("strength_warmup")["anyOf"][0]["required"], serde_json::json!(["epochs", "weight"]));
    let swept = &schema["properties"]["sweep"]["anyOf"][0]["properties"]["parameters"]["properties"];
    assert!(swept["noise_offset"].is_object() && swept["data_type"].is_null());
}
