//! Reading `parameters:`: keys with `value`, `values`, or what numbers are drawn from.

use super::reader::SweepReader;
use super::{Draws, Parameter, SweepSpec};
use crate::config::foreign::free_key;
use crate::config::keys::{Key, find_key};
use crate::config::place::Problem;
use crate::config::yaml::{Content, Node};

impl SweepReader<'_> {
    pub(super) fn parameters(&mut self, sweep: &mut SweepSpec, node: &Node) {
        self.parameters_below(sweep, node, "");
    }

    /// `prefix` is what W&B's nested parameters stand below, with a dot at its end.
    fn parameters_below(&mut self, sweep: &mut SweepSpec, node: &Node, prefix: &str) {
        let Content::Map(entries) = &node.content else {
            let hint = "parameters: {lora_rank: {values: [4, 8]}}";
            self.wrong_with_hint(node, "sweep.parameters", "is a mapping of keys to their values", hint);
            return;
        };
        for (name, value) in entries {
            let spelling = format!("{prefix}{}", name.text);
            if let Some(nested) = nested_parameters(value) {
                self.parameters_below(sweep, nested, &format!("{spelling}."));
                continue;
            }
            let Some(key) = self.parameter_key(name, &spelling) else { continue };
            if sweep.parameter(key).is_some() || sweep.spoilt.contains(&key.name) {
                let problem = Problem::new(self.place(name), spelling, "is swept a second time");
                self.problems.push(problem);
                continue;
            }
            match self.parameter(key, &spelling, value) {
                Some(draws) => sweep.parameters.push(Parameter { key, draws, place: self.place(name) }),
                None => sweep.spoilt.push(key.name),
            }
        }
    }

    /// The key of a parameter. A nested one has a dotted name, such as W&B gives it.
    fn parameter_key(&mut self, name: &Node, spelling: &str) -> Option<&'static Key> {
        if spelling == name.text || find_key(spelling).is_some() || free_key(spelling).is_some() {
            let place = self.place(name);
            let key = crate::config::experiment::known_key(spelling, self.scope, place);
            let key = key.and_then(|key| super::sweepable(key, spelling, place));
            return key.map_err(|problem| self.problems.push(problem)).ok();
        }
        let hint = match find_key(&name.text) {
            Some(key) => format!("keys are not nested: write '{}' under parameters:", key.name),
            None => "keys are not nested: name each under parameters:".to_owned(),
        };
        self.unknown(name, spelling, "is not a known key", &hint);
        None
    }

    fn parameter(&mut self, key: &'static Key, spelling: &str, node: &Node) -> Option<Draws> {
        let hint = format!("{spelling}: {{values: [first, second]}}");
        let Content::Map(entries) = &node.content else {
            let message = "is swept by a mapping with values, and this is none";
            self.wrong_with_hint(node, spelling, message, &hint);
            return None;
        };
        let fields = self.once_each(spelling, entries);
        let field = |name: &str| fields.iter().find(|(known, _)| known.text == name).map(|(_, value)| *value);
        if fields.is_empty() {
            self.wrong_with_hint(node, spelling, "has no values", &hint);
            return None;
        }
        let listed = ["constant", "categorical", "categorical_w_probabilities"];
        let wants_list = field("distribution").is_none_or(|named| listed.contains(&named.text.as_str()));
        match (field("value"), field("values")) {
            (Some(value), None) if wants_list => {
                self.only(spelling, &fields, &["value", "distribution"])?;
                self.named(spelling, field("distribution"), &["constant"])?;
                let values = self.values_of(key, spelling, std::slice::from_ref(value))?;
                values.into_iter().next().map(Draws::Fixed)
            }
            (None, Some(values)) if wants_list => {
                self.only(spelling, &fields, &["values", "probabilities", "distribution"])?;
                self.named(spelling, field("distribution"), &listed[1..])?;
                self.listed(key, spelling, values, field("probabilities"))
            }
            (None, None)
                if field("distribution").is_some_and(|named| listed.contains(&named.text.as_str())) =>
            {
                self.wrong_with_hint(node, spelling, "has no values", &hint);
                None
            }
            _ => self.numbers(key, spelling, node, &fields).map(Draws::Numbers),
        }
    }

    fn listed(
        &mut self,
        key: &'static Key,
        spelling: &str,
        node: &Node,
        probabilities: Option<&Node>,
    ) -> Option<Draws> {
        let Content::List(items) = &node.content else {
            let hint = format!("{spelling}: {{values: [first, second]}}");
            self.wrong_with_hint(node, spelling, "has no list of values", &hint);
            return None;
        };
        if items.is_empty() {
            self.wrong_with_hint(node, spelling, "has no values", "values: [first, second]");
            return None;
        }
        let values = self.values_of(key, spelling, items)?;
        let probabilities = match probabilities {
            Some(probabilities) => Some(self.probabilities(spelling, probabilities, values.len())?),
            None => None,
        };
        Some(Draws::Values { values, probabilities })
    }

    fn probabilities(&mut self, spelling: &str, node: &Node, wanted: usize) -> Option<Vec<f64>> {
        let path = format!("{spelling}.probabilities");
        let Content::List(items) = &node.content else {
            self.wrong_with_hint(node, &path, "is a list with one number for each value", "[0.5, 0.3, 0.2]");
            return None;
        };
        let numbers: Vec<f64> = items.iter().filter_map(|item| self.number(item, &path)).collect();
        if numbers.len() < items.len() {
            return None;
        }
        if let Some(item) =
            items.iter().zip(&numbers).find(|(_, number)| **number < 0.0).map(|(item, _)| item)
        {
            self.wrong(item, &path, "is below 0");
            return None;
        }
        if numbers.len() != wanted {
            let message = format!("has {} numbers for {wanted} values", numbers.len());
            self.wrong(node, &path, &message);
            return None;
        }
        let sum: f64 = numbers.iter().sum();
        if (sum - 1.0).abs() > 1e-6 {
            let message = format!("add up to {}, not to 1", crate::config::number_text(super::neat(sum)));
            self.wrong(node, &path, &message);
            return None;
        }
        Some(numbers)
    }

    /// Refuses fields that do not belong here; `None` where there are any.
    pub(super) fn only(&mut self, spelling: &str, fields: &[(&Node, &Node)], known: &[&str]) -> Option<()> {
        let before = self.problems.len();
        for (name, _) in fields.iter().filter(|(name, _)| !known.contains(&name.text.as_str())) {
            let path = format!("{spelling}.{}", name.text);
            let hint = format!("known here: {}", known.join(", "));
            self.unknown(name, &path, "does not belong here", &hint);
        }
        (self.problems.len() == before).then_some(())
    }

    /// Refuses a distribution that is named otherwise.
    fn named(&mut self, spelling: &str, node: Option<&Node>, names: &[&str]) -> Option<()> {
        match node {
            Some(node) if !names.contains(&node.text.as_str()) => {
                let hint = format!("distribution: {}", names.join(" or "));
                self.wrong_with_hint(
                    node,
                    &format!("{spelling}.distribution"),
                    "does not fit the rest",
                    &hint,
                );
                None
            }
            _ => Some(()),
        }
    }
}

fn nested_parameters(node: &Node) -> Option<&Node> {
    let Content::Map(entries) = &node.content else { return None };
    match entries.as_slice() {
        [(name, value)] if name.text == "parameters" => Some(value),
        _ => None,
    }
}
