//! Fills a folder with made-up runs to try the dashboard on, and keeps two of them going until Ctrl-C.
//!
//! `cargo run --example made_up_runs -- DIR [STEPS_PER_SECOND] [TOTAL_STEPS] [EXTRA_RUNS]`

use std::env;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use loradeck_core::metrics::EventWriter;
use loradeck_core::run::{RunFolder, State};
use loradeck_core::time::Moment;

#[path = "../tests/support/made_up.rs"]
#[allow(clippy::unwrap_used, unreachable_pub, dead_code)]
mod made_up;

use made_up::{MadeUp, Plan, append_step, write_log, write_status, write_summary};

fn main() {
    let mut arguments = env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| "made-up".into()));
    let mut number = |default: f64| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (rate, total, extra) = (number(2.0), number(96.0) as u64, number(0.0) as u32);
    let mut workspace = MadeUp::new(&folder);
    for (index, (rank, learning_rate)) in [(4, 5e-4), (8, 5e-4), (4, 2e-3)].into_iter().enumerate() {
        let mut plan = Plan::new(index as u32 + 1, rank, learning_rate);
        plan.total = total;
        let (state, step) =
            if index == 2 { (State::Failed, total * 2 / 5) } else { (State::Finished, total) };
        workspace.add("format", &plan.at(state, step));
    }
    for number in 1..=extra {
        let mut plan = Plan::new(number, 4 << (number % 4), 2e-4 * f64::from(1 + number % 7));
        plan.total = total;
        workspace.add("many", &plan.at(State::Finished, total));
    }
    let mut live = Vec::new();
    for (number, rank) in [(4, 8), (5, 16)] {
        let mut plan = Plan::new(number, rank, 2e-3).at(State::Running, total / 4);
        (plan.total, plan.pace) = (total, 1.0 / rate.max(0.01));
        // As if it had begun a moment ago.
        plan.begin = Moment(Moment::now().0 - (plan.pace * plan.step as f64 * 1000.0) as i64);
        let run = workspace.add("format", &plan);
        live.push((plan, run));
    }
    let mut queued = Plan::new(6, 32, 2e-3);
    queued.total = total;
    workspace.add("format", &queued.at(State::Queued, 0));
    keep_going(live, rate);
}

fn keep_going(mut live: Vec<(Plan, RunFolder)>, rate: f64) {
    let Ok(mut writers) = live
        .iter()
        .map(|(_, run)| EventWriter::create(&run.logs(), "made-up", Moment::now()))
        .collect::<Result<Vec<_>, _>>()
    else {
        return;
    };
    while live.iter().any(|(plan, _)| plan.step < plan.total) {
        sleep(Duration::from_secs_f64(1.0 / rate.max(0.01)));
        for ((plan, run), events) in live.iter_mut().zip(&mut writers) {
            if plan.step >= plan.total {
                continue;
            }
            plan.step += 1;
            append_step(events, plan, plan.step);
            write_log(run, plan, plan.step..=plan.step);
            if plan.step == plan.total {
                plan.state = State::Finished;
                write_status(run, plan);
            }
            write_summary(run, plan);
        }
    }
    loop {
        sleep(Duration::from_hours(1));
    }
}
