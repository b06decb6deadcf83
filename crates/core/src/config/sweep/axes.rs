//! From what a sweep says to its axes: keys that are zipped share one, a list of trials is one, conditions are tied to
//! those they concern.

use super::axis::{Axis, Draws as AxisDraws};
use super::gate::circle;
use super::search_plan::Condition;
use super::{Distribution, Draws, Parameter, SweepSpec, Trials, Zip};
use crate::config::experiment::Entry;
use crate::config::keys::Key;
use crate::config::place::Problem;

/// The axes of a sweep.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Axes(pub(crate) Vec<Axis>);

/// The axes of a sweep, in the file's order. Keys in `settled` are given otherwise, by the command line or wrongly, so
/// that nobody calls them not swept.
pub(crate) fn axes_of(sweep: &SweepSpec, settled: &[&'static str], problems: &mut Vec<Problem>) -> Axes {
    let mut builder = Builder { sweep, settled, problems };
    let mut axes: Vec<Axis> =
        builder.sweep.trials.iter().filter_map(|trials| builder.listed(trials)).collect();
    builder.refuse_doubled(&axes);
    let groups: Vec<Axis> = builder.sweep.zip.iter().filter_map(|zip| builder.zipped(zip)).collect();
    for parameter in &sweep.parameters {
        let group = groups.iter().find(|group| group.keys.contains(&parameter.key));
        match group {
            Some(group) if axes.contains(group) => {}
            Some(group) => axes.push(group.clone()),
            None => axes.extend(Axis::of(parameter)),
        }
    }
    builder.tie_conditions(&mut axes);
    if let Some(axis) = circle(&axes).map(|index| &axes[index]) {
        let message = "depends on itself by its conditions";
        builder.problems.push(Problem::new(axis.place, axis.keys[0].name, message));
        for axis in &mut axes {
            axis.when.clear();
        }
    }
    Axes(axes)
}

struct Builder<'a> {
    sweep: &'a SweepSpec,
    settled: &'a [&'static str],
    problems: &'a mut Vec<Problem>,
}

impl Builder<'_> {
    fn is_settled(&self, key: &Key) -> bool {
        self.settled.contains(&key.name) || self.sweep.spoilt.contains(&key.name)
    }

    /// A list of trials without the columns that are given otherwise.
    fn listed(&mut self, trials: &Trials) -> Option<Axis> {
        let kept: Vec<bool> = trials.keys.iter().map(|key| !self.is_settled(key)).collect();
        let keys: Vec<&'static Key> =
            trials.keys.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(key, _)| *key).collect();
        let row = |row: &Vec<Option<Entry>>| {
            row.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(cell, _)| cell.clone()).collect()
        };
        let rows = trials.rows.iter().map(row).collect();
        (!keys.is_empty()).then(|| Axis::coupled(keys, rows, trials.place))
    }

    fn refuse_doubled(&mut self, listed: &[Axis]) {
        for parameter in &self.sweep.parameters {
            if listed.iter().any(|axis| axis.keys.contains(&parameter.key)) {
                let problem =
                    Problem::new(parameter.place, parameter.key.name, "is a column of the trials too");
                self.problems.push(problem.hint("keep one of them"));
            }
        }
    }

    fn zipped(&mut self, zip: &Zip) -> Option<Axis> {
        let mut columns: Vec<(&'static Key, &Vec<Entry>)> = Vec::new();
        for key in &zip.keys {
            match self.sweep.parameter(key).map(|parameter| &parameter.draws) {
                Some(Draws::Values { values, probabilities: None }) => columns.push((key, values)),
                Some(Draws::Values { .. }) => {
                    self.refuse_zip(zip, key, "has probabilities, and zipped values come in turn");
                }
                Some(Draws::Numbers(_)) => {
                    self.refuse_zip(zip, key, "is drawn, and only values that are listed can be zipped");
                }
                Some(Draws::Fixed(_)) => {
                    self.refuse_zip(zip, key, "has one value, so that there is nothing to zip");
                }
                None if self.is_settled(key) => {}
                None => self.refuse_zip(zip, key, "is zipped, but not swept"),
            }
        }
        let (first, rest) = columns.split_first()?;
        if let Some((key, values)) = rest.iter().find(|(_, values)| values.len() != first.1.len()) {
            let message = format!(
                "has {} values, and {}, which it is zipped with, has {}",
                values.len(),
                first.0.name,
                first.1.len()
            );
            self.refuse_zip(zip, key, &message);
            return None;
        }
        let row = |index: usize| columns.iter().map(|(_, values)| values.get(index).cloned()).collect();
        let rows = (0..first.1.len()).map(row).collect();
        let place = self.sweep.parameter(first.0).map_or(zip.place, |parameter| parameter.place);
        Some(Axis::coupled(columns.iter().map(|(key, _)| *key).collect(), rows, place))
    }

    fn refuse_zip(&mut self, zip: &Zip, key: &Key, message: &str) {
        self.problems.push(Problem::new(zip.place, format!("sweep.zip.{}", key.name), message));
    }

    fn tie_conditions(&mut self, axes: &mut [Axis]) {
        for when in &self.sweep.when {
            let path = format!("sweep.when.{}.{}", when.key.name, when.parent.name);
            let problem = |message: &str| Problem::new(when.place, path.clone(), message);
            let Some(index) = axes.iter().position(|axis| axis.keys.contains(&when.key)) else {
                if !self.is_settled(when.key) {
                    self.problems
                        .push(problem(&format!("is a condition, but {} is not swept", when.key.name)));
                }
                continue;
            };
            let parent = axes.iter().position(|axis| axis.keys.contains(&when.parent));
            if parent == Some(index) {
                self.problems.push(problem("is a condition between keys that vary together"));
                continue;
            }
            if parent.is_none()
                && !self.is_settled(when.parent)
                && self.sweep.parameter(when.parent).is_none()
            {
                let message = format!("is a condition on {}, which is not swept", when.parent.name);
                self.problems.push(problem(&message));
                continue;
            }
            if let Some(never) =
                parent.and_then(|parent| never_taken(&axes[parent], when.parent, &when.values))
            {
                let message = format!("is none of the values of {}", when.parent.name);
                let place = never.place;
                let problem = Problem::new(place, path, message).value(Some(never.value.plain()));
                self.problems.push(problem);
                continue;
            }
            let condition = Condition {
                key: when.parent.name.to_owned(),
                values: when.values.iter().map(|entry| entry.value.clone()).collect(),
            };
            axes[index].when.push(condition);
        }
        self.refuse_half_conditions(axes);
    }

    /// Keys that vary together do so under the same conditions.
    fn refuse_half_conditions(&mut self, axes: &[Axis]) {
        for axis in axes.iter().filter(|axis| axis.keys.len() > 1 && !axis.when.is_empty()) {
            let of = |key: &Key| {
                let own = self.sweep.when.iter().filter(|when| when.key == key);
                let mut own: Vec<_> =
                    own.map(|when| (when.parent.name, format!("{:?}", texts(&when.values)))).collect();
                own.sort();
                own
            };
            let first = of(axis.keys[0]);
            if let Some(key) = axis.keys.iter().find(|key| of(key) != first) {
                let message = format!("goes together with {}, which has other conditions", axis.keys[0].name);
                let problem = Problem::new(axis.place, key.name, message);
                self.problems.push(problem.hint("give all keys that go together the same when:"));
            }
        }
    }
}

fn texts(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| entry.value.to_string()).collect()
}

/// A value of a condition that the key never has. Of numbers that are drawn only whole ones are looked at.
fn never_taken<'v>(axis: &Axis, key: &Key, values: &'v [Entry]) -> Option<&'v Entry> {
    let column = axis.keys.iter().position(|known| *known == key)?;
    values.iter().find(|wanted| match &axis.draws {
        // An empty cell leaves the experiment's own value, which may be any.
        AxisDraws::Rows { rows, .. } => rows.iter().all(|row| {
            row.get(column).is_some_and(|cell| cell.as_ref().is_some_and(|cell| cell.value != wanted.value))
        }),
        AxisDraws::Numbers(Distribution::IntUniform { min, max }) => match wanted.value {
            crate::config::Value::Whole(number) => !(i128::from(*min)..=i128::from(*max)).contains(&number),
            _ => false,
        },
        AxisDraws::Numbers(_) => false,
    })
}

impl Axes {
    /// The axes as a grid: ranges of whole numbers and of multiples become lists, as in W&B's grid search.
    pub(crate) fn into_grid(self, hint: &str, problems: &mut Vec<Problem>) -> Vec<Axis> {
        self.0.into_iter().filter_map(|axis| in_grid(axis, hint, problems)).collect()
    }

    /// Whether anything is drawn rather than listed.
    pub(crate) fn is_drawn(&self) -> bool {
        self.0.iter().any(|axis| match &axis.draws {
            AxisDraws::Numbers(_) => true,
            AxisDraws::Rows { probabilities, .. } => probabilities.is_some(),
        })
    }
}

fn in_grid(axis: Axis, hint: &str, problems: &mut Vec<Problem>) -> Option<Axis> {
    let key = axis.keys[0];
    let mut refuse = |message: String| {
        problems.push(Problem::new(axis.place, key.name, message).hint(hint));
        None
    };
    let distribution = match &axis.draws {
        AxisDraws::Rows { probabilities: None, .. } => return Some(axis),
        AxisDraws::Rows { .. } => {
            return refuse("has probabilities, which mean nothing in a grid".to_owned());
        }
        AxisDraws::Numbers(distribution) => distribution,
    };
    let Some(values) = distribution.listed(super::LISTED_LIMIT) else {
        return refuse(format!(
            "cannot be tried value by value: {} draws from too many",
            distribution.name()
        ));
    };
    let entry = |value| Entry { key, value: super::fit(key, &value).unwrap_or(value), place: axis.place };
    let parameter = Parameter {
        key,
        draws: Draws::Values { values: values.into_iter().map(entry).collect(), probabilities: None },
        place: axis.place,
    };
    Some(Axis { when: axis.when, ..Axis::of(&parameter)? })
}
