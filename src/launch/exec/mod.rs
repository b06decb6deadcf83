//! `loradeck exec RUN`: another trainer's command in the place of the built-in trainer. It holds `train.lock`, stays
//! the command's parent in its process group, turns what it writes into the run's own metrics, and writes its end.
//!
//! It is to the supervisor what the trainer is: the same lock, the same summary, the same exit codes. So everything
//! that is done about dead supervisors holds for foreign trainings without a word more.

mod devices;
mod examine;
mod follow;
mod outcome;
mod record;
mod requests;
mod words;

use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, bail};
use loradeck_core::config::{CodeState, Provenance, Settings, load_frozen};
use loradeck_core::crash;
use loradeck_core::error::FileError;
use loradeck_core::file;
use loradeck_core::metrics::{MetricSource, SourceKind, SourceSpec};
use loradeck_core::patience::AT_THE_END;
use loradeck_core::run::{
    Attempt, Evidence, FileLock, Host, Outcome, RunFolder, Status, Workspace, read_journal, try_exclusive,
};

use self::devices::{cuda_name, product_names};
pub use self::examine::preview;
pub(super) use self::examine::{examine_commands, examine_hooks};
use self::follow::{End, Started, follow};
use self::record::Record;
use self::words::{RunFacts, Words, words};
use super::BadInput;
use super::code_snapshot::code_folder;
use super::door::Permit;
use super::gpu;
use super::submitted_environment::SubmittedEnvironment;
use super::supervise::{KILL_TOLD_BY_A_SHELL, MemoryKills};

/// The journal's word for a command that has begun.
const BEGUN: &str = "command";

/// Whether the run is another trainer's; one whose configuration cannot be read is not.
pub(super) fn is_foreign(run: &RunFolder) -> bool {
    load_frozen(&run.config(), &[]).is_ok_and(|(settings, _)| settings.is_foreign())
}

/// Why the run cannot be resumed, if it is another trainer's and that one cannot go on.
pub(super) fn why_not_resumable(run: &RunFolder) -> Option<&'static str> {
    let (settings, _) = load_frozen(&run.config(), &[]).ok()?;
    let foreign = &settings.foreign;
    let begun = read_journal(run).entries.iter().any(|entry| entry.kind == BEGUN);
    (settings.is_foreign() && foreign.resume_command.is_none() && begun).then_some(
        "its command cannot resume: the configuration has no resume_command (hint: `loradeck retry` starts a new run)",
    )
}

/// Runs the command of `attempt` to its end; the exit code says how that was, as the built-in trainer's does.
pub fn exec(path: &Path, attempt: u32) -> Result<u8> {
    let run =
        RunFolder::new(std::fs::canonicalize(path).with_context(|| format!("no run at {}", path.display()))?);
    refuse_what_nobody_started(&run, attempt)?;
    let terminated = listen()?;
    let lock = own_lock(&run)?;
    let mut record = Record::open(&run, attempt)?;
    let end = match begin(&run, attempt, &mut record, lock.is_some()) {
        Ok(started) => follow(&run, attempt, &mut record, started, &terminated)?,
        Err(error) => {
            let message = format!("{error:#}");
            eprintln!("loradeck: {}", loradeck_core::text::harmless(&message));
            End { outcome: Outcome::Config, message: Some(message), killed_for_memory: false }
        }
    };
    crash::point("exec.before-outcome");
    AT_THE_END.with(tell, || record.end(end.outcome, end.message.clone()))?;
    // As a shell would, so that the supervisor sees the kernel's kill as if it had been its own child's.
    Ok(if end.killed_for_memory { KILL_TOLD_BY_A_SHELL } else { end.outcome.exit_code() })
}

/// A supervisor has said that the attempt begins. Whoever calls this by hand, for another one or for one that is over,
/// would train it again and write over what is known of it.
fn refuse_what_nobody_started(run: &RunFolder, attempt: u32) -> Result<()> {
    let status = Status::read(run)?;
    if status.is_some_and(|status| status.attempt == attempt && status.state.is_live()) {
        return Ok(());
    }
    let hint = "`loradeck resume` or `loradeck retry` starts it, `loradeck dispatch` in this terminal";
    let message = format!("attempt {attempt} of {} is not running (hint: {hint})", run.label());
    Err(BadInput(message).into())
}

/// What keeps the end from being written stands in the log, unless that has no room either.
fn tell(error: &FileError) {
    let text = error.to_string();
    let _ = writeln!(std::io::stderr(), "loradeck: {} (trying again)", loradeck_core::text::harmless(&text));
}

/// SIGTERM reaches the command as well, being sent to the group: its parent waits for what it does about it. A
/// terminal that goes away means nothing.
fn listen() -> Result<Arc<AtomicBool>> {
    let terminated = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&terminated))?;
    }
    signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::new(AtomicBool::new(false)))?;
    Ok(terminated)
}

/// The train lock, unless a supervisor has taken it and gave it to us as standard output.
fn own_lock(run: &RunFolder) -> Result<Option<FileLock>> {
    if std::env::var_os("LORADECK_TRAIN_LOCK_INHERITED").is_some() {
        return Ok(None);
    }
    match try_exclusive(&run.train_lock())? {
        Some(lock) => Ok(Some(lock)),
        None => bail!("another training process of {} is still alive", run.label()),
    }
}

fn begin(run: &RunFolder, attempt: u32, record: &mut Record, has_own_lock: bool) -> Result<Started> {
    let permit = Permit::handed_on(&Workspace::find(run.path())?)?;
    let (settings, provenance) = settings_of(run, attempt)?;
    let mut facts = facts_of(run, attempt);
    if settings.running.code == CodeState::Snapshot {
        facts.code = code_folder(&Workspace::find(run.path())?, run, &provenance)?;
    }
    let environment = SubmittedEnvironment::of_run(&Workspace::at(permit.root()), run, attempt);
    let variable = |name: &str| match &environment {
        Some(environment) => environment.value(name),
        None => std::env::var(name).ok(),
    };
    let words = words(&settings, &facts, variable)?;
    let sources = sources_of(&words, run);
    let opened = sources.iter().map(|(spec, place)| MetricSource::open(spec, place));
    let opened = opened.collect::<Result<Vec<_>, _>>().context("metrics")?;
    record.describe(evidence(&facts, &words), total_steps(&settings), opened);
    let memory_kills = MemoryKills::begin();
    let mut command = command_of(&permit, &words, &facts, &variable);
    if let Some(environment) = &environment {
        tell_environment(record, environment, &environment.apply(&mut command));
    }
    // No lock of ours reaches the command: what it leaves behind would keep the slot and the run for ever.
    command.stdin(Stdio::null());
    if !has_own_lock {
        let log = std::io::stderr().as_fd().try_clone_to_owned().context("the log's handle")?;
        command.stdout(log);
    }
    let child = command.spawn().with_context(|| {
        let program = words.shown.first().map_or("", String::as_str);
        format!("command: cannot start '{program}' in {}", words.folder.display())
    })?;
    // What was begun cannot be begun afresh by whoever comes next.
    let entry = record.entry(BEGUN).with("command_pid", child.id()).with("words", words.shown);
    record.journal(&entry);
    crash::point("exec.after-spawn");
    let described =
        sources.iter().map(|(spec, place)| format!("{} ({})", place.display(), spec.source.word()));
    Ok(Started { child, sources: described.collect(), memory_kills })
}

fn settings_of(run: &RunFolder, attempt: u32) -> Result<(Settings, Provenance)> {
    let record: Option<Attempt> = file::read_json(&run.attempt(attempt))?;
    let overrides = record.map(|record| record.overrides).unwrap_or_default();
    Ok(load_frozen(&run.config(), &overrides)?)
}

fn facts_of(run: &RunFolder, attempt: u32) -> RunFacts {
    let record: Option<Attempt> = file::read_json(&run.attempt(attempt)).ok().flatten();
    let root = Workspace::find(run.path()).map_or_else(
        |_| std::env::current_dir().unwrap_or_default(),
        |workspace| workspace.root().to_path_buf(),
    );
    RunFacts {
        run_dir: run.path().to_path_buf(),
        code: root.clone(),
        root,
        run: run.name(),
        experiment: run.experiment().unwrap_or_default(),
        attempt,
        resumes: read_journal(run).entries.iter().any(|entry| entry.kind == BEGUN && entry.attempt < attempt),
        devices: record.iter().flat_map(|record| &record.devices).map(|slot| cuda_name(slot)).collect(),
    }
}

/// The sources that the configuration names; without any, event files wherever they are in the run's folder. Those in
/// its `logs` need no conversion.
fn sources_of(words: &Words, run: &RunFolder) -> Vec<(SourceSpec, std::path::PathBuf)> {
    let mut sources = words.sources.clone();
    if sources.is_empty() {
        sources.push((SourceSpec::new(SourceKind::Tfevents), run.path().to_path_buf()));
    }
    sources.retain(|(spec, place)| spec.source != SourceKind::Tfevents || *place != run.logs());
    sources
}

/// Notes by name what differs from the dispatcher's environment, and which secrets it lacks.
fn tell_environment(record: &mut Record, environment: &SubmittedEnvironment, changed: &[String]) {
    if !changed.is_empty() {
        let entry = record.entry("environment").with("as_submitted", changed.join(" "));
        record.journal(&entry);
    }
    let missing = environment.missing_secrets();
    if !missing.is_empty() {
        let message = format!(
            "{} was set in the environment of the submission but is not in the dispatcher's; secrets are not stored (hint: set it where `loradeck dispatch` is started)",
            missing.join(", ")
        );
        eprintln!("loradeck: {message}");
        let entry = record.entry("environment-missing").with("message", message);
        record.journal(&entry);
    }
}

fn command_of(
    permit: &Permit,
    words: &Words,
    facts: &RunFacts,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Command {
    let mut command = permit.command(&words.program);
    command
        .args(&words.arguments)
        .current_dir(&words.folder)
        .env("LORADECK_RUN_DIR", &facts.run_dir)
        .env("LORADECK_ATTEMPT", facts.attempt.to_string())
        .env("LORADECK_RESUME", facts.resumes.to_string())
        .env_remove("LORADECK_TRAIN_LOCK_INHERITED");
    let set_unless_given = |command: &mut Command, name: &str, value: &str| {
        if variable(name).is_none() {
            command.env(name, value);
        }
    };
    // A log is read while it grows.
    set_unless_given(&mut command, "PYTHONUNBUFFERED", "1");
    if let Ok(threads) = std::env::var("LORADECK_THREADS") {
        set_unless_given(&mut command, "OMP_NUM_THREADS", &threads);
    }
    if std::env::var("LORADECK_DEVICE").is_ok_and(|device| device.eq_ignore_ascii_case("cpu")) {
        command.env("CUDA_VISIBLE_DEVICES", "");
    }
    command.envs(&words.environment);
    command
}

fn evidence(facts: &RunFacts, words: &Words) -> Evidence {
    let threads = std::env::var("LORADECK_THREADS").ok().and_then(|threads| threads.parse().ok());
    Evidence {
        host: Host::here().host,
        device: product_names(&facts.devices, &gpu::list()),
        threads: threads.unwrap_or(0),
        trainer: words.shown.first().cloned().unwrap_or_default(),
        ..Evidence::default()
    }
}

/// How many steps there will be, where a setting or parameter of a usual name says it; else 0, not known.
pub(super) fn total_steps(settings: &Settings) -> u64 {
    const NAMES: [&str; 6] =
        ["max_steps", "total_steps", "max_train_steps", "num_steps", "train_steps", "steps"];
    let number = |name: &&str| match settings.value_of(name) {
        Some(loradeck_core::config::Value::Whole(number)) => u64::try_from(number).ok(),
        _ => None,
    };
    NAMES.iter().find_map(number).unwrap_or(0)
}
