//! From a frozen sweep to single trials.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::experiment::{Entry, known_key};
use super::foreign::declare_names;
use super::place::{Place, Problem};
use super::plan::Trial;
use super::settings::DataType;
use super::sweep::{Assignment, SearchPlan, fit, sweepable};
use super::task::{DATA_TYPE, Scope};
use super::value::Value;

/// How many trials of a search Slurm has at once where nobody says it.
const TRIALS_WITH_SLURM: usize = 8;

impl SearchPlan {
    /// The trial of an assignment, checked as one of a grid is: the same assignment makes the same configuration, however
    /// it came about. Keys that vary are told in the order of the space, further ones after them.
    pub fn trial_of(&self, assignment: &Assignment) -> Result<Trial, Diagnostics> {
        let mut problems = Vec::new();
        let scope = self.scope();
        if self.base.contains_key("command") {
            declare_names(self.base.keys().chain(assignment.keys()), scope);
        }
        let set: Vec<Entry> =
            self.base.iter().filter_map(|(name, value)| checked(name, value, scope, &mut problems)).collect();
        let order = |name: &str| {
            let place = self.space.iter().flat_map(|axis| &axis.keys).position(|key| key == name);
            (place.unwrap_or(usize::MAX), name == "seed")
        };
        let mut names: Vec<&String> = assignment.keys().collect();
        names.sort_by_key(|name| order(name));
        let chosen: Vec<Entry> = names
            .iter()
            .filter_map(|name| checked_change(name, &assignment[*name], scope, &mut problems))
            .collect();
        let chosen: Vec<&Entry> = chosen.iter().collect();
        let trial = if problems.is_empty() { Trial::of(&set, &chosen, &[], &mut problems) } else { None };
        match trial {
            Some(trial) if problems.is_empty() => Ok(trial),
            _ => Err(diagnostics(assignment, problems)),
        }
    }

    /// Which keys its experiment had.
    fn scope(&self) -> Scope {
        let is_image = self.base.get(DATA_TYPE).is_some_and(|value| value.plain() == DataType::Image.word());
        if self.base.contains_key("command") && !is_image { Scope::Command } else { Scope::All }
    }

    /// How many trials of a search Slurm has at once, where it starts them: `array_parallelism`, or a number that
    /// leaves the search something to learn from.
    pub fn trials_with_slurm(&self) -> Option<usize> {
        if self.base.get("launcher") != Some(&Value::Text("slurm".to_owned())) {
            return None;
        }
        let Some(Value::Map(fields)) = self.base.get("slurm") else { return Some(TRIALS_WITH_SLURM) };
        let parallel = fields.iter().find(|(name, _)| name == "array_parallelism");
        match parallel {
            Some((_, Value::Whole(count))) => usize::try_from(*count).ok(),
            _ => Some(TRIALS_WITH_SLURM),
        }
    }

    /// The place of its runs in the queue.
    pub fn priority(&self) -> i64 {
        match self.base.get("priority") {
            Some(Value::Whole(priority)) => i64::try_from(*priority).unwrap_or(0),
            _ => 0,
        }
    }
}

fn checked(name: &str, value: &Value, scope: Scope, problems: &mut Vec<Problem>) -> Option<Entry> {
    let entry = known_key(name, scope, Place::File).and_then(|key| match fit(key, value) {
        Ok(value) => Ok(Entry { key, value, place: Place::File }),
        Err(misfit) => Err(Problem::of_value(Place::File, name, misfit)),
    });
    entry.map_err(|problem| problems.push(problem)).ok()
}

fn checked_change(name: &str, value: &Value, scope: Scope, problems: &mut Vec<Problem>) -> Option<Entry> {
    let entry = checked(name, value, scope, problems)?;
    match sweepable(entry.key, name, Place::File) {
        Ok(_) => Some(entry),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

/// Problems of a trial that stands in no file.
fn diagnostics(assignment: &Assignment, problems: Vec<Problem>) -> Diagnostics {
    let parts: Vec<String> =
        assignment.iter().map(|(key, value)| format!("{key}={}", value.plain())).collect();
    let file = format!("trial {}", parts.join(" "));
    let diagnostic = |problem: Problem| {
        let Problem { key, value, message, hint, .. } = problem;
        Diagnostic { key, value, hint, ..Diagnostic::of_file(file.trim_end(), message) }
    };
    Diagnostics::sorted(problems.into_iter().map(diagnostic).collect())
}
