//! Whether what is drawn fits the key that it is drawn for.

use super::Distribution;
use crate::config::keys::{Key, Kind};
use crate::config::kind::{Misfit, fitted};
use crate::config::place::{Place, Problem};
use crate::config::value::Value;
use crate::config::yaml::{self, Content, Node};

/// Where the parts of a distribution stand, for what is wrong with them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    /// The smaller bound.
    pub(crate) min: Place,
    /// The larger one.
    pub(crate) max: Place,
}

/// The value as one of that key, checked like one of a file.
pub(crate) fn fit(key: &Key, value: &Value) -> Result<Value, Misfit> {
    let node = yaml::read(&value.to_string()).unwrap_or_else(|_| Node {
        id: 0,
        content: Content::Text,
        text: value.plain(),
    });
    fitted(key.kind, &node)
}

/// Whether what is drawn fits the key: both ends, or the middle of what has no ends.
pub(crate) fn fitting(
    key: &'static Key,
    spelling: &str,
    distribution: &Distribution,
    ends: Ends,
) -> Result<(), Problem> {
    match key.kind {
        Kind::Real(_) | Kind::Scalar => {}
        Kind::Whole { .. } if is_whole(distribution) => {}
        Kind::Whole { .. } => {
            let message = format!("is a whole number, and {} draws fractions", distribution.name());
            return Err(Problem::new(ends.min, spelling, message).hint(whole_hint(distribution)));
        }
        _ => {
            let problem = Problem::new(ends.min, spelling, "is no number, so that none can be drawn for it");
            return Err(problem.hint("values: [first, second]"));
        }
    }
    let has_ends = !matches!(
        distribution,
        Distribution::Normal(_) | Distribution::LogNormal(_) | Distribution::Beta { .. }
    );
    let probes: &[f64] = if has_ends { &[0.0, 1.0] } else { &[0.5] };
    for u in probes {
        let value = distribution.sample(*u);
        if let Err(misfit) = fit(key, &value) {
            let is_min = (*u == 0.0) != matches!(distribution, Distribution::InvLogUniform(_));
            return Err(unfit(
                spelling,
                distribution,
                &value,
                misfit,
                if is_min { ends.min } else { ends.max },
            ));
        }
    }
    Ok(())
}

fn unfit(
    spelling: &str,
    distribution: &Distribution,
    value: &Value,
    misfit: Misfit,
    place: Place,
) -> Problem {
    let problem = Problem::new(place, spelling, misfit.message).value(Some(super::words::end_text(value)));
    let name = distribution.name();
    match distribution {
        Distribution::LogUniform(_) | Distribution::InvLogUniform(_) => problem.hint(format!(
            "{name} takes min and max as exponents of e; {name}_values takes them as they are"
        )),
        Distribution::Normal(_) | Distribution::LogNormal(_) | Distribution::Beta { .. } => {
            problem.hint(format!("it is in the middle of what {name} draws"))
        }
        _ => Problem { hint: misfit.hint, ..problem },
    }
}

fn is_whole(distribution: &Distribution) -> bool {
    match distribution {
        Distribution::IntUniform { .. } => true,
        other => other.q().is_some_and(|q| q.fract() == 0.0),
    }
}

fn whole_hint(distribution: &Distribution) -> String {
    match distribution {
        Distribution::Uniform(_) => "distribution: int_uniform".to_owned(),
        Distribution::InvLogUniform(_) | Distribution::InvLogUniformValues(_) => {
            "distribution: q_log_uniform_values with q: 1".to_owned()
        }
        other if other.q().is_some() => "a whole q, such as 1".to_owned(),
        other => format!("distribution: q_{} with q: 1", other.name()),
    }
}
