//! A run's story in lines.

use loradeck_core::metrics::registry;
use loradeck_core::run::JournalEntry;
use loradeck_core::text::harmless;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::queue;
use crate::report::Decision;
use crate::store::{Run, RunId};
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::format;
use crate::tui::keys::POPUP;
use crate::tui::state::{Details, SweepView};

/// The newest happenings shown.
const HAPPENINGS: usize = 40;

/// The lines of the popup.
pub(super) fn lines(app: &App, id: RunId, story: Option<&Details>, width: usize) -> Vec<Line<'static>> {
    let Some(run) = app.runs.get(id) else { return vec![Line::raw("the run is gone")] };
    let mut lines = vec![state_line(app, run)];
    if let Some(message) = run.status.as_ref().and_then(|status| status.message.clone()) {
        lines.extend(folded(&message, width, 2).into_iter().map(Line::raw));
    }
    lines.extend(run.ending_words().map(|words| Line::styled(words, app.theme.warning())));
    lines.extend(run.problems.iter().map(|problem| Line::styled(problem.clone(), app.theme.error())));
    lines.extend(story.map(|story| given_up(app, story, width)).unwrap_or_default());
    facts(app, run, &mut lines);
    results(app, run, &mut lines);
    match story {
        None => lines.push(Line::styled("reading its journal…", app.theme.faint())),
        Some(story) => happenings(app, story, &mut lines),
    }
    lines
}

fn heading(text: &str) -> [Line<'static>; 2] {
    [Line::default(), Line::styled(text.to_owned(), Style::new().add_modifier(Modifier::BOLD))]
}

fn state_line(app: &App, run: &Run) -> Line<'static> {
    let (symbol, style) = app.theme.state(run.state());
    let since = run
        .status
        .as_ref()
        .map(|status| format!(", attempt {}, since {} UTC", status.attempt, status.since.to_minute()));
    let text = format!(" {}{}", run.state().word(), since.unwrap_or_default());
    Line::from(vec![Span::styled(symbol, style), Span::raw(text)])
}

/// Why the sweep gave the newest attempt up, or would have.
fn given_up(app: &App, story: &Details, width: usize) -> Vec<Line<'static>> {
    let newest = story.journal.iter().map(|entry| entry.attempt).max();
    let of_newest = story.journal.iter().rev().filter(|entry| Some(entry.attempt) == newest);
    let Some(decision) = of_newest.filter_map(Decision::of).find(|decision| !decision.goes_on()) else {
        return Vec::new();
    };
    let place = if decision.is_at_a_rung() { "rung" } else { "step" };
    let at = decision.step.map(|step| format!(" at {place} {step}")).unwrap_or_default();
    let text = format!("{:<12}{}{at}: {}", decision.rule, decision.verdict, decision.comparison());
    folded(&text, width, 12).into_iter().map(|line| Line::styled(line, app.theme.warning())).collect()
}

fn fact(app: &App, name: &str, value: String) -> Line<'static> {
    Line::from(vec![Span::styled(format!("{name:<12}"), app.theme.faint()), Span::raw(value)])
}

fn facts(app: &App, run: &Run, lines: &mut Vec<Line<'static>>) {
    lines.push(Line::default());
    lines.push(fact(app, "folder", run.path().display().to_string()));
    place(app, run, lines);
    let Some(summary) = &run.summary else { return };
    let share = run.progress().map(|share| format!(" ({:.0}%)", share * 100.0)).unwrap_or_default();
    lines.push(fact(
        app,
        "progress",
        match summary.total_steps {
            // Another trainer's command need not say how many there are.
            0 => format!("step {}", summary.step),
            total => format!("step {} of {total}{share}, epoch {:.2}", summary.step, summary.epoch),
        },
    ));
    let left = run.seconds_left(app.now).map(|left| format!(", {} to go", format::remaining(left)));
    lines.push(fact(
        app,
        "time",
        format!("{}{}", format::duration(summary.seconds), left.unwrap_or_default()),
    ));
    lines.push(match summary.images {
        0 => fact(app, "tokens", format::count(summary.tokens as f64)),
        images => fact(app, "images", format::count(images as f64)),
    });
    let gpu = summary.peak_gpu_memory_bytes;
    let gpu = if gpu > 0 { format!(", GPU {}", format::bytes(gpu as f64)) } else { String::new() };
    lines.push(fact(app, "peak memory", format!("{}{gpu}", format::bytes(summary.peak_memory_bytes as f64))));
    let place = &summary.environment;
    lines.push(fact(app, "on", format!("{} {} {}", place.host, place.device, place.precision)));
}

/// Where it belongs and what it waits for.
fn place(app: &App, run: &Run, lines: &mut Vec<Line<'static>>) {
    let entry = &run.queue;
    if let Some(sweep) = entry.sweep {
        let trial = entry.trial.map(|trial| format!(", trial {trial}")).unwrap_or_default();
        let keep = if entry.keep { ", never pruned" } else { "" };
        let paused = app.runs.sweep_of(run).is_some_and(SweepView::is_paused);
        let paused = if paused { " (paused)" } else { "" };
        lines.push(fact(app, "sweep", format!("{sweep}{paused}{trial}{keep}")));
    }
    if !entry.after.is_empty() {
        lines.push(fact(app, "after", entry.after.join(", ")));
    }
    if let Some((at, _)) = app.runs.queue.waiting_of(run.id) {
        lines.push(fact(app, "waits", format!("#{}, {}", at + 1, queue::why(app, run))));
    } else if let Some(said) = app.runs.queue.job_of(run.id) {
        lines.push(fact(app, "job", said.to_owned()));
    }
}

fn results(app: &App, run: &Run, lines: &mut Vec<Line<'static>>) {
    let Some(summary) = run.summary.as_ref().filter(|summary| !summary.metrics.is_empty()) else { return };
    lines.extend(heading("results"));
    let mut tags: Vec<&String> = summary.metrics.keys().collect();
    tags.sort_by_key(|tag| (registry::rank(tag), tag.as_str()));
    for tag in tags {
        let known = &summary.metrics[tag];
        let describe = registry::describe(tag);
        let show = |value: f64| format::metric(value, describe.unit);
        let best = describe.goal.map(|_| format!(", best {} at step {}", show(known.best), known.best_step));
        let text = format!("{} at step {}{}", show(known.last), known.last_step, best.unwrap_or_default());
        lines.push(Line::from(vec![Span::styled(format!("{tag:<26}"), app.theme.faint()), Span::raw(text)]));
    }
}

fn happenings(app: &App, story: &Details, lines: &mut Vec<Line<'static>>) {
    let steps: Vec<String> = story.checkpoints.iter().map(u64::to_string).collect();
    let steps = if steps.is_empty() { "none".to_owned() } else { format!("at steps {}", steps.join(", ")) };
    lines.push(Line::default());
    lines.push(fact(app, "checkpoints", steps));
    lines.push(fact(
        app,
        "report",
        if story.report {
            format!("README.md is written: {} reads it", app.key_in(POPUP, Action::Report))
        } else {
            "not yet".to_owned()
        },
    ));
    for attempt in &story.attempts {
        let overrides = if attempt.overrides.is_empty() {
            String::new()
        } else {
            format!(", {}", attempt.overrides.join(" "))
        };
        let text = format!(
            "{} on {} ({}){overrides}",
            attempt.time.to_minute(),
            attempt.host.host,
            attempt.devices.join(", ")
        );
        lines.push(fact(app, &format!("attempt {}", attempt.attempt), text));
    }
    lines.extend(heading("what happened, newest first"));
    lines.extend(story.journal.iter().rev().take(HAPPENINGS).map(|entry| happening(app, entry)));
}

fn happening(app: &App, entry: &JournalEntry) -> Line<'static> {
    let clock = entry.time.to_rfc3339();
    if let Some(decision) = Decision::of(entry) {
        let step = decision.step.map(|step| format!(" at step {step}")).unwrap_or_default();
        return Line::from(vec![
            Span::styled(format!("{}  ", clock.get(11..19).unwrap_or("")), app.theme.faint()),
            Span::raw(format!("{}{step}: {}", decision.rule, decision.verdict)),
            Span::styled(format!("  {}", decision.comparison()), app.theme.faint()),
        ]);
    }
    let step = entry.step.map(|step| format!(" at step {step}")).unwrap_or_default();
    if let Some(picture) = entry.text("picture").filter(|_| entry.kind == "sample") {
        // What made it stands in the report; here its file and its prompt are enough.
        let prompt = harmless(entry.text("prompt").unwrap_or_default()).into_owned();
        return Line::from(vec![
            Span::styled(format!("{}  ", clock.get(11..19).unwrap_or("")), app.theme.faint()),
            Span::raw(format!("sample picture{step}: samples/{}", harmless(picture))),
            Span::styled(format!("  {prompt}"), app.theme.faint()),
        ]);
    }
    let facts: Vec<String> = entry
        .facts
        .iter()
        .map(|(name, value)| match value {
            serde_json::Value::String(text) => format!("{name} {text}"),
            other => format!("{name} {other}"),
        })
        .collect();
    Line::from(vec![
        Span::styled(format!("{}  ", clock.get(11..19).unwrap_or("")), app.theme.faint()),
        Span::raw(format!("{}{step}", entry.kind)),
        Span::styled(format!("  {}", facts.join(", ")), app.theme.faint()),
    ])
}

/// Text broken at spaces into lines of at most `width` columns; later lines begin after `indent` spaces.
pub(super) fn folded(text: &str, width: usize, indent: usize) -> Vec<String> {
    let text = harmless(text);
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ').flat_map(|word| pieces(word, width.saturating_sub(indent).max(1))) {
        let Some(line) = lines.last_mut() else { break };
        let used = Span::raw(line.as_str()).width();
        if used > 0 && used + 1 + Span::raw(word.as_str()).width() > width {
            lines.push(format!("{}{word}", " ".repeat(indent)));
        } else {
            if used > 0 {
                line.push(' ');
            }
            line.push_str(&word);
        }
    }
    lines
}

/// A word that is too long for a line, such as a path, in pieces.
fn pieces(word: &str, width: usize) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    if letters.is_empty() {
        return vec![String::new()];
    }
    letters.chunks(width).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::sample::Driven;

    #[test]
    fn a_run_on_pictures_counts_images_and_names_its_samples() {
        let driven = Driven::new(100, 40);
        let mut run = driven.app.runs.iter().find(|run| run.summary.is_some()).unwrap().clone();
        let text = |lines: &[Line<'_>]| lines.iter().map(Line::to_string).collect::<Vec<_>>().join("\n");
        let mut lines = Vec::new();
        facts(&driven.app, &run, &mut lines);
        assert!(text(&lines).contains("tokens") && !text(&lines).contains("images"));
        run.summary.as_mut().unwrap().images = 1200;
        lines.clear();
        facts(&driven.app, &run, &mut lines);
        assert!(
            text(&lines).contains("images      ") && !text(&lines).contains("tokens"),
            "{}",
            text(&lines)
        );
        let entry = JournalEntry::new("sample", 1).at(6).with("number", 1).with("prompt", "a\u{1b}[2J tree");
        let entry = entry.with("picture", "step-6.png").with("seed", 3);
        let line = happening(&driven.app, &entry).to_string();
        assert!(line.contains("sample picture at step 6: samples/step-6.png  a"), "{line}");
        assert!(!line.contains('\u{1b}'));
    }

    #[test]
    fn long_sentences_are_broken_at_spaces() {
        assert_eq!(folded("one two three", 8, 2), ["one two", "  three"]);
        assert_eq!(folded("at /long/path/name", 8, 2), ["at", "  /long/", "  path/n", "  ame"]);
        assert_eq!(folded("", 8, 2), [""]);
    }
}
