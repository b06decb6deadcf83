//! Trials that a file lists.

use super::*;

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
            "t.csv:3:1: 3 cells are given, but the header has 2",
            "t.csv:4:1: lora_rank: '0' is below 1",
            "t.csv:4:3: lr: '␛[2J' is no number",
        ]
    );
    assert_eq!(
        problems("t.csv", "lora_rnk,rank,r,,priority\n"),
        [
            "t.csv:1:1: lora_rnk: is not a known key",
            "t.csv:1:15: r: is given twice",
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
            "t.jsonl:4:13: rank: is given twice",
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
