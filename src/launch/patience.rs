//! Asking another program for a short answer, without waiting for ever.

use std::io::{self, Read};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The most that is read of an answer.
const MOST: u64 = 4096;

/// What `command` answers; one that takes longer than `patience` is ended, and is an error of the kind `TimedOut`.
///
/// For answers of a few lines: a program that prints more than a pipe holds waits for its reader, and is ended.
pub(crate) fn answer_within(command: &mut Command, patience: Duration) -> io::Result<Output> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let deadline = Instant::now() + patience;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            outcome => {
                let _ = child.kill();
                let _ = child.wait();
                let late = || {
                    let text = format!("it did not answer within {} s", patience.as_secs());
                    io::Error::new(io::ErrorKind::TimedOut, text)
                };
                return Err(outcome.err().unwrap_or_else(late));
            }
        }
    };
    Ok(Output { status, stdout: read(child.stdout.take()), stderr: read(child.stderr.take()) })
}

fn read(stream: Option<impl Read>) -> Vec<u8> {
    let mut text = Vec::new();
    if let Some(stream) = stream {
        let _ = stream.take(MOST).read_to_end(&mut text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_a_late_one_is_not_waited_for() {
        let answer = answer_within(Command::new("echo").arg("yes"), Duration::from_secs(20)).unwrap();
        assert!(answer.status.success());
        assert_eq!(answer.stdout, b"yes\n");
        let late = answer_within(Command::new("sleep").arg("60"), Duration::from_millis(30));
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
