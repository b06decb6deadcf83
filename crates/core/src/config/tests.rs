//! The whole way from text to runs.

use std::path::Path;

use super::*;

fn plan_of(text: &str, overrides: &[&str]) -> Result<Plan, String> {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    plan(Path::new("experiment.yaml"), text, &overrides, None)
        .map(|(_, plan)| plan)
        .map_err(|problems| problems.to_string())
}

const BASE: &str = "base_model: models/a.gguf\ntrain_data_dir: data\n";

fn with_base(rest: &str, overrides: &[&str]) -> Result<Plan, String> {
    plan_of(&format!("{BASE}{rest}"), overrides)
}

fn labels(plan: &Plan) -> Vec<String> {
    plan.trials.iter().map(Trial::label).collect()
}

const SWEEP: &str = "sweep:\n  method: grid\n  metric: {name: eval/loss, goal: minimize}\n  parameters:\n    \
                     lora_rank: {values: [4, 8]}\n    lr: {values: [1e-4, 2e-4]}\n";

#[test]
fn the_seeds_own_file_is_a_run_with_defaults() {
    let text = "train_data_dir: \"./data/style_train\"\nbase_model: \"./models/v1-5.safetensors\"\nlora_rank: 8\n\
                batch_size: 4\nlearning_rate: 2e-4\noutput_dir: \"./output/my_style_lora\"\nsave_steps: 100\n";
    let plan = plan_of(text, &[]).unwrap();
    let [Trial { settings, varied, .. }] = plan.trials.as_slice() else { panic!() };
    assert!(varied.is_empty() && !plan.sweep);
    assert_eq!((settings.lora_rank, settings.lora_alpha, settings.learning_rate), (8, 16.0, 2e-4));
    assert_eq!(settings.output_dir.as_deref(), Some("./output/my_style_lora"));
    assert_eq!((settings.max_grad_norm, settings.epochs, settings.max_steps), (1.0, 3.0, None));
    assert_eq!(settings.lora_targets, LoraTargets::Preset("qkv".into()));
}

#[test]
fn a_sweep_is_the_product_in_the_files_order() {
    let plan = with_base(SWEEP, &[]).unwrap();
    assert_eq!(
        labels(&plan),
        [
            "lora_rank=4 learning_rate=1e-4",
            "lora_rank=4 learning_rate=2e-4",
            "lora_rank=8 learning_rate=1e-4",
            "lora_rank=8 learning_rate=2e-4"
        ]
    );
    assert_eq!(number_text(plan.trials[2].settings.lora_alpha), "16");
    assert_eq!(plan.metric, Some(Metric { name: "eval/loss".into(), goal: Goal::Minimize }));
    assert!(plan.sweep);
}

#[test]
fn overrides_fix_sweep_and_reset() {
    assert_eq!(labels(&with_base(SWEEP, &["rank=2"]).unwrap()), ["learning_rate=1e-4", "learning_rate=2e-4"]);
    let all = with_base(SWEEP, &["rank=2", "lr=3e-4"]).unwrap();
    assert!(!all.sweep && labels(&all) == [""]);
    assert_eq!(labels(&with_base("", &["seed=0,1"]).unwrap()), ["seed=0", "seed=1"]);
    let replaced = with_base(SWEEP, &["lora_rank=16,32", "learning_rate=1e-3"]).unwrap();
    assert_eq!(labels(&replaced), ["lora_rank=16", "lora_rank=32"]);
    assert_eq!(with_base("max_steps: 5\n", &["max_steps=null"]).unwrap().trials[0].settings.max_steps, None);
    assert_eq!(with_base("", &["priority=-3"]).unwrap().priority, -3);
}

#[test]
fn duplicates_and_fixed_values_make_no_runs() {
    let text =
        "sweep:\n  method: grid\n  parameters:\n    lr: {values: [1e-4, 0.0001]}\n    seed: {value: 7}\n";
    let plan = with_base(text, &[]).unwrap();
    assert_eq!(labels(&plan), ["learning_rate=1e-4"]);
    assert_eq!(plan.trials[0].settings.seed, 7);
}

#[test]
fn a_run_cap_takes_the_first_runs_and_too_many_are_refused() {
    let capped = with_base(&format!("{SWEEP}  run_cap: 3\n"), &[]).unwrap();
    assert_eq!(capped.trials.len(), 3);
    let error = with_base("", &["seed=range(200)", "lora_rank=range(1,101)"]).unwrap_err();
    assert!(
        error.starts_with("command line:1:1: sweep: this sweep has 20000 runs, more than 10000"),
        "{error}"
    );
}

#[test]
fn all_problems_are_told_at_once_and_in_order() {
    let text = "base_model: m\nlora_rank: eight\nlearning_rat: 1\nlora_dropout: 0.1\nbatch_size: 0\nlr: -1\n";
    let error = plan_of(text, &["seed=x", "epochs=0"]).unwrap_err();
    let expected = "\
experiment.yaml:1:1: train_data_dir: is missing
  hint: train_data_dir: the training data: a file or a folder
experiment.yaml:2:12: lora_rank: 'eight' is no whole number
experiment.yaml:3:1: learning_rat: is not a known key
  hint: did you mean 'learning_rate'?
experiment.yaml:4:15: lora_dropout: is not supported for language models yet
experiment.yaml:5:13: batch_size: '0' is below 1
  hint: a whole number from 1 to 65536
experiment.yaml:6:5: lr: '-1' is not a number above 0
command line:1:6: seed: 'x' is no whole number
command line:2:8: epochs: '0' is not a number above 0";
    assert_eq!(error, expected);
}

#[test]
fn every_unsupported_key_is_refused_by_name() {
    for key in all_keys().filter(|key| !key.is_supported()) {
        let error = with_base(&format!("{}: 1\n", key.name), &[]).unwrap_err();
        assert!(
            error.starts_with(&format!("experiment.yaml:3:1: {}: is not supported yet", key.name)),
            "{error}"
        );
        let error = with_base("", &[&format!("{}=1", key.name)]).unwrap_err();
        assert!(
            error.starts_with(&format!("command line:1:1: {}: is not supported yet", key.name)),
            "{error}"
        );
    }
}

#[test]
fn two_spellings_of_a_key_are_an_error() {
    let error = with_base("lr: 1e-4\nlearning_rate: 2e-4\n", &[]).unwrap_err();
    assert!(
        error.starts_with("experiment.yaml:4:1: learning_rate: is the same key as 'lr', which is given too"),
        "{error}"
    );
    let error = with_base("seed: 1\nseed: 2\n", &[]).unwrap_err();
    assert!(error.starts_with("experiment.yaml:4:1: seed: is given twice"), "{error}");
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let error = with_base("eval_data_dir: held\neval_split: 0.1\n", &[]).unwrap_err();
    assert!(
        error.starts_with("experiment.yaml:4:13: eval_split: is given together with eval_data_dir"),
        "{error}"
    );
    let error = with_base("eval_steps: 10\n", &[]).unwrap_err();
    assert!(error.starts_with("experiment.yaml:3:13: eval_steps: is given, but there is no held-out data"));
    let error = with_base("warmup_steps: 11\n", &["max_steps=10"]).unwrap_err();
    assert!(
        error.starts_with("experiment.yaml:3:15: warmup_steps: '11' is more than the 10 steps"),
        "{error}"
    );
}

#[test]
fn a_frozen_file_reads_back_with_its_provenance_and_overrides() {
    let plan = with_base(SWEEP, &[]).unwrap();
    let provenance = Provenance {
        source_file: Some("experiments/a/experiment.yaml".into()),
        base_model: Some(FileIdentity { path: "models/a.gguf".into(), size: 98, header_hash: "12e4".into() }),
        trial: Some(3),
        varied: vec!["lora_rank=8".into()],
        versions: [("loradeck".to_owned(), "0.1.0".to_owned())].into(),
        ..Provenance::default()
    };
    let text = frozen_text(&plan.trials[2].settings, Some(&provenance));
    let (settings, back) = read_frozen(Path::new("config.yaml"), &text, &[]).unwrap();
    assert_eq!((&settings, &back), (&plan.trials[2].settings, &provenance));
    let (longer, _) = read_frozen(Path::new("config.yaml"), &text, &["max_steps=9".into()]).unwrap();
    assert_eq!(longer.max_steps, Some(9));
    let error = read_frozen(Path::new("config.yaml"), &text, &["seed=1,2".into()]).unwrap_err();
    assert!(error.to_string().contains("sweep: is given, but this file describes one training"), "{error}");
    assert!(text.contains("\nlearning_rate: 1e-4\n"), "{text}");
}

#[test]
fn a_frozen_alpha_follows_another_rank_where_it_followed_the_first() {
    let alpha = |rest: &str, overrides: &[&str]| {
        let text =
            frozen_text(&with_base(rest, &[]).unwrap().trials[0].settings, Some(&Provenance::default()));
        let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
        number_text(read_frozen(Path::new("config.yaml"), &text, &overrides).unwrap().0.lora_alpha)
    };
    assert_eq!(alpha("lora_rank: 8\n", &["lora_rank=32"]), "64");
    assert_eq!(alpha("lora_rank: 8\n", &["lora_rank=32", "lora_alpha=5"]), "5");
    assert_eq!(alpha("lora_rank: 8\nlora_alpha: 8\n", &["lora_rank=32"]), "8");
}
