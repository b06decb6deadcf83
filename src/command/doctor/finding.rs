//! One thing that was looked at.

use serde::Serialize;

/// Whether it is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// Nothing to do.
    Good,
    /// It works, and could be better.
    Advice,
    /// Something will not work.
    Bad,
}

/// One thing that was looked at, what was found, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) topic: &'static str,
    pub(super) verdict: Verdict,
    pub(super) found: String,
    pub(super) advice: Vec<String>,
}

impl Finding {
    fn new(topic: &'static str, verdict: Verdict, found: impl Into<String>) -> Self {
        Self { topic, verdict, found: found.into(), advice: Vec::new() }
    }

    pub(super) fn good(topic: &'static str, found: impl Into<String>) -> Self {
        Self::new(topic, Verdict::Good, found)
    }

    pub(super) fn advice(topic: &'static str, found: impl Into<String>) -> Self {
        Self::new(topic, Verdict::Advice, found)
    }

    pub(super) fn bad(topic: &'static str, found: impl Into<String>) -> Self {
        Self::new(topic, Verdict::Bad, found)
    }

    /// The same with a line of advice.
    pub(super) fn with(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }

    /// The finding as lines of text.
    pub(super) fn lines(&self) -> Vec<String> {
        let word = match self.verdict {
            Verdict::Good => "ok",
            Verdict::Advice => "advice",
            Verdict::Bad => "BAD",
        };
        let mut lines = vec![format!("{word:<7} {:<11} {}", self.topic, self.found)];
        lines.extend(self.advice.iter().map(|advice| format!("{:20}→ {advice}", "")));
        lines
    }
}
