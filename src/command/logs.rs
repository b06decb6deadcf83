//! `loradeck logs RUN [-f]`: the end of a run's log, harmless to show.

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use loradeck_core::metrics::LogTail;
use loradeck_core::run::{Status, Workspace};

use super::{OK, out};

const LOOK: Duration = Duration::from_millis(100);

pub(super) fn logs(name: &str, follow: bool, lines: usize) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    let run = workspace.find_run(name)?;
    let mut tail = LogTail::new(&run.train_log(), lines);
    tail.poll()?;
    let begun: Vec<&str> = tail.finished_lines().collect();
    for line in begun.iter().skip(begun.len().saturating_sub(lines)) {
        out::line(line);
    }
    while follow && !is_over(&run)? {
        thread::sleep(LOOK);
        let ended = is_over(&run)?;
        let polled = tail.poll()?;
        let finished: Vec<&str> = tail.finished_lines().collect();
        for line in finished.iter().skip(finished.len().saturating_sub(polled.added)) {
            out::line(line);
        }
        if ended {
            break;
        }
    }
    Ok(OK)
}

fn is_over(run: &loradeck_core::run::RunFolder) -> Result<bool> {
    Ok(Status::read(run)?.is_none_or(|status| status.state.is_end()))
}
