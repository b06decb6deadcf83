//! The first sentences of a report: what was done, what came of it, and what to make of it.

use loradeck_core::run::{MetricBest, Summary};

use super::super::inputs::ReportInputs;
use super::super::markdown::{code, inline};
use super::super::words;
use super::facts::data_size;
use super::{Material, epochs, foreign};
use crate::report::evidence::doubt_of;
use crate::report::{MetricGoal, goal_of, key_metric, metric_name};

/// One paragraph each; empty ones are left out.
pub(super) fn story(material: &Material) -> Vec<String> {
    let Some(summary) = &material.summary else {
        return [ending(material), Some("It ended before anything was measured.".into())]
            .into_iter()
            .flatten()
            .collect();
    };
    let not_finite = not_finite(summary);
    let result = if not_finite.is_some() { None } else { result(material, summary) };
    [ending(material), Some(deed(material, summary)), not_finite, result, standing(material)]
        .into_iter()
        .flatten()
        .collect()
}

/// Metrics that ended as no number: whatever was best before, this run did not get through.
fn not_finite(summary: &Summary) -> Option<String> {
    let told = summary.not_finite.iter().map(|(tag, step)| match summary.metrics.get(tag) {
        Some(known) => format!(
            "{} is not finite from step {} on (best before: {} at step {})",
            metric_name(tag),
            words::count(*step),
            words::value(known.best),
            words::count(known.best_step)
        ),
        None => format!("{} was never finite", metric_name(tag)),
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| format!("**Not a number**: the {}.", told.join("; the ")))
}

/// What a run that did not finish is first of all.
fn ending(material: &Material) -> Option<String> {
    let end = material.inputs.end.as_ref()?;
    let message = end.message.as_deref().map(|text| format!(": {}", inline(text))).unwrap_or_default();
    let label = code(&label(&material.inputs));
    match end.state.as_str() {
        "failed" => {
            let reason = end.reason.as_deref().map(|word| match word {
                "non-finite" => " (a value was not finite)".to_owned(),
                other => format!(" ({})", inline(&other.replace('-', " "))),
            });
            Some(format!("**This run failed**{}{message}.", reason.unwrap_or_default()).replace("..", "."))
        }
        "stopped" => {
            let foreign = &material.frozen.settings.foreign;
            let goes_on = foreign.command.is_none() || foreign.resume_command.is_some();
            let hint =
                if goes_on { format!(" `loradeck resume` {label} continues it.") } else { String::new() };
            Some(format!("**This run was stopped before its end**{message}.{hint}"))
        }
        "pruned" => Some(format!("**Its sweep pruned this run**{message}.")),
        _ => None,
    }
}

fn label(inputs: &ReportInputs) -> String {
    inputs.experiment.as_ref().map_or(inputs.run.clone(), |experiment| format!("{experiment}/{}", inputs.run))
}

fn deed(material: &Material, summary: &Summary) -> String {
    if material.frozen.settings.is_foreign() {
        return foreign::deed(material, summary);
    }
    let model = material.frozen.settings.base_model.trim_end_matches('/');
    let model = model.rsplit('/').next().unwrap_or(model);
    let device = Some(summary.environment.device.as_str()).filter(|device| !device.is_empty());
    let device = device.map(|device| format!(" on {}", inline(device))).unwrap_or_default();
    format!(
        "{} learned from {} in {} ({} {}), which took {}{device}.",
        inline(model),
        data_size(material),
        words::counted(summary.step, "step"),
        epochs(summary.epoch),
        if epochs(summary.epoch) == "1" { "epoch" } else { "epochs" },
        words::duration(summary.seconds),
    )
}

fn result(material: &Material, summary: &Summary) -> Option<String> {
    let tag = key_metric(&material.frozen.provenance, &summary.metrics)?;
    let metric = summary.metrics.get(&tag)?;
    let goal = goal_of(&material.frozen.provenance, &tag);
    let name = metric_name(&tag);
    if let Some(doubt) = doubt(material, summary) {
        let look =
            if material.inputs.pictures.is_empty() { "" } else { " The sample pictures below show more." };
        let told = format!("Whether it came to anything, no figure says ({doubt}).{look}");
        if tag == "train/loss" {
            return Some(told);
        }
        let (first, last) = (words::value(metric.first), words::value(metric.last));
        return Some(format!("The {name} was {first} at first and {last} at last. {told}"));
    }
    if metric.best_step == metric.first_step {
        let text =
            format!("The {name} never got better than the {} it began with", words::value(metric.first));
        return Some(format!("{text}: by this metric the model learned nothing."));
    }
    let change =
        words::change(metric.first, metric.best).map(|text| format!(" ({text})")).unwrap_or_default();
    let verb = if goal.is_lower() { "fell" } else { "rose" };
    let text = format!(
        "The {name} {verb} from {} to **{}**{change}, reached at step {}",
        words::value(metric.first),
        words::value(metric.best),
        words::count(metric.best_step)
    );
    Some(text + &afterwards(metric, summary, goal))
}

/// Why what the run is judged by says little.
fn doubt(material: &Material, summary: &Summary) -> Option<String> {
    let tag = key_metric(&material.frozen.provenance, &summary.metrics)?;
    doubt_of(is_own_image(material), &tag, summary)
}

/// Whether our own trainer made it of pictures: what another trainer's figures mean is not known here.
fn is_own_image(material: &Material) -> bool {
    let settings = &material.frozen.settings;
    settings.is_image() && !settings.is_foreign()
}

/// What the place of the best value says.
fn afterwards(metric: &MetricBest, summary: &Summary, goal: MetricGoal) -> String {
    let worse = if goal.is_lower() { metric.last - metric.best } else { metric.best - metric.last };
    if metric.best_step >= metric.last_step {
        return if summary.step >= summary.total_steps {
            ", the end of the run: more steps may still help.".into()
        } else {
            ", where it was still improving.".into()
        };
    }
    if worse > 0.02 * metric.best.abs() {
        let last = words::value(metric.last);
        return format!(
            "; after that it got worse, to {last} at the end: fewer steps would have done better."
        );
    }
    format!("; it then stayed level ({} at the end).", words::value(metric.last))
}

fn standing(material: &Material) -> Option<String> {
    let standing = material.inputs.standing?;
    if material.summary.as_ref().is_some_and(|summary| doubt(material, summary).is_some()) {
        return None;
    }
    if material.inputs.end.as_ref().is_some_and(|end| end.state == "failed") {
        return None;
    }
    let of = if material.inputs.sweep.is_some() { "of its sweep" } else { "of its experiment" };
    let among = format!("{} runs {of} that had ended well by then", standing.of);
    Some(match standing.place {
        1 => format!("It was the best of the {among}."),
        place => format!("It came {} of the {among}.", words::ordinal(place)),
    })
}
