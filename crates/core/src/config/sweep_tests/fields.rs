//! Fields of a sweep, also from the command line.

use super::*;

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
        sweep(&text, &[]).map(|plan| plan.search.unwrap().stopping.remove(0))
    };
    assert_eq!(
        with("asha: {grace_period: 100, reduction_factor: 4, max_t: 5000}"),
        Ok(Stopping::Asha {
            unit: Unit::Steps,
            grace_period: 100.0,
            reduction_factor: 4,
            max_t: Some(5000),
            by_best: false
        })
    );
    assert_eq!(with("median_stop: {min_runs: 3}"), Ok(Stopping::MedianStop { grace_period: 1, min_runs: 3 }));
    assert_eq!(with("early_terminate: {type: hyperband, min_iter: 2}").unwrap().rungs(20), [2, 6, 18]);
    for (strict, by_best) in [("", true), (", strict: true", false), (", strict: false", true)] {
        let rule = with(&format!("early_terminate: {{type: hyperband, min_iter: 2{strict}}}")).unwrap();
        assert!(matches!(rule, Stopping::Asha { by_best: read, .. } if read == by_best), "{rule:?}");
    }
    let problem = |rule: &str| with(rule).unwrap_err().lines().next().unwrap().to_owned();
    assert_eq!(problem("asha: {reduction_factor: 3}"), "e.yaml:7:9: sweep.asha: has no grace_period");
    assert!(
        problem("asha: {grace_period: 9, max_t: 9}")
            .contains("decides nothing: grace_period 9 is not below max_t 9")
    );
    assert!(problem("asha: {grace_period: 9, reduction_factor: 1}").contains("'1' is below 2"));
    assert!(
        problem("asha: {grace_period: 9}\nearly_terminate: {type: hyperband, min_iter: 2}")
            .contains("sweep.early_terminate: is given together with asha")
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
    let both = plan.search.unwrap().stopping;
    assert!(!both[0].is_median() && both[1] == Stopping::MedianStop { grace_period: 1, min_runs: 5 });
    assert_eq!(sweep(replaced, &["sweep.asha=null"]).unwrap().search.unwrap().stopping, []);
}

#[test]
fn a_field_of_no_sweep_is_refused() {
    assert_eq!(
        problems("", &["sweep.run_cap=3"]),
        ["command line:1:15: sweep.run_cap: is given, but nothing is swept"]
    );
    assert_eq!(problems("", &["rank=4", "sweep.method=grid"]).len(), 1);
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
