//! What all parts of the reader of sweeps use: numbers, keys, values, and problems where they stand.

use super::reader::{Origin, SweepReader};
use crate::config::experiment::{Entry, checked_value, known_key};
use crate::config::keys::{Key, Kind};
use crate::config::kind::{Misfit, fitted, quoted_value};
use crate::config::place::{Place, Problem};
use crate::config::value::Value;
use crate::config::yaml::{Content, Node};

impl SweepReader<'_> {
    pub(super) fn place(&self, node: &Node) -> Place {
        match self.origin {
            Origin::Experiment => Place::Node(node.id),
            Origin::OwnFile => Place::SweepNode(node.id),
            Origin::CommandLine(place) => place,
        }
    }

    pub(super) fn is_command_line(&self) -> bool {
        matches!(self.origin, Origin::CommandLine(_))
    }

    pub(super) fn wrong(&mut self, node: &Node, key: &str, message: &str) {
        let problem = Problem::new(self.place(node), key, message).value(quoted_value(node));
        self.problems.push(problem);
    }

    pub(super) fn wrong_with_hint(&mut self, node: &Node, key: &str, message: &str, hint: &str) {
        let problem = Problem::new(self.place(node), key, message).value(quoted_value(node));
        self.problems.push(problem.hint(hint));
    }

    /// A key that is wrong by itself, whatever its value.
    pub(super) fn unknown(&mut self, key: &Node, path: &str, message: &str, hint: &str) {
        self.problems.push(Problem::new(self.place(key), path, message).hint(hint));
    }

    pub(super) fn warn(&mut self, node: &Node, key: &str, message: &str) {
        self.warnings.push(Problem::new(self.place(node), key, message));
    }

    fn warn_of_value(&mut self, node: &Node, key: &str, message: &str) {
        let problem = Problem::new(self.place(node), key, message).value(Some(node.text.clone()));
        self.warnings.push(problem.hint("write true or false, or put the word in quotes"));
    }

    pub(super) fn misfit(&mut self, node: &Node, key: &str, misfit: Misfit) {
        self.problems.push(Problem::of_value(self.place(node), key, misfit));
    }

    /// The entries of a mapping, without those that stand there a second time.
    pub(super) fn once_each<'n>(
        &mut self,
        path: &str,
        entries: &'n [(Node, Node)],
    ) -> Vec<(&'n Node, &'n Node)> {
        let mut kept: Vec<(&Node, &Node)> = Vec::new();
        for (key, value) in entries {
            if kept.iter().any(|(known, _)| known.text == key.text) {
                let path = format!("{path}.{}", key.text);
                self.problems.push(Problem::new(self.place(key), path, "is given twice"));
            } else {
                kept.push((key, value));
            }
        }
        kept
    }

    /// A whole number from `min` to `max`.
    pub(super) fn count(&mut self, node: &Node, path: &str, min: i128, max: i128) -> Option<u64> {
        match fitted(Kind::Whole { min, max }, node) {
            Ok(Value::Whole(count)) => u64::try_from(count).ok(),
            Ok(_) => None,
            Err(misfit) => {
                self.misfit(node, path, misfit);
                None
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, node: &Node, path: &str) -> Option<bool> {
        if let Content::Flag(flag) = node.content {
            return Some(flag);
        }
        self.wrong(node, path, "is neither true nor false");
        None
    }

    /// Any finite number.
    pub(super) fn number(&mut self, node: &Node, path: &str) -> Option<f64> {
        match node.content {
            Content::Whole(number) => Some(number as f64),
            Content::Real(number) if number.is_finite() => Some(number),
            Content::Text if node.text.trim().parse::<f64>().is_ok() => {
                self.wrong_with_hint(node, path, "is text, but a number is expected", "remove the quotes");
                None
            }
            _ => {
                self.wrong_with_hint(node, path, "is no number", "such as 0.1 or 2e-4");
                None
            }
        }
    }

    /// The key that a node names.
    pub(super) fn key_of(&mut self, node: &Node) -> Option<&'static Key> {
        let place = self.place(node);
        let key =
            known_key(&node.text, self.scope, place).and_then(|key| super::sweepable(key, &node.text, place));
        key.map_err(|problem| self.problems.push(problem)).ok()
    }

    /// The checked values of a key; `None` where one is wrong.
    pub(super) fn values_of(
        &mut self,
        key: &'static Key,
        spelling: &str,
        nodes: &[Node],
    ) -> Option<Vec<Entry>> {
        let mut entries = Vec::with_capacity(nodes.len());
        for node in nodes {
            let place = self.place(node);
            let checked = match node.content {
                Content::Null => {
                    let problem = Problem::of_value(place, spelling, Misfit::empty(node));
                    Err(problem.hint("'' is an empty text; null is no value"))
                }
                _ => checked_value(key, spelling, node, place),
            };
            if key.kind == Kind::Scalar && is_yaml_1_1_flag(node) {
                let message =
                    "is a text here, which a reader of YAML 1.1, such as W&B's, takes for true or false";
                self.warn_of_value(node, spelling, message);
            }
            match checked {
                Ok(entry) => entries.push(entry),
                Err(problem) => self.problems.push(problem),
            }
        }
        (entries.len() == nodes.len()).then_some(entries)
    }
}

/// Words that YAML 1.1 reads as flags and YAML 1.2 as texts.
fn is_yaml_1_1_flag(node: &Node) -> bool {
    let word = node.text.to_ascii_lowercase();
    node.content == Content::Text && ["yes", "no", "on", "off", "y", "n"].contains(&word.as_str())
}
