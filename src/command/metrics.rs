//! `loradeck metrics RUN`: figures from the event files.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use loradeck_core::metrics::registry::goal_or_lower;
use loradeck_core::metrics::{EventTail, RunMetrics};
use loradeck_core::run::Workspace;
use serde_json::json;

use super::list::short;
use super::{OK, out};
use crate::report::plain_table;

pub(super) fn metrics(name: &str, as_csv: bool, as_json: bool) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    crate::launch::refresh_adopted(&workspace);
    let run = workspace.find_run(name)?;
    let mut metrics = RunMetrics::default();
    EventTail::new(&run.logs()).poll(&mut metrics)?;
    if as_csv {
        out::document(&all_points(&metrics));
    } else if as_json {
        out::json(&as_values(&metrics))?;
    } else {
        out::document(&overview(&metrics));
    }
    Ok(OK)
}

fn all_points(metrics: &RunMetrics) -> String {
    let mut text = String::from("tag,step,wall_time,value\n");
    for tag in metrics.tags() {
        let Some(series) = metrics.get(tag) else { continue };
        for ((step, time), value) in series.steps().iter().zip(series.times()).zip(series.values()) {
            let _ = writeln!(text, "{tag},{step},{time:.3},{value}");
        }
    }
    text
}

fn as_values(metrics: &RunMetrics) -> serde_json::Value {
    let mut all = serde_json::Map::new();
    for tag in metrics.tags() {
        let Some(series) = metrics.get(tag) else { continue };
        all.insert(
            tag.to_owned(),
            json!({ "steps": series.steps(), "wall_times": series.times(), "values": series.values() }),
        );
    }
    serde_json::Value::Object(all)
}

/// Where the values cease to be finite for good.
fn not_finite_from(values: &[f32]) -> Option<usize> {
    let index = values.iter().rposition(|value| value.is_finite()).map_or(0, |index| index + 1);
    (index < values.len()).then_some(index)
}

fn overview(metrics: &RunMetrics) -> String {
    let rows: Vec<Vec<String>> = metrics
        .tags()
        .into_iter()
        .filter_map(|tag| {
            let series = metrics.get(tag)?;
            let best = series.best(goal_or_lower(tag));
            let last = series.last_finite();
            let ending =
                not_finite_from(series.values()).and_then(|index| series.steps().get(index).copied());
            let figure = |point: Option<loradeck_core::metrics::Point>| {
                point.map_or((String::new(), String::new()), |point| {
                    (short(point.value), point.step.to_string())
                })
            };
            let (mut last, best) = (figure(last), figure(best));
            if let Some(step) = ending {
                last = ("not finite".to_owned(), format!("{step} on"));
            }
            let ((last, last_step), (best, best_step)) = (last, best);
            Some(vec![tag.to_owned(), series.len().to_string(), last, last_step, best, best_step])
        })
        .collect();
    plain_table(&["metric", "points", "last", "at step", "best", "at step"], &rows)
}
