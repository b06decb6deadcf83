//! Reading what numbers are drawn from, and whether that fits the key.

use super::fitting::{Ends, fit, fitting};
use super::reader::SweepReader;
use super::{Bell, Bounds, Distribution};
use crate::config::keys::Key;
use crate::config::place::{Place, Problem};
use crate::config::value::{Value, number_text};
use crate::config::yaml::{Content, Node};
use crate::text::nearest;

/// W&B's distributions of numbers and the fields that each has.
const KNOWN: [(&str, &[&str]); 15] = [
    ("int_uniform", &["min", "max"]),
    ("uniform", &["min", "max"]),
    ("q_uniform", &["min", "max", "q"]),
    ("log_uniform", &["min", "max"]),
    ("q_log_uniform", &["min", "max", "q"]),
    ("log_uniform_values", &["min", "max"]),
    ("q_log_uniform_values", &["min", "max", "q"]),
    ("inv_log_uniform", &["min", "max"]),
    ("inv_log_uniform_values", &["min", "max"]),
    ("normal", &["mu", "sigma"]),
    ("q_normal", &["mu", "sigma", "q"]),
    ("log_normal", &["mu", "sigma"]),
    ("q_log_normal", &["mu", "sigma", "q"]),
    ("beta", &["a", "b"]),
    ("q_beta", &["a", "b", "q"]),
];

/// The field of a parameter by its name.
type Field<'f, 'n> = &'f dyn Fn(&str) -> Option<&'n Node>;

impl SweepReader<'_> {
    /// The distribution of a parameter; without a name it is W&B's default, `int_uniform` where both bounds are whole
    /// numbers, else `uniform`.
    pub(super) fn numbers(
        &mut self,
        key: &'static Key,
        spelling: &str,
        node: &Node,
        fields: &[(&Node, &Node)],
    ) -> Option<Distribution> {
        let field = |name: &str| fields.iter().find(|(known, _)| known.text == name).map(|(_, value)| *value);
        let name = match field("distribution") {
            Some(named) => self.known_name(spelling, named)?,
            None => default_name(field("min"), field("max")),
        };
        let (_, own) = KNOWN.iter().find(|(known, _)| *known == name)?;
        let known: Vec<&str> = own.iter().copied().chain(["distribution"]).collect();
        if field("distribution").is_none() && own.iter().all(|name| field(name).is_none()) {
            let hint =
                format!("{spelling}: {{values: [first, second]}}, {{min: …, max: …}} or {{value: one}}");
            for (name, _) in fields {
                self.unknown(name, &format!("{spelling}.{}", name.text), "does not belong here", &hint);
            }
            return None;
        }
        self.only(spelling, fields, &known)?;
        let distribution = self.built(spelling, node, name, &field)?;
        let end = |name: &str| self.place(field(name).unwrap_or(node));
        let ends = Ends { min: end("min"), max: end("max") };
        let distribution = self.opened(key, spelling, ends.min, distribution);
        if let Err(problem) = fitting(key, spelling, &distribution, ends) {
            self.problems.push(problem);
            return None;
        }
        self.warn_of_exponents(spelling, field("distribution"), &distribution);
        Some(distribution)
    }

    /// W&B's own examples draw learning rates evenly from 0 on, where a learning rate must be above 0. What is drawn has
    /// six digits: the range begins that far below its end.
    fn opened(
        &mut self,
        key: &Key,
        spelling: &str,
        place: Place,
        distribution: Distribution,
    ) -> Distribution {
        let Distribution::Uniform(Bounds { min, max, q: None }) = distribution else { return distribution };
        let fits = |number: f64| fit(key, &Value::Real(number)).is_ok();
        let first = 1e-6 * max;
        if min != 0.0 || fits(min) || !fits(first) {
            return distribution;
        }
        let message = format!("0 cannot be: it draws from {} on", number_text(first));
        self.warnings.push(Problem::new(place, format!("{spelling}.min"), message));
        Distribution::Uniform(Bounds { min: first, max, q: None })
    }

    fn known_name(&mut self, spelling: &str, node: &Node) -> Option<&'static str> {
        let found = KNOWN.iter().find(|(known, _)| *known == node.text).map(|(known, _)| *known);
        if found.is_none() {
            let hint = match nearest(&node.text, KNOWN.iter().map(|(known, _)| *known)) {
                Some(near) => format!("did you mean '{near}'?"),
                None => "such as uniform, log_uniform_values or int_uniform".to_owned(),
            };
            self.wrong_with_hint(
                node,
                &format!("{spelling}.distribution"),
                "is no known distribution",
                &hint,
            );
        }
        found
    }

    fn built(
        &mut self,
        spelling: &str,
        node: &Node,
        name: &str,
        field: Field<'_, '_>,
    ) -> Option<Distribution> {
        // W&B's default step.
        let q = if name.starts_with("q_") { Some(self.step(spelling, field("q"))?) } else { None };
        match name.strip_prefix("q_").unwrap_or(name) {
            "int_uniform" => self.whole_range(spelling, node, field),
            "normal" => Some(Distribution::Normal(self.bell(spelling, q, field)?)),
            "log_normal" => Some(Distribution::LogNormal(self.bell(spelling, q, field)?)),
            "beta" => {
                let a = self.shape(spelling, "a", field("a"))?;
                let b = self.shape(spelling, "b", field("b"))?;
                Some(Distribution::Beta { a, b, q })
            }
            plain => {
                let bounds = self.bounds(spelling, node, q, field)?;
                if let Some(node) = field("min").filter(|_| plain.ends_with("_values") && bounds.min <= 0.0) {
                    self.wrong(node, &format!("{spelling}.min"), "is not above 0, where logarithms begin");
                    return None;
                }
                Some(match plain {
                    "log_uniform" => Distribution::LogUniform(bounds),
                    "log_uniform_values" => Distribution::LogUniformValues(bounds),
                    "inv_log_uniform" => Distribution::InvLogUniform(bounds),
                    "inv_log_uniform_values" => Distribution::InvLogUniformValues(bounds),
                    _ => Distribution::Uniform(bounds),
                })
            }
        }
    }

    fn whole_range(&mut self, spelling: &str, node: &Node, field: Field<'_, '_>) -> Option<Distribution> {
        let (min, max) =
            (self.whole_end(spelling, node, "min", field), self.whole_end(spelling, node, "max", field));
        let (min, max) = (min?, max?);
        self.in_order(spelling, field("max"), min <= max)?;
        Some(Distribution::IntUniform { min, max })
    }

    fn bounds(
        &mut self,
        spelling: &str,
        node: &Node,
        q: Option<f64>,
        field: Field<'_, '_>,
    ) -> Option<Bounds> {
        let (min, max) = (self.end(spelling, node, "min", field), self.end(spelling, node, "max", field));
        let (min, max) = (min?, max?);
        self.in_order(spelling, field("max"), min <= max)?;
        Some(Bounds { min, max, q })
    }

    fn bell(&mut self, spelling: &str, q: Option<f64>, field: Field<'_, '_>) -> Option<Bell> {
        let mu = self.number_or(spelling, "mu", field("mu"), 0.0)?;
        let sigma = self.number_or(spelling, "sigma", field("sigma"), 1.0)?;
        if let Some(node) = field("sigma").filter(|_| sigma < 0.0) {
            self.wrong(node, &format!("{spelling}.sigma"), "is below 0");
            return None;
        }
        Some(Bell { mu, sigma, q })
    }

    fn step(&mut self, spelling: &str, node: Option<&Node>) -> Option<f64> {
        let q = self.number_or(spelling, "q", node, 1.0)?;
        match node {
            Some(node) if q <= 0.0 => {
                self.wrong(node, &format!("{spelling}.q"), "is not a number above 0");
                None
            }
            _ => Some(q),
        }
    }

    fn shape(&mut self, spelling: &str, name: &str, node: Option<&Node>) -> Option<f64> {
        let shape = self.number_or(spelling, name, node, 1.0)?;
        match node {
            Some(node) if shape <= 0.0 => {
                self.wrong(node, &format!("{spelling}.{name}"), "is not a number above 0");
                None
            }
            _ => Some(shape),
        }
    }

    fn number_or(&mut self, spelling: &str, name: &str, node: Option<&Node>, default: f64) -> Option<f64> {
        node.map_or(Some(default), |node| self.number(node, &format!("{spelling}.{name}")))
    }

    fn end(&mut self, spelling: &str, node: &Node, name: &str, field: Field<'_, '_>) -> Option<f64> {
        let Some(end) = field(name) else {
            let hint = format!("{spelling}: {{min: …, max: …}}");
            self.wrong_with_hint(node, spelling, &format!("has no {name}"), &hint);
            return None;
        };
        self.number(end, &format!("{spelling}.{name}"))
    }

    fn whole_end(&mut self, spelling: &str, node: &Node, name: &str, field: Field<'_, '_>) -> Option<i64> {
        let number = self.end(spelling, node, name, field)?;
        let node = field(name)?;
        let path = format!("{spelling}.{name}");
        match node.content {
            Content::Whole(whole) => {
                if let Ok(whole) = i64::try_from(whole) {
                    Some(whole)
                } else {
                    self.wrong(node, &path, "is beyond what can be drawn");
                    None
                }
            }
            _ if number.fract() == 0.0 && number.abs() < 9e15 => Some(number as i64),
            _ => {
                self.wrong_with_hint(
                    node,
                    &path,
                    "is no whole number",
                    "distribution: uniform draws fractions",
                );
                None
            }
        }
    }

    fn in_order(&mut self, spelling: &str, max: Option<&Node>, is_so: bool) -> Option<()> {
        if let Some(node) = max.filter(|_| !is_so) {
            self.wrong(node, &format!("{spelling}.max"), "is below min");
        }
        is_so.then_some(())
    }

    /// People who write `log_uniform` with bounds between 0 and 1 mean values, and get numbers from 1 to 2.72.
    fn warn_of_exponents(&mut self, spelling: &str, name: Option<&Node>, distribution: &Distribution) {
        let (Distribution::LogUniform(bounds) | Distribution::InvLogUniform(bounds)) = distribution else {
            return;
        };
        let Some(node) = name.filter(|_| bounds.min > 0.0 && bounds.min < 1.0) else { return };
        let text = |u: f64| super::words::end_text(&distribution.sample(u));
        let message = format!(
            "takes min and max as exponents of e: it draws from {} to {} (for values from {} to {} write {}_values)",
            text(0.0),
            text(1.0),
            number_text(bounds.min),
            number_text(bounds.max),
            distribution.name()
        );
        let problem = Problem::new(self.place(node), format!("{spelling}.distribution"), message);
        self.warnings.push(problem.value(Some(node.text.clone())));
    }
}

fn default_name(min: Option<&Node>, max: Option<&Node>) -> &'static str {
    let is_whole = |node: Option<&Node>| node.is_none_or(|node| matches!(node.content, Content::Whole(_)));
    if is_whole(min) && is_whole(max) { "int_uniform" } else { "uniform" }
}
