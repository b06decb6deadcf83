//! Deeds that were given and are not yet known to be done. Leaving waits for them: what was asked for just before `q`
//! is done, or it is said that nobody saw it done.

use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::Wake;
use crate::tui::message::Msg;
use crate::tui::terminal::Signalled;

/// Waiting longer than this is said.
const SILENT: Duration = Duration::from_millis(200);
/// Waiting ends after this: a lock that somebody else keeps must not keep the user.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// Commands still running, and errors of commands that failed during shutdown.
#[derive(Debug, Default)]
pub(super) struct Pending {
    deeds: Vec<String>,
    failures: Vec<String>,
}

impl Pending {
    /// Something was given to do: `Stop format/0001-a`.
    pub(super) fn give(&mut self, deed: String) {
        self.deeds.push(deed);
    }

    /// Hears an answer.
    pub(super) fn hear(&mut self, msg: &Msg) {
        let deed = match msg {
            Msg::Done { deed, run, .. } => format!("{} {run}", deed.verb()),
            Msg::Queue { what, .. } => what.clone(),
            _ => return,
        };
        if let Some(at) = self.deeds.iter().position(|known| *known == deed) {
            self.deeds.remove(at);
        }
    }

    /// Whether nothing is at work.
    pub(super) fn is_empty(&self) -> bool {
        self.deeds.is_empty()
    }

    /// Waits until everything is done, at most as long as `patience`. `say` hears a sentence where it takes a moment.
    ///
    /// # Errors
    /// What failed, and what nobody saw done: because time ran out, the thread died, or somebody wants to leave now.
    pub(super) fn wait(
        &mut self,
        messages: &Receiver<Wake>,
        patience: Duration,
        mut say: impl FnMut(&str),
    ) -> Result<(), String> {
        let begin = Instant::now();
        let mut said = false;
        while !self.is_empty() && begin.elapsed() < patience {
            let until = if said { patience } else { SILENT.min(patience) };
            match messages.recv_timeout(until.saturating_sub(begin.elapsed())) {
                Ok(Wake::Msg(msg)) => self.take(*msg),
                Ok(Wake::Signal(Signalled::End(_)) | Wake::Died) => break,
                Ok(_) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
            }
            if !said && !self.is_empty() && begin.elapsed() >= SILENT {
                said = true;
                say(&format!("finishing before quitting: {} (Ctrl-C quits now)", self.words()));
            }
        }
        self.verdict()
    }

    fn take(&mut self, msg: Msg) {
        self.hear(&msg);
        match msg {
            Msg::Done { deed, run, result: Err(why) } => {
                self.failures.push(format!("{} {run}: {why}", deed.verb()));
            }
            Msg::Queue { what, result: Err(why) } => self.failures.push(format!("{what}: {why}")),
            _ => {}
        }
    }

    fn words(&self) -> String {
        self.deeds.join(", ")
    }

    fn verdict(&mut self) -> Result<(), String> {
        let mut sentences = std::mem::take(&mut self.failures);
        if !self.is_empty() {
            sentences.push(format!(
                "the dashboard quit before this was confirmed: {} (hint: `loradeck list`)",
                self.words()
            ));
        }
        if sentences.is_empty() { Ok(()) } else { Err(sentences.join("\n")) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;
    use crate::tui::deed::Deed;

    fn pending() -> (Pending, Sender<Wake>, Receiver<Wake>) {
        let mut pending = Pending::default();
        pending.give("Stop x/0001".into());
        pending.give("Stop x/0002".into());
        let (send, messages) = channel();
        (pending, send, messages)
    }

    fn done(run: &str, result: Result<String, String>) -> Wake {
        Wake::Msg(Box::new(Msg::Done { deed: Deed::Stop, run: run.into(), result }))
    }

    #[test]
    fn everything_given_is_waited_for_and_failures_are_told() {
        let (mut all, send, messages) = pending();
        send.send(Wake::News).unwrap();
        send.send(done("x/0002", Err("disk full".into()))).unwrap();
        send.send(done("x/0001", Ok("asked".into()))).unwrap();
        let told = all.wait(&messages, PATIENCE, |_| {});
        assert_eq!(told, Err("Stop x/0002: disk full".into()));
        assert!(all.is_empty() && all.wait(&messages, PATIENCE, |_| {}).is_ok());
    }

    #[test]
    fn a_long_wait_is_said_once_and_ends() {
        let (mut all, send, messages) = pending();
        send.send(done("x/0001", Ok("asked".into()))).unwrap();
        let mut said = Vec::new();
        let told = all.wait(&messages, SILENT * 2, |sentence| said.push(sentence.to_owned()));
        assert_eq!(said, ["finishing before quitting: Stop x/0002 (Ctrl-C quits now)"]);
        assert!(told.unwrap_err().contains("was confirmed: Stop x/0002"));
    }

    #[test]
    fn ctrl_c_leaves_at_once() {
        let (mut all, send, messages) = pending();
        send.send(Wake::Signal(Signalled::End(2))).unwrap();
        let begin = Instant::now();
        assert!(all.wait(&messages, PATIENCE, |_| {}).is_err());
        assert!(begin.elapsed() < PATIENCE / 2);
    }
}
