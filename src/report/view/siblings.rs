//! The small table of runs beside this one.

use serde::Serialize;

use super::super::inputs::Sibling;
use super::super::markdown::{code_cell, inline, target};
use super::super::settings::Setting;
use super::super::words;
use super::Material;
use crate::report::{goal_of, key_metric, metric_name};

/// Runs shown at most.
const SHOWN: usize = 12;

/// A table; all texts are Markdown.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct SiblingsView {
    /// The columns' headings; empty where there is no other run.
    pub header: Vec<String>,
    /// The rows, the best first, this run in bold.
    pub rows: Vec<Vec<String>>,
    /// How many are not shown.
    pub left_out: usize,
    /// Whether the other runs are of the same sweep.
    pub is_sweep: bool,
}

/// A run of the table.
struct Candidate<'a> {
    name: &'a str,
    is_ours: bool,
    varied: Vec<(&'a str, &'a str)>,
    best: Option<(f64, u64)>,
    state: &'a str,
}

pub(super) fn view(material: &Material) -> SiblingsView {
    let siblings = &material.inputs.siblings;
    let Some(summary) = material.summary.as_ref().filter(|_| !siblings.is_empty()) else {
        return SiblingsView::default();
    };
    let Some(tag) = key_metric(&material.frozen.provenance, &summary.metrics) else {
        return SiblingsView::default();
    };
    let goal = goal_of(&material.frozen.provenance, &tag);
    let our_rows = material.frozen.rows();
    let keys = keys(siblings, &our_rows);
    let ours = Candidate {
        name: &material.inputs.run,
        is_ours: true,
        varied: our_rows.iter().map(|row| (row.key, row.value.as_str())).collect(),
        best: summary.metrics.get(&tag).map(|metric| (metric.best, metric.best_step)),
        state: material.inputs.end.as_ref().map_or("", |end| &end.state),
    };
    let mut all: Vec<Candidate<'_>> = siblings.iter().map(candidate).chain([ours]).collect();
    all.sort_by(|a, b| {
        let failed = (a.state == "failed").cmp(&(b.state == "failed"));
        let better = goal.order(a.best.map(|best| best.0), b.best.map(|best| best.0));
        failed.then(better).then(a.name.cmp(b.name))
    });
    let left_out = material.inputs.siblings_left_out + all.len().saturating_sub(SHOWN);
    let shown = all.iter().enumerate().filter(|(index, run)| *index < SHOWN || run.is_ours);
    let own = |key: &str| our_rows.iter().find(|row| row.key == key).map_or("", |row| row.value.as_str());
    let rows = shown.map(|(_, run)| row(run, &keys, &own)).collect();
    let mut header = vec!["Run".to_owned()];
    header.extend(keys.iter().map(|key| code_cell(key)));
    header.extend([format!("Best {}", metric_name(&tag)), "Step".into(), "State".into()]);
    SiblingsView { header, rows, left_out, is_sweep: material.inputs.sweep.is_some() }
}

fn candidate(sibling: &Sibling) -> Candidate<'_> {
    Candidate {
        name: &sibling.run,
        is_ours: false,
        varied: sibling.varied.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect(),
        best: sibling.metric.map(|metric| (metric.best, metric.best_step)),
        state: &sibling.state,
    }
}

/// Every key in which some run differs from this one, in the order of the settings.
fn keys<'a>(siblings: &'a [Sibling], rows: &[Setting]) -> Vec<&'a str> {
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in siblings.iter().flat_map(|sibling| &sibling.varied) {
        if !keys.contains(&key.as_str()) {
            keys.push(key);
        }
    }
    keys.sort_by_key(|key| rows.iter().position(|row| row.key == *key));
    keys.truncate(6);
    keys
}

/// A sibling names only what differs from this run; the rest is as here.
fn row<'a>(run: &Candidate<'a>, keys: &[&str], own: &dyn Fn(&str) -> &'a str) -> Vec<String> {
    let bold = |text: String| if run.is_ours { format!("**{text}**") } else { text };
    let mut cells = vec![if run.is_ours {
        bold(inline(run.name))
    } else {
        format!("[{}](../{}/README.md)", inline(run.name), target(run.name))
    }];
    for key in keys {
        let value =
            run.varied.iter().find(|(known, _)| known == key).map_or_else(|| own(key), |(_, value)| value);
        cells.push(bold(inline(value)));
    }
    let best = run.best.map_or_else(|| "–".into(), |(value, _)| words::value(value));
    let step = run.best.map_or_else(|| "–".into(), |(_, step)| words::count(step));
    cells.extend([bold(best), step, inline(run.state)]);
    cells
}
