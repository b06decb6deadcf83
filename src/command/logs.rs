//! `loradeck logs RUN [-f]`: the end of a run's log, harmless to show.

use std::io::IsTerminal;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use loradeck_core::metrics::LogTail;
use loradeck_core::run::{RunFolder, Status, Workspace};
use rustix::termios::tcgetwinsize;

use super::{OK, out};

const LOOK: Duration = Duration::from_millis(100);

pub(super) fn logs(name: &str, follow: bool, lines: usize) -> Result<u8> {
    let workspace = Workspace::open(Path::new("."))?;
    let run = workspace.find_run(name)?;
    let mut tail = LogTail::new(&run.train_log(), lines);
    tail.poll()?;
    let follows = follow && !is_over(&run)?;
    // The line that is still being written counts, unless what follows may finish it.
    let begun: Vec<&str> = if follows { tail.finished().collect() } else { tail.lines().collect() };
    for line in begun.iter().skip(begun.len().saturating_sub(lines)) {
        out::line(line);
    }
    if follows {
        follow_to_the_end(&run, &mut tail)?;
    }
    Ok(OK)
}

/// Prints finished lines as they come. A terminal also shows the present state of the unfinished one, such as a progress
/// bar; elsewhere its last state is printed when the run has ended.
fn follow_to_the_end(run: &RunFolder, tail: &mut LogTail) -> Result<()> {
    let mut state = StatusLine { is_terminal: std::io::stdout().is_terminal(), is_shown: false };
    state.show(tail.unfinished());
    loop {
        thread::sleep(LOOK);
        let ended = is_over(run)?;
        let polled = tail.poll()?;
        if polled.changed() {
            state.clear();
        }
        let finished: Vec<&str> = tail.finished().collect();
        for line in finished.iter().skip(finished.len().saturating_sub(polled.added)) {
            out::line(line);
        }
        if ended {
            break;
        }
        if polled.changed() {
            state.show(tail.unfinished());
        }
    }
    state.clear();
    if !tail.unfinished().is_empty() {
        out::line(tail.unfinished());
    }
    Ok(())
}

/// The last row of a terminal, whose text is replaced.
struct StatusLine {
    is_terminal: bool,
    is_shown: bool,
}

impl StatusLine {
    fn show(&mut self, text: &str) {
        if self.is_terminal && !text.is_empty() {
            // A text wider than the terminal would leave rows behind.
            let width = tcgetwinsize(std::io::stdout()).map_or(80, |size| usize::from(size.ws_col));
            out::status(&text.chars().take(width.saturating_sub(1)).collect::<String>());
            self.is_shown = true;
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            out::status("");
        }
    }
}

fn is_over(run: &RunFolder) -> Result<bool> {
    Ok(Status::read(run)?.is_none_or(|status| status.state.is_end()))
}
