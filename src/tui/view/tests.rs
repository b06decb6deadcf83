//! Pictures of every screen at four sizes, as text.

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

use super::view;
use crate::launch::Waiting;
use crate::tui::feed::read_story;
use crate::tui::message::{Effect, Msg};
use crate::tui::sample::{self, Driven};
use crate::tui::state::Popup;
use crate::tui::theme::{Colours, Glyphs, Theme};

const SIZES: [(u16, u16); 4] = [(60, 16), (80, 24), (120, 40), (200, 50)];

fn picture(driven: &Driven) -> String {
    let mut terminal = Terminal::new(TestBackend::new(driven.app.size.0, driven.app.size.1)).unwrap();
    terminal.draw(|frame| view(&driven.app, frame)).unwrap();
    let folder = driven.sample.folder.path().display().to_string();
    let hidden = format!("{:<width$}", "WORKSPACE", width = folder.chars().count());
    terminal.backend().to_string().replace(&folder, &hidden)
}

fn snapshots(name: &str, keys: &str) {
    for (columns, rows) in SIZES {
        let mut driven = Driven::new(columns, rows);
        // Whether the slot is taken depends on the machine.
        driven.app.runs.queue.slots.iter_mut().for_each(|slot| slot.name = "cpu-0".into());
        driven.app.runs.queue.waiting.iter_mut().for_each(|(_, reason)| *reason = Waiting::Slot);
        driven.press(keys);
        insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), picture(&driven));
    }
}

#[test]
fn runs() {
    snapshots("runs", "");
}

#[test]
fn training_loss_smoothed_with_a_value_cursor() {
    snapshots("chart", "pgloss<Esc>ptrain/loss<Enter>S<Tab>...............");
}

#[test]
fn log() {
    snapshots("log", "<Tab><Tab><Up><Up>");
}

#[test]
fn settings() {
    snapshots("settings", "<S-Tab>c");
}

#[test]
fn charts() {
    snapshots("charts", "2");
}

#[test]
fn table() {
    snapshots("table", "3llllllo");
}

#[test]
fn queue() {
    snapshots("queue", "4");
}

/// What Slurm last said, as the dispatcher writes it down, from the file to the screen.
#[test]
fn runs_with_slurm() {
    use crate::launch::{ShownJob, ShownJobs};
    let mut driven = Driven::new(200, 50);
    let workspace = loradeck_core::run::Workspace::at(driven.sample.folder.path());
    let job =
        |job: &str, state: &str| ShownJob { job: job.into(), state: state.into(), ..ShownJob::default() };
    let start = Some(loradeck_core::time::Moment(1_795_660_000_000));
    let running = ShownJob { nodes: "node7".into(), start, ..job("41_1", "RUNNING") };
    let waiting = ShownJob { reason: "Resources".into(), start, ..job("41_2", "PENDING") };
    let mut shown = ShownJobs::default();
    shown.runs.insert("format/0004-rank-8-lr-2e-3".into(), running);
    shown.runs.insert("format/0005-rank-16-lr-2e-3".into(), waiting);
    workspace.ensure_state_folder().unwrap();
    shown.write(&workspace).unwrap();
    driven.read(&[crate::watch::Change::Queue(workspace.root().to_path_buf())]);
    driven.app.runs.queue.slots.iter_mut().for_each(|slot| slot.name = "cpu-0".into());
    driven.app.runs.queue.waiting.iter_mut().for_each(|(_, reason)| *reason = Waiting::Nothing);
    driven.press("4");
    insta::assert_snapshot!("slurm_queue_200x50", picture(&driven));
    driven.press("<Enter>");
    assert!(picture(&driven).contains("job         Slurm 41_1: running on node7"), "{}", picture(&driven));
    // One that we hold back in Slurm says why.
    let paused = Waiting::GroupPaused("night".into());
    driven.app.runs.queue.waiting.iter_mut().for_each(|(_, reason)| *reason = paused.clone());
    let run = driven.sample.runs.iter().find(|run| run.state().word() == "queued").unwrap();
    let words = super::queue::why(&driven.app, run);
    assert!(words.starts_with("Slurm 41_2: pending (Resources), expected to start 20"), "{words}");
    assert!(words.ends_with(", the group 'night' is paused"), "{words}");
}

#[test]
fn sweeps() {
    for (columns, rows) in SIZES {
        let mut driven = Driven::over(sample::halving(), columns, rows);
        driven.press("5");
        insta::assert_snapshot!(format!("sweeps_{columns}x{rows}"), picture(&driven));
    }
    let mut driven = Driven::over(sample::halving(), 80, 24);
    driven.press("5j");
    let text = picture(&driven);
    assert!(text.contains("is paused: 3 runs failed in a row: no ␛[2J (P resumes it)"), "{text}");
    let mut driven = Driven::new(80, 24);
    driven.press("5");
    assert!(picture(&driven).contains("no sweeps yet"));
}

#[test]
fn help() {
    snapshots("help", "?");
}

#[test]
fn metrics_to_pick() {
    snapshots("metrics", "p");
}

#[test]
fn a_question() {
    snapshots("question", "as");
}

#[test]
fn a_filter_being_typed() {
    snapshots("filter", "/rank=8 state");
}

#[test]
fn messages() {
    for (columns, rows) in SIZES {
        let mut driven = Driven::new(columns, rows);
        driven.send(Msg::Note(Ok("the file system announces nothing (NFS): looking every second".into())));
        driven.send(Msg::Note(Err(
            "cannot read /data/experiments/format/runs/0003/status.json: denied".into()
        )));
        driven.press("!");
        insta::assert_snapshot!(format!("messages_{columns}x{rows}"), picture(&driven));
    }
}

#[test]
fn a_story() {
    for (columns, rows) in SIZES {
        let mut driven = Driven::new(columns, rows);
        driven.press("k<Enter>");
        let run = driven.app.run_under_cursor().unwrap();
        let folder = driven.app.runs.get(run).unwrap().folder.clone();
        let mut story = read_story(run, &folder);
        story.attempts.iter_mut().for_each(|attempt| attempt.host.host = "host".into());
        driven.send(Msg::Details(Box::new(story)));
        assert!(matches!(driven.app.popup, Some(Popup::Details { story: Some(_), .. })));
        let mut text = picture(&driven);
        // The folder's name is of another length on every machine.
        if let Some(at) = text.find("folder ") {
            let end = text[at..].find('┃').map_or(text.len(), |end| at + end);
            text.replace_range(at..end, "folder");
        }
        insta::assert_snapshot!(format!("story_{columns}x{rows}"), text);
    }
}

#[test]
fn a_trial_that_was_given_up_tells_why_and_is_marked_where() {
    let mut driven = Driven::over(sample::halving(), 120, 40);
    driven.press("ptrain/loss<Enter>");
    let text = picture(&driven);
    let plot: String = text.lines().filter_map(|line| line.get(line.len() / 2..)).collect();
    assert!(plot.contains('▿'), "{text}");
    driven.press("j<Enter>");
    let run = driven.app.run_under_cursor().unwrap();
    let folder = driven.app.runs.get(run).unwrap().folder.clone();
    driven.send(Msg::Details(Box::new(read_story(run, &folder))));
    let text = picture(&driven);
    let told = "pruned at rung 24: 1.2500 against 1.1250 among 2 other runs at this rung";
    assert!(text.contains(&format!("asha        {told}")), "{text}");
    assert!(text.contains("asha at step 24: pruned"), "{text}");
}

#[test]
fn what_popups_say_of_keys_follows_the_users_own() {
    let text = "keys: {report: F7, down: [n, Down], up: [N, Up], log.next-match: [], log.previous-match: [], \
                report.next-match: [], report.previous-match: [], back: Ctrl-x, report.back: Ctrl-x, quit: X}";
    let settings = loradeck_core::config::read_workspace_settings("loradeck.yaml".as_ref(), text).unwrap();
    let mut driven = Driven::new(120, 40);
    driven.app.keymap = crate::tui::keys::Keymap::customised(&settings.keys).unwrap();
    driven.press("<Enter>");
    assert!(picture(&driven).contains("n N scroll  F7 report  Ctrl-x leaves"), "{}", picture(&driven));
    driven.press("n");
    assert!(matches!(driven.app.popup, Some(Popup::Details { offset: 1, .. })));
    driven.press("<C-x>");
    assert!(driven.app.popup.is_none());
    driven.press("<Enter><Esc>");
    assert!(driven.app.popup.is_none(), "Esc leaves whatever else is set");
    driven.app.size = (20, 5);
    assert!(picture(&driven).contains("(X quits)"));
}

#[test]
fn means_and_deviations_over_seeds() {
    for (columns, rows) in SIZES {
        let mut driven = Driven::over(sample::seeds(), columns, rows);
        driven.press("ptrain/loss<Enter>b<Tab>.....................................");
        insta::assert_snapshot!(format!("seeds_{columns}x{rows}"), picture(&driven));
    }
}

/// Opens the report of the first run, and answers what is asked for.
fn reading(columns: u16, rows: u16, text: Result<&str, &str>) -> Driven {
    let mut driven = Driven::new(columns, rows);
    driven.press("<Home>jjjjr");
    let Some(Effect::ReadDocument(of)) = driven.effects.pop() else { panic!("it is read") };
    driven.send(Msg::Document { of, text: text.map(str::to_owned).map_err(str::to_owned) });
    driven
}

#[test]
fn a_report() {
    for (columns, rows) in SIZES {
        let driven = reading(columns, rows, Ok(include_str!("sample_report.md")));
        insta::assert_snapshot!(format!("report_{columns}x{rows}"), picture(&driven));
    }
}

#[test]
fn a_report_searched_scrolled_and_left() {
    let mut driven = reading(80, 24, Ok(include_str!("sample_report.md")));
    driven.press("/step<Enter>nn");
    insta::assert_snapshot!("report_search_80x24", picture(&driven));
    driven.press("G");
    assert!(picture(&driven).contains("finished, resumed in one go ␛[2J"));
    driven.press("<Esc>");
    assert!(picture(&driven).contains("Report of format/0001"), "the search goes first");
    driven.press("<Esc>");
    assert!(!picture(&driven).contains("Report of format/0001"));
    let missing = picture(&reading(80, 24, Err("not written yet")));
    assert!(missing.contains("not written yet") && missing.contains("Esc back"), "{missing}");
}

/// A gallery in 256 colours, after these keys.
fn gallery(columns: u16, rows: u16, keys: &str) -> Driven {
    let mut driven = Driven::over(sample::gallery(), columns, rows);
    driven.app.theme = Theme::new(Colours::Many, true);
    driven.press(keys);
    driven
}

#[test]
fn sample_pictures_in_a_grid_large_and_side_by_side() {
    for (columns, rows) in SIZES {
        insta::assert_snapshot!(format!("pictures_{columns}x{rows}"), picture(&gallery(columns, rows, "i")));
        let large = gallery(columns, rows, "ij<Left><Left><Enter>");
        insta::assert_snapshot!(format!("picture_large_{columns}x{rows}"), picture(&large));
        let two = gallery(columns, rows, "<Home>ij<Right>");
        insta::assert_snapshot!(format!("pictures_of_two_{columns}x{rows}"), picture(&two));
    }
}

/// The colours of a cell, above and below.
fn colours(driven: &Driven, x: u16, y: u16) -> (Color, Color) {
    let mut terminal = Terminal::new(TestBackend::new(driven.app.size.0, driven.app.size.1)).unwrap();
    terminal.draw(|frame| view(&driven.app, frame)).unwrap();
    let cell = &terminal.backend().buffer()[(x, y)];
    assert_eq!(cell.symbol(), "▀");
    (cell.fg, cell.bg)
}

#[test]
fn pixels_have_the_nearest_colour_that_the_terminal_has() {
    let mut driven = gallery(80, 24, "i<Home>");
    // Step 0 of the first prompt is [250, 0, 100] below its first corner: 255, 0, 95 of the palette.
    assert_eq!(colours(&driven, 6, 6), (Color::Indexed(197), Color::Indexed(197)));
    driven.app.theme.all_colours = true;
    assert_eq!(colours(&driven, 6, 6), (Color::Rgb(250, 0, 100), Color::Rgb(250, 0, 100)));
}

#[test]
fn a_picture_that_cannot_be_read_says_why_and_the_others_are_drawn() {
    let driven = gallery(120, 40, "ij");
    let text = picture(&driven);
    assert!(text.contains("step-60-prompt-2.png: is truncated: the file ends after 60 bytes"), "{text}");
    assert!(text.contains('▀'));
    let text = picture(&gallery(120, 40, "i<Enter>"));
    assert!(text.contains("guidance   7.5") && text.contains("file       step-60-prompt-1.png"), "{text}");
    let text = picture(&gallery(80, 24, "<Home>jij"));
    assert!(text.contains("step-60-prompt-2.png: the file is gone"), "{text}");
}

#[test]
fn where_pictures_cannot_be_drawn_their_names_stand_and_the_reason() {
    for (theme, said) in [
        (Theme::new(Colours::None, true), "pictures are not drawn without colours"),
        (Theme::new(Colours::Many, false), "pictures need more than ASCII"),
        (Theme::new(Colours::Sixteen, true), "pictures need 256 colours"),
    ] {
        let mut driven = Driven::over(sample::gallery(), 80, 24);
        driven.app.theme = theme;
        driven.press("i");
        let text = picture(&driven);
        assert!(text.contains(said) && text.contains("step-60-prom") && !text.contains('▀'), "{text}");
        assert!(theme.unicode || text.is_ascii(), "{text}");
        driven.press("<Enter>");
        let text = picture(&driven);
        assert!(text.contains("step-60-prompt-1.png") && text.contains("seed 7"), "{text}");
    }
}

#[test]
fn graphics_are_placed_on_request_and_go_with_what_they_show() {
    let mut driven = gallery(80, 24, "i");
    assert!(super::placements(&driven.app).is_empty(), "never unasked");
    driven.press("B");
    let placed = super::placements(&driven.app);
    assert_eq!((placed.len(), &placed[0].text[..2]), (7, "\u{1b}_"), "one of eight is broken");
    assert!(!picture(&driven).contains('▀'), "room for them");
    driven.press("B");
    assert!(super::placements(&driven.app).is_empty(), "no sixel where the size of cells is not known");
    assert!(
        picture(&driven).contains("no sixel graphics: the terminal does not say"),
        "{}",
        picture(&driven)
    );
    driven.send(Msg::Cell(Some((8, 16))));
    assert!(super::placements(&driven.app)[0].text.starts_with("\u{1b}P9;1q\"1;1;128;128"));
    driven.press("?");
    assert!(super::placements(&driven.app).is_empty(), "nothing covers a popup");
    driven.press("<Esc><Esc>");
    assert!(super::placements(&driven.app).is_empty());
    driven.app.in_tmux = true;
    driven.app.manner = crate::tui::theme::Manner::Kitty;
    driven.press("i");
    assert!(picture(&driven).contains("tmux does not pass"), "{}", picture(&driven));
    assert!(picture(&driven).contains('▀'));
}

#[test]
fn too_small_a_window_says_so() {
    let mut driven = Driven::new(59, 16);
    assert!(picture(&driven).contains("loradeck needs 60 columns and 16 rows"));
    driven.app.size = (3, 1);
    picture(&driven);
}

#[test]
fn ascii_without_colours_says_the_same() {
    let mut driven = Driven::new(120, 40);
    driven.app.theme = Theme::new(Colours::None, false);
    driven.app.glyphs = Glyphs::Ascii;
    let text = picture(&driven);
    assert!(text.is_ascii(), "{}", text.chars().filter(|c| !c.is_ascii()).collect::<String>());
    insta::assert_snapshot!("ascii_120x40", text);
    for _ in 0..2 {
        driven.send(Msg::Note(Err("größer 漢字…".into())));
    }
    assert!(picture(&driven).contains("x gr??er ? ? . (x2)"), "{}", picture(&driven));
    driven.press("!");
    assert!(picture(&driven).is_ascii());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_keys_at_any_size_draw_something(
        columns in 1u16..220, rows in 1u16..60,
        keys in "[12345ijkhlgGmMSyxzbuoOaecfB!?prAQWP/<>,.+\\-0\\[\\] sKDRtHYwnNb]{0,40}",
    ) {
        let keys = keys.replace(['<', '>'], "<Tab>");
        let mut driven = Driven::new(columns, rows);
        driven.press(&keys);
        driven.press("<Esc><Esc><Tab><Enter>");
        picture(&driven);
    }
}
