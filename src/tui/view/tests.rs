//! Pictures of every screen at four sizes, as text.

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

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
    assert!(text.contains("is paused: 3 runs failed in a row: no ␛[2J (P lets it go on)"), "{text}");
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
    let told = "is given up at rung 24: 1.2500 against 1.1250 among 2 other runs at this rung";
    assert!(text.contains(&format!("asha        {told}")), "{text}");
    assert!(text.contains("asha at step 24: is given up"), "{text}");
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
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_keys_at_any_size_draw_something(
        columns in 1u16..220, rows in 1u16..60,
        keys in "[12345jkhlgGmMSyxzbuoOaecfB!?prAQWP/<>,.+\\-0\\[\\] sKDRtHYwnNb]{0,40}",
    ) {
        let keys = keys.replace(['<', '>'], "<Tab>");
        let mut driven = Driven::new(columns, rows);
        driven.press(&keys);
        driven.press("<Esc><Esc><Tab><Enter>");
        picture(&driven);
    }
}
