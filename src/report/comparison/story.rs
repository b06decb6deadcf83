//! The sentences around a comparison's table.

use super::{ComparedRun, Comparison};
use crate::report::markdown::{code, inline, target};
use crate::report::statistics::{Effect, Level};
use crate::report::{metric_name, words};

/// What is compared, and which run is best.
pub(super) fn opening(comparison: &Comparison) -> Vec<String> {
    let keys: Vec<String> = comparison.keys.iter().map(|key| code(key)).collect();
    let over = if keys.is_empty() { String::new() } else { format!(" that differ in {}", keys.join(", ")) };
    let runs = words::counted(comparison.runs.len() as u64, "run");
    let mut lines = vec![format!("{runs}{over}, as of {} UTC.", comparison.updated.to_minute())];
    lines.extend(comparison.best().map(|best| best_sentence(comparison, best)));
    lines.extend(comparison.doubt().map(|doubt| format!("None is called the best ({doubt}).")));
    let failed = comparison.runs.iter().filter(|run| run.has_failed()).count();
    if failed > 0 {
        lines.push(format!("{} failed.", words::counted(failed as u64, "run")));
    }
    lines
}

fn best_sentence(comparison: &Comparison, best: &ComparedRun) -> String {
    let metric = best.metrics.get(&comparison.metric);
    let value = metric.map_or_else(String::new, |metric| words::value(metric.best));
    let change = metric
        .and_then(|metric| words::change(metric.first, metric.best))
        .map(|change| format!(" ({change} from its start)"))
        .unwrap_or_default();
    let settings: Vec<String> =
        comparison.keys.iter().map(|key| format!("{} {}", code(key), inline(best.setting(key)))).collect();
    let with = if settings.is_empty() { String::new() } else { format!(" with {}", settings.join(", ")) };
    format!(
        "The best is [{}]({}){with}: {} **{value}**{change}.",
        inline(&best.name),
        target(&best.link),
        metric_name(&comparison.metric)
    )
}

/// What seems to matter, one line a setting.
pub(super) fn effects(comparison: &Comparison) -> Vec<String> {
    comparison.effects().iter().map(effect).collect()
}

fn effect(effect: &Effect) -> String {
    let levels: Vec<String> = effect.levels.iter().map(level).collect();
    format!("{}: {}", code(&effect.key), levels.join("; "))
}

fn level(level: &Level) -> String {
    let spread = match level.spread.deviation {
        Some(deviation) => format!(" ± {}", words::rate(deviation)),
        None => String::new(),
    };
    let runs = words::counted(level.spread.count as u64, "run");
    format!("{} gives {}{spread} ({runs})", inline(&level.value), words::value(level.spread.mean))
}
