//! A comparison as a Markdown table, CSV, JSON and terminal text.

use loradeck_core::metrics::registry;

use super::{ComparedRun, Comparison};
use crate::report::markdown::{code_cell, inline, target};
use crate::report::{csv, metric_name, table, words};

/// One table, one row a run, the best values in bold.
pub fn to_markdown_table(comparison: &Comparison) -> String {
    let mut header = vec!["Run".to_owned()];
    header.extend(comparison.keys.iter().map(|key| code_cell(key)));
    if !comparison.metric.is_empty() {
        header.extend([format!("Best {}", metric_name(&comparison.metric)), "at step".to_owned()]);
    }
    let others = comparison.other_metrics();
    header.extend(others.iter().map(|tag| format!("Best {}", metric_name(tag))));
    header.extend(["Steps", "Time"].map(str::to_owned));
    header.extend(comparison.counts_images().then(|| "Images/s".to_owned()));
    header.push("State".to_owned());
    let rows: Vec<Vec<String>> =
        comparison.runs.iter().map(|run| markdown_row(comparison, run, &others)).collect();
    table::markdown(&header, &rows)
}

fn markdown_row(comparison: &Comparison, run: &ComparedRun, others: &[String]) -> Vec<String> {
    let metric = |tag: &str| {
        let text = run.best(tag).map_or_else(|| "–".to_owned(), words::value);
        if comparison.is_best(tag, run) { format!("**{text}**") } else { text }
    };
    let mut cells = vec![format!("[{}]({})", inline(&run.name), target(&run.link))];
    cells.extend(comparison.keys.iter().map(|key| inline(&shortened(run.setting(key)))));
    if !comparison.metric.is_empty() {
        cells.extend([metric(&comparison.metric), best_step(comparison, run)]);
    }
    cells.extend(others.iter().map(|tag| metric(tag)));
    cells.extend([steps(run), words::duration(run.seconds)]);
    cells.extend(comparison.counts_images().then(|| images_per_second(run)));
    cells.push(state(run));
    cells
}

fn best_step(comparison: &Comparison, run: &ComparedRun) -> String {
    run.metrics.get(&comparison.metric).map_or_else(|| "–".into(), |metric| words::count(metric.best_step))
}

fn steps(run: &ComparedRun) -> String {
    if run.step == run.total_steps { words::count(run.step) } else { words::steps(run.step, run.total_steps) }
}

fn images_per_second(run: &ComparedRun) -> String {
    run.images_per_second().map_or_else(|| "–".into(), words::value)
}

/// The state, with what a failed run says about itself.
fn state(run: &ComparedRun) -> String {
    match &run.message {
        Some(message) if run.has_failed() => inline(&format!("{}: {}", run.state, shortened(message))),
        _ => inline(&run.state),
    }
}

/// Long texts would make a table unreadable.
fn shortened(text: &str) -> String {
    let shown: String = text.chars().take(60).collect();
    if shown.len() < text.len() { shown + "…" } else { shown }
}

/// Every run, every differing setting, and best, its step, and last of every metric that is judged.
pub fn to_csv(comparison: &Comparison) -> String {
    let mut tags = vec![comparison.metric.clone()];
    tags.extend(comparison.other_metrics());
    tags.retain(|tag| !tag.is_empty());
    let mut header = vec!["run".to_owned(), "state".to_owned()];
    header.extend(comparison.keys.clone());
    for tag in &tags {
        header.extend(["best", "best_step", "last"].map(|part| format!("{tag} {part}")));
    }
    let counts_images = comparison.counts_images();
    let unit = if counts_images { "images" } else { "tokens" };
    header.extend(["steps", "planned_steps", "seconds", unit].map(str::to_owned));
    let rows = comparison.runs.iter().map(|run| {
        let mut cells = vec![run.name.clone(), run.state.clone()];
        cells.extend(comparison.keys.iter().map(|key| run.setting(key).to_owned()));
        for tag in &tags {
            cells.extend(match run.metrics.get(tag) {
                Some(metric) => {
                    [metric.best.to_string(), metric.best_step.to_string(), metric.last.to_string()]
                }
                None => Default::default(),
            });
        }
        let numbers = [run.step, run.total_steps].map(|number| number.to_string());
        cells.extend(numbers);
        let units = if counts_images { run.images } else { run.tokens };
        cells.extend([format!("{:.3}", run.seconds), units.to_string()]);
        csv::record(&cells)
    });
    csv::record(&header) + &rows.collect::<String>()
}

/// The whole comparison as JSON.
pub fn to_json(comparison: &Comparison) -> serde_json::Value {
    serde_json::to_value(comparison).unwrap_or_default()
}

/// A table for a terminal; the best value of each metric carries a star.
pub fn to_terminal(comparison: &Comparison) -> String {
    let mut header = vec!["run".to_owned()];
    header.extend(comparison.keys.clone());
    let mut tags: Vec<String> = vec![comparison.metric.clone()];
    tags.extend(comparison.other_metrics());
    tags.retain(|tag| !tag.is_empty());
    header.extend(tags.iter().map(|tag| registry::describe(tag).name.into_owned()));
    header.extend(["steps", "time"].map(str::to_owned));
    header.extend(comparison.counts_images().then(|| "images/s".to_owned()));
    header.push("state".to_owned());
    let rows: Vec<Vec<String>> = comparison
        .runs
        .iter()
        .map(|run| {
            let mut cells = vec![run.name.clone()];
            cells.extend(comparison.keys.iter().map(|key| shortened(run.setting(key))));
            cells.extend(tags.iter().map(|tag| {
                let star = if comparison.is_best(tag, run) { "*" } else { " " };
                run.best(tag).map_or_else(|| "–  ".into(), |value| format!("{}{star}", words::value(value)))
            }));
            cells.extend([steps(run), words::duration(run.seconds)]);
            cells.extend(comparison.counts_images().then(|| images_per_second(run)));
            cells.push(run.state.clone());
            cells
        })
        .collect();
    let numbers: Vec<usize> = (comparison.keys.len() + 1..comparison.keys.len() + 3 + tags.len()).collect();
    table::terminal(&header, &rows, &numbers)
}
