//! Sample pictures in the screen's place: a grid of them, or one with its facts.

use loradeck_core::text::harmless;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::{hung, paint, story};
use crate::report::inputs::PictureRow;
use crate::tui::app::App;
use crate::tui::format::fit_end;
use crate::tui::layout::gallery::{Grid, large};
use crate::tui::state::{Gallery, GalleryColumn, Shot};

pub(super) fn draw(app: &App, body: Rect, buffer: &mut Buffer) {
    let Some(gallery) = &app.gallery else { return };
    let place = if gallery.large { large_place(app, gallery) } else { place(app, gallery) };
    let room = usize::from(body.width).saturating_sub(Line::raw(place.as_str()).width() + 9);
    let name = paint::name(app.theme, &title(app, gallery), room as u16);
    let inner = paint::pane(app, body, Line::raw(format!(" {name} ")), true, buffer);
    if gallery.loading {
        return paint::message(inner, &["reading…"], app.theme.faint(), buffer);
    }
    if gallery.rows.is_empty() {
        let lines = [
            "no sample pictures yet",
            "an image run draws its sample_prompts every sample_every steps, and before the first",
        ];
        return paint::message(inner, &lines, app.theme.faint(), buffer);
    }
    paint::right_title(body, &Line::raw(place), buffer);
    if gallery.large {
        return draw_large(app, gallery, body, buffer);
    }
    let grid = app.gallery_grid(gallery);
    labels(app, gallery, &grid, buffer);
    captions(app, gallery, &grid, buffer);
    for (shot, place) in app.pictures_in_sight() {
        hung::draw(app, shot, place, buffer);
    }
    missing(app, gallery, &grid, buffer);
    mark_chosen(app, gallery, &grid, buffer);
    paint::low_title(body, &below(app, gallery), buffer);
}

fn title(app: &App, gallery: &Gallery) -> String {
    let label = |id: &crate::store::RunId| {
        app.runs.get(*id).map_or_else(|| "a run that is gone".into(), crate::store::Run::label)
    };
    match gallery.runs.as_slice() {
        [run] => format!("Sample pictures of {}", label(run)),
        runs => format!("Sample pictures of {} runs side by side", runs.len()),
    }
}

/// What of the rows and columns is in sight.
fn place(app: &App, gallery: &Gallery) -> String {
    if gallery.rows.is_empty() {
        return String::new();
    }
    let grid = app.gallery_grid(gallery);
    let part = |first: usize, shown: usize, count: usize| {
        let last = (first + shown).min(count);
        if last - first == count { count.to_string() } else { format!("{}-{last} of {count}", first + 1) }
    };
    let columns = part(gallery.offset.1, grid.across, gallery.columns.len());
    let rows = part(gallery.offset.0, grid.down, gallery.rows.len());
    let noun = if gallery.runs.len() == 1 { "steps" } else { "runs" };
    format!(" prompts {rows}, {noun} {columns} ")
}

/// Which one is shown large.
fn large_place(app: &App, gallery: &Gallery) -> String {
    let column = gallery.columns.get(gallery.cursor.1).map(|column| label(app, *column)).unwrap_or_default();
    format!(" {column} ({} of {}) ", gallery.cursor.1 + 1, gallery.columns.len())
}

/// A column's label.
fn label(app: &App, column: GalleryColumn) -> String {
    match column {
        GalleryColumn::Step(step) => step_label(step),
        GalleryColumn::Run(run) => app.runs.get(run).map_or_else(String::new, |run| run.name.to_string()),
    }
}

fn step_label(step: u64) -> String {
    if step == 0 { "before".into() } else { format!("step {step}") }
}

fn labels(app: &App, gallery: &Gallery, grid: &Grid, buffer: &mut Buffer) {
    let seen = gallery.columns.iter().enumerate().skip(gallery.offset.1).take(grid.across);
    for (at, (index, column)) in seen.enumerate() {
        let place = grid.place(0, at);
        let style = if index == gallery.cursor.1 { app.theme.key() } else { app.theme.faint() };
        let text = paint::name(app.theme, &label(app, *column), place.width);
        paint::text(buffer, place.x, grid.inner.y, place.width, &text, style);
    }
}

fn captions(app: &App, gallery: &Gallery, grid: &Grid, buffer: &mut Buffer) {
    let seen = gallery.rows.iter().enumerate().skip(gallery.offset.0).take(grid.down);
    for (at, (index, row)) in seen.enumerate() {
        let line = grid.caption(at);
        let style = if index == gallery.cursor.0 {
            Style::new().add_modifier(Modifier::BOLD)
        } else {
            app.theme.faint()
        };
        let text = format!("{}. {}", row.prompt.number, harmless(&row.prompt.prompt));
        let width = line.width.saturating_sub(2);
        let text = fit_end(&text, usize::from(width), app.theme.text("…", ".."));
        paint::text(buffer, line.x + 1, line.y, width, &text, style);
    }
}

/// Places without a picture say so.
fn missing(app: &App, gallery: &Gallery, grid: &Grid, buffer: &mut Buffer) {
    for (line, row) in gallery.rows.iter().skip(gallery.offset.0).take(grid.down).enumerate() {
        let seen = row.shots.iter().skip(gallery.offset.1).take(grid.across).enumerate();
        for (column, _) in seen.filter(|(_, shot)| shot.is_none()) {
            paint::message(grid.place(line, column), &["none"], app.theme.faint(), buffer);
        }
    }
}

/// Lines on both sides of the chosen picture: seen without colours too.
fn mark_chosen(app: &App, gallery: &Gallery, grid: &Grid, buffer: &mut Buffer) {
    let at = (gallery.cursor.0 - gallery.offset.0, gallery.cursor.1 - gallery.offset.1);
    let place = grid.place(at.0, at.1);
    for y in place.top()..place.bottom() {
        for x in [place.x - 1, place.right()] {
            paint::text(buffer, x, y, 1, app.theme.text("┃", "|"), app.theme.key());
        }
    }
}

/// What made the chosen picture, or why none is drawn, on the lower border.
fn below(app: &App, gallery: &Gallery) -> Line<'static> {
    let Some((row, shot)) = gallery.row().zip(gallery.shot()) else { return Line::default() };
    if let Some(why) = app.why_not(app.manner_at_hand()) {
        return Line::styled(format!(" {why} "), app.theme.warning());
    }
    if let Some(why) = hung::why_none(app, shot, gallery) {
        return Line::styled(format!(" {}: {} ", harmless(&shot.name), harmless(&why)), app.theme.error());
    }
    let prompt = &row.prompt;
    let step = if gallery.runs.len() == 1 { String::new() } else { format!("{}, ", step_label(shot.step)) };
    Line::raw(format!(
        " {step}seed {}, {} {} steps, guidance {}, {}x{} ",
        prompt.seed,
        harmless(&prompt.scheduler),
        prompt.steps,
        prompt.guidance,
        prompt.width,
        prompt.height
    ))
}

fn draw_large(app: &App, gallery: &Gallery, body: Rect, buffer: &mut Buffer) {
    let (place, facts) = large(body);
    let Some(row) = gallery.row() else { return };
    let shot = gallery.shot();
    match shot {
        Some(shot) => hung::draw(app, shot, place, buffer),
        None => paint::message(place, &["none"], app.theme.faint(), buffer),
    }
    let lines = if facts.y > body.y + 1 {
        short_facts(&row.prompt, shot, facts.width)
    } else {
        long_facts(app, &row.prompt, shot, facts.width)
    };
    for (index, line) in lines.iter().take(usize::from(facts.height)).enumerate() {
        paint::spans(buffer, facts.x, facts.y + index as u16, facts.width, line);
    }
    if let Some(why) = app.why_not(app.manner_at_hand()) {
        paint::low_title(body, &Line::styled(format!(" {why} "), app.theme.warning()), buffer);
    }
}

/// Facts in a column beside the picture.
fn long_facts(app: &App, prompt: &PictureRow, shot: Option<&Shot>, width: u16) -> Vec<Line<'static>> {
    const NAMES: usize = 11;
    let room = usize::from(width).saturating_sub(NAMES);
    let mut lines = Vec::new();
    let mut fact = |name: &'static str, value: &str| {
        for (index, piece) in story::folded(value, room, 0).into_iter().enumerate() {
            let name = if index == 0 { name } else { "" };
            lines.push(Line::from(vec![
                Span::styled(format!("{name:<NAMES$}"), app.theme.faint()),
                Span::raw(piece),
            ]));
        }
    };
    if let Some(shot) = shot {
        fact("step", &if shot.step == 0 { "0, before training".to_owned() } else { shot.step.to_string() });
    }
    fact("prompt", &prompt.prompt);
    if !prompt.negative_prompt.is_empty() {
        fact("negative", &prompt.negative_prompt);
    }
    fact("seed", &prompt.seed.to_string());
    fact("scheduler", &prompt.scheduler);
    fact("steps", &prompt.steps.to_string());
    fact("guidance", &prompt.guidance.to_string());
    fact("clip skip", &prompt.clip_skip.to_string());
    fact("size", &format!("{}x{}", prompt.width, prompt.height));
    if let Some(shot) = shot {
        if let Some(run) = app.runs.get(shot.run) {
            fact("run", &run.label());
        }
        fact("file", &shot.name);
    }
    lines
}

/// The same in a few lines below it.
fn short_facts(prompt: &PictureRow, shot: Option<&Shot>, width: u16) -> Vec<Line<'static>> {
    let mut texts = story::folded(&prompt.prompt, usize::from(width), 0);
    texts.truncate(2);
    if !prompt.negative_prompt.is_empty() {
        texts.push(format!("without: {}", harmless(&prompt.negative_prompt)));
    }
    texts.push(format!(
        "seed {}, {} {} steps, guidance {}, clip skip {}, {}x{}",
        prompt.seed,
        harmless(&prompt.scheduler),
        prompt.steps,
        prompt.guidance,
        prompt.clip_skip,
        prompt.width,
        prompt.height
    ));
    texts.extend(shot.map(|shot| format!("samples/{}", harmless(&shot.name))));
    texts.into_iter().map(Line::raw).collect()
}
