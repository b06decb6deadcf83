//! Reading the rules by which runs end early: W&B's `early_terminate`, and `asha` and `median_stop` beside it.

use super::reader::SweepReader;
use super::{Stopping, SweepSpec, Unit};
use crate::config::yaml::{Content, Node};

/// The two spellings of successive halving.
const HALVING: [&str; 2] = ["early_terminate", "asha"];

/// The fields of a rule with their nodes.
type Fields<'n> = Vec<(&'n Node, &'n Node)>;

impl SweepReader<'_> {
    pub(super) fn stopping(&mut self, sweep: &mut SweepSpec, name: &Node, node: &Node) {
        let rule = name.text.as_str();
        let path = format!("sweep.{rule}");
        let is_median = rule == "median_stop";
        let is_other = |(field, _): &&(String, _)| field != rule && HALVING.contains(&field.as_str());
        let other = sweep.places.iter().find(is_other).map(|(field, _)| field.clone());
        let has_halving = sweep.stopping.iter().any(|rule| !rule.is_median());
        // What the command line says replaces the file's rule. The median rule goes together with either.
        if let Some(other) = other.filter(|_| !is_median && has_halving && !self.is_command_line()) {
            let message = format!("is given together with {other}");
            self.unknown(name, &path, &message, "they are one rule in two spellings: keep one");
            return;
        }
        let Content::Map(entries) = &node.content else {
            let hint = match rule {
                "early_terminate" => "early_terminate: {type: hyperband, min_iter: 3}",
                "asha" => "asha: {grace_period: 100, reduction_factor: 3}",
                _ => "median_stop: {grace_period: 100, min_runs: 5}",
            };
            self.wrong_with_hint(node, &path, "is a mapping, and this is none", hint);
            return;
        };
        let fields = self.once_each(&path, entries);
        let read = match rule {
            "early_terminate" => self.hyperband(node, &fields),
            "asha" => self.asha(node, &fields),
            _ => self.median_stop(&fields),
        };
        sweep.stopping.retain(|rule| rule.is_median() != is_median);
        sweep.stopping.extend(read);
    }

    /// W&B's hyperband: brackets at `min_iter`, `min_iter * eta`, …, or at `max_iter / eta`, `max_iter / eta²`, …, `s`
    /// of them, in values of the metric. Unless it is `strict`, a run's best value so far counts, not the one at the
    /// bracket (`hyperband_stopping.py` of W&B's package `sweeps`).
    fn hyperband(&mut self, node: &Node, fields: &Fields<'_>) -> Option<Stopping> {
        const PATH: &str = "sweep.early_terminate";
        let before = self.problems.len();
        let (mut kind, mut min_iter, mut max_iter, mut brackets, mut eta) = (None, None, None, None, 3);
        let mut strict = false;
        for (key, value) in fields {
            let path = format!("{PATH}.{}", key.text);
            match key.text.as_str() {
                "type" => kind = Some(*value),
                "min_iter" => min_iter = self.count(value, &path, 1, 1_000_000_000),
                "max_iter" => max_iter = self.count(value, &path, 1, 1_000_000_000),
                "s" => brackets = self.count(value, &path, 1, 100),
                "eta" => eta = self.count(value, &path, 2, 1_000_000).unwrap_or(eta),
                "strict" => strict = self.flag(value, &path).unwrap_or(strict),
                _ => self.unknown(
                    key,
                    &path,
                    "is not known here",
                    "type, min_iter, max_iter, s, eta and strict are",
                ),
            }
        }
        match kind {
            Some(kind) if kind.text == "hyperband" => {}
            Some(kind) => {
                self.wrong_with_hint(kind, &format!("{PATH}.type"), "is no known rule", "type: hyperband");
            }
            None => self.wrong_with_hint(node, PATH, "has no type", "type: hyperband"),
        }
        let is_given = |name: &str| fields.iter().any(|(key, _)| key.text == name);
        if self.problems.len() > before {
            return None;
        }
        let (unit, reduction_factor, by_best) = (Unit::Values, eta, !strict);
        match (min_iter, max_iter, brackets) {
            (Some(first), None, None) => {
                let grace_period = first as f64;
                Some(Stopping::Asha { unit, grace_period, reduction_factor, max_t: None, by_best })
            }
            (None, Some(last), Some(count)) => {
                // W&B leaves brackets below 1 out.
                let divisions =
                    (1..=count as i32).rev().find(|power| last as f64 / (eta as f64).powi(*power) >= 1.0);
                let Some(power) = divisions else {
                    self.wrong_with_hint(node, PATH, "has no bracket of 1 or more", "a larger max_iter");
                    return None;
                };
                let grace_period = last as f64 / (eta as f64).powi(power);
                Some(Stopping::Asha { unit, grace_period, reduction_factor, max_t: Some(last), by_best })
            }
            _ if is_given("min_iter") => {
                self.wrong_with_hint(node, PATH, "has both min_iter and max_iter or s", "min_iter: 3");
                None
            }
            _ => {
                let hint = "type: hyperband with min_iter: 3, or with max_iter: 27 and s: 2";
                self.wrong_with_hint(node, PATH, "has neither min_iter nor both max_iter and s", hint);
                None
            }
        }
    }

    fn asha(&mut self, node: &Node, fields: &Fields<'_>) -> Option<Stopping> {
        const PATH: &str = "sweep.asha";
        let before = self.problems.len();
        let (mut grace_period, mut reduction_factor, mut max_t) = (None, 3, None);
        for (key, value) in fields {
            let path = format!("{PATH}.{}", key.text);
            match key.text.as_str() {
                "grace_period" => grace_period = self.count(value, &path, 1, 1_000_000_000_000),
                "reduction_factor" => {
                    reduction_factor = self.count(value, &path, 2, 1_000_000).unwrap_or(reduction_factor);
                }
                "max_t" => max_t = self.count(value, &path, 1, 1_000_000_000_000),
                _ => self.unknown(
                    key,
                    &path,
                    "is not known here",
                    "grace_period, reduction_factor and max_t are",
                ),
            }
        }
        if let (Some(first), Some(last)) = (grace_period, max_t)
            && first >= last
        {
            let message = format!("decides nothing: grace_period {first} is not below max_t {last}");
            self.wrong_with_hint(node, PATH, &message, "max_t is where nothing is decided any more");
        }
        if grace_period.is_none() && self.problems.len() == before {
            let hint = "grace_period: 100 is the first step at which runs may end";
            self.wrong_with_hint(node, PATH, "has no grace_period", hint);
        }
        let grace_period = grace_period? as f64;
        let (unit, by_best) = (Unit::Steps, false);
        Some(Stopping::Asha { unit, grace_period, reduction_factor, max_t, by_best })
    }

    fn median_stop(&mut self, fields: &Fields<'_>) -> Option<Stopping> {
        // Optuna's MedianPruner waits for five runs too (n_startup_trials).
        let (mut grace_period, mut min_runs) = (Some(1), Some(5));
        for (key, value) in fields {
            let path = format!("sweep.median_stop.{}", key.text);
            match key.text.as_str() {
                "grace_period" => grace_period = self.count(value, &path, 1, 1_000_000_000_000),
                "min_runs" => min_runs = self.count(value, &path, 1, 1_000_000),
                _ => self.unknown(key, &path, "is not known here", "grace_period and min_runs are"),
            }
        }
        Some(Stopping::MedianStop { grace_period: grace_period?, min_runs: min_runs? })
    }
}
