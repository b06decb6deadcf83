//! A command's settings from the file to the frozen configuration and back.

use std::path::Path;

use crate::config::*;

const FILE: &str = "\
command: [python, train.py, --lr, \"${lr}\", \"--dropout=${dropout}\", \"${run_dir}\"]
resume_command: [python, train.py, --resume, \"${attempt}\"]
env: {HF_TOKEN: , MODE: \"${mode}\"}
metrics: [jsonl, {path: out.log, pattern: 'loss (?P<loss>\\S+)'}]
notes: a note
learning_rate: 0.1
parameters:
  dropout: 0.5
  mode: fast
  optimizer:
sweep:
  method: grid
  parameters:
    dropout: {values: [0.25, 0.5]}
";

fn planned(text: &str, overrides: &[&str]) -> Result<Plan, String> {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    plan(Path::new("e.yaml"), text, &overrides, None).map(|(_, plan)| plan).map_err(|error| error.to_string())
}

fn first_problem(text: &str) -> String {
    planned(text, &[]).unwrap_err().lines().take(2).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_command_needs_no_model_and_its_parameters_are_swept_like_keys() {
    let plan = planned(FILE, &[]).unwrap();
    let labels: Vec<String> = plan.trials.iter().map(Trial::label).collect();
    assert_eq!(labels, ["dropout=0.25", "dropout=0.5"]);
    let settings: Vec<&Settings> = plan.trials.iter().map(|trial| &trial.settings).collect();
    assert_eq!(differing_keys(&settings), ["dropout"]);
    assert_eq!(settings[0].value_of("dropout"), Some(Value::Real(0.25)));
    assert_eq!(settings[0].value_of("lr"), Some(Value::Real(0.1)));
    assert_eq!(setting(settings[1], "mode"), Some(Value::Text("fast".into())));
    assert!(settings[0].is_foreign());
}

#[test]
fn the_frozen_text_says_what_the_command_uses_and_no_secret() {
    let trial = planned(FILE, &["dropout=0.75"]).unwrap().trials.remove(0);
    let text = frozen_text(&trial.settings, None);
    assert!(text.contains("${env:HF_TOKEN}"), "{text}");
    assert!(
        !text.contains("lora") && !text.contains("epochs") && text.contains("learning_rate: 0.1"),
        "{text}"
    );
    let (back, _) = read_frozen(Path::new("config.yaml"), &text, &[]).unwrap();
    assert_eq!(back, trial.settings);
    let (changed, _) = read_frozen(Path::new("config.yaml"), &text, &["dropout=1".into()]).unwrap();
    assert_eq!(changed.value_of("dropout"), Some(Value::Whole(1)));
}

#[test]
fn the_table_shows_no_setting_of_the_built_in_trainer() {
    let trial = planned(FILE, &[]).unwrap().trials.remove(0);
    let keys: Vec<&str> = settings_table(&trial.settings).iter().map(|row| row.key).collect();
    assert_eq!(
        keys,
        ["notes", "learning_rate", "command", "resume_command", "env", "metrics", "dropout", "mode"]
    );
}

#[test]
fn unknown_names_are_told_where_they_stand() {
    let text = "command:\n  - python\n  - \"${learning_rat}\"\n";
    assert_eq!(
        first_problem(text),
        "e.yaml:3:5: command: '${learning_rat}' is no setting, parameter or fact of the run   hint: did \
         you mean '${learning_rate}'?"
    );
    assert!(first_problem("command: [a, '${b']\n").contains("has '${' without '}'"));
    assert!(first_problem("command: [a, '${max_steps}']\n").contains("'${max_steps}' has no value"));
    assert_eq!(planned("command: [a, '$${b}', '${env:HOME}']\n", &[]).unwrap().trials.len(), 1);
    let bad = planned("command: [a]\n", &["command=[a,${bb}]"]).unwrap_err();
    assert!(bad.starts_with("command line:1:"), "{bad}");
}

#[test]
fn what_the_command_does_not_use_is_no_setting_of_the_run() {
    assert!(
        first_problem("command: [a]\nlora_rank: 4\n")
            .contains("e.yaml:2:12: lora_rank: is given, but the command does not use it")
    );
    assert!(first_problem("command: [a]\nparameters: {x: 4}\n").contains("does not use it"));
    assert!(
        first_problem("command: [a]\nsweep: {parameters: {seed: {values: [1, 2]}}}\n")
            .contains("does not use it")
    );
    assert!(
        first_problem("base_model: m\ntrain_data_dir: d\nparameters: {x: 4}\n")
            .contains("there is no command")
    );
    assert!(
        first_problem("base_model: m\ntrain_data_dir: d\nworking_dir: d\n").contains("there is no command")
    );
}

#[test]
fn parameters_have_names_of_their_own() {
    assert!(
        first_problem("command: ['${lora_rank}']\nparameters: {lora_rank: 4}\n")
            .contains("is a key of its own")
    );
    assert!(first_problem("command: [a]\nparameters: {'a b': 4}\n").contains("is no parameter's name"));
    assert!(first_problem("command: [a]\nparameters: {attempt: 4}\n").contains("is a fact of the run"));
    assert!(first_problem("command: [a]\nparameters: {x: [1]}\n").contains("is a list"));
    // Declared by another file of this process, it is still no key at the top of this one.
    planned("command: ['${warmth}']\nparameters: {warmth: 4}\n", &[]).unwrap();
    assert!(first_problem("command: [a]\nwarmth: 4\n").contains("is not a known key"));
    assert!(
        planned("command: [a]\n", &["warmth=3"]).unwrap_err().contains("1:1: warmth: is not a known key")
    );
    let text = "command: ['${warmth}']\nparameters: {warmth: }\n";
    assert!(planned(text, &[]).unwrap_err().contains("has no value"));
    assert_eq!(planned(text, &["warmth=3,4"]).unwrap().trials.len(), 2);
}

#[test]
fn a_search_draws_parameters_of_the_command_also_from_its_frozen_plan() {
    let text = "command: ['${x}', '${kind}', '${lr}']\nparameters: {kind: a, x: , deep.width: 3}\nsweep:\n  method: random\n  \
                run_cap: 4\n  parameters:\n    x: {min: 0.5, max: 2.0}\n    lr: {min: 0.1, max: 0.2}\n";
    assert!(
        planned(text, &[]).unwrap_err().contains("deep.width: is given, but the command does not use it")
    );
    let plan = planned(&text.replace("deep.width: 3", ""), &["kind=b"]).unwrap();
    let frozen = serde_json::to_string(&plan.search.unwrap()).unwrap();
    let search: SearchPlan = serde_json::from_str(&frozen).unwrap();
    let assignment = search.point(&[0.5, 0.5]);
    let trial = search.trial_of(&assignment).unwrap();
    assert_eq!(trial.settings.value_of("kind"), Some(Value::Text("b".into())));
    assert_eq!(trial.settings.value_of("x"), Some(Value::Real(1.25)));
}

#[test]
fn metric_sources_are_checked_where_they_stand() {
    let problem = |metrics: &str| first_problem(&format!("command: [a]\nmetrics: {metrics}\n"));
    assert!(problem("jsonll").contains("e.yaml:2:10: metrics: 'jsonll' is no metric source"));
    assert!(problem("{source: csv, pth: x}").contains("e.yaml:2:24: metrics: 'pth' is not known here"));
    assert!(problem("log").contains("(pattern) is missing"));
    assert!(
        problem("{pattern: '('}").contains("e.yaml:2:20: metrics: '(' (pattern) is no regular expression")
    );
    assert!(problem("{path: x}").contains("has no source"));
    assert!(problem("{source: jsonl, path: '${rundir}'}").contains("did you mean '${run_dir}'?"));
    let plan =
        planned("command: [a]\nmetrics: {source: csv, map: {acc: eval/accuracy, junk: }}\n", &[]).unwrap();
    assert_eq!(plan.trials[0].settings.foreign.metrics[0].map["junk"], "");
}

#[test]
fn values_that_are_the_same_text_to_the_command_are_one_run() {
    let text = |values: &str| {
        format!(
            "command: ['${{b}}']\nparameters: {{b: 1}}\nsweep: {{method: grid, parameters: {{b: {{values: {values}}}}}}}\n"
        )
    };
    let labels = |text: &str, overrides: &[&str]| -> Vec<String> {
        planned(text, overrides).unwrap().trials.iter().map(Trial::label).collect()
    };
    assert_eq!(labels(&text("[1, 1.0, \"1\", 1e0]"), &[]).len(), 1);
    assert_eq!(labels(&text("[true, \"true\", 2]"), &[]).len(), 2);
    assert_eq!(labels(&text("[1]"), &["b=1,1.0,1e0"]).len(), 1);
    assert_eq!(labels(&text("[1]"), &["b=range(1000,3000,1000)"]), ["b=1000", "b=2000"]);
    assert_eq!(labels(&text("[1]"), &["b=int(range(1000,3000,1000))"]), ["b=1000", "b=2000"]);
}

#[test]
fn an_empty_text_is_a_value_and_null_is_refused_in_its_place() {
    let text = |values: &str| {
        format!(
            "command: [a, '${{opt}}']\nparameters: {{opt: }}\nsweep: {{method: grid, parameters: {{opt: {{values: {values}}}}}}}\n"
        )
    };
    let plan = planned(&text("[adam, \"\"]"), &[]).unwrap();
    assert_eq!(plan.trials[1].settings.value_of("opt"), Some(Value::Text(String::new())));
    let frozen = frozen_text(&plan.trials[1].settings, None);
    assert_eq!(read_frozen(Path::new("c.yaml"), &frozen, &[]).unwrap().0, plan.trials[1].settings);
    let error = planned(&text("[adam, null]"), &[]).unwrap_err();
    assert!(error.starts_with("e.yaml:3:58: opt: is empty") || error.contains("e.yaml:3:"), "{error}");
    assert!(error.contains("'' is an empty text") && !error.contains("has no value"), "{error}");
}

#[test]
fn words_that_another_reader_takes_for_flags_are_warned_of() {
    let text = "command: ['${b}']\nparameters: {b: 1}\nsweep: {method: grid, parameters: {b: {values: [yes, off, maybe]}}}\n";
    let warnings = planned(text, &[]).unwrap().warnings;
    assert_eq!(warnings.0.len(), 2, "{warnings}");
    assert!(warnings.to_string().contains("'yes' is a text here"), "{warnings}");
}

#[test]
fn a_key_that_is_given_twice_on_the_command_line_is_refused() {
    let text = "command: ['${b}', '${lr}']\nparameters: {b: 1}\n";
    let error = planned(text, &["b=1", "learning_rate=2", "b=2"]).unwrap_err();
    assert!(error.starts_with("command line:3:1: b: is given a second time, after 'b=1'"), "{error}");
    let error = planned(text, &["learning_rate=1", "lr=2"]).unwrap_err();
    assert!(error.contains("is given a second time, after 'learning_rate=1'"), "{error}");
}
