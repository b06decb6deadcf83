//! How it is found what a training is on, from files to plans.

use std::fs;

use super::*;

/// A workspace's root with pictures, chats and two kinds of base models.
fn root() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in [
        "data/style_train/a.png",
        "data/style_train/a.txt",
        "data/chats/a.jsonl",
        "data/other/notes.bin",
        "models/Stable-diffusion/v1-5-pruned.safetensors",
        "models/sd/model_index.json",
        "models/a.gguf",
        "models/odd.bin",
        "experiments/a/notes.md",
    ] {
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    root
}

fn loaded(text: &str, overrides: &[&str]) -> Result<Plan, String> {
    let root = root();
    let file = root.path().join("experiments/a/e.yaml");
    fs::write(&file, text).unwrap();
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    let plan = load_plan(&file, root.path(), &overrides);
    let place = format!("{}/experiments/a/", root.path().display());
    plan.map(|(_, plan)| plan).map_err(|error| error.to_string().replace(&place, ""))
}

fn pair(base: &str, data: &str) -> String {
    format!("base_model: models/{base}\ntrain_data_dir: data/{data}\n")
}

#[test]
fn the_seeds_own_file_is_an_image_training() {
    let text = "train_data_dir: \"./data/style_train\"\n\
                base_model: \"./models/Stable-diffusion/v1-5-pruned.safetensors\"\n\
                lora_rank: 8\nbatch_size: 4\nlearning_rate: 2e-4\noutput_dir: \"./output/my_style_lora\"\n\
                save_steps: 100\n";
    let settings = loaded(text, &[]).unwrap().trials.remove(0).settings;
    assert!(settings.is_image());
    assert_eq!((settings.lora_rank, settings.lora_alpha, settings.batch_size), (8, 16.0, 4));
    assert_eq!((settings.learning_rate, settings.save_steps, settings.epochs), (2e-4, 100, 10.0));
    assert_eq!(settings.image().map(|image| image.unet_lr), Some(2e-4));
}

#[test]
fn data_and_base_model_tell_what_is_trained_on() {
    let of = |text: &str| loaded(text, &[]).map(|plan| plan.trials[0].settings.data_type());
    assert_eq!(of(&pair("sd", "style_train")), Ok(DataType::Image));
    assert_eq!(of(&pair("a.gguf", "chats")), Ok(DataType::Text));
    assert_eq!(of(&pair("sd", "other")), Ok(DataType::Image));
    assert_eq!(of(&format!("{}data_type: auto\n", pair("sd", "other"))), Ok(DataType::Image));
    // As it is written, whatever is found; of a frozen file of before, it is not asked.
    assert_eq!(of(&format!("{}data_type: text\n", pair("sd", "style_train"))), Ok(DataType::Text));
    assert_eq!(of(&format!("{}provenance: {{}}\n", pair("sd", "style_train"))), Ok(DataType::Text));
    let unclear = of(&pair("odd.bin", "other")).unwrap_err();
    assert_eq!(
        unclear,
        "e.yaml:2:17: train_data_dir: 'data/other' holds neither pictures nor text that is known by its name, and the base model does not decide what is meant\n  hint: set data_type: text or data_type: image"
    );
    let unfit =
        of(&format!("{}resolution: 512\nmax_seq_len: 9\n", pair("a.gguf", "style_train"))).unwrap_err();
    assert!(unfit.starts_with(
        "e.yaml:2:17: train_data_dir: 'data/style_train' holds pictures (a.png), but base_model"
    ));
    assert!(unfit.contains("'models/a.gguf' is a GGUF file") && unfit.lines().count() == 2, "{unfit}");
}

#[test]
fn missing_paths_make_no_second_error() {
    let of = |text: &str| loaded(text, &[]).map(|plan| plan.trials[0].settings.data_type());
    assert_eq!(of(&pair("gone", "gone")), Ok(DataType::Text));
    assert_eq!(of(&pair("gone", "style_train")), Ok(DataType::Image));
    assert_eq!(of(&pair("gone.safetensors", "gone")), Ok(DataType::Image));
    assert_eq!(of(&pair("gone", "other")), Ok(DataType::Text));
    assert_eq!(of(&format!("{}resolution: 256\n", pair("gone", "gone"))), Ok(DataType::Image));
    let missing = of("base_model: models/sd\n").unwrap_err();
    assert!(missing.contains("train_data_dir: is missing") && !missing.contains("data_type"), "{missing}");
}

#[test]
fn the_runs_of_a_sweep_are_of_one_data_type() {
    let sweep = |values: &str| {
        let values =
            format!("sweep: {{method: grid, parameters: {{train_data_dir: {{values: [{values}]}}}}}}\n");
        loaded(&format!("base_model: models/odd.bin\n{values}"), &[])
    };
    let same = sweep("data/style_train, data/gone").unwrap();
    assert!(same.trials.len() == 2 && same.trials.iter().all(|trial| trial.settings.is_image()));
    let mixed = sweep("data/style_train, data/chats").unwrap_err();
    assert!(mixed.contains(
        "'data/chats' makes it a training on text, but with 'data/style_train' it is one on pictures"
    ));
    let bases = loaded(&pair("sd", "other"), &["base_model=models/sd,models/a.gguf"]).unwrap_err();
    assert!(
        bases.starts_with("command line:1:22: sweep: 'models/a.gguf' makes it a training on text"),
        "{bases}"
    );
    let overridden = loaded(&pair("sd", "chats"), &["train_data_dir=data/style_train"]).unwrap();
    assert!(overridden.trials[0].settings.is_image());
}

#[test]
fn a_command_is_not_looked_at() {
    let text = format!("command: [train, \"${{base_model}}\"]\n{}", pair("a.gguf", "style_train"));
    assert_eq!(loaded(&text, &[]).unwrap().trials[0].settings.data_type(), DataType::Text);
}

#[test]
fn a_folder_beside_the_file_counts_unless_it_is_swept_away() {
    let root = root();
    let file = root.path().join("e.yaml");
    let loaded = |rest: &str| {
        fs::write(&file, format!("base_model: models/odd.bin\n{rest}")).unwrap();
        load_plan(&file, root.path(), &[]).map(|(_, plan)| plan).map_err(|error| error.to_string())
    };
    let beside = loaded("").unwrap_err();
    assert!(
        beside.contains("'data' holds both pictures (style_train/a.png) and text (chats/a.jsonl)"),
        "{beside}"
    );
    let sweep =
        "sweep: {method: grid, parameters: {train_data_dir: {values: [data/chats, data/chats/a.jsonl]}}}\n";
    assert!(loaded(sweep).unwrap().trials.iter().all(|trial| !trial.settings.is_image()));
}

#[test]
fn paths_of_regularisation_pictures_are_checked() {
    let root = root();
    let file = root.path().join("e.yaml");
    fs::write(&file, format!("{}reg_data_dir: data/gone\n", pair("sd", "style_train"))).unwrap();
    let (experiment, plan) = load_plan(&file, root.path(), &[]).unwrap();
    let problems = check_paths(&experiment, &plan, root.path()).to_string();
    assert!(problems.contains("e.yaml:3:15: reg_data_dir: 'data/gone' does not exist"), "{problems}");
}
