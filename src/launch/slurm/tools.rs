//! Calling Slurm's own programs: argument lists, no shell, and their words in English with times in seconds.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

/// Why one of Slurm's programs gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{program}: {complaint}")]
pub struct SlurmError {
    /// The program's name.
    pub program: &'static str,
    /// What it wrote to standard error, or why it could not be started.
    pub complaint: String,
}

impl SlurmError {
    /// Whether trying again later may help: the controller was not reached, was overloaded, or a limit on submitted
    /// jobs was met. Anything else is wrong with what was asked.
    pub(crate) fn may_pass(&self) -> bool {
        const PASSING: [&str; 11] = [
            "unable to contact",
            "timed out",
            "timeout",
            "temporarily",
            "connection refused",
            "connection reset",
            "zero bytes",
            "communication",
            "submitjob",
            "submit limit",
            "munge",
        ];
        let complaint = self.complaint.to_lowercase();
        PASSING.iter().any(|words| complaint.contains(words))
    }
}

/// Variables of the caller's own job, if it is called inside one: sbatch would take them for options.
fn is_of_a_job(name: &str) -> bool {
    name.starts_with("SLURM_") && !name.starts_with("SLURM_CONF") && name != "SLURM_CLUSTERS"
        || name.starts_with("SBATCH_")
}

/// The program, ready to be given arguments.
pub(crate) fn program(name: &'static str, folder: &Path) -> Command {
    let mut command = Command::new(name);
    command.current_dir(folder).env("LC_ALL", "C").stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_of_a_job) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a program that answers on standard output.
pub(crate) fn ask<A: AsRef<OsStr>>(
    name: &'static str,
    folder: &Path,
    arguments: &[A],
) -> Result<String, SlurmError> {
    answer(name, program(name, folder).env("SLURM_TIME_FORMAT", "%s").args(arguments))
}

/// What `command` answers.
pub(crate) fn answer(name: &'static str, command: &mut Command) -> Result<String, SlurmError> {
    let output = command
        .output()
        .map_err(|error| SlurmError { program: name, complaint: format!("cannot be started: {error}") })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let complaint =
        if complaint.is_empty() { format!("ended with {}", output.status) } else { in_one_line(&complaint) };
    Err(SlurmError { program: name, complaint })
}

fn in_one_line(complaint: &str) -> String {
    let lines: Vec<&str> = complaint.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_tells_whether_to_try_again() {
        let error = |complaint: &str| SlurmError { program: "sbatch", complaint: complaint.into() };
        for complaint in [
            "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)",
            "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation",
            "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying",
            "sbatch: error: QOSMaxSubmitJobPerUserLimit",
        ] {
            assert!(error(complaint).may_pass(), "{complaint}");
        }
        for complaint in [
            "sbatch: error: invalid partition specified: nowhere",
            "sbatch: error: Batch job submission failed: Requested node configuration is not available",
            "cannot be started: No such file or directory (os error 2)",
        ] {
            assert!(!error(complaint).may_pass(), "{complaint}");
        }
    }

    #[test]
    fn a_missing_program_and_a_failing_one_are_told() {
        let here = Path::new(".");
        let missing = ask("no-such-program-of-slurm", here, &["x"]).unwrap_err();
        assert!(missing.to_string().starts_with("no-such-program-of-slurm: cannot be started"), "{missing}");
        let failing =
            answer("sh", Command::new("sh").args(["-c", "echo a >&2; echo b >&2; exit 3"])).unwrap_err();
        assert_eq!(failing.complaint, "a; b");
        assert!(is_of_a_job("SLURM_MEM_PER_NODE") && is_of_a_job("SBATCH_ARRAY_INX"));
        assert!(!is_of_a_job("SLURM_CONF") && !is_of_a_job("PATH"));
    }
}
