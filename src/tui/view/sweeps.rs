//! How sweeps stand: a line each, and below what is known of the one under the cursor.

use loradeck_core::config::Goal;
use loradeck_core::metrics::registry;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::paint;
use crate::store::{RunId, ShownState};
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::format;
use crate::tui::layout;
use crate::tui::state::{Deciding, Rung, Standing, SweepView};

/// The best trials named below the list, however little room there is.
const LEAST_RANKED: usize = 3;

/// Where the columns stand; a width of 0 is not shown.
struct Columns {
    name: u16,
    method: u16,
    bar: u16,
    ended: u16,
    states: u16,
    best: u16,
    word: u16,
}

impl Columns {
    fn of(width: u16) -> Self {
        let (method, bar, states, best) = match width {
            110.. => (8, 14, 26, 16),
            76.. => (8, 0, 22, 15),
            _ => (0, 0, 18, 10),
        };
        let (ended, word) = (9, 8);
        // The pointer takes two columns.
        let name = width.saturating_sub(2 + method + bar + ended + states + best + word);
        Self { name, method, bar, ended, states, best, word }
    }
}

pub(super) fn draw(app: &App, body: Rect, buffer: &mut Buffer) {
    let sweeps = &app.runs.sweeps;
    let inner = paint::pane(app, body, Line::raw(format!(" Sweeps {} ", sweeps.len())), true, buffer);
    if sweeps.is_empty() {
        let lines = ["no sweeps yet", "", "loradeck run NAME lora_rank=4,8,16   makes one"];
        let lines = if app.loading { &["reading…"][..] } else { &lines[..] };
        paint::message(inner, lines, Style::new(), buffer);
        return;
    }
    let [list, detail] = layout::sweeps(body, sweeps.len());
    let columns = Columns::of(list.width);
    headings(app, list, &columns, buffer);
    let height = usize::from(list.height.saturating_sub(1));
    for (line, sweep) in sweeps.iter().enumerate().skip(app.sweeps_offset).take(height) {
        let row = Rect { y: list.y + 1 + (line - app.sweeps_offset) as u16, height: 1, ..list };
        draw_sweep(app, sweep, row, &columns, buffer);
        if line == app.sweeps_cursor {
            paint::text(buffer, row.x, row.y, 1, app.theme.text("▸", ">"), Style::new());
            paint::line_style(buffer, row, app.theme.cursor(true));
        }
    }
    if let Some(sweep) = sweeps.get(app.sweeps_cursor) {
        let lines = detail_lines(app, sweep, usize::from(detail.height));
        for (line, y) in lines.iter().zip(detail.y..detail.bottom()) {
            paint::spans(buffer, detail.x + 1, y, detail.width.saturating_sub(2), line);
        }
    }
}

fn headings(app: &App, area: Rect, columns: &Columns, buffer: &mut Buffer) {
    let style = app.theme.faint();
    let mut x = area.x + 2;
    paint::text(buffer, x, area.y, columns.name, "sweep", style);
    x += columns.name;
    paint::text(buffer, x, area.y, columns.method, "method", style);
    x += columns.method + columns.bar;
    paint::text_right(buffer, x, area.y, columns.ended, "ended", style);
    x += columns.ended;
    paint::text(buffer, x + 2, area.y, columns.states.saturating_sub(2), "trials", style);
    x += columns.states;
    paint::text_right(buffer, x, area.y, columns.best, "best", style);
}

fn draw_sweep(app: &App, sweep: &SweepView, row: Rect, columns: &Columns, buffer: &mut Buffer) {
    let standing = Standing::of(sweep, &app.runs);
    let mut x = row.x + 2;
    let name = paint::name(app.theme, &label(app, sweep), columns.name.saturating_sub(1));
    paint::text(buffer, x, row.y, columns.name, &name, Style::new());
    x += columns.name;
    paint::text(buffer, x, row.y, columns.method.saturating_sub(1), &sweep.method, Style::new());
    x += columns.method;
    let ended = standing.ended();
    if let Some(planned) = sweep.planned.filter(|planned| columns.bar > 0 && *planned > 0) {
        let bar = paint::bar(app.theme, ended as f64 / planned as f64, usize::from(columns.bar) - 2);
        paint::text(buffer, x, row.y, columns.bar, &bar, Style::new());
    }
    x += columns.bar;
    let share = sweep.planned.map_or_else(|| ended.to_string(), |planned| format!("{ended}/{planned}"));
    paint::text_right(buffer, x, row.y, columns.ended, &share, Style::new());
    x += columns.ended;
    paint::spans(buffer, x + 2, row.y, columns.states.saturating_sub(2), &states(app, &standing));
    x += columns.states;
    if let (Some((id, best)), Some(deciding)) = (standing.ranking.first(), &sweep.deciding) {
        let by = app.runs.get(*id).map(|run| format!(" {:04}", run.name.number));
        let by = by.filter(|_| columns.method > 0).unwrap_or_default();
        let text = format!("{}{by}", shown(deciding, *best));
        paint::text_right(buffer, x, row.y, columns.best, &text, Style::new());
    }
    x += columns.best;
    let style = if sweep.is_paused() { app.theme.warning() } else { Style::new() };
    paint::text_right(buffer, x, row.y, columns.word - 1, sweep.word(), style);
}

fn label(app: &App, sweep: &SweepView) -> String {
    if app.workspaces.len() < 2 {
        return sweep.id.label();
    }
    let workspace = app.workspaces.get(sweep.id.workspace).map_or("?", String::as_str);
    format!("{workspace}: {}", sweep.id.label())
}

/// How many trials are in which state, by the symbols of lists.
fn states(app: &App, standing: &Standing) -> Line<'static> {
    let pairs = standing.states.iter().flat_map(|(state, count)| {
        let (symbol, style) = app.theme.state(*state);
        [Span::styled(symbol, style), Span::raw(format!("{count} "))]
    });
    Line::from(pairs.collect::<Vec<_>>())
}

fn shown(deciding: &Deciding, value: f64) -> String {
    format::metric(value, registry::describe(&deciding.metric).unit)
}

/// What is known of a sweep; the more trials are ranked the more room there is.
fn detail_lines(app: &App, sweep: &SweepView, height: usize) -> Vec<Line<'static>> {
    let standing = Standing::of(sweep, &app.runs);
    let mut lines = vec![headline(app, sweep), trials(app, sweep, &standing)];
    let below = lines_below(app, sweep);
    if let Some(deciding) = &sweep.deciding {
        lines.push(fact(app, "decided by", decided_by(deciding)));
        let room = height.saturating_sub(lines.len() + below.len()).max(LEAST_RANKED);
        let ranking = standing.ranking.iter().take(room).enumerate();
        lines.extend(ranking.map(|(at, (id, value))| {
            fact(app, if at == 0 { "best" } else { "" }, ranked(app, sweep, *id, &shown(deciding, *value)))
        }));
    }
    lines.extend(below);
    lines
}

fn lines_below(app: &App, sweep: &SweepView) -> Vec<Line<'static>> {
    let called = |name: &'static str, texts: &[String]| -> Vec<Line<'static>> {
        let name_of = |at: usize| if at == 0 { name } else { "" };
        texts.iter().enumerate().map(|(at, text)| fact(app, name_of(at), text.clone())).collect()
    };
    let rung = |rung: &Rung| format!("{}: {} reached it, {} pruned", rung.step, rung.came, rung.given_up);
    let rungs: Vec<String> = sweep.rungs.iter().map(rung).collect();
    let mut lines = called("at rung", &rungs);
    lines.extend(called("ends early", &sweep.stopping));
    lines.extend(called("varies", &sweep.space));
    if sweep.refused > 0 {
        lines.push(fact(app, "left out", format!("{} that contradict themselves", sweep.refused)));
    }
    lines
}

/// The sweep's name, and what it does or why not.
fn headline(app: &App, sweep: &SweepView) -> Line<'static> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let key = app.key_here(Action::PauseSweep);
    let (text, style) = match (&sweep.paused, sweep.closed) {
        (_, true) => ("is done: it creates no more trials".to_owned(), Style::new()),
        (Some(why), _) if why.is_empty() => (format!("is paused ({key} resumes it)"), app.theme.warning()),
        (Some(why), _) => (format!("is paused: {why} ({key} resumes it)"), app.theme.warning()),
        (None, _) if app.runs.queue.paused.contains(&sweep.id.workspace) => {
            ("continues once the queue is resumed".to_owned(), app.theme.warning())
        }
        (None, _) => (format!("active ({key} pauses it)"), Style::new()),
    };
    Line::from(vec![Span::styled(format!("{}  ", sweep.id.label()), bold), Span::styled(text, style)])
}

fn trials(app: &App, sweep: &SweepView, standing: &Standing) -> Line<'static> {
    let counts: Vec<String> =
        standing.states.iter().map(|(state, count)| format!("{count} {}", state.word())).collect();
    let counts = if counts.is_empty() { "none yet".to_owned() } else { counts.join(", ") };
    let planned = match sweep.planned {
        Some(planned) if planned > sweep.made as u64 => format!(" of at most {planned}"),
        Some(planned) => format!(" of {planned}"),
        None => " of as many as it draws".to_owned(),
    };
    fact(app, "trials", format!("{counts}{planned}"))
}

fn decided_by(deciding: &Deciding) -> String {
    let better = match deciding.goal {
        Goal::Minimize => "lower",
        Goal::Maximize => "higher",
    };
    let until = deciding.target.map(|target| format!(", until one reaches {}", shown(deciding, target)));
    format!("{}, {better} is better{}", deciding.metric, until.unwrap_or_default())
}

fn ranked(app: &App, sweep: &SweepView, id: RunId, value: &str) -> String {
    let Some(run) = app.runs.get(id) else { return value.to_owned() };
    let given_up = run.queue.trial.and_then(|trial| sweep.given_up.get(&trial));
    let note = match given_up {
        _ if run.queue.keep => ", kept on request".to_owned(),
        // Resumed since.
        Some(step) if run.state() != ShownState::Pruned => format!(", pruned at {step}"),
        _ => String::new(),
    };
    let step = run.steps().map(|(step, _)| format!(" at step {step}")).unwrap_or_default();
    format!("{value:<9} {}  {}{step}{note}", run.name, run.state().word())
}

fn fact(app: &App, name: &str, value: String) -> Line<'static> {
    Line::from(vec![Span::styled(format!("{name:<12}"), app.theme.faint()), Span::raw(value)])
}
