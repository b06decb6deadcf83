//! What the end of a foreign command means: by its exit code or signal, what had been asked, and its log's last words.

use loradeck_core::run::{CommandExit, Outcome};
use loradeck_core::text::harmless;

/// Words by which Python programs say that memory ran out (PyTorch's `torch.OutOfMemoryError`, also of CUDA; Python's
/// own `MemoryError`).
const OUT_OF_MEMORY: [&str; 3] = ["OutOfMemoryError", "CUDA out of memory", "MemoryError"];
/// How much of a log's line is quoted, in characters.
const QUOTED: usize = 200;

/// What had been asked of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Stop,
    Prune,
}

/// The outcome of a command, and a sentence about it. `last_lines` are its log's, oldest first.
///
/// Exit codes mean what the built-in trainer's do: 0 finished, 2 configuration (also what Python's argparse says of its
/// arguments), 4 non-finite, 5 out of memory; every other one is a failure. Whoever was asked to stop has stopped,
/// however it ended.
pub(super) fn outcome_of(
    exit: CommandExit,
    asked: Option<Asked>,
    killed_for_memory: bool,
    last_lines: &[String],
) -> (Outcome, Option<String>) {
    let how = match (exit.code, exit.signal) {
        (Some(code), _) => format!("the command exited with code {code}"),
        (None, Some(signal)) => format!("signal {signal} ended the command"),
        (None, None) => "the command ended".to_owned(),
    };
    match asked {
        Some(Asked::Stop) => return (Outcome::Stopped, Some(format!("stopped on request: {how}"))),
        Some(Asked::Prune) => return (Outcome::Pruned, Some(format!("pruned by its sweep: {how}"))),
        None => {}
    }
    if killed_for_memory {
        return (Outcome::OutOfMemory, Some("the kernel ended the command: memory ran out".to_owned()));
    }
    let memory_words =
        last_lines.iter().rev().find(|line| OUT_OF_MEMORY.iter().any(|word| line.contains(word)));
    let outcome = match exit.code {
        Some(0) => return (Outcome::Finished, None),
        Some(2) => Outcome::Config,
        Some(4) => Outcome::NonFinite,
        Some(5) => Outcome::OutOfMemory,
        _ if memory_words.is_some() => Outcome::OutOfMemory,
        _ => Outcome::Failed,
    };
    let said = memory_words.or_else(|| last_lines.iter().rev().find(|line| !line.trim().is_empty()));
    let message = match said {
        Some(line) => format!("{how}: {}", quoted(line)),
        None => how,
    };
    (outcome, Some(message))
}

fn quoted(line: &str) -> String {
    let line = harmless(line.trim());
    if line.chars().count() <= QUOTED {
        return line.into_owned();
    }
    line.chars().take(QUOTED - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use loradeck_core::time::Moment;

    use super::*;

    fn of(code: Option<i32>, signal: Option<i32>, asked: Option<Asked>, lines: &[&str]) -> (Outcome, String) {
        let exit = CommandExit { attempt: 1, code, signal, time: Moment(0) };
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let (outcome, message) = outcome_of(exit, asked, false, &lines);
        (outcome, message.unwrap_or_default())
    }

    #[test]
    fn exit_codes_mean_what_the_built_in_trainers_do() {
        assert_eq!(of(Some(0), None, None, &["done"]), (Outcome::Finished, String::new()));
        assert_eq!(of(Some(2), None, None, &["usage"]).0, Outcome::Config);
        assert_eq!(of(Some(4), None, None, &[]).0, Outcome::NonFinite);
        assert_eq!(of(Some(3), None, None, &[]).0, Outcome::Failed, "nobody asked for a stop");
        assert_eq!(
            of(Some(1), None, None, &["Traceback", "ValueError: no \u{1b}[2J", ""]),
            (Outcome::Failed, "the command exited with code 1: ValueError: no ␛[2J".to_owned())
        );
        assert_eq!(
            of(None, Some(11), None, &[]),
            (Outcome::Failed, "signal 11 ended the command".to_owned())
        );
    }

    #[test]
    fn who_was_asked_to_stop_has_stopped() {
        for (code, signal) in [(Some(0), None), (Some(1), None), (None, Some(15))] {
            assert_eq!(of(code, signal, Some(Asked::Stop), &[]).0, Outcome::Stopped);
        }
        assert_eq!(of(Some(0), None, Some(Asked::Prune), &[]).0, Outcome::Pruned);
    }

    #[test]
    fn memory_that_ran_out_is_named() {
        let lines = ["torch.OutOfMemoryError: CUDA out of memory. Tried", "bye"];
        let (outcome, message) = of(Some(1), None, None, &lines);
        assert_eq!(outcome, Outcome::OutOfMemory);
        assert!(message.contains("Tried"), "{message}");
        assert_eq!(of(Some(0), None, None, &lines).0, Outcome::Finished, "it went on without");
    }
}
