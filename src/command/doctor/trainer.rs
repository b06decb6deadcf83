//! The trainer program, its libtorch, and the GPUs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, thread};

use loradeck_core::run::Workspace;

use super::finding::Finding;
use crate::launch::{Gpu, TrainerProgram, answer_within, library_path, list_gpus, trainer_program};

/// How long the trainer may take to say its version; opening libtorch from a cold disk takes seconds.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn examine(workspace: Option<&Workspace>) -> Vec<Finding> {
    let gpus = list_gpus();
    let Some(program) = trainer_program(workspace) else {
        return vec![missing_trainer(), machine(&gpus)];
    };
    let mut findings = vec![start(&program)];
    findings.extend(libraries(program.path(), &gpus));
    findings.push(machine(&gpus));
    findings
}

fn missing_trainer() -> Finding {
    Finding::bad("trainer", "loradeck-train was not found")
        .with("searched: trainer: in loradeck.yaml, $LORADECK_TRAIN, loradeck's own folder, PATH")
        .with("build it: cargo build --release -p loradeck-train")
}

fn start(program: &TrainerProgram) -> Finding {
    let shown = program.path().display();
    let Ok(mut command) = program.command() else {
        let found = format!("{shown}, which loradeck.yaml names, was not started: see 'trust'");
        return Finding::advice("trainer", found);
    };
    match version_of(&mut command, PATIENCE) {
        Ok(version) => Finding::good("trainer", format!("{shown} ({version})")),
        Err(reason) => {
            let found = format!("{shown} does not start: {reason}");
            Finding::bad("trainer", found).with("with `./x` it is built with the libtorch that it needs")
        }
    }
}

/// The first line that the program prints with `--version`, or why there is none.
fn version_of(command: &mut Command, patience: Duration) -> Result<String, String> {
    let answer = answer_within(command.arg("--version"), patience).map_err(|error| error.to_string())?;
    let (printed, complaint) = (first_line(&answer.stdout), first_line(&answer.stderr));
    match (answer.status.success(), printed.starts_with("loradeck-train")) {
        (true, true) => Ok(printed),
        (true, false) => Err(format!("it answers '{printed}', which is no version of loradeck-train")),
        (false, _) => Err(format!("{}: {complaint}", answer.status)),
    }
}

fn first_line(text: &[u8]) -> String {
    String::from_utf8_lossy(text).lines().next().unwrap_or("").trim().to_owned()
}

/// Where the trainer's libtorch is, and whether it can use the GPUs there are.
fn libraries(program: &Path, gpus: &[Gpu]) -> Option<Finding> {
    let paths = library_path(program).or_else(|| env::var_os("LD_LIBRARY_PATH"))?;
    let folder: PathBuf = env::split_paths(&paths).find(|folder| folder.join("libtorch_cpu.so").is_file())?;
    let has_cuda = folder.join("libtorch_cuda.so").is_file();
    Some(judged_libraries(&folder, has_cuda, !gpus.is_empty()))
}

fn judged_libraries(folder: &Path, has_cuda: bool, has_gpus: bool) -> Finding {
    let with = if has_cuda { "with CUDA" } else { "for the CPU only" };
    let found = format!("{} ({with})", folder.display());
    if has_gpus && !has_cuda {
        let finding = Finding::bad("libtorch", format!("{found}, although there are GPUs"));
        return finding.with("fetch its CUDA part: LORADECK_CUDA=1 ./x");
    }
    Finding::good("libtorch", found)
}

/// What runs train on.
fn machine(gpus: &[Gpu]) -> Finding {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if gpus.is_empty() {
        return Finding::good("devices", format!("no NVIDIA GPU; the CPU with {cores} cores is one slot"));
    }
    let names: Vec<String> = gpus
        .iter()
        .map(|gpu| {
            format!("{} {} ({:.0} GiB)", gpu.index, gpu.name, gpu.memory_bytes as f64 / f64::from(1 << 30))
        })
        .collect();
    Finding::good("devices", format!("one slot for each GPU: {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::doctor::finding::Verdict;

    #[test]
    fn a_trainer_that_does_not_start_says_why() {
        let version = |program: &str| version_of(&mut Command::new(program), PATIENCE);
        assert!(version("/nonexistent/trainer").unwrap_err().contains("No such file"));
        assert!(version("/bin/false").unwrap_err().starts_with("exit status: 1"));
        let foreign = version("/bin/bash").unwrap_err();
        assert!(foreign.contains("no version of loradeck-train"), "{foreign}");
    }

    #[test]
    fn gpus_want_cuda() {
        let verdict = |cuda, gpus| judged_libraries(Path::new("/lib"), cuda, gpus).verdict;
        assert_eq!(verdict(false, true), Verdict::Bad);
        assert_eq!(verdict(false, false), Verdict::Good);
        assert_eq!(verdict(true, true), Verdict::Good);
    }
}
