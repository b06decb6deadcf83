//! The sweep language from text to trials: W&B's files, ours beside them, the command line, and the frozen plan.

mod coupling;
mod fields;
mod listed;
mod wandb;
mod wandb_values;

use std::path::Path;

use super::plan::plan_with;
use super::task::Recognise;
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
    plan_with(Path::new("e.yaml"), &text, &arguments, None, &read, Recognise::Never, &|_, _| None)
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
