//! What can be known of a command before it is queued: its program, and the variables it takes from the environment.

use std::path::Path;

use loradeck_core::config::{Diagnostic, Diagnostics, ENVIRONMENT, Experiment, Settings, Trial, expand};

/// Problems of the trials' commands, each once.
pub(in crate::launch) fn examine_commands(
    experiment: &Experiment,
    trials: &[Trial],
    root: &Path,
) -> Diagnostics {
    let mut problems: Vec<Diagnostic> = Vec::new();
    for trial in trials.iter().filter(|trial| trial.settings.is_foreign()) {
        for (key, message, hint) in complaints(&trial.settings, root) {
            let problem = experiment.diagnostic(trial, key, message);
            problems.push(Diagnostic { hint: Some(hint), ..problem });
        }
    }
    Diagnostics::sorted(problems)
}

/// Hooks whose program is not there: they would fail when a training has ended, with nobody at the screen.
pub(in crate::launch) fn examine_hooks(
    experiment: &Experiment,
    trials: &[Trial],
    root: &Path,
) -> Diagnostics {
    let mut problems: Vec<Diagnostic> = Vec::new();
    for trial in trials {
        let running = &trial.settings.running;
        for (key, command) in [("on_finish", &running.on_finish), ("on_fail", &running.on_fail)] {
            let program = command.iter().flatten().next();
            if let Some(program) = program.filter(|program| !can_be_found(program, root)) {
                problems.push(no_program(experiment, trial, key, program, root));
            }
        }
    }
    Diagnostics::sorted(problems)
}

fn no_program(
    experiment: &Experiment,
    trial: &Trial,
    key: &'static str,
    program: &str,
    folder: &Path,
) -> Diagnostic {
    let problem = experiment.diagnostic(trial, key, format!("the program '{program}' is not there"));
    Diagnostic { hint: Some(looked_in(program, folder)), ..problem }
}

fn looked_in(program: &str, folder: &Path) -> String {
    format!("looked in {}", if program.contains('/') { folder.display().to_string() } else { "PATH".into() })
}

/// The command as its words will be, with facts of the run left as they are written.
pub fn preview(settings: &Settings) -> Vec<String> {
    let words = settings.foreign.command.iter().flatten();
    let filled = |word: &String| {
        expand(word, |name| {
            let value = settings.value_of(name).map(|value| value.plain());
            Some(value.unwrap_or_else(|| format!("${{{name}}}")))
        })
    };
    words.map(|word| filled(word).unwrap_or_else(|_| word.clone())).collect()
}

fn complaints(settings: &Settings, root: &Path) -> Vec<(&'static str, String, String)> {
    let mut found = Vec::new();
    let foreign = &settings.foreign;
    if foreign.adopted.is_some() {
        let message = "is another program's folder and is only read".to_owned();
        found.push(("adopted", message, "`loradeck adopt` brings it up to date".to_owned()));
    }
    let folder =
        foreign.working_dir.as_deref().map_or_else(|| root.to_path_buf(), |folder| root.join(folder));
    for (key, command) in [("command", &foreign.command), ("resume_command", &foreign.resume_command)] {
        let program = command.iter().flatten().next().filter(|program| !program.contains("${"));
        if let Some(program) = program.filter(|program| !can_be_found(program, &folder)) {
            let message = format!("the program '{program}' is not there");
            found.push((key, message, looked_in(program, &folder)));
        } else if let Some(program) =
            program.filter(|program| program.contains('/') && !may_be_executed(&folder.join(program)))
        {
            let message = format!("the program '{program}' may not be executed");
            found.push((
                key,
                message,
                format!("chmod +x {program}, or name its interpreter: [bash, {program}]"),
            ));
        }
    }
    let texts = [("command", foreign.command.as_ref()), ("resume_command", foreign.resume_command.as_ref())];
    let words =
        texts.into_iter().flat_map(|(key, words)| words.into_iter().flatten().map(move |word| (key, word)));
    for (key, word) in words.chain(foreign.env.values().map(|value| ("env", value))) {
        for name in missing_variables(word) {
            let message = format!("the variable {name} is not set in the environment");
            let hint = format!("secrets are taken from there and never stored: export {name}=…");
            found.push((key, message, hint));
        }
    }
    found
}

fn missing_variables(word: &str) -> Vec<String> {
    let mut missing = Vec::new();
    let _ = expand(word, |name| {
        let variable = name.strip_prefix(ENVIRONMENT);
        missing.extend(variable.filter(|name| std::env::var_os(name).is_none()).map(str::to_owned));
        Some(String::new())
    });
    missing
}

fn can_be_found(program: &str, folder: &Path) -> bool {
    if program.contains('/') {
        // One that is there and may not be executed has its own words.
        return folder.join(program).is_file();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| may_be_executed(&folder.join(program)))
}

/// Whether the system would start this file.
fn may_be_executed(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}
