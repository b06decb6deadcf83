//! Going on: what a resumed training must have kept, and what it may change.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use loradeck_core::run::{Outcome, RunFolder};

use super::support::Bench;
use super::{code, entries, overriding, program, straight, summary, told, train};

#[test]
fn a_finished_run_is_extended_by_an_override() {
    let bench = Bench::new();
    let constant = "lr_scheduler: constant\n";
    let (_, sha256) = straight(&bench, "0001", &format!("{constant}max_steps: 12\n"));
    let (run, shorter) = straight(&bench, "0002", &format!("{constant}max_steps: 7\n"));
    assert_ne!(sha256, shorter);
    overriding(&run, 2, &["max_steps=12"]);
    let output = train(&run, 2);
    assert_eq!(code(&output), 0, "{}", told(&output));
    assert_eq!(summary(&run).weights_sha256.unwrap(), sha256);
    assert_eq!((summary(&run).step, summary(&run).total_steps), (12, 12));
}

#[test]
fn a_checkpoint_of_another_training_is_refused_by_the_field_that_differs() {
    let bench = Bench::new();
    let (run, _) = straight(&bench, "0001", "max_steps: 2\n");
    overriding(&run, 2, &["lora_rank=8", "max_steps=4"]);
    let output = train(&run, 2);
    assert_eq!(code(&output), 2);
    assert!(told(&output).contains("lora_rank is 4, but this training's is 8"), "{}", told(&output));
    assert_eq!(summary(&run).outcome, Outcome::Config);
}

/// A finished training of two steps whose inputs are then changed; what going on says.
fn refusal_after(change: impl FnOnce(&Path)) -> String {
    let bench = Bench::new();
    let (run, _) = straight(&bench, "0001", "max_steps: 2\n");
    change(&bench.folder.path().join("model"));
    overriding(&run, 2, &["max_steps=4"]);
    let output = train(&run, 2);
    assert_eq!(code(&output), 2, "{}", told(&output));
    told(&output)
}

fn edit_json(path: &Path, edit: impl FnOnce(&mut serde_json::Value)) {
    let mut json = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    edit(&mut json);
    fs::write(path, json.to_string()).unwrap();
}

#[test]
fn a_model_that_computes_something_else_is_refused() {
    let refused = refusal_after(|model| {
        edit_json(&model.join("config.json"), |config| config["rms_norm_eps"] = 1e-3.into());
    });
    assert!(refused.contains("its base_model_configuration is "), "{refused}");
    let refused = refusal_after(|model| {
        edit_json(&model.join("config.json"), |config| config["rope_theta"] = 500.into());
    });
    assert!(refused.contains("its base_model_configuration is "), "{refused}");
}

#[test]
fn weights_whose_signs_were_flipped_are_refused() {
    let refused = refusal_after(|model| {
        let path = model.join("model.safetensors");
        let mut bytes = fs::read(&path).unwrap();
        let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        bytes[header..].chunks_exact_mut(4).for_each(|number| number[3] ^= 0x80);
        fs::write(&path, bytes).unwrap();
    });
    assert!(refused.contains("its base_model_weights is "), "{refused}");
}

#[test]
fn other_tokens_of_the_same_data_are_refused() {
    let refused = refusal_after(|model| {
        let template = "{% for m in messages %}{{ m.role }} {{ m.content }}{{ eos_token }}{% endfor %}\
            {% if add_generation_prompt %}assistant{% endif %}";
        fs::write(model.join("chat_template.jinja"), template).unwrap();
    });
    assert!(refused.contains("its tokens_and_loss_masks is "), "{refused}");
}

#[test]
fn a_checkpoint_under_another_steps_name_counts_as_damaged() {
    let bench = Bench::new();
    let extra = "max_steps: 6\nsave_steps: 2\nkeep_checkpoints: 9\nlr_scheduler: constant\n";
    let (_, whole) = straight(&bench, "0001", extra);
    let (run, _) = straight(&bench, "0002", extra);
    let folder = RunFolder::new(&run);
    fs::rename(folder.checkpoint(6), folder.checkpoint(5)).unwrap();
    edit_json(&folder.checkpoint(4).join("manifest.json"), |manifest| manifest["step"] = 5.into());
    let output = train(&run, 2);
    assert_eq!(code(&output), 0, "{}", told(&output));
    let damaged: Vec<_> =
        entries(&run, "damaged-checkpoint").iter().map(|entry| entry.step.unwrap()).collect();
    assert_eq!(damaged, [5, 4]);
    assert_eq!(entries(&run, "resume")[0].step, Some(2));
    assert_eq!(summary(&run).weights_sha256.unwrap(), whole);
}

#[test]
fn changed_settings_are_recorded_with_the_step_from_which_they_hold() {
    let bench = Bench::new();
    let (run, _) = straight(&bench, "0001", "max_steps: 3\nlearning_rate: 0.01\n");
    overriding(&run, 2, &["max_steps=5", "learning_rate=0.002", "weight_decay=0.1"]);
    let output = train(&run, 2);
    assert_eq!(code(&output), 0, "{}", told(&output));
    let changed = entries(&run, "setting-changed");
    let pairs: BTreeMap<&str, (f64, f64)> = changed
        .iter()
        .map(|entry| {
            assert_eq!(entry.step, Some(3));
            let number = |key: &str| entry.facts[key].as_f64().unwrap();
            (entry.text("key").unwrap(), (number("before"), number("after")))
        })
        .collect();
    assert_eq!(pairs["learning_rate"], (0.01, 0.002));
    assert_eq!(pairs["weight_decay"], (0.0, 0.1));
    assert_eq!(pairs["total_steps"], (3.0, 5.0));
    assert!(super::told(&output).contains("the learning rate of step 4 is "), "{}", super::told(&output));
}

/// Every file below a folder with its contents.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                drop(found.insert(path.clone(), fs::read(&path).unwrap()));
            }
        }
    }
    found
}

#[test]
fn a_refused_resume_changes_nothing_and_sampling_reads_the_adapters_own_configuration() {
    let bench = Bench::new();
    let root = bench.folder.path();
    let config = "base_model: model\ntrain_data_dir: data\noutput_dir: out\nlora_rank: 4\nbatch_size: 4\n\
                  max_steps: 40\nlearning_rate: 0.02\n";
    fs::write(root.join("c.yaml"), config).unwrap();
    let run = |flags: &[&str]| {
        let mut command = program(&["--config", "c.yaml"]);
        command.args(flags).current_dir(root).env("LORADECK", "/bin/false").output().unwrap()
    };
    assert_eq!(code(&run(&[])), 0);
    let before = contents(&root.join("out"));
    for (key, refused) in [("lora_alpha: 700\n", "its lora_alpha is 8"), ("seed: 9\n", "its seed is 0")] {
        fs::write(root.join("c.yaml"), format!("{config}{key}")).unwrap();
        let output = run(&["--resume"]);
        assert_eq!(code(&output), 2, "{}", told(&output));
        assert!(told(&output).contains(refused), "{}", told(&output));
        assert_eq!(contents(&root.join("out")), before, "nothing may have changed");
    }
    let answers = || {
        let mut command = program(&["sample", "out", "--json", "--prompt", "where is the old red owl"]);
        String::from_utf8(command.current_dir(root).output().unwrap().stdout).unwrap()
    };
    let right = answers();
    let frozen = root.join("out/config.yaml");
    let edited = fs::read_to_string(&frozen).unwrap().replace("lora_alpha: 8", "lora_alpha: 700");
    fs::write(&frozen, edited).unwrap();
    assert_eq!(answers(), right);
}
