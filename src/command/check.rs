//! `loradeck check TARGET`: everything that can be known before any training time is spent.

mod pictures;

use anyhow::Result;
use loradeck_data::check::{CheckSummary, Checked};
use loradeck_data::dataset::Summary;
use serde_json::json;

use super::{OK, out, trials, workspace_or_here};
use crate::launch::{Prepared, cost, examine, exec, list_gpus, prepare};

pub(super) fn check(target: &str, overrides: &[String], as_json: bool) -> Result<u8> {
    let (workspace, is_one) = workspace_or_here(target)?;
    let prepared = prepare(&workspace, target, overrides)?;
    trials::tell_warnings(&prepared);
    let summaries = examine(&workspace, &prepared)?;
    if as_json {
        print_json(&prepared, &summaries)?;
    } else {
        let memory = list_gpus().iter().map(|gpu| gpu.memory_bytes).min();
        for line in report(&prepared, &summaries, memory) {
            out::line(&line);
        }
        let next =
            if is_one { format!("`loradeck run {target}` queues it") } else { trains_it(target, &prepared) };
        out::line(&format!("no problems found: {next}"));
    }
    Ok(OK)
}

/// What trains a file outside of a workspace.
fn trains_it(target: &str, prepared: &Prepared) -> String {
    let is_own = prepared.plan.checked_trials().iter().all(|trial| !trial.settings.is_foreign());
    if is_own && !prepared.plan.sweep {
        return format!("`loradeck-train --config {target}` trains it");
    }
    "`loradeck init` makes this folder a workspace, in which `loradeck run` queues it".to_owned()
}

fn print_json(prepared: &Prepared, summaries: &[Checked]) -> Result<()> {
    let answer = trials::answer(
        prepared,
        &cost(prepared, summaries),
        |index, trial| json!({"label": trial.label(), "settings": trial.settings, "check": summaries.get(index)}),
    );
    out::json(&answer)
}

/// The check in words; `gpu_memory` is that of the smallest GPU, in bytes.
fn report(prepared: &Prepared, summaries: &[Checked], gpu_memory: Option<u64>) -> Vec<String> {
    let cost = cost(prepared, summaries);
    let mut lines = trials::head(prepared, &cost);
    lines.extend(trials::list(prepared, trials::MANY, &|index| {
        summaries.get(index).map_or_else(|| command(prepared, index), size)
    }));
    if prepared.plan.sweep {
        lines.push(trials::cost_line(&cost));
    }
    let mut told: Vec<Vec<String>> = Vec::new();
    for part in summaries.iter().flat_map(|summary| parts(summary, gpu_memory)) {
        if !told.contains(&part) {
            told.push(part);
        }
    }
    lines.extend(told.into_iter().flatten());
    lines
}

/// What is told once for all trials that share it, part by part.
fn parts(summary: &Checked, gpu_memory: Option<u64>) -> Vec<Vec<String>> {
    match summary {
        Checked::Text(summary) => inputs(summary, gpu_memory).into_iter().map(|line| vec![line]).collect(),
        Checked::Image(summary) => pictures::parts(summary, gpu_memory),
    }
}

/// What another trainer's trial will be started as.
fn command(prepared: &Prepared, index: usize) -> String {
    let trial = prepared.plan.checked_trials().get(index);
    trial.map_or_else(String::new, |trial| exec::preview(&trial.settings).join(" "))
}

fn size(summary: &Checked) -> String {
    let (steps, per_epoch, parameters, memory) = match summary {
        Checked::Text(summary) => {
            (summary.total_steps, summary.steps_per_epoch, summary.adapter_parameters, summary.memory.total)
        }
        Checked::Image(summary) => {
            (summary.total_steps, summary.steps_per_epoch, summary.adapter_parameters, summary.memory.total)
        }
    };
    format!(
        "{steps} steps ({per_epoch} an epoch), {} trained parameters, about {} of memory",
        millions(parameters),
        bytes(memory)
    )
}

/// Model, data and notes, which most trials share.
fn inputs(summary: &CheckSummary, gpu_memory: Option<u64>) -> Vec<String> {
    let mut lines = vec![
        format!(
            "base model: {} ({}, {} parameters, {})",
            summary.base_model,
            summary.base_model_kind,
            millions(summary.base_parameters),
            bytes(summary.base_model_size)
        ),
        format!("training data: {}", data(&summary.train)),
    ];
    lines.extend(summary.eval.as_ref().map(|eval| format!("held-out data: {}", data(eval))));
    if summary.eval.is_none() {
        lines.push("note: no data is held out, so that only the training loss will be known".to_owned());
    }
    lines.extend(summary.notes.iter().map(|note| format!("note: {note}")));
    if let Some(memory) = gpu_memory.filter(|memory| *memory < summary.memory.total) {
        let (wanted, there) = (bytes(summary.memory.total), bytes(memory));
        lines.push(format!(
            "note: {wanted} may not fit into the GPU's {there}: lower batch_size or max_seq_len"
        ));
    }
    lines
}

fn data(summary: &Summary) -> String {
    let (tokens, learnt) = (&summary.tokens, &summary.trained_tokens);
    format!(
        "{} samples of {}–{} tokens (median {}), of which {} are learnt (median)",
        summary.samples, tokens.min, tokens.max, tokens.median, learnt.median
    )
}

fn millions(count: u64) -> String {
    match count {
        0..1_000_000 => count.to_string(),
        1_000_000..1_000_000_000 => format!("{:.1} M", count as f64 / 1e6),
        _ => format!("{:.2} G", count as f64 / 1e9),
    }
}

fn bytes(count: u64) -> String {
    let (mebi, gibi) = (f64::from(1 << 20), f64::from(1 << 30));
    let count = count as f64;
    if count < gibi { format!("{:.0} MiB", count / mebi) } else { format!("{:.1} GiB", count / gibi) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!([999, 134_515_008, 8_030_000_000].map(millions), ["999", "134.5 M", "8.03 G"]);
        assert_eq!([98_362_432, 5 << 30].map(bytes), ["94 MiB", "5.0 GiB"]);
    }
}
