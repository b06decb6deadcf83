//! From the layers to a sweep's combinations and to what is frozen of it.

use super::experiment::Entry;
use super::keys::{Key, Kind, all_keys, find_key};
use super::layers::Layers;
use super::place::{Place, Problem};
use super::plan::TRIAL_LIMIT;
use super::resolve::default_value;
use super::sweep::{
    Assignment, Axis, AxisDraws, AxisValues, Distribution, Method, SearchAxis, SearchPlan, SweepSpec,
    TooMany, axes_of, combinations, fit,
};
use super::value::Value;

/// How many runs a search makes where nobody says it: as many as Hydra's Optuna sweeper.
const DEFAULT_RUN_CAP: u64 = 20;

/// A sweep's combinations, and what is frozen of it.
#[derive(Debug, Default)]
pub(super) struct PlannedSweep {
    /// What varies in each run; one run in which nothing does, where it is no sweep.
    pub(super) combinations: Vec<Vec<Entry>>,
    /// The same for examples of what a search makes.
    pub(super) examples: Vec<Vec<Entry>>,
    pub(super) search: Option<SearchPlan>,
}

/// The sweep of the layers; `None` where it cannot be told what its runs are.
pub(super) fn planned_sweep(
    layers: &Layers,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Problem>,
) -> Option<PlannedSweep> {
    let sweep = &layers.sweep;
    let axes = axes_of(sweep, &layers.settled, problems);
    if axes.0.is_empty() && sweep.seeds.is_none() {
        refuse_fields_of_nothing(sweep, problems);
        return Some(PlannedSweep { combinations: vec![Vec::new()], ..PlannedSweep::default() });
    }
    let method = sweep.method.unwrap_or(if axes.is_drawn() && sweep.trials.is_none() {
        Method::Random
    } else {
        Method::Grid
    });
    if sweep.trials.is_some() && method != Method::Grid {
        let message = format!("is given with trials, which lists them all, and '{method}' chooses its own");
        problems.push(Problem::new(sweep.place("method"), "sweep.method", message).hint("method: grid"));
        return None;
    }
    require_metric(layers, method, problems);
    warn_of_metric(layers, &axes.0, warnings);
    if method == Method::Grid {
        return grid(layers, axes.into_grid(grid_hint(layers), problems), problems);
    }
    let run_cap = search_cap(layers, method, problems, warnings)?;
    let search = frozen(layers, method, Some(run_cap), &axes.0);
    let examples = examples(&search, &axes.0);
    Some(PlannedSweep { combinations: Vec::new(), examples, search: Some(search) })
}

/// A field of the sweep that is typed where nothing is swept would change nothing.
fn refuse_fields_of_nothing(sweep: &SweepSpec, problems: &mut Vec<Problem>) {
    // What was told already may be why nothing is swept.
    if !problems.is_empty() {
        return;
    }
    for (field, place) in sweep.places.iter().filter(|(_, place)| matches!(place, Place::Argument(..))) {
        let problem = Problem::new(*place, format!("sweep.{field}"), "is given, but nothing is swept");
        problems.push(problem.hint("sweep a key by key=a,b"));
    }
}

fn grid_hint(layers: &Layers) -> &'static str {
    if matches!(layers.sweep.place("method"), Place::Argument(..)) || !layers.settled.is_empty() {
        "sweep.method=random draws from it"
    } else {
        "values: [first, second], or method: random"
    }
}

fn grid(layers: &Layers, mut axes: Vec<Axis>, problems: &mut Vec<Problem>) -> Option<PlannedSweep> {
    let search = frozen(layers, Method::Grid, layers.sweep.run_cap, &axes);
    axes.extend(seed_axis(layers));
    let cap = layers.sweep.run_cap.unwrap_or(u64::MAX);
    match combinations(&axes, &|key| layers.set_value(key), cap, TRIAL_LIMIT) {
        Ok(found) => {
            let combinations =
                found.into_iter().map(|chosen| chosen.into_iter().cloned().collect()).collect();
            Some(PlannedSweep { combinations, examples: Vec::new(), search: Some(search) })
        }
        Err(too_many) => {
            problems.push(refused(&axes, too_many));
            None
        }
    }
}

fn refused(axes: &[Axis], too_many: TooMany) -> Problem {
    let place = axes.first().map_or(Place::File, |axis| axis.place);
    let message = match too_many.count {
        Some(count) => format!("this sweep has {count} runs, more than {TRIAL_LIMIT}"),
        None => format!("this sweep has more than {TRIAL_LIMIT} runs"),
    };
    Problem::new(place, "sweep", message).hint(format!("run_cap: {TRIAL_LIMIT} takes the first ones"))
}

/// Seeds vary fastest, so that the runs of one point come together.
fn seed_axis(layers: &Layers) -> Option<Axis> {
    let (seeds, key, place) = (layers.sweep.seeds?, find_key("seed")?, layers.sweep.place("seeds"));
    let row = |seed: u64| vec![Some(Entry { key, value: Value::Whole(seed.into()), place })];
    Some(Axis::coupled(vec![key], (0..seeds).map(row).collect(), place))
}

fn require_metric(layers: &Layers, method: Method, problems: &mut Vec<Problem>) {
    let sweep = &layers.sweep;
    if sweep.metric.is_some() || sweep.place("metric") != Place::File {
        return;
    }
    let (field, who) = if method == Method::Bayes {
        ("method", "method: bayes")
    } else if !sweep.stopping.is_empty() {
        let rules = ["asha", "median_stop", "early_terminate"];
        let rule = rules.into_iter().find(|rule| sweep.place(rule) != Place::File).unwrap_or("asha");
        (rule, rule)
    } else {
        return;
    };
    let message = format!("{who} decides by a metric, and none is named");
    let problem = Problem::new(sweep.place(field), "sweep.metric", message);
    problems.push(problem.hint("metric: {name: eval/loss, goal: minimize}"));
}

/// The built-in trainer evaluates nothing without held-out data, and a search would wait for a value in vain.
fn warn_of_metric(layers: &Layers, axes: &[Axis], warnings: &mut Vec<Problem>) {
    let Some(metric) = &layers.sweep.metric else { return };
    let is_given = |name: &str| {
        let is_set = layers.set.iter().any(|entry| entry.key.name == name);
        is_set || axes.iter().flat_map(|axis| &axis.keys).any(|key| key.name == name)
    };
    let has_values = ["eval_data_dir", "eval_split", "command"].into_iter().any(is_given);
    if metric.name.starts_with("eval/") && !has_values {
        let problem = Problem::new(
            layers.sweep.place("metric"),
            "sweep.metric",
            "is known only where data is held out, and none is (eval_split: 0.1 holds a tenth out)",
        );
        warnings.push(problem.value(Some(metric.name.clone())));
    }
}

fn search_cap(
    layers: &Layers,
    method: Method,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Problem>,
) -> Option<u64> {
    let sweep = &layers.sweep;
    match sweep.run_cap {
        Some(cap) if cap > TRIAL_LIMIT => {
            let message = format!("this sweep has {cap} runs, more than {TRIAL_LIMIT}");
            problems.push(Problem::new(sweep.place("run_cap"), "sweep.run_cap", message));
            None
        }
        Some(cap) => Some(cap),
        None => {
            let message = format!("is not given, and {method} has no end: {DEFAULT_RUN_CAP} runs are made");
            let place = [sweep.place("method")].into_iter().chain(sweep.parameters.iter().map(|p| p.place));
            let place = place.into_iter().find(|place| *place != Place::File).unwrap_or(Place::File);
            warnings.push(Problem::new(place, "sweep.run_cap", message));
            Some(DEFAULT_RUN_CAP)
        }
    }
}

fn frozen(layers: &Layers, method: Method, run_cap: Option<u64>, axes: &[Axis]) -> SearchPlan {
    let sweep = &layers.sweep;
    let defaults = all_keys()
        .filter(|key| key.is_setting() && key.is_for(layers.data_type))
        .filter_map(|key| Some((key.name.to_owned(), default_value(key, layers.data_type)?)));
    let set = layers.set.iter().map(|entry| (entry.key.name.to_owned(), entry.value.clone()));
    SearchPlan {
        method,
        metric: sweep.metric.clone(),
        target: sweep.target,
        random_seed: sweep.random_seed,
        run_cap,
        seeds: sweep.seeds,
        stopping: sweep.stopping.clone(),
        base: defaults.chain(set).collect(),
        space: axes.iter().map(frozen_axis).collect(),
    }
}

fn frozen_axis(axis: &Axis) -> SearchAxis {
    let keys: Vec<String> = axis.keys.iter().map(|key| key.name.to_owned()).collect();
    let value = |cell: &Option<Entry>| cell.as_ref().map(|entry| entry.value.clone());
    let values = match &axis.draws {
        AxisDraws::Numbers(distribution) => AxisValues::Drawn(distribution.clone()),
        AxisDraws::Rows { rows, probabilities } => {
            let single: Option<Vec<Value>> =
                rows.iter().map(|row| if let [cell] = row.as_slice() { value(cell) } else { None }).collect();
            match single {
                Some(values) => AxisValues::Drawn(Distribution::Categorical {
                    values,
                    probabilities: probabilities.clone(),
                }),
                None => AxisValues::Rows(rows.iter().map(|row| row.iter().map(value).collect()).collect()),
            }
        }
    };
    SearchAxis { keys, values, when: axis.when.clone() }
}

/// The middle of the space, and the same with each further path that an axis names.
fn examples(search: &SearchPlan, axes: &[Axis]) -> Vec<Vec<Entry>> {
    let middle = vec![0.5; axes.len()];
    let mut points = vec![middle.clone()];
    for (at, axis) in axes.iter().enumerate() {
        let names_paths = axis.keys.iter().any(|key| key.kind == Kind::Path);
        for row in 0..if names_paths { axis.len() } else { 0 } {
            let mut point = middle.clone();
            point[at] = (row as f64 + 0.5) / axis.len() as f64;
            points.push(point);
        }
    }
    let mut examples: Vec<Vec<Entry>> = Vec::new();
    for point in points {
        let example = entries_at(&search.point(&point), axes);
        if !examples.contains(&example) {
            examples.push(example);
        }
    }
    examples
}

/// The entries of a point in the order of the axes, each where its value was given, or else its axis.
fn entries_at(point: &Assignment, axes: &[Axis]) -> Vec<Entry> {
    let keys = axes.iter().flat_map(|axis| axis.keys.iter().map(move |key| (axis, *key)));
    let entry = |(axis, key): (&Axis, &'static Key)| {
        let value = point.get(key.name)?;
        let rows = (0..axis.len()).flat_map(|index| axis.row(index)).flatten();
        let given = rows.into_iter().find(|entry| entry.key == key && entry.value == *value);
        let drawn =
            || Entry { key, value: fit(key, value).unwrap_or_else(|_| value.clone()), place: axis.place };
        Some(given.cloned().unwrap_or_else(drawn))
    };
    keys.filter_map(entry).collect()
}
