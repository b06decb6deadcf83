//! `attempts/NN.exit.json`: how another trainer's command ended. Written by its parent, `loradeck exec`, before anything
//! else, so that the end is known whoever dies next.

use serde::{Deserialize, Serialize};

use crate::error::FileError;
use crate::file::{self, Durability};
use crate::run::{Outcome, ProcessEnd, RunFolder};
use crate::time::Moment;

/// How a command ended: by an exit code or by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandExit {
    /// The attempt.
    pub attempt: u32,
    /// Exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// Signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// When.
    pub time: Moment,
}

impl CommandExit {
    /// Reads the record of an attempt.
    pub fn read(run: &RunFolder, attempt: u32) -> Result<Option<Self>, FileError> {
        file::read_json(&run.command_exit(attempt))
    }

    /// Writes it, durably.
    pub fn write(&self, run: &RunFolder) -> Result<(), FileError> {
        file::create_folder(&run.attempts())?;
        file::replace_json(&run.command_exit(self.attempt), self, Durability::Synced)
    }

    /// The outcome that a written end is by itself: a command that exited with 0 has finished, whether its parent
    /// lived to say so or not. What other ends are, [`CommandExit::process_end`] leaves to the table of states.
    pub fn outcome(run: &RunFolder, attempt: u32) -> Option<Outcome> {
        let exit = Self::read(run, attempt).ok().flatten()?;
        (exit.code == Some(0)).then_some(Outcome::Finished)
    }

    /// What is known of an attempt's end where its parent is not there to say it.
    pub fn process_end(run: &RunFolder, attempt: u32) -> ProcessEnd {
        let exit = Self::read(run, attempt).ok().flatten();
        exit.map_or_else(ProcessEnd::default, |exit| ProcessEnd {
            // 3 is the built-in trainer's word for a stop; a command's own 3 says nothing of the kind.
            code: exit.code.map(|code| if code == 3 { 1 } else { code }),
            signal: exit.signal,
            killed_for_memory: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::latest_attempt;

    #[test]
    fn an_exit_is_no_attempt() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        assert_eq!(CommandExit::process_end(&run, 1), ProcessEnd::default());
        let exit = CommandExit { attempt: 1, code: Some(7), signal: None, time: Moment(1) };
        exit.write(&run).unwrap();
        assert_eq!(CommandExit::process_end(&run, 1).code, Some(7));
        assert_eq!(CommandExit::outcome(&run, 1), None);
        CommandExit { code: Some(0), ..exit }.write(&run).unwrap();
        assert_eq!(CommandExit::outcome(&run, 1), Some(Outcome::Finished));
        assert_eq!(latest_attempt(&run), 0);
    }
}
