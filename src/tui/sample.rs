//! Made-up runs for tests: real folders, read by the real feed.

use std::path::Path;

use crate::store::RunId;
use crate::tui::app::{App, Setup};
use crate::tui::feed::{Feed, Looker, Studio, read_pictures};
use crate::tui::message::{Effect, Msg};
use crate::tui::state::Runs;
use crate::tui::terminal::{KeyCode, KeyEvent, key};
use crate::tui::theme::{Colours, Glyphs, Theme};
use crate::tui::update::update;
use crate::watch::Change;
use loradeck_core::file::Durability;
use loradeck_core::run::{Journal, JournalEntry, QueueEntry, RunFolder, State, Summary, Workspace, Writer};
use loradeck_core::time::Moment;
use loradeck_data::image::Picture;
use serde_json::json;

#[allow(unreachable_pub, dead_code)]
#[path = "../../tests/support/made_up.rs"]
pub(crate) mod made_up;

use made_up::{BEGIN, MadeUp, Plan};

/// Runs and the folder that holds them.
pub(crate) struct Sample {
    pub(crate) runs: Runs,
    pub(crate) feed: Feed,
    pub(crate) made_up: MadeUp,
    pub(crate) folder: tempfile::TempDir,
}

impl Sample {
    /// All runs in natural order.
    pub(crate) fn ids(&self) -> Vec<RunId> {
        self.runs.iter().map(|run| run.id).collect()
    }
}

/// An experiment of five runs in five states, and one of two finished runs.
pub(crate) fn sweep() -> Sample {
    let folder = tempfile::tempdir().unwrap();
    let mut made_up = MadeUp::new(folder.path());
    for (number, rank, learning_rate, state, step) in [
        (1, 4, 5e-4, State::Finished, 96),
        (2, 8, 5e-4, State::Finished, 96),
        (3, 4, 2e-3, State::Failed, 41),
        (4, 8, 2e-3, State::Running, 62),
        (5, 16, 2e-3, State::Queued, 0),
    ] {
        made_up.add("format", &Plan::new(number, rank, learning_rate).at(state, step));
    }
    for (number, rank) in [(1, 2), (2, 64)] {
        made_up.add("answers", &Plan::new(number, rank, 1e-3));
    }
    of(folder, made_up)
}

/// An experiment of two ranks with three seeds each, the last of them still running.
pub(crate) fn seeds() -> Sample {
    let folder = tempfile::tempdir().unwrap();
    let mut made_up = MadeUp::new(folder.path());
    for (index, (rank, seed)) in [(4, 0), (4, 1), (4, 2), (16, 0), (16, 1), (16, 2)].into_iter().enumerate() {
        let mut plan = Plan::new(index as u32 + 1, rank, 5e-4);
        if index == 5 {
            plan = plan.at(State::Running, 62);
        }
        plan.seed = 10 * (seed + 1);
        made_up.add("seeds", &plan);
    }
    of(folder, made_up)
}

/// A sweep of four trials by halving, one of them given up at its first rung, and a done one of another experiment that
/// was paused.
pub(crate) fn halving() -> Sample {
    let folder = tempfile::tempdir().unwrap();
    let mut made_up = MadeUp::new(folder.path());
    for (number, rank, state, step) in [
        (1, 4, State::Finished, 96),
        (2, 8, State::Running, 62),
        (3, 16, State::Pruned, 24),
        (4, 32, State::Queued, 0),
    ] {
        let run = made_up.add("halving", &Plan::new(number, rank, 5e-4).at(state, step));
        let before = QueueEntry::read(&run).unwrap();
        QueueEntry { sweep: Some(1), trial: Some(number), ..before }.write(&run).unwrap();
        if state == State::Pruned {
            let decision = JournalEntry { time: BEGIN, ..JournalEntry::new("early-stopping", 1) }
                .at(24)
                .with("rule", "asha")
                .with("verdict", "pruned")
                .with("value", 1.25)
                .with("threshold", 1.125)
                .with("peers", 2);
            Journal::open(&run, Writer::Dispatcher).unwrap().append(&decision).unwrap();
        }
    }
    let arrivals = [(1, 24, 1.0), (2, 24, 1.125), (3, 24, 1.25), (1, 48, 0.75)];
    let arrival = |(trial, rung, value): (u32, u64, f64)| json!({"trial": trial, "rung": rung, "step": rung, "value": value});
    let (arrivals, ranks) = (arrivals.map(arrival), [4, 8, 16, 32].map(|rank| json!({ "lora_rank": rank })));
    write_sweep(
        folder.path(),
        "halving",
        &json!({
            "arrivals": arrivals, "given_up": [{"trial": 3, "attempt": 1, "step": 24}],
            "trials": ranks,
        }),
    );
    made_up.add("old", &Plan::new(1, 4, 1e-3));
    write_sweep(
        folder.path(),
        "old",
        &json!({"paused": "3 runs failed in a row: no \u{1b}[2J", "trials": [{"lora_rank": 4}]}),
    );
    of(folder, made_up)
}

/// Steps at which [`gallery`] draws.
const DRAWN_AT: [u64; 7] = [0, 10, 20, 30, 40, 50, 60];

/// An experiment of two image runs that drew three prompts seven times. The second prompt's last picture is cut in the
/// second run's folder, and gone in the first's.
pub(crate) fn gallery() -> Sample {
    let folder = tempfile::tempdir().unwrap();
    let mut made_up = MadeUp::new(folder.path());
    for number in [1, 2] {
        let run = made_up.add("chalk", &Plan::new(number, 4 * number, 5e-4));
        let mut summary = Summary::read(&run).unwrap().unwrap();
        (summary.images, summary.tokens) = (960, 0);
        loradeck_core::file::replace_json(&run.summary(), &summary, Durability::Renamed).unwrap();
        std::fs::create_dir_all(run.samples()).unwrap();
        for step in DRAWN_AT {
            draw_samples(&run, number, step);
        }
        let cut = run.samples().join("step-60-prompt-2.png");
        match number {
            2 => std::fs::write(&cut, &std::fs::read(&cut).unwrap()[..60]).unwrap(),
            _ => std::fs::remove_file(&cut).unwrap(),
        }
    }
    of(folder, made_up)
}

/// Draws the sample pictures of a step, as a trainer would.
pub(crate) fn draw_samples(run: &RunFolder, number: u32, step: u64) {
    const PROMPTS: [&str; 3] = [
        "chalk, a red house beside a tall tree under a yellow sun",
        "chalk, two blue boats on a green lake in front of three grey mountains, with a small white bird above them",
        "chalk, a \u{1b}[2Jcat",
    ];
    let mut journal = Journal::open(run, Writer::Trainer).unwrap();
    for (index, prompt) in PROMPTS.iter().enumerate() {
        let file = format!("step-{step}-prompt-{}.png", index + 1);
        let mut picture = Picture::filled(32, 32, [250 - 3 * step as u8, 60 * index as u8, 100]);
        picture.set(0, 0, [number as u8, 2, 3]);
        std::fs::write(run.samples().join(&file), picture.to_png()).unwrap();
        let entry = JournalEntry::new("sample", 1).at(step).with("picture", file).with("prompt", *prompt);
        let entry = entry.with("number", index + 1).with("seed", 7 + index).with("negative_prompt", "");
        let entry = entry.with("scheduler", "dpm++ 2m").with("steps", 20).with("guidance", 7.5);
        journal.append(&entry.with("clip_skip", 1).with("width", 32).with("height", 32)).unwrap();
    }
}

/// Writes the first sweep of an experiment, drawn at random, with these fields besides its plan.
pub(crate) fn write_sweep(root: &Path, experiment: &str, fields: &serde_json::Value) {
    let text = "base_model: m\ntrain_data_dir: d\neval_split: 0.1\nmax_steps: 96\nsweep:\n  method: random\n  \
                run_cap: 6\n  metric: {name: eval/loss}\n  asha: {grace_period: 24, reduction_factor: 2}\n  \
                parameters: {lora_rank: {values: [4, 8, 16, 32]}, seed: {min: 0, max: 9}}\n";
    let planned = loradeck_core::config::plan(Path::new("e.yaml"), text, &[], None).unwrap().1;
    let mut file = json!({"format": 1, "method": "random", "search": planned.search.unwrap()});
    for (name, value) in fields.as_object().unwrap() {
        file[name] = value.clone();
    }
    let folder = root.join("experiments").join(experiment).join("sweeps/01");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("sweep.json"), file.to_string()).unwrap();
}

/// Reads what was made up.
pub(crate) fn of(folder: tempfile::TempDir, made_up: MadeUp) -> Sample {
    let mut feed = Feed::new(vec![Workspace::at(folder.path())]);
    let mut runs = Runs::default();
    runs.apply(&mut feed.collect(&[Change::Everything]));
    Sample { runs, feed, made_up, folder }
}

/// Ids of that many runs.
pub(crate) fn run_ids(count: u32) -> Vec<RunId> {
    let folder = tempfile::tempdir().unwrap();
    let mut made_up = MadeUp::new(folder.path());
    (1..=count).for_each(|number| {
        made_up.add("many", &Plan::new(number, 4, 1e-3).at(State::Queued, 0));
    });
    of(folder, made_up).ids()
}

/// Some run's id.
pub(crate) fn any_run_id() -> RunId {
    run_ids(1)[0]
}

/// A dashboard over made-up runs, and what it asks for is read at once.
pub(crate) struct Driven {
    pub(crate) app: App,
    pub(crate) sample: Sample,
    pub(crate) effects: Vec<Effect>,
    pub(crate) now: Moment,
}

impl Driven {
    /// A dashboard of this size over [`sweep`].
    pub(crate) fn new(columns: u16, rows: u16) -> Self {
        Self::over(sweep(), columns, rows)
    }

    /// A dashboard of this size over a sample.
    pub(crate) fn over(sample: Sample, columns: u16, rows: u16) -> Self {
        // 62 steps of 0.7 s into run 4.
        let now = Moment(BEGIN.0 + 4 * 80_000 + 44_000);
        let app = App::new(Setup {
            theme: Theme::new(Colours::Sixteen, true),
            glyphs: Glyphs::Braille,
            manner: crate::tui::theme::Manner::Blocks,
            cell: None,
            in_tmux: false,
            keymap: crate::tui::keys::Keymap::default(),
            mouse: true,
            size: (columns, rows),
            workspaces: vec!["work".into()],
            now,
        });
        let mut driven = Self { app, sample, effects: Vec::new(), now };
        driven.sample.feed = Feed::new(vec![Workspace::at(driven.sample.folder.path())]);
        driven.read(&[Change::Everything]);
        driven
    }

    /// Hands the dashboard a message, and reads what it asks for.
    pub(crate) fn send(&mut self, msg: Msg) {
        let effects = update(&mut self.app, msg, self.now);
        for effect in effects {
            match effect {
                Effect::Watch(interest) => {
                    self.sample.feed.set_interest(interest);
                    self.read(&[]);
                }
                Effect::ReadPictures(ids) => {
                    let folder = |id| self.app.runs.get(id).unwrap().folder.clone();
                    let read = ids.into_iter().map(|id| read_pictures(id, &folder(id))).collect();
                    self.send(Msg::Pictures(read));
                }
                Effect::Draw(wishes) => {
                    let mut studio = Studio::default();
                    for wish in wishes {
                        let drawn = studio.draw(&wish);
                        self.send(Msg::Drawn(Box::new((wish, drawn))));
                    }
                }
                other => self.effects.push(other),
            }
        }
    }

    /// Reads what changed.
    pub(crate) fn read(&mut self, changes: &[Change]) {
        let batch = self.sample.feed.collect(changes);
        self.send(Msg::Batch(Box::new(batch)));
        while let Some(question) = self.sample.feed.question() {
            let mut looker = Looker::new(vec![Workspace::at(self.sample.folder.path())]);
            self.sample.feed.take_answer(looker.look(&question));
            let batch = self.sample.feed.collect(&[]);
            self.send(Msg::Batch(Box::new(batch)));
        }
    }

    /// Presses keys: `<Tab>` and the like by name, anything else letter by letter.
    pub(crate) fn press(&mut self, keys: &str) {
        let mut rest = keys;
        while !rest.is_empty() {
            let (key, used) = parse(rest);
            self.send(Msg::Key(key));
            rest = &rest[used..];
        }
    }
}

fn parse(keys: &str) -> (KeyEvent, usize) {
    if let Some((name, _)) = keys.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
        let plain = |code| key::plain(code);
        let key = match name {
            "Tab" => plain(KeyCode::Tab),
            "S-Tab" => plain(KeyCode::BackTab),
            "Enter" => plain(KeyCode::Enter),
            "Esc" => plain(KeyCode::Esc),
            "Up" => plain(KeyCode::Up),
            "Down" => plain(KeyCode::Down),
            "Left" => plain(KeyCode::Left),
            "Right" => plain(KeyCode::Right),
            "Home" => plain(KeyCode::Home),
            "End" => plain(KeyCode::End),
            "PgUp" => plain(KeyCode::PageUp),
            "PgDn" => plain(KeyCode::PageDown),
            "Space" => key::letter(' '),
            other => key::ctrl(other.strip_prefix("C-").unwrap().chars().next().unwrap()),
        };
        return (key, name.len() + 2);
    }
    let character = keys.chars().next().unwrap();
    (key::letter(character), character.len_utf8())
}
