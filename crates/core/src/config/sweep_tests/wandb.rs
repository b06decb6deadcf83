//! W&B's files, and what is wrong in them.

use super::*;

/// The example of W&B's "Sweep configuration" pages in our keys: a bayes search with nothing but bounds and lists.
const WANDB_BAYES: &str = "\
program: train.py
method: bayes
name: first
project: lora
metric:
  name: eval/loss
  goal: minimize
parameters:
  learning_rate:
    min: 0.0001
    max: 0.1
  batch_size:
    distribution: q_log_uniform_values
    q: 8
    min: 8
    max: 256
  epochs:
    value: 1
  lr_scheduler:
    values: [cosine, linear]
    probabilities: [0.75, 0.25]
  lora_rank:
    min: 4
    max: 64
early_terminate:
  type: hyperband
  s: 2
  eta: 3
  max_iter: 27
run_cap: 12
";

#[test]
fn a_wandb_file_is_read_as_it_is() {
    let plan = sweep(WANDB_BAYES, &[]).unwrap();
    assert!(plan.sweep && plan.trials.is_empty());
    assert_eq!(
        space(&plan),
        [
            "learning_rate: 1e-4 to 0.1 (uniform)",
            "batch_size: 8 to 256 (q_log_uniform_values, q 8)",
            "lr_scheduler: cosine (75 %), linear (25 %)",
            "lora_rank: 4 to 64 (int_uniform)",
        ]
    );
    let search = plan.search.as_ref().unwrap();
    assert_eq!((search.method, search.run_cap), (Method::Bayes, Some(12)));
    let stopping = search.stopping.first().unwrap();
    assert_eq!(stopping.rungs(1000), [3, 9]);
    assert!(matches!(stopping, Stopping::Asha { unit: Unit::Values, max_t: Some(27), .. }));
    assert_eq!(search.base.get("epochs"), Some(&Value::Real(1.0)));
    assert_eq!(
        warnings(&plan),
        [
            "5:3: sweep.program: is ignored: the experiment says what is trained",
            "7:3: sweep.name: is ignored: the experiment's folder is the name",
            "8:3: sweep.project: is ignored: runs belong to the experiment",
        ]
    );
    let [example] = plan.examples.as_slice() else { panic!("{:?}", plan.examples) };
    assert_eq!(example.label(), "learning_rate=0.05005 batch_size=48 lr_scheduler=cosine lora_rank=34");
}

#[test]
fn a_file_of_its_own_is_a_sweep_too() {
    let files = [
        ("wandb.yaml", WANDB_BAYES),
        ("bad.yaml", "method: grid\nparameters:\n  rank: {values: [4, x]}\n"),
        ("no.yaml", "a: ["),
        ("empty.yaml", "# nothing yet\n"),
    ];
    let with = |arguments: &[&str]| planned("parameters: {seed: {values: [1, 2]}}\n", arguments, &files);
    let plan = with(&["sweep=wandb.yaml"]).unwrap();
    assert_eq!(space(&plan), space(&sweep(WANDB_BAYES, &[]).unwrap()));
    assert_eq!(
        plan.warnings.0[0].to_string(),
        "wandb.yaml:1:1: sweep.program: is ignored: the experiment says what is trained"
    );
    assert_eq!(labels(&with(&["sweep=null"]).unwrap()), [""]);
    assert_eq!(labels(&with(&["sweep=null", "rank=4,8"]).unwrap()), ["lora_rank=4", "lora_rank=8"]);
    assert_eq!(with(&["sweep=bad.yaml"]).unwrap_err(), "bad.yaml:3:22: rank: 'x' is no whole number");
    assert!(with(&["sweep=no.yaml"]).unwrap_err().starts_with("no.yaml:2:1: no valid YAML"));
    assert_eq!(
        with(&["sweep=empty.yaml"]).unwrap_err(),
        "command line:1:7: sweep: 'empty.yaml' is an empty file\n  hint: sweep=null makes no sweep"
    );
    assert_eq!(
        with(&["sweep=gone.yaml"]).unwrap_err(),
        "command line:1:7: sweep: 'gone.yaml' cannot be read: no such file"
    );
    let named = |name: &str| {
        let text = format!("{BASE}sweep: {name}\n");
        let read = |wanted: &str| {
            let file = files.iter().find(|(name, _)| *name == wanted);
            file.map(|(_, text)| (*text).to_owned()).ok_or_else(|| "is not there".to_owned())
        };
        plan_with(
            Path::new("e.yaml"),
            &text,
            &["sweep.run_cap=5".to_owned()],
            None,
            &read,
            Recognise::Never,
            &|_, _| None,
        )
        .map(|(_, plan)| plan)
    };
    assert_eq!(named("wandb.yaml").unwrap().search.unwrap().run_cap, Some(5));
    assert_eq!(named("gone.yaml").unwrap_err().to_string(), "e.yaml:4:8: sweep: 'gone.yaml' is not there");
}

#[test]
fn the_learning_rate_of_wandbs_own_example_is_opened() {
    let with = |bounds: &str| {
        sweep(&format!("method: random\nrun_cap: 5\nparameters: {{learning_rate: {{{bounds}}}}}\n"), &[])
    };
    let plan = with("distribution: uniform, min: 0, max: 0.1").unwrap();
    assert_eq!(space(&plan), ["learning_rate: 1e-7 to 0.1 (uniform)"]);
    assert_eq!(warnings(&plan), ["7:60: learning_rate.min: 0 cannot be: it draws from 1e-7 on"]);
    assert!(with("distribution: uniform, min: -0.1, max: 0.1").is_err());
    assert!(with("distribution: q_uniform, min: 0, max: 0.1, q: 0.01").is_err());
}

#[test]
fn every_distribution_of_wandb_is_known() {
    let text = "\
method: random
run_cap: 5
parameters:
  learning_rate: {distribution: log_uniform, min: -9.21, max: -2.3}
  weight_decay: {distribution: beta, a: 2, b: 5}
  lora_rank: {distribution: q_uniform, min: 4, max: 64, q: 4}
  lora_alpha: {distribution: q_normal, mu: 32, sigma: 2}
  epochs: {distribution: inv_log_uniform_values, min: 1, max: 4}
  max_grad_norm: {distribution: log_normal}
  warmup_steps: {distribution: q_log_uniform, min: 0, max: 3}
  batch_size: {distribution: int_uniform, min: 1, max: 8}
  eval_split: {distribution: q_beta, q: 0.05}
  max_seq_len: {distribution: q_log_normal, mu: 6, sigma: 0.5, q: 64}
  seed: {distribution: categorical, values: [1, 2]}
  precision: {distribution: constant, value: fp32}
  lr_scheduler: {distribution: categorical_w_probabilities, values: [cosine, linear], probabilities: [0.5, 0.5]}
";
    assert_eq!(
        space(&sweep(text, &[]).unwrap()),
        [
            "learning_rate: 1.00034e-4 to 0.100259 (log_uniform, exponents -9.21 to -2.3)",
            "weight_decay: beta (a 2, b 5)",
            "lora_rank: 4 to 64 (q_uniform, q 4)",
            "lora_alpha: q_normal (mu 32, sigma 2, q 1)",
            "epochs: 1 to 4 (inv_log_uniform_values)",
            "max_grad_norm: log_normal (mu 0, sigma 1)",
            "warmup_steps: 1 to 20 (q_log_uniform, exponents 0 to 3, q 1)",
            "batch_size: 1 to 8 (int_uniform)",
            "eval_split: q_beta (a 1, b 1, q 0.05)",
            "max_seq_len: q_log_normal (mu 6, sigma 0.5, q 64)",
            "seed: 1, 2",
            "lr_scheduler: cosine (50 %), linear (50 %)",
        ]
    );
}

#[test]
fn a_log_uniform_with_values_for_exponents_is_warned_of() {
    let text =
        "method: random\nrun_cap: 3\nparameters:\n  lr: {distribution: log_uniform, min: 1e-5, max: 1e-1}\n";
    assert_eq!(
        warnings(&sweep(text, &[]).unwrap()),
        ["8:24: lr.distribution: 'log_uniform' takes min and max as exponents of e: it draws from \
          1.00001 to 1.10517 (for values from 1e-5 to 0.1 write log_uniform_values)"]
    );
    let text =
        "method: random\nrun_cap: 3\nparameters:\n  rank: {distribution: q_log_uniform, min: 4, max: 64}\n";
    let problem = sweep(text, &[]).unwrap_err();
    assert!(problem.starts_with("e.yaml:8:54: rank: "), "{problem}");
    assert!(problem.contains("q_log_uniform takes min and max as exponents of e"), "{problem}");
}

#[test]
fn a_grid_lists_whole_ranges_and_steps_as_wandb_does() {
    let text = "method: grid\nparameters:\n  rank: {min: 4, max: 6}\n  \
                epochs: {distribution: q_uniform, min: 1, max: 2, q: 0.5}\n";
    assert_eq!(
        labels(&sweep(text, &[]).unwrap()),
        [
            "lora_rank=4 epochs=1",
            "lora_rank=4 epochs=1.5",
            "lora_rank=5 epochs=1",
            "lora_rank=5 epochs=1.5",
            "lora_rank=6 epochs=1",
            "lora_rank=6 epochs=1.5"
        ]
    );
    let text = "method: grid\nparameters:\n  lr: {min: 1e-5, max: 1e-3}\n  \
                rank: {values: [4, 8], probabilities: [0.5, 0.5]}\n";
    assert_eq!(
        problems(text, &[]),
        [
            "7:5: learning_rate: cannot be tried value by value: uniform draws from too many",
            "8:5: lora_rank: has probabilities, which mean nothing in a grid",
        ]
    );
}

#[test]
fn problems_inside_a_sweep_have_their_place() {
    let text = "\
method: annealing
run_cap: 0
metrik: 1
method: grid
parameters:
  lora_rnk: {values: [1]}
  lr: {min: 1e-5}
  seed: {values: [1, x]}
  rank: 8
  alpha: {values: []}
  epochs: {values: [1], min: 3}
  bs: {distribution: unifrom, min: 1, max: 2}
  warmup_steps: {min: 4, max: 1}
  weight_decay: {distribution: normal, sigma: -1}
  notes: {min: 1, max: 2}
  max_grad_norm: {values: [1, 2], probabilities: [0.5, 0.4]}
  optimizer: {parameters: {lr: {values: [1]}, momentum: {value: 2}}}
  lr_scheduler: {distribution: constant, values: [linear]}
  threads: {min: 1.5, max: 3}
  max_steps: {}
  eval_steps: {distribution: q_uniform, min: 1, max: 9, q: 0}
  lora_rank: {values: [4]}
";
    assert_eq!(
        problems(text, &[]),
        [
            "5:11: sweep.method: 'annealing' is no method",
            "6:12: sweep.run_cap: '0' is below 1",
            "7:3: sweep.metrik: is not a known key of a sweep",
            "8:3: sweep.method: is given twice",
            "10:5: lora_rnk: is not a known key",
            "11:9: lr: has no max",
            "12:24: seed: 'x' is no whole number",
            "13:11: rank: '8' is swept by a mapping with values, and this is none",
            "14:21: alpha: has no values",
            "15:27: epochs.min: does not belong here",
            "16:24: bs.distribution: 'unifrom' is no known distribution",
            "17:33: warmup_steps.max: '1' is below min",
            "18:49: weight_decay.sigma: '-1' is below 0",
            "19:18: notes: is no number, so that none can be drawn for it",
            "20:52: max_grad_norm.probabilities: add up to 0.9, not to 1",
            "21:30: optimizer.lr: is not a known key",
            "21:49: optimizer.momentum: is not a known key",
            "22:34: lr_scheduler.distribution: 'constant' does not fit the rest",
            "23:20: threads: is a whole number, and uniform draws fractions",
            "24:16: max_steps: has no values",
            "25:62: eval_steps.q: '0' is not a number above 0",
            "26:5: lora_rank: is swept a second time",
        ]
    );
}

#[test]
fn a_sweep_that_is_none_is_said_to_be_none() {
    assert_eq!(problems("method: grid\n", &[]), ["5:3: sweep: has no parameters"]);
    assert!(sweep("parameters: [1]\n", &[]).unwrap_err().contains("sweep.parameters: is a mapping of keys"));
    let plan = sweep("method: random\nparameters: {rank: {value: 4}}\n", &[]).unwrap();
    assert!(!plan.sweep && plan.search.is_none() && plan.trials.len() == 1);
}
