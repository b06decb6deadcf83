//! A run's journal in words: what a reader of the report should know. No IO.

use loradeck_core::run::{JournalEntry, JournalReading};
use serde_json::Value;

use super::decision::Decision;
use super::inputs::Happening;
use super::words;

/// Happenings kept in a report.
const KEPT: usize = 40;

/// What of a journal goes into a report.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Told {
    /// The first and last of what is worth telling, by time.
    pub happenings: Vec<Happening>,
    /// How many in between were left out.
    pub left_out: usize,
    /// Checkpoints written.
    pub checkpoints: u64,
}

/// Tells a journal.
pub(super) fn tell(journal: &JournalReading) -> Told {
    let entries = &journal.entries;
    let told = entries.iter().enumerate().filter(|(index, entry)| !is_repeated(entries, *index, entry));
    let mut happenings: Vec<Happening> = told.filter_map(|(_, entry)| happening(entry)).collect();
    let left_out = happenings.len().saturating_sub(KEPT);
    if left_out > 0 {
        happenings.drain(KEPT / 2..KEPT / 2 + left_out);
    }
    let is_checkpoint = |entry: &&JournalEntry| entry.kind == "checkpoint" && entry.text("failed").is_none();
    let checkpoints = entries.iter().filter(is_checkpoint).count() as u64;
    Told { happenings, left_out, checkpoints }
}

/// Whether another writer has told the same: trainer and supervisor both note starts, ends and answered requests.
fn is_repeated(entries: &[JournalEntry], index: usize, entry: &JournalEntry) -> bool {
    let same = |other: &&JournalEntry| other.kind == entry.kind && other.attempt == entry.attempt;
    match entry.kind.as_str() {
        "start" => entries[..index].iter().any(|other| same(&other)),
        "control" => {
            entries[..index].iter().any(|other| same(&other) && other.text("id") == entry.text("id"))
        }
        // Every attempt looks at the same data.
        "note" => entries[..index]
            .iter()
            .any(|other| other.kind == "note" && other.text("message") == entry.text("message")),
        // The supervisor's word is the state that counts.
        "end" => {
            entry.text("state").is_none()
                && entries.iter().any(|other| same(&other) && other.text("state").is_some())
        }
        _ => false,
    }
}

fn happening(entry: &JournalEntry) -> Option<Happening> {
    let (text, is_trouble) = told(entry)?;
    let text = match entry.text("message") {
        Some(message) if !text.contains(message) => format!("{text}: {message}"),
        _ => text,
    };
    Some(Happening { time: entry.time, attempt: entry.attempt, step: entry.step, text, is_trouble })
}

/// Words for an entry and whether it is trouble; `None` for what every run does.
fn told(entry: &JournalEntry) -> Option<(String, bool)> {
    let at = entry.step.map(|step| format!(" at step {}", words::count(step))).unwrap_or_default();
    Some(match entry.kind.as_str() {
        // What every run does, and what this report itself is.
        "checkpoint" if entry.text("failed").is_some() => {
            (format!("the checkpoint{at} could not be written{}", because(entry, "failed")), true)
        }
        "checkpoint" | "sample" | "eval" | "weights" | "report" | "commit" | "commit-waiting" | "command"
        | "adopt-folder" => {
            return None;
        }
        "environment" => return None,
        "environment-missing" => ("a variable of the environment was missing".into(), true),
        "left-running" => ("processes of the command were ended with it".into(), true),
        "left-behind" => ("processes of the command were left running".into(), true),
        "metrics-missing" => ("a metric source delivered nothing".into(), true),
        "damaged-checkpoint" => (format!("the checkpoint{at} is damaged{}", because(entry, "problem")), true),
        "no-sample" => (format!("a sample picture{at} could not be made{}", because(entry, "problem")), true),
        "waiting-for-room" => (format!("it waited for room on the disk{}", because(entry, "problem")), true),
        "start" if entry.attempt <= 1 => return None,
        "start" => (format!("attempt {} started", entry.attempt), false),
        "resume" => (format!("training resumed from the checkpoint{at}"), false),
        "setting-changed" => {
            let value = |key: &str| entry.facts.get(key).map(Value::to_string).unwrap_or_default();
            let key = entry.text("key").unwrap_or("a setting");
            (
                format!(
                    "{key} was {} until here and is {} from here on{at}",
                    value("before"),
                    value("after")
                ),
                false,
            )
        }
        "adopt" => ("the supervisor was gone; a new one took the running training over".into(), true),
        "non-finite" => (not_finite(entry, &at), true),
        "out-of-memory" => (format!("memory ran out{at}"), true),
        "spawn-failed" => ("the training could not be started".into(), true),
        "grace-over" => ("it did not stop in time and was killed".into(), true),
        "lost" => ("supervisor and trainer died without writing an end".into(), true),
        "stop" => (format!("stopped at a checkpoint{at}"), false),
        "early-stopping" => early_stopping(entry, &at)?,
        "auto-resume" => (entry.text("message").unwrap_or("resumed automatically").to_owned(), true),
        "control" => control(entry)?,
        "end" => end(entry)?,
        other => (format!("{}{at}", other.replace('-', " ")), entry.facts.contains_key("recovered")),
    })
}

fn because(entry: &JournalEntry, fact: &str) -> String {
    entry.text(fact).map(|text| format!(": {text}")).unwrap_or_default()
}

fn not_finite(entry: &JournalEntry, at: &str) -> String {
    let what = entry.text("what").unwrap_or("value");
    let samples = entry.text("samples").filter(|samples| !samples.is_empty());
    let samples = samples.map(|samples| format!(", in a batch of {samples}")).unwrap_or_default();
    format!("the {what} was not finite{at}{samples}")
}

/// The verdicts of the sweep's rule; those that changed nothing are not worth a line.
fn early_stopping(entry: &JournalEntry, at: &str) -> Option<(String, bool)> {
    let decision = Decision::of(entry).filter(|decision| !decision.goes_on())?;
    Some((format!("{}{at}: {}: {}", decision.rule, decision.comparison(), decision.verdict), false))
}

fn control(entry: &JournalEntry) -> Option<(String, bool)> {
    let asked = match entry.text("do")? {
        "stop" => "a stop was asked for",
        "kill" => "a kill was asked for",
        "prune" => "its sweep pruned the run",
        "save" => "a checkpoint was asked for",
        "sample" => "samples were asked for",
        "keep" => "a checkpoint was to be kept",
        _ => return None,
    };
    let expired = entry.text("answer") == Some("expired");
    Some((format!("{asked}{}", if expired { " (of an earlier attempt)" } else { "" }), false))
}

fn end(entry: &JournalEntry) -> Option<(String, bool)> {
    let state = entry.text("state").or(entry.text("outcome")).unwrap_or("ended");
    if state == "finished" {
        return None;
    }
    let signal = entry.facts.get("signal").and_then(Value::as_i64);
    let signal = signal.map(|number| format!(" by signal {number}")).unwrap_or_default();
    Some((
        format!("attempt {} {state}{signal}", entry.attempt),
        !["stopped", "pruned", "ended"].contains(&state),
    ))
}

#[cfg(test)]
mod tests {
    use loradeck_core::time::Moment;

    use super::*;

    fn reading(entries: Vec<JournalEntry>) -> JournalReading {
        JournalReading { entries, unreadable: 0 }
    }

    fn texts(entries: Vec<JournalEntry>) -> Vec<(String, bool)> {
        tell(&reading(entries)).happenings.into_iter().map(|entry| (entry.text, entry.is_trouble)).collect()
    }

    #[test]
    fn an_even_run_has_nothing_to_tell() {
        let kinds = ["start", "eval", "checkpoint", "checkpoint", "sample", "report", "commit"];
        let mut entries: Vec<_> = kinds.iter().map(|kind| JournalEntry::new(kind, 1)).collect();
        entries.push(JournalEntry::new("end", 1).with("state", "finished"));
        let told = tell(&reading(entries));
        assert_eq!((told.happenings.len(), told.checkpoints), (0, 2));
    }

    #[test]
    fn an_interrupted_run_is_told() {
        let told = texts(vec![
            JournalEntry::new("control", 1).with("do", "stop").with("answer", "passed on"),
            JournalEntry::new("stop", 1).at(1200),
            JournalEntry::new("end", 1).with("state", "stopped"),
            JournalEntry::new("start", 2),
            JournalEntry::new("resume", 2).at(1200),
            JournalEntry::new("non-finite", 2).at(1300).with("message", "loss of step 1300 is NaN"),
            JournalEntry::new("end", 2).with("state", "failed").with("signal", 9),
        ]);
        let expected = [
            ("a stop was asked for", false),
            ("stopped at a checkpoint at step 1,200", false),
            ("attempt 1 stopped", false),
            ("attempt 2 started", false),
            ("training resumed from the checkpoint at step 1,200", false),
            ("the value was not finite at step 1,300: loss of step 1300 is NaN", true),
            ("attempt 2 failed by signal 9", true),
        ];
        assert_eq!(told, expected.map(|(text, trouble)| (text.to_owned(), trouble)));
    }

    #[test]
    fn what_two_writers_tell_is_told_once() {
        let told = texts(vec![
            JournalEntry::new("start", 2).with("pid", 1),
            JournalEntry::new("start", 2).with("pid", 2),
            JournalEntry::new("checkpoint", 2).at(5).with("failed", "disk full"),
            JournalEntry::new("end", 2).with("outcome", "out-of-memory"),
            JournalEntry::new("end", 2).with("state", "failed"),
        ]);
        let expected = [
            ("attempt 2 started", false),
            ("the checkpoint at step 5 could not be written: disk full", true),
            ("attempt 2 failed", true),
        ];
        assert_eq!(told, expected.map(|(text, trouble)| (text.to_owned(), trouble)));
        let alone = texts(vec![JournalEntry::new("end", 1).with("outcome", "out-of-memory")]);
        assert_eq!(alone, [("attempt 1 out-of-memory".to_owned(), true)]);
    }

    #[test]
    fn of_many_the_first_and_last_stay() {
        let entries = (0..100).map(|number| JournalEntry {
            time: Moment(number),
            ..JournalEntry::new("start", number as u32 + 2)
        });
        let told = tell(&reading(entries.collect()));
        assert_eq!((told.happenings.len(), told.left_out), (KEPT, 60));
        assert_eq!(told.happenings.first().map(|first| first.attempt), Some(2));
        assert_eq!(told.happenings.last().map(|last| last.attempt), Some(101));
    }
}
