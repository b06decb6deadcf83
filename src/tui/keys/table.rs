//! The one key table: what keys do, the hints at the bottom and the help are all read from it.

use super::Context;
use crate::tui::action::Action;
use crate::tui::deed::Deed;
use crate::tui::screen::Screen;
use crate::tui::terminal::{KeyCode, KeyEvent, key};

/// A line of the key table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// What it does.
    pub(super) action: Action,
    /// Where it holds.
    pub(super) context: Context,
    /// The keys, the first one shown.
    pub(super) keys: &'static [KeyEvent],
    /// A word for the bar at the bottom; empty: only in the help.
    pub(super) hint: &'static str,
    /// A sentence for the help.
    pub(super) help: &'static str,
}

const fn bind(
    context: Context,
    keys: &'static [KeyEvent],
    action: Action,
    hint: &'static str,
    help: &'static str,
) -> Line {
    Line { action, context, keys, hint, help }
}

const fn c(character: char) -> KeyEvent {
    key::letter(character)
}

const fn k(code: KeyCode) -> KeyEvent {
    key::plain(code)
}

const fn ctrl(character: char) -> KeyEvent {
    key::ctrl(character)
}

use Action as A;
use Context as C;
use KeyCode as K;

/// All bindings. Within a context, hints stand at the bottom in this order.
pub(super) const LINES: &[Line] = &[
    bind(
        C::List,
        &[c(' ')],
        A::Mark,
        "mark",
        "mark or unmark the run (marked runs are charted and acted on)",
    ),
    bind(C::List, &[k(K::Enter)], A::Open, "details", "the run's story: state, attempts, results, paths"),
    bind(C::List, &[k(K::Left), c('h')], A::Left, "", "fold the experiment"),
    bind(C::List, &[k(K::Right), c('l')], A::Right, "", "unfold the experiment"),
    bind(C::Table, &[k(K::Left), c('h')], A::Left, "", "to the column on the left"),
    bind(C::Table, &[k(K::Right), c('l')], A::Right, "column", "to the column on the right"),
    bind(C::Table, &[c(' ')], A::Mark, "mark", "mark or unmark the run"),
    bind(C::Table, &[k(K::Enter)], A::Open, "details", "the run's story"),
    bind(C::Table, &[c('b')], A::BestOrLast, "best/last", "show best or last values"),
    bind(C::Queue, &[c(' ')], A::Mark, "mark", "mark or unmark the run"),
    bind(C::Queue, &[k(K::Enter)], A::Open, "details", "the run's story"),
    bind(C::Charts, &[k(K::Enter)], A::Open, "enlarge", "show this metric large, on screen 1"),
    bind(C::Charts, &[k(K::Left), c('h')], A::Left, "", "to the chart on the left"),
    bind(C::Charts, &[k(K::Right), c('l')], A::Right, "", "to the chart on the right"),
    bind(C::Chart, &[k(K::Left), c('h')], A::CursorLeft, "", "value cursor to the left"),
    bind(C::Chart, &[k(K::Right), c('l')], A::CursorRight, "cursor", "value cursor to the right"),
    bind(C::Chart, &[k(K::Enter)], A::PickMetric, "metric", "choose a metric from the list"),
    bind(C::Log, &[k(K::End), c('G')], A::Bottom, "follow", "to the newest line, and follow it"),
    bind(C::Log, &[k(K::Home), c('g')], A::Top, "", "to the first line held"),
    bind(C::Log, &[c('/')], A::Filter, "search", "search the log"),
    bind(C::Log, &[c('n')], A::NextMatch, "", "next match"),
    bind(C::Log, &[c('N')], A::PreviousMatch, "", "match before"),
    bind(C::Log, &[c('w')], A::Wrap, "wrap", "break long lines, or cut them"),
    bind(C::Log, &[k(K::Left), c('h')], A::Left, "", "to the beginning of long lines"),
    bind(C::Log, &[k(K::Right), c('l')], A::Right, "", "further along long lines"),
    bind(C::Config, &[c('/')], A::Filter, "filter", "only settings whose name holds what is typed"),
    bind(C::Config, &[c('c')], A::AllSettings, "all/different", "all settings, or only those that differ"),
    bind(C::Config, &[k(K::Left), c('h')], A::Left, "", "to the runs on the left"),
    bind(C::Config, &[k(K::Right), c('l')], A::Right, "", "to the runs on the right"),
    bind(C::Report, &[k(K::Esc), c('q')], A::Back, "back", "back to the runs"),
    bind(C::Report, &[c('/')], A::Filter, "search", "search the report"),
    bind(C::Report, &[c('n')], A::NextMatch, "next match", "next match"),
    bind(C::Report, &[c('N')], A::PreviousMatch, "", "match before"),
    bind(C::Report, &[c('r')], A::Report, "read again", "read the file again"),
    bind(C::Report, &[c('i')], A::Pictures, "", "the run's sample pictures"),
    bind(C::Report, &[k(K::PageDown), c(' '), ctrl('f')], A::PageDown, "", "a page down"),
    bind(C::Report, &[k(K::Home), c('g')], A::Top, "", "to the first line"),
    bind(C::Report, &[k(K::Left), c('h')], A::Left, "", "to the beginning of wide lines"),
    bind(C::Report, &[k(K::Right), c('l')], A::Right, "", "further along wide lines"),
    bind(
        C::Pictures,
        &[k(K::Enter)],
        A::Open,
        "large",
        "the picture large with its facts, or the grid again",
    ),
    bind(C::Pictures, &[k(K::Left), c('h')], A::Left, "", "to an earlier step, or the run on the left"),
    bind(
        C::Pictures,
        &[k(K::Right), c('l')],
        A::Right,
        "next picture",
        "to a later step, or the run on the right",
    ),
    bind(C::Pictures, &[k(K::Down), c('j')], A::Down, "next prompt", "to the next prompt"),
    bind(C::Pictures, &[k(K::Home), c('g')], A::Top, "", "to the first step"),
    bind(C::Pictures, &[k(K::End), c('G')], A::Bottom, "", "to the newest step, and follow it"),
    bind(C::Pictures, &[k(K::PageDown), c(' '), ctrl('f')], A::PageDown, "", "a page of prompts down"),
    bind(C::Pictures, &[c('B')], A::Glyphs, "", "pictures in half blocks, by kitty graphics or by sixel"),
    bind(C::Pictures, &[c('Y')], A::Copy, "", "copy the picture's path to your clipboard"),
    bind(C::Pictures, &[c('r')], A::Report, "", "reload"),
    bind(C::Pictures, &[k(K::Esc), c('q'), c('i')], A::Back, "back", "back to the grid, back to the runs"),
    bind(
        C::Runs,
        &[c('i')],
        A::Pictures,
        "pictures",
        "the run's sample pictures; of marked runs or a heading side by side",
    ),
    bind(
        C::Runs,
        &[c('/')],
        A::Filter,
        "filter",
        "filter: words, lr>=1e-4, state=failed, model~llama, !word",
    ),
    bind(C::Runs, &[c('a')], A::MarkAll, "all", "mark all that the filter shows, or none"),
    bind(C::Curves, &[c('m')], A::NextMetric, "metric", "next metric"),
    bind(C::Curves, &[c('M')], A::PreviousMetric, "", "metric before"),
    bind(C::Curves, &[c('p')], A::PickMetric, "", "choose a metric from the list"),
    bind(
        C::Curves,
        &[c('S')],
        A::Smooth,
        "smooth",
        "smoothing: none, 0.6, 0.9, 0.97 (raw values stay faint)",
    ),
    bind(C::Curves, &[c('y')], A::LogScale, "log y", "logarithmic or linear values"),
    bind(C::Curves, &[c('x')], A::TimeAxis, "steps/time", "x axis: steps, or time since each run's start"),
    bind(
        C::Curves,
        &[c('b')],
        A::Band,
        "mean/std",
        "runs that differ only in their seed as mean and standard deviation",
    ),
    bind(C::Curves, &[c('z')], A::Solo, "solo", "only the run under the cursor, or all"),
    bind(C::Curves, &[c('u')], A::Clip, "", "leave outliers outside the picture, or not"),
    bind(C::Curves, &[c('+'), c('=')], A::ZoomIn, "zoom", "show a shorter stretch"),
    bind(C::Curves, &[c('-')], A::ZoomOut, "", "show a longer stretch"),
    bind(C::Curves, &[c('0')], A::ZoomAll, "", "show everything"),
    bind(C::Curves, &[c('[')], A::PanLeft, "", "move the stretch to the left"),
    bind(C::Curves, &[c(']')], A::PanRight, "", "move the stretch to the right"),
    bind(C::Curves, &[c(',')], A::CursorLeft, "", "value cursor to the left (Esc hides it)"),
    bind(
        C::Curves,
        &[c('.')],
        A::CursorRight,
        "values",
        "value cursor to the right: every run's value there",
    ),
    bind(C::Runs, &[c('s')], A::Do(Deed::Stop), "stop", "stop at a checkpoint (asks first)"),
    bind(C::Runs, &[c('R')], A::Do(Deed::Resume), "resume", "resume from the newest checkpoint"),
    bind(C::Runs, &[c('t')], A::Do(Deed::Retry), "retry", "train again as a new run"),
    bind(C::Runs, &[c('K')], A::Do(Deed::Kill), "", "end at once (asks first)"),
    bind(C::Runs, &[c('D')], A::Do(Deed::Remove), "", "move to the trash (asks first)"),
    bind(C::Runs, &[c('H')], A::Do(Deed::Hold), "", "hold or release a waiting run"),
    bind(C::Runs, &[c('>')], A::Do(Deed::Raise), "", "a waiting run starts before others (priority + 1)"),
    bind(C::Runs, &[c('<')], A::Do(Deed::Lower), "", "others start before a waiting run (priority - 1)"),
    bind(C::Runs, &[c('W')], A::PauseSweep, "", "pause or resume the run's sweep"),
    bind(C::Runs, &[c('A')], A::Do(Deed::Keep), "", "protect a trial from pruning, or not"),
    bind(C::Runs, &[c('Q')], A::Do(Deed::Requeue), "", "send the run back into Slurm's queue (asks first)"),
    bind(C::Sweeps, &[k(K::Enter)], A::Open, "trials", "its trials alone on screen 1 (Esc: all runs again)"),
    bind(
        C::Sweeps,
        &[c('P'), c('W')],
        A::PauseSweep,
        "pause",
        "pause or resume the sweep: no further trial starts while paused",
    ),
    bind(C::Sweeps, &[c('r')], A::Report, "comparison", "read the comparison of its experiment"),
    bind(
        C::Queue,
        &[c('P')],
        A::PauseQueue,
        "pause",
        "pause or resume the queue: nothing new starts while paused",
    ),
    bind(C::Runs, &[c('r')], A::Report, "report", "read the run's report, on a heading the comparison"),
    bind(
        C::Runs,
        &[c('o')],
        A::Order,
        "sort",
        "next order: number, newest, best, state, name (table: by column)",
    ),
    bind(C::Runs, &[c('O')], A::Reverse, "", "the other way round"),
    bind(C::Runs, &[c('Y')], A::Copy, "", "copy the run's path to your clipboard"),
    bind(C::Global, &[k(K::Up), c('k')], A::Up, "", "up"),
    bind(C::Global, &[k(K::Down), c('j')], A::Down, "", "down"),
    bind(C::Global, &[k(K::PageUp), ctrl('b')], A::PageUp, "", "a page up"),
    bind(C::Global, &[k(K::PageDown), ctrl('f')], A::PageDown, "", "a page down"),
    bind(C::Global, &[ctrl('u')], A::HalfUp, "", "half a page up"),
    bind(C::Global, &[ctrl('d')], A::HalfDown, "", "half a page down"),
    bind(C::Global, &[k(K::Home)], A::Top, "", "to the first"),
    bind(C::Global, &[c('G'), k(K::End)], A::Bottom, "", "to the last"),
    bind(C::Panes, &[c('g')], A::Grid, "grid", "twelve small charts and more, one per metric, or back"),
    bind(C::Panes, &[k(K::Tab)], A::NextPane, "pane", "focus the next pane"),
    bind(C::Panes, &[k(K::BackTab)], A::PreviousPane, "", "focus the pane before"),
    bind(C::Panes, &[c('e')], A::Expand, "expand", "the focused pane on the whole screen, or back"),
    bind(C::Global, &[c('1')], A::Go(Screen::Runs), "", "runs with chart, log and settings"),
    bind(C::Global, &[c('2')], A::Go(Screen::Charts), "", "one small chart per metric"),
    bind(C::Global, &[c('3')], A::Go(Screen::Table), "", "comparison table"),
    bind(C::Global, &[c('4')], A::Go(Screen::Queue), "", "slots and queue"),
    bind(C::Global, &[c('5')], A::Go(Screen::Sweeps), "", "progress of sweeps"),
    bind(C::Global, &[c('f')], A::Freeze, "", "freeze or unfreeze the screen"),
    bind(C::Global, &[c('!')], A::Messages, "", "what was reported, errors included"),
    bind(C::Global, &[c('B')], A::Glyphs, "", "curves in braille, dots, blocks or ASCII"),
    bind(
        C::Global,
        &[c('v')],
        A::Mouse,
        "",
        "mouse: clicks and wheel here, or text selection by the terminal",
    ),
    bind(C::Global, &[k(K::Esc)], A::Back, "", "back: value cursor, expansion, filter, marks"),
    bind(C::Global, &[ctrl('l')], A::Redraw, "", "draw everything again"),
    bind(C::Global, &[ctrl('z')], A::Suspend, "", "to the shell (fg comes back)"),
    bind(C::Global, &[c('q'), ctrl('c')], A::Quit, "quit", "quit; runs continue"),
    bind(C::Global, &[c('?'), c(':'), ctrl('p')], A::Help, "help", "all keys; type to search, Enter runs"),
];
