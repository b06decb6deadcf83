//! A decision of early stopping, as the dispatcher notes it in a trial's journal.

use loradeck_core::run::JournalEntry;
use serde_json::Value;

/// What was decided about a trial, and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision<'a> {
    /// `asha` or `median`.
    pub rule: &'a str,
    /// `goes on`, `is given up`, or that it is kept on request.
    pub verdict: &'a str,
    /// The rung of halving, else the step that was judged.
    pub step: Option<u64>,
    /// The trial's value; `None` where it was no number.
    value: Option<f64>,
    threshold: Option<f64>,
    peers: u64,
}

impl<'a> Decision<'a> {
    /// The decision of an entry of the kind `early-stopping`; `None` for any other.
    pub fn of(entry: &'a JournalEntry) -> Option<Self> {
        if entry.kind != "early-stopping" {
            return None;
        }
        let number = |name: &str| entry.facts.get(name).and_then(Value::as_f64);
        Some(Self {
            rule: entry.text("rule")?,
            verdict: entry.text("verdict")?,
            step: entry.step,
            value: number("value"),
            threshold: number("threshold"),
            peers: entry.facts.get("peers").and_then(Value::as_u64)?,
        })
    }

    /// Whether the trial simply goes on.
    pub fn goes_on(&self) -> bool {
        self.verdict == "goes on"
    }

    /// Whether it is decided at rungs.
    pub fn is_at_a_rung(&self) -> bool {
        self.rule == "asha"
    }

    /// `1.2500 against 1.1250 among 2 other runs at this rung`.
    pub fn comparison(&self) -> String {
        let shown =
            |number: Option<f64>| number.map_or("no number".to_owned(), |number| format!("{number:.4}"));
        let (noun, place) = match (self.peers, self.is_at_a_rung()) {
            (1, true) => ("run", "at this rung"),
            (_, true) => ("runs", "at this rung"),
            (1, false) => ("run", "that had reached this step"),
            (_, false) => ("runs", "that had reached this step"),
        };
        let (value, threshold, peers) = (shown(self.value), shown(self.threshold), self.peers);
        format!("{value} against {threshold} among {peers} other {noun} {place}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(rule: &str, value: f64, peers: u64) -> JournalEntry {
        let entry = JournalEntry::new("early-stopping", 1).at(24).with("rule", rule);
        entry.with("verdict", "pruned").with("value", value).with("threshold", 1.125).with("peers", peers)
    }

    #[test]
    fn a_decision_is_told_with_what_it_rests_on() {
        let found = entry("asha", 1.25, 2);
        let decision = Decision::of(&found).unwrap();
        assert_eq!(decision.comparison(), "1.2500 against 1.1250 among 2 other runs at this rung");
        assert!(!decision.goes_on() && decision.is_at_a_rung() && decision.step == Some(24));
        let broken = entry("median", f64::NAN, 1);
        let told = Decision::of(&broken).unwrap().comparison();
        assert_eq!(told, "no number against 1.1250 among 1 other run that had reached this step");
        assert_eq!(Decision::of(&JournalEntry::new("start", 1)), None);
    }
}
