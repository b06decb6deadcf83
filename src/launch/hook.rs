//! `on_finish:` and `on_fail:`: a command of the user's that runs once a run has ended and its report is written.

use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use loradeck_core::config::load_frozen;
use loradeck_core::file;
use loradeck_core::run::{JournalEntry, QueueEntry, RunFolder, State, Status, read_journal};
use rustix::process::{Pid, Signal, kill_process_group};

use super::action::note;
use super::door::Permit;

/// How long a hook may take.
const LIMIT: Duration = Duration::from_mins(10);

/// The command that the end `status` calls for, if one does and has not been run for this attempt.
pub(super) fn due(run: &RunFolder, status: &Status) -> Option<Vec<String>> {
    // Most runs have none: the text is searched before it is read as a configuration.
    let text = std::fs::read_to_string(run.config()).ok()?;
    let overrides = QueueEntry::read(run).ok()?.overrides;
    let is_named = |key: &str| {
        text.contains(&format!("\n{key}:")) || overrides.iter().any(|change| change.trim().starts_with(key))
    };
    if !is_named("on_finish") && !is_named("on_fail") {
        return None;
    }
    let (settings, _) = load_frozen(&run.config(), &overrides).ok()?;
    let command = match status.state {
        State::Finished => settings.running.on_finish,
        State::Failed => settings.running.on_fail,
        _ => None,
    }?;
    let has_run = read_journal(run)
        .entries
        .iter()
        .any(|entry| entry.kind == "hook" && entry.attempt == status.attempt && entry.time >= status.since);
    (!has_run).then_some(command)
}

/// Runs a hook and notes how it ended. It runs at most once for each attempt: it is noted before it starts.
pub(super) fn run_hook(permit: &Permit, run: &RunFolder, status: &Status, command: &[String]) -> Result<()> {
    note(run, &JournalEntry::new("hook", status.attempt).with("command", command.join(" ")))?;
    let ended = run_to_end(permit, run, status, command);
    let entry = JournalEntry::new("hook-end", status.attempt);
    Ok(note(
        run,
        &match ended {
            Ok(code) => entry.with("exit", i64::from(code)),
            Err(error) => entry.with("message", format!("{error:#}")),
        },
    )?)
}

fn run_to_end(permit: &Permit, run: &RunFolder, status: &Status, command: &[String]) -> Result<i32> {
    let [program, arguments @ ..] = command else { bail!("the hook has no program") };
    file::create_folder(&run.logs())?;
    let log = OpenOptions::new().create(true).append(true).open(run.logs().join("hook.log"))?;
    let mut child = permit
        .command(program)
        .args(arguments)
        .current_dir(permit.root())
        .envs(facts(run, status))
        .stdin(Stdio::null())
        .stdout(Stdio::from(log.try_clone()?))
        .stderr(Stdio::from(log))
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start '{program}'"))?;
    let until = Instant::now() + LIMIT;
    loop {
        if let Some(ended) = child.try_wait()? {
            return Ok(ended.code().unwrap_or(-1));
        }
        if Instant::now() > until {
            if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                let _ = kill_process_group(pid, Signal::KILL);
            }
            child.wait()?;
            bail!("it took longer than {} minutes and was ended", LIMIT.as_secs() / 60);
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// What a hook is told of the run, as environment.
fn facts(run: &RunFolder, status: &Status) -> Vec<(&'static str, String)> {
    vec![
        ("LORADECK_RUN", run.label()),
        ("LORADECK_RUN_DIR", run.path().display().to_string()),
        ("LORADECK_EXPERIMENT", run.experiment().unwrap_or_default()),
        ("LORADECK_ATTEMPT", status.attempt.to_string()),
        ("LORADECK_STATE", status.state.word().to_owned()),
        ("LORADECK_MESSAGE", status.message.clone().unwrap_or_default()),
    ]
}

#[cfg(test)]
mod tests {
    use loradeck_core::run::EndReason;
    use loradeck_core::time::Moment;

    use super::*;

    fn run_with(root: &std::path::Path, rest: &str) -> RunFolder {
        let run = RunFolder::new(root.join("experiments/a/runs/0001-x"));
        std::fs::create_dir_all(run.path()).unwrap();
        std::fs::write(run.config(), format!("base_model: m\ntrain_data_dir: d\n{rest}")).unwrap();
        run
    }

    #[test]
    fn a_hook_runs_once_with_the_runs_facts_and_without_a_shell() {
        let root = tempfile::tempdir().unwrap();
        let permit = Permit::for_test(root.path());
        let run = run_with(
            root.path(),
            "on_fail: [sh, -c, 'echo \"$LORADECK_RUN $LORADECK_STATE $1\"', '0', '$HOME;x']\n",
        );
        let status = Status::new(State::Failed, 1, Moment(5)).because(EndReason::Error, "no");
        let command = due(&run, &status).unwrap();
        run_hook(&permit, &run, &status, &command).unwrap();
        let said = std::fs::read_to_string(run.logs().join("hook.log")).unwrap();
        assert_eq!(said, "a/0001-x failed $HOME;x\n");
        assert_eq!(due(&run, &status), None, "it has run");
        assert!(due(&run, &Status::new(State::Failed, 2, Moment::now())).is_some(), "another attempt");
        assert_eq!(due(&run, &Status::new(State::Finished, 1, Moment(5))), None);
    }

    #[test]
    fn a_hook_that_came_with_a_resume_counts_too() {
        let root = tempfile::tempdir().unwrap();
        let run = run_with(root.path(), "");
        let status = Status::new(State::Finished, 2, Moment(5));
        assert_eq!(due(&run, &status), None);
        let overrides = vec!["on_finish=[echo, done]".to_owned()];
        QueueEntry { overrides, ..QueueEntry::default() }.write(&run).unwrap();
        assert_eq!(due(&run, &status), Some(vec!["echo".to_owned(), "done".to_owned()]));
    }

    #[test]
    fn a_hook_that_cannot_start_is_noted() {
        let root = tempfile::tempdir().unwrap();
        let run = run_with(root.path(), "on_finish: [./there-is-no-such-program]\n");
        let status = Status::new(State::Finished, 1, Moment(5));
        run_hook(&Permit::for_test(root.path()), &run, &status, &due(&run, &status).unwrap()).unwrap();
        let entries = read_journal(&run).entries;
        assert!(entries.iter().any(|entry| entry.kind == "hook-end" && entry.text("message").is_some()));
    }
}
