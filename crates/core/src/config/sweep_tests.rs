//! The sweep language from text to trials: W&B's files, ours beside them, the command line, and the frozen plan.

use std::path::Path;

use super::plan::plan_with;
use super::*;

const BASE: &str = "base_model: models/a.gguf\ntrain_data_dir: data\neval_split: 0.1\n";

/// The plan of a sweep, indented below `sweep:`; `files` are those that it may read.
fn planned(sweep: &str, arguments: &[&str], files: &[(&str, &str)]) -> Result<Plan, String> {
    let indented: Vec<String> = sweep.lines().map(|line| format!("  {line}\n")).collect();
    let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
    let read = |wanted: &str| {
        let file = files.iter().find(|(name, _)| *name == wanted);
        file.map(|(_, text)| (*text).to_owned()).ok_or_else(|| "cannot be read: no such file".to_owned())
    };
    let text =
        if sweep.is_empty() { BASE.to_owned() } else { format!("{BASE}sweep:\n{}", indented.concat()) };
    plan_with(Path::new("e.yaml"), &text, &arguments, None, &read)
        .map(|(_, plan)| plan)
        .map_err(|problems| problems.to_string())
}

fn sweep(text: &str, arguments: &[&str]) -> Result<Plan, String> {
    planned(text, arguments, &[])
}

fn labels(plan: &Plan) -> Vec<String> {
    plan.trials.iter().map(Trial::label).collect()
}

fn space(plan: &Plan) -> Vec<String> {
    plan.search
        .as_ref()
        .map_or_else(Vec::new, |search| search.space.iter().map(SearchAxis::to_string).collect())
}

/// Problems without their hints, as `line:column: …`; the sweep begins at line 5.
fn problems(text: &str, arguments: &[&str]) -> Vec<String> {
    let all = sweep(text, arguments).unwrap_err();
    let lines = all.lines().filter(|line| !line.starts_with("  hint: "));
    lines.map(|line| line.trim_start_matches("e.yaml:").to_owned()).collect()
}

fn warnings(plan: &Plan) -> Vec<String> {
    plan.warnings
        .0
        .iter()
        .map(|warning| warning.to_string().trim_start_matches("e.yaml:").to_owned())
        .collect()
}

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
    let stopping = search.stopping.as_ref().unwrap();
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
fn zipped_keys_take_their_values_together() {
    let text = "parameters:\n  rank: {values: [4, 8, 8]}\n  lr: {values: [1e-3, 5e-4, 5e-4]}\n  seed: {values: [0, 1]}\n\
                zip: [[lora_rank, lr]]\n";
    let plan = sweep(text, &[]).unwrap();
    assert_eq!(
        labels(&plan),
        [
            "lora_rank=4 learning_rate=1e-3 seed=0",
            "lora_rank=4 learning_rate=1e-3 seed=1",
            "lora_rank=8 learning_rate=5e-4 seed=0",
            "lora_rank=8 learning_rate=5e-4 seed=1"
        ]
    );
    assert_eq!(space(&plan), ["lora_rank + learning_rate: 4 + 1e-3, 8 + 5e-4", "seed: 0, 1"]);
    assert_eq!(
        labels(&sweep(text, &["rank=2", "seed=0"]).unwrap()),
        ["learning_rate=1e-3", "learning_rate=5e-4"]
    );
    assert_eq!(labels(&sweep(text, &["rank=1,2,3", "seed=0"]).unwrap())[2], "lora_rank=3 learning_rate=5e-4");
    assert_eq!(
        problems(text, &["rank=1,2"]),
        ["9:9: sweep.zip.learning_rate: has 3 values, and lora_rank, which it is zipped with, has 2"]
    );
    let wrong = "parameters:\n  rank: {values: [4]}\n  lr: {min: 1e-5, max: 1e-3}\n\
                 zip: [[rank, lr], [bs, epochs], [rank, seed], rank, [alpha]]\n";
    assert_eq!(
        problems(wrong, &[]),
        [
            "8:9: sweep.zip.learning_rate: is drawn, and only values that are listed can be zipped",
            "8:21: sweep.zip.batch_size: is zipped, but not swept",
            "8:21: sweep.zip.epochs: is zipped, but not swept",
            "8:36: sweep.zip: 'rank' is zipped a second time",
            "8:49: sweep.zip: 'rank' is a list of lists of keys, and this stands in it",
            "8:55: sweep.zip: couples two keys or more, and these are fewer",
        ]
    );
}

#[test]
fn a_key_with_a_condition_varies_only_where_it_holds() {
    let text = "parameters:\n  rank: {values: [4, 8, 16]}\n  alpha: {values: [8, 32]}\n\
                when: {alpha: {lora_rank: [8, 16]}}\n";
    let plan = sweep(text, &[]).unwrap();
    assert_eq!(
        labels(&plan),
        [
            "lora_rank=4",
            "lora_rank=8 lora_alpha=8",
            "lora_rank=8 lora_alpha=32",
            "lora_rank=16 lora_alpha=8",
            "lora_rank=16 lora_alpha=32"
        ]
    );
    // Where it does not vary it follows as it would without the sweep.
    assert_eq!(number_text(plan.trials[0].settings.lora_alpha), "8");
    assert_eq!(space(&plan)[1], "lora_alpha: 8, 32 where lora_rank is 8 or 16");
    assert_eq!(labels(&sweep(text, &["rank=4"]).unwrap()), [""]);
    assert_eq!(labels(&sweep(text, &["rank=8"]).unwrap()), ["lora_alpha=8", "lora_alpha=32"]);
    assert_eq!(labels(&sweep(text, &["alpha=5"]).unwrap()).len(), 3);
}

#[test]
fn conditions_go_on_through_others() {
    let text = "parameters:\n  rank: {values: [4, 8]}\n  alpha: {values: [8, 32]}\n  seed: {values: [0, 1]}\n\
                when:\n  alpha: {rank: 8}\n  seed: {alpha: [8]}\n";
    assert_eq!(
        labels(&sweep(text, &[]).unwrap()),
        [
            "lora_rank=4",
            "lora_rank=8 lora_alpha=8 seed=0",
            "lora_rank=8 lora_alpha=8 seed=1",
            "lora_rank=8 lora_alpha=32"
        ]
    );
}

#[test]
fn conditions_that_cannot_hold_are_refused_where_they_stand() {
    let text = "parameters:\n  rank: {values: [4, 8]}\n  alpha: {values: [8, 32]}\n  seed: {min: 0, max: 3}\n\
                when:\n  alpha: {rank: [16], seed: [7], bs: 4, alpha: 8}\n  epochs: {rank: 8}\n  bs: 3\n";
    assert_eq!(
        problems(text, &[]),
        [
            "10:20: sweep.when.lora_alpha.lora_rank: '16' is none of the values of lora_rank",
            "10:32: sweep.when.lora_alpha.seed: '7' is none of the values of seed",
            "10:36: sweep.when.lora_alpha.batch_size: is a condition on batch_size, which is not swept",
            "10:43: sweep.when.alpha.alpha: is a condition of a key on itself",
            "11:14: sweep.when.epochs.lora_rank: is a condition, but epochs is not swept",
            "12:9: sweep.when.bs: '3' is a mapping of a key to the values that it must have, and this is none",
        ]
    );
    let round = "parameters:\n  rank: {values: [4, 8]}\n  alpha: {values: [8, 32]}\n\
                 when: {alpha: {rank: 8}, rank: {alpha: 8}}\n";
    assert_eq!(problems(round, &[]), ["6:5: lora_rank: depends on itself by its conditions"]);
    let half = "parameters:\n  rank: {values: [4, 8]}\n  alpha: {values: [8, 32]}\n  seed: {values: [0, 1]}\n\
                zip: [[rank, alpha]]\nwhen: {alpha: {seed: 0}}\n";
    assert_eq!(
        problems(half, &[]),
        ["6:5: lora_alpha: goes together with lora_rank, which has other conditions"]
    );
}

#[test]
fn seeds_come_last_and_once() {
    let text = "parameters:\n  rank: {values: [4, 8]}\nseeds: 2\n";
    let plan = sweep(text, &[]).unwrap();
    assert_eq!(
        labels(&plan),
        ["lora_rank=4 seed=0", "lora_rank=4 seed=1", "lora_rank=8 seed=0", "lora_rank=8 seed=1"]
    );
    assert_eq!(labels(&sweep("seeds: 3\n", &[]).unwrap()), ["seed=0", "seed=1", "seed=2"]);
    assert_eq!(labels(&sweep(text, &["seed=7"]).unwrap()), ["lora_rank=4", "lora_rank=8"]);
    assert_eq!(labels(&sweep(text, &["sweep.seeds=1"]).unwrap()).len(), 2);
    assert_eq!(labels(&sweep(text, &["sweep.seeds=null"]).unwrap()), ["lora_rank=4", "lora_rank=8"]);
    let both = "parameters:\n  seed: {values: [4, 8]}\nseeds: 2\n";
    assert_eq!(problems(both, &[]), ["7:10: sweep.seeds: the key seed is swept too"]);
    assert_eq!(
        problems("", &["seed=1,2", "sweep.seeds=2"]),
        ["command line:2:13: sweep.seeds: the key seed is given too"]
    );
    assert_eq!(labels(&sweep(both, &["sweep.seeds=1"]).unwrap_or_else(|e| panic!("{e}"))), ["seed=0"]);
}

#[test]
fn trials_are_read_from_csv() {
    let csv = "lora_rank,lr,notes\r\n4,1e-3,\"a, b\"\n8,,plain\n\n4,1e-3,\"a, b\"\n";
    let plan = planned("trials: trials.csv\n", &[], &[("trials.csv", csv)]).unwrap();
    assert_eq!(labels(&plan), ["lora_rank=4 learning_rate=1e-3 notes=a, b", "lora_rank=8 notes=plain"]);
    assert_eq!(number_text(plan.trials[1].settings.learning_rate), "2e-4");
    assert_eq!(space(&plan), ["lora_rank + learning_rate + notes: 4 + 1e-3 + a, b, 8 + — + plain"]);
    // The command line takes columns away, and other axes multiply.
    let with = |arguments: &[&str], more: &str| {
        planned(&format!("trials: trials.csv\n{more}"), arguments, &[("trials.csv", csv)])
    };
    assert_eq!(labels(&with(&["notes=x", "rank=2"], "").unwrap()), ["learning_rate=1e-3", ""]);
    assert_eq!(labels(&with(&[], "seeds: 2\n").unwrap()).len(), 4);
    assert!(
        with(&[], "method: random\n")
            .unwrap_err()
            .starts_with("e.yaml:6:11: sweep.method: is given with trials")
    );
    assert!(
        with(&[], "parameters: {rank: {values: [1]}}\n")
            .unwrap_err()
            .contains("is a column of the trials too")
    );
}

#[test]
fn trials_are_read_from_jsonl() {
    let lines = "{\"rank\": 4, \"lora_targets\": [\"q_proj\", \"v_proj\"]}\n\n{\"rank\": 8, \"lr\": 1e-3, \"notes\": null}\n";
    let plan = planned("trials: t.jsonl\n", &[], &[("t.jsonl", lines)]).unwrap();
    assert_eq!(
        labels(&plan),
        ["lora_rank=4 lora_targets=[q_proj, v_proj]", "lora_rank=8 learning_rate=1e-3"]
    );
}

#[test]
fn bad_rows_are_told_in_their_own_file() {
    let problems = |name: &str, text: &str| {
        let all = planned(&format!("trials: {name}\n"), &[], &[(name, text)]).unwrap_err();
        all.lines().filter(|line| !line.starts_with("  hint")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        problems("t.csv", "lora_rank,lr\neight,1e-3\n8,1e-3,3\n0,\u{1b}[2J\n"),
        [
            "t.csv:2:1: lora_rank: 'eight' is no whole number",
            "t.csv:3:1: 3 cells stand here, but the header has 2",
            "t.csv:4:1: lora_rank: '0' is below 1",
            "t.csv:4:3: lr: '␛[2J' is no number",
        ]
    );
    assert_eq!(
        problems("t.csv", "lora_rnk,rank,r,,priority\n"),
        [
            "t.csv:1:1: lora_rnk: is not a known key",
            "t.csv:1:15: r: stands here a second time",
            "t.csv:1:17: a column without a key",
            "t.csv:1:18: priority: cannot be swept: it is the same for all runs",
        ]
    );
    assert_eq!(problems("t.csv", "rank\n\"8\n"), ["t.csv:2:1: this quote is never closed"]);
    assert_eq!(problems("t.csv", "rank\n"), ["e.yaml:5:11: sweep.trials: 't.csv' lists no trials"]);
    assert_eq!(
        problems("t.jsonl", "{\"rank\": 4}\n{\"rank\": \"x\"}\n[1]\n{\"rank\": 4, \"rank\": 5}\n{"),
        [
            "t.jsonl:2:10: rank: 'x' is no whole number",
            "t.jsonl:3:1: this is no JSON object",
            "t.jsonl:4:13: rank: stands here a second time",
            "t.jsonl:5:1: no valid YAML: did not find expected node content, while parsing a flow node",
        ]
    );
    assert_eq!(
        problems("t.txt", "x"),
        ["e.yaml:5:11: sweep.trials: 't.txt' is neither a .csv nor a .jsonl file"]
    );
    assert_eq!(
        sweep("trials: gone.csv\n", &[]).unwrap_err(),
        "e.yaml:5:11: sweep.trials: 'gone.csv' cannot be read: no such file"
    );
}

#[test]
fn contradictions_of_a_listed_trial_are_told_at_its_cell() {
    let csv = "max_steps,warmup_steps\n10,5\n10,11\n";
    let problem = planned("trials: t.csv\n", &[], &[("t.csv", csv)]).unwrap_err();
    assert_eq!(problem, "t.csv:3:4: warmup_steps: '11' is more than the 10 steps of the run");
}

#[test]
fn an_interval_makes_a_search_and_fields_can_be_overridden() {
    let plan =
        sweep("", &["lr=tag(log,interval(1e-5,1e-3))", "rank=4,8", "sweep.run_cap=7", "sweep.random_seed=3"])
            .unwrap();
    let search = plan.search.as_ref().unwrap();
    assert_eq!((search.method, search.run_cap, search.random_seed), (Method::Random, Some(7), 3));
    assert_eq!(space(&plan), ["learning_rate: 1e-5 to 1e-3 (log_uniform_values)", "lora_rank: 4, 8"]);
    assert_eq!(warnings(&plan), Vec::<String>::new());
    let unbounded = sweep("", &["lr=interval(1e-5,1e-3)"]).unwrap();
    assert_eq!(unbounded.search.as_ref().unwrap().run_cap, Some(20));
    assert_eq!(
        warnings(&unbounded),
        ["command line:1:1: sweep.run_cap: is not given, and random has no end: 20 runs are made"]
    );
    let bayes = ["lr=interval(1e-5,1e-3)", "sweep.method=bayes", "sweep.run_cap=9"];
    assert_eq!(
        problems("", &bayes),
        ["command line:2:14: sweep.metric: method: bayes decides by a metric, and none is named"]
    );
    let metric = "sweep.metric={name: eval/loss, goal: minimize, target: 0.1}";
    let plan = sweep("", &[&bayes[..], &[metric]].concat()).unwrap();
    assert_eq!((plan.search.unwrap().target, plan.metric.unwrap().goal), (Some(0.1), Goal::Minimize));
    let grid = "method: grid\nparameters:\n  rank: {values: [4, 8]}\n";
    assert_eq!(
        sweep(grid, &["lr=interval(1e-5,1e-3)"]).unwrap_err(),
        "command line:1:1: learning_rate: cannot be tried value by value: uniform draws from too many\n  \
         hint: sweep.method=random draws from it"
    );
    assert!(sweep(grid, &["lr=interval(1e-5,1e-3)", "sweep.method=random"]).is_ok());
    assert_eq!(
        problems("", &["sweep.method=rondom"]),
        ["command line:1:14: sweep.method: 'rondom' is no method"]
    );
    assert_eq!(
        problems(grid, &["sweep.speed=1"]),
        ["command line:1:13: sweep.speed: is not a known key of a sweep"]
    );
}

#[test]
fn rules_of_stopping_are_read_and_need_a_metric() {
    let with = |rule: &str| {
        let text = format!("metric: {{name: eval/loss}}\nparameters: {{rank: {{values: [4, 8]}}}}\n{rule}\n");
        sweep(&text, &[]).map(|plan| plan.search.unwrap().stopping.unwrap())
    };
    assert_eq!(
        with("asha: {grace_period: 100, reduction_factor: 4, max_t: 5000}"),
        Ok(Stopping::Asha {
            unit: Unit::Steps,
            grace_period: 100.0,
            reduction_factor: 4.0,
            max_t: Some(5000)
        })
    );
    assert_eq!(with("median_stop: {min_runs: 3}"), Ok(Stopping::MedianStop { grace_period: 1, min_runs: 3 }));
    assert_eq!(with("early_terminate: {type: hyperband, min_iter: 2}").unwrap().rungs(20), [2, 6, 18]);
    let problem = |rule: &str| with(rule).unwrap_err().lines().next().unwrap().to_owned();
    assert_eq!(problem("asha: {reduction_factor: 3}"), "e.yaml:7:9: sweep.asha: has no grace_period");
    assert!(
        problem("asha: {grace_period: 9, max_t: 9}")
            .contains("decides nothing: grace_period 9 is not below max_t 9")
    );
    assert!(problem("asha: {grace_period: 9, reduction_factor: 1}").contains("'1' is not a number above 1"));
    assert!(
        problem("asha: {grace_period: 9}\nmedian_stop: {}")
            .contains("sweep.median_stop: is given together with asha")
    );
    assert!(problem("early_terminate: {min_iter: 2}").contains("has no type"));
    assert!(problem("early_terminate: {type: envelope}").contains("'envelope' is no known rule"));
    assert!(
        problem("early_terminate: {type: hyperband}")
            .contains("has neither min_iter nor both max_iter and s")
    );
    assert!(
        problem("early_terminate: {type: hyperband, min_iter: 2, max_iter: 9, s: 1}").contains("has both")
    );
    let without = "parameters: {rank: {values: [4, 8]}}\nasha: {grace_period: 100}\n";
    assert_eq!(problems(without, &[]), ["6:9: sweep.metric: asha decides by a metric, and none is named"]);
    let replaced =
        "metric: {name: train/loss}\nparameters: {rank: {values: [4, 8]}}\nasha: {grace_period: 100}\n";
    let plan = sweep(replaced, &["sweep.median_stop={}"]).unwrap();
    assert_eq!(plan.search.unwrap().stopping, Some(Stopping::MedianStop { grace_period: 1, min_runs: 5 }));
    assert_eq!(sweep(replaced, &["sweep.asha=null"]).unwrap().search.unwrap().stopping, None);
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
            "8:3: sweep.method: stands here a second time",
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

#[test]
fn a_metric_that_nothing_measures_is_warned_of() {
    let text = "base_model: m\ntrain_data_dir: d\nsweep: {metric: {name: eval/loss}, parameters: {rank: {values: [1, 2]}}}\n";
    let (_, plan) = plan(Path::new("e.yaml"), text, &[], None).unwrap();
    assert!(
        warnings(&plan)[0]
            .starts_with("3:17: sweep.metric: 'eval/loss' is known only where data is held out")
    );
}

#[test]
fn a_path_among_many_is_an_example_of_its_own() {
    let text = "method: random\nrun_cap: 2\nparameters:\n  train_data_dir: {values: [a, b]}\n  lr: {min: 1e-5, max: 1e-3}\n";
    let plan = sweep(text, &[]).unwrap();
    let paths: Vec<&str> = plan.examples.iter().map(|trial| trial.settings.train_data_dir.as_str()).collect();
    assert_eq!(paths, ["b", "a"]);
}
