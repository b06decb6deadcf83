//! What the dashboard costs, measured through a pseudo-terminal. Each prints its figures; run with
//! `cargo test --release --test dashboard -- --ignored --nocapture --test-threads=1 speed`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use loradeck_core::metrics::EventWriter;
use loradeck_core::run::{RunFolder, State};
use loradeck_core::time::Moment;

use super::made_up::{self, MadeUp, Plan};
use super::screen::Screen;

const LOGS_A_SECOND: u32 = 10;
/// Points of history of each metric.
const HISTORY: u64 = 2_000;
const KEYS: usize = 200;
/// How long bytes are counted.
const MINUTE: Duration = Duration::from_secs(60);

/// A run that has a history and is at work.
fn live(number: u32, rank: u32) -> Plan {
    let mut plan = Plan::new(number, rank, 1e-3).at(State::Running, HISTORY);
    (plan.total, plan.pace) = (4 * HISTORY, 1.0 / f64::from(LOGS_A_SECOND));
    // As if it had begun just so long ago.
    plan.begin = Moment(Moment::now().0 - (plan.pace * HISTORY as f64 * 1000.0) as i64);
    plan
}

/// A workspace of `live` runs at work and `ended` ended ones.
fn busy(live_runs: u32, ended: u32) -> (tempfile::TempDir, MadeUp, Vec<(Plan, RunFolder)>) {
    let folder = tempfile::tempdir().unwrap();
    let mut made_up = MadeUp::new(folder.path());
    let live: Vec<_> = (1..=live_runs).map(|number| live(number, 4 << number)).collect();
    let live = live.into_iter().map(|plan| (plan.clone(), made_up.add("format", &plan))).collect();
    for number in live_runs + 1..=live_runs + ended {
        let mut plan = Plan::new(number, 4 << (number % 4), 2e-4 * f64::from(1 + number % 7));
        (plan.total, plan.step) = (HISTORY, HISTORY);
        made_up.add("format", &plan);
    }
    (folder, made_up, live)
}

/// Runs that write as trainers do, until this is dropped.
struct Trainers {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Trainers {
    /// `more` further metrics are written at each step.
    fn start(mut live: Vec<(Plan, RunFolder)>, more: usize) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&ended);
        let thread = thread::spawn(move || {
            let begin = Instant::now();
            let now = Moment::now();
            let mut writers: Vec<EventWriter> =
                live.iter().map(|(_, run)| EventWriter::create(&run.logs(), "speed", now).unwrap()).collect();
            for turn in 1u32.. {
                let due = begin + Duration::from_secs(1) / LOGS_A_SECOND * turn;
                thread::sleep(due.saturating_duration_since(Instant::now()));
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                for ((plan, run), events) in live.iter_mut().zip(&mut writers) {
                    plan.step += 1;
                    made_up::append_step(events, plan, plan.step);
                    more_metrics(events, plan, more);
                    made_up::write_log(run, plan, plan.step..=plan.step);
                    // As often as trainers write it.
                    if turn.is_multiple_of(2 * LOGS_A_SECOND) {
                        made_up::write_summary(run, plan);
                    }
                }
            }
        });
        Self { ended, thread: Some(thread) }
    }
}

impl Drop for Trainers {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        assert!(self.thread.take().unwrap().join().is_ok(), "the trainers broke");
    }
}

fn more_metrics(events: &mut EventWriter, plan: &Plan, count: usize) {
    let names: Vec<String> = (0..count).map(|index| format!("extra/metric_{index:02}")).collect();
    let values: Vec<(&str, f32)> = names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            (name.as_str(), (plan.loss(plan.step + index as u64) * (1 + index) as f64) as f32)
        })
        .collect();
    events.scalars(plan.step, &values, plan.when(plan.step)).unwrap();
}

/// The middle, the 99th of a hundred, and the longest, in milliseconds.
fn figures(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e3;
    format!("median {:.1} ms, p99 {:.1} ms, worst {:.1} ms of {}", at(0.5), at(0.99), at(1.0), times.len())
}

/// The line that the list's pointer stands in.
fn pointer(screen: &vt100::Screen) -> Option<u16> {
    (0..screen.size().0.get()).find(|row| screen.cell(*row, 1).is_some_and(|cell| cell.contents() == "▸"))
}

/// From each of many keys to the arrival of the frame in which the pointer has moved.
fn keys_to_frames(screen: &mut Screen) -> Vec<Duration> {
    let mut times = Vec::new();
    for index in 0..KEYS {
        // At another place between two frames of data each time.
        screen.drain_for(Duration::from_millis(20 + (index as u64 * 37) % 90));
        let before = pointer(screen.terminal.screen());
        let pressed = Instant::now();
        screen.press(if index % 2 == 0 { "j" } else { "k" });
        times.push(screen.arrival(|now| pointer(now) != before) - pressed);
    }
    times
}

#[test]
#[ignore = "bench: measures the dashboard in a release build (just bench)"]
fn speed_of_keys_while_four_runs_write() {
    for (ended, keys, charted) in [(0, "", "4 runs"), (96, "a", "100 runs")] {
        let (folder, _made_up, live) = busy(4, ended);
        let _trainers = Trainers::start(live, 0);
        let mut screen = Screen::dashboard(folder.path(), 120, 40);
        screen.wait_for("last ");
        screen.press("\u{1b}[H");
        screen.press(&format!("j{keys}"));
        screen.wait_for(charted);
        screen.drain_for(Duration::from_secs(2));
        println!(
            "key to frame, {charted} overlaid, 4 of them writing: {}",
            figures(keys_to_frames(&mut screen))
        );
        screen.press("q");
        screen.end();
    }
}

#[test]
#[ignore = "bench: measures the dashboard in a release build (just bench)"]
fn speed_of_writing_to_the_terminal() {
    let (folder, _made_up, live) = busy(4, 0);
    for (plan, run) in &live {
        let mut events = EventWriter::create(&run.logs(), "history", plan.when(1)).unwrap();
        for step in 1..=plan.step {
            more_metrics(&mut events, &Plan { step, ..plan.clone() }, 14);
        }
    }
    let _trainers = Trainers::start(live, 14);
    let mut screen = Screen::dashboard(folder.path(), 120, 40);
    screen.wait_for("last ");
    for (keys, what) in [
        ("z2", "12 small charts of 1 run (21 metrics)"),
        ("1zptrain/loss\r\te", "one chart of 4 runs on the whole screen"),
        ("e", "list, chart of 4 runs, log and settings"),
    ] {
        screen.press(keys);
        screen.drain_for(Duration::from_secs(3));
        let bytes = screen.drain_for(MINUTE);
        println!("{what}, {LOGS_A_SECOND} logs a second: {:.0} bytes/s", bytes as f64 / MINUTE.as_secs_f64());
    }
    screen.press("q");
    screen.end();
}

/// Resident memory of the dashboard, in MiB.
fn resident(screen: &Screen) -> f64 {
    let id = screen.child.process_id().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap() / 1024.0
}

#[test]
#[ignore = "bench: measures the dashboard in a release build (just bench)"]
fn speed_of_opening_and_memory_with_a_hundred_runs() {
    let (folder, _made_up, _) = busy(0, 100);
    let begin = Instant::now();
    let mut screen = Screen::dashboard(folder.path(), 120, 40);
    screen.wait_for("last ");
    println!("100 runs of {HISTORY} steps: first chart after {:.2} s", begin.elapsed().as_secs_f64());
    screen.drain(super::SILENCE);
    println!("resident with 8 of 100 runs charted: {:.1} MiB", resident(&screen));
    let begin = Instant::now();
    screen.press("a");
    screen.wait_for("100 runs");
    screen.drain(super::SILENCE);
    let points = 100 * HISTORY * 6;
    let took = begin.elapsed().saturating_sub(super::SILENCE).as_secs_f64();
    println!(
        "all 100 charted ({points} points): at rest after {took:.2} s, resident {:.1} MiB",
        resident(&screen)
    );
    screen.press("q");
    screen.end();
}
