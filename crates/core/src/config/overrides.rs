//! Overrides of the command line: `key=value`, `key=a,b`, `key=[x,y]`, `key=range(a,b,step)`, `key=interval(a,b)` and the
//! like, and fields of the sweep, such as `sweep.method=random`.
//!
//! A plain value fixes a key, also one that the file sweeps; a comma or a function sweeps it; brackets are one list.

use super::experiment::{Entry, checked_value, known_key};
use super::keys::{Key, Kind};
use super::place::{Place, Problem};
use super::spread::{Part, Spread, SpreadError, split_commas, spread};
use super::sweep::{Bounds, Distribution, Draws, Ends, fitting, sweepable};
use super::yaml::{self, Content, Node};

/// One override, checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Override {
    /// Of a key.
    Key {
        /// Which key.
        key: &'static Key,
        /// What becomes of it.
        change: Change,
        place: Place,
    },
    /// Of a field of the sweep, which is checked where it is put in.
    Field {
        /// Its name.
        name: Node,
        /// What it is to be.
        value: Node,
        place: Place,
    },
}

/// What an override does to its key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    /// It has this value in every run.
    Fix(Entry),
    /// It has its default again (`key=null`).
    Reset,
    /// It varies.
    Sweep(Draws),
}

/// Reads the arguments, numbered from 1; problems are added to `problems`.
pub(crate) fn read_overrides(arguments: &[String], problems: &mut Vec<Problem>) -> Vec<Override> {
    let mut overrides = Vec::new();
    for (index, argument) in arguments.iter().enumerate() {
        match read_override(argument, index + 1) {
            Ok(read) => overrides.push(read),
            Err(problem) => problems.push(problem),
        }
    }
    overrides
}

fn read_override(argument: &str, number: usize) -> Result<Override, Problem> {
    let place = Place::Argument(number, 1);
    let Some((name, text)) = argument.split_once('=') else {
        let problem = Problem { key: None, ..Problem::new(place, "", "is no override") };
        return Err(problem.value(Some(argument.to_owned())).hint("key=value, such as lora_rank=8"));
    };
    let start = name.chars().count() + 2;
    if let Some(field) = name.strip_prefix("sweep.") {
        return read_field(name, field, text, Place::Argument(number, start));
    }
    let key = known_key(name, place)?;
    let change = read_change(key, name, (text, start), number)?;
    if let Change::Sweep(_) = change {
        sweepable(key, name, place)?;
    }
    Ok(Override::Key { key, change, place })
}

fn read_field(name: &str, field: &str, text: &str, place: Place) -> Result<Override, Problem> {
    if field.is_empty() || field.starts_with("parameters") {
        let problem = Problem::new(place, name, "cannot be overridden");
        return Err(problem.hint("sweep a key by key=a,b, or edit the experiment file"));
    }
    if let Some((outer, inner)) = field.split_once('.') {
        let hint = format!("give the whole of it: 'sweep.{outer}={{{inner}: …}}'");
        return Err(Problem::new(place, name, "is a part of a field").hint(hint));
    }
    let name = Node { id: 0, content: Content::Text, text: field.to_owned() };
    Ok(Override::Field { name, value: yaml::read_value(text), place })
}

fn read_change(
    key: &'static Key,
    name: &str,
    whole: (&str, usize),
    number: usize,
) -> Result<Change, Problem> {
    let (text, start) = whole;
    let at = |column| Place::Argument(number, column);
    let is_number = matches!(key.kind, Kind::Whole { .. } | Kind::Real(_));
    let explained = |error: SpreadError| Problem {
        hint: error.hint.map(str::to_owned),
        ..Problem::new(at(error.column), name, error.message)
    };
    match spread(text, start, is_number).map_err(explained)? {
        Some(Spread::Values(parts)) => return swept(key, name, &parts, number),
        Some(Spread::Single((text, column))) => return fixed(key, name, &text, at(column)),
        Some(Spread::Interval { ends, columns, is_log, is_whole }) => {
            let distribution = distribution(key, ends, is_log, is_whole);
            let ends = Ends { min: at(columns.0), max: at(columns.1) };
            if let (Distribution::LogUniformValues(bounds), true) = (&distribution, is_log)
                && bounds.min <= 0.0
            {
                return Err(Problem::new(ends.min, name, "is not above 0, where logarithms begin"));
            }
            fitting(key, name, &distribution, ends)?;
            return Ok(Change::Sweep(Draws::Numbers(distribution)));
        }
        None => {}
    }
    let parts: Vec<Part> =
        split_commas(text, start).into_iter().map(|(text, column)| (text.to_owned(), column)).collect();
    if parts.len() > 1 {
        return swept(key, name, &parts, number);
    }
    fixed(key, name, text, at(start))
}

fn fixed(key: &'static Key, name: &str, text: &str, place: Place) -> Result<Change, Problem> {
    let node = yaml::read_value(text);
    if node.content == Content::Null {
        return Ok(Change::Reset);
    }
    checked_value(key, name, &node, place).map(Change::Fix)
}

/// What an interval draws: whole numbers where they are asked for, or where the key takes nothing else.
fn distribution(key: &Key, ends: (f64, f64), is_log: bool, is_whole: bool) -> Distribution {
    let has_whole_ends =
        ends.0.fract() == 0.0 && ends.1.fract() == 0.0 && ends.0.abs().max(ends.1.abs()) < 9e15;
    let is_whole = (is_whole || matches!(key.kind, Kind::Whole { .. })) && has_whole_ends;
    let bounds = Bounds::new(ends.0, ends.1);
    match (is_whole, is_log) {
        (true, false) => Distribution::IntUniform { min: ends.0 as i64, max: ends.1 as i64 },
        (true, true) => Distribution::LogUniformValues(Bounds { q: Some(1.0), ..bounds }),
        (false, false) => Distribution::Uniform(bounds),
        (false, true) => Distribution::LogUniformValues(bounds),
    }
}

fn swept(key: &'static Key, name: &str, parts: &[Part], number: usize) -> Result<Change, Problem> {
    let mut values: Vec<Entry> = Vec::new();
    for (text, column) in parts {
        let place = Place::Argument(number, *column);
        let node = yaml::read_value(text);
        if node.content == Content::Null {
            return Err(Problem::new(place, name, "has an empty value"));
        }
        values.push(checked_value(key, name, &node, place)?);
    }
    Ok(Change::Sweep(Draws::Values { values, probabilities: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(argument: &str) -> Result<String, String> {
        match read_override(argument, 1) {
            Err(problem) => Err(format!("{:?} {}", problem.place, problem.message)),
            Ok(Override::Field { name, value, .. }) => Ok(format!("field {} {:?}", name.text, value.content)),
            Ok(Override::Key { change, .. }) => Ok(match change {
                Change::Fix(entry) => format!("fix {}", entry.value),
                Change::Reset => "reset".into(),
                Change::Sweep(Draws::Values { values, .. }) => {
                    let values: Vec<String> = values.iter().map(|entry| entry.value.to_string()).collect();
                    format!("sweep {}", values.join(" "))
                }
                Change::Sweep(Draws::Numbers(distribution)) => format!("draw {distribution}"),
                Change::Sweep(Draws::Fixed(_)) => panic!("a sweep of one value"),
            }),
        }
    }

    #[test]
    fn plain_values_fix_and_commas_sweep() {
        assert_eq!(read("lr=2e-4"), Ok("fix 2e-4".into()));
        assert_eq!(read("rank=4,8,4"), Ok("sweep 4 8 4".into()));
        assert_eq!(read("lora_rank=range(4,17,4)"), Ok("sweep 4 8 12 16".into()));
        assert_eq!(read("seed=choice(0,1,2)"), Ok("sweep 0 1 2".into()));
        assert_eq!(read("learning_rate=logspace(-4,-3,2)"), Ok("sweep 1e-4 1e-3".into()));
        assert_eq!(read("max_steps=null"), Ok("reset".into()));
    }

    #[test]
    fn brackets_are_one_list() {
        assert_eq!(read("lora_targets=[q_proj,v_proj]"), Ok("fix [q_proj, v_proj]".into()));
        assert_eq!(read("lora_targets=qkv,[q_proj,v_proj]"), Ok("sweep qkv [q_proj, v_proj]".into()));
        assert_eq!(read("lora_targets=.*(q|v)_proj"), Ok("fix \".*(q|v)_proj\"".into()));
    }

    #[test]
    fn quotes_keep_commas() {
        assert_eq!(read("notes='a, b'"), Ok("fix \"a, b\"".into()));
        assert_eq!(read("notes=it's fine"), Ok("fix \"it's fine\"".into()));
        assert_eq!(read("notes=first: second"), Ok("fix \"first: second\"".into()));
        assert_eq!(read("notes=*x"), Ok("fix \"*x\"".into()));
    }

    #[test]
    fn problems_name_the_column_of_the_value() {
        assert_eq!(read("rank=4,eight"), Err("Argument(1, 8) is no whole number".into()));
        assert_eq!(read("rank=choice(4,x)"), Err("Argument(1, 15) is no whole number".into()));
        assert_eq!(read("rank=4,"), Err("Argument(1, 8) has an empty value".into()));
        assert_eq!(read("rank"), Err("Argument(1, 1) is no override".into()));
        assert_eq!(read("sweep.parameters={}"), Err("Argument(1, 18) cannot be overridden".into()));
        assert_eq!(read("sweep.metric.name=x"), Err("Argument(1, 19) is a part of a field".into()));
        assert_eq!(
            read("priority=1,2"),
            Err("Argument(1, 1) cannot be swept: it is the same for all runs".into())
        );
    }

    #[test]
    fn fields_of_the_sweep_are_taken_as_yaml() {
        assert_eq!(read("sweep.run_cap=2"), Ok("field run_cap Whole(2)".into()));
        assert_eq!(read("sweep.method=random"), Ok("field method Text".into()));
    }

    #[test]
    fn hydras_functions_are_read() {
        assert_eq!(read("lr=interval(1e-5,1e-3)"), Ok("draw 1e-5 to 1e-3 (uniform)".into()));
        assert_eq!(
            read("lr=tag(log, interval(1e-5, 1e-3))"),
            Ok("draw 1e-5 to 1e-3 (log_uniform_values)".into())
        );
        assert_eq!(read("lr=loguniform(1e-5,1e-3)"), Ok("draw 1e-5 to 1e-3 (log_uniform_values)".into()));
        assert_eq!(read("rank=interval(4,64)"), Ok("draw 4 to 64 (int_uniform)".into()));
        assert_eq!(read("epochs=interval(1,3)"), Ok("draw 1 to 3 (uniform)".into()));
        assert_eq!(read("epochs=int(interval(1,3))"), Ok("draw 1 to 3 (int_uniform)".into()));
        let log = Ok("draw 4 to 64 (q_log_uniform_values, q 1)".into());
        assert_eq!(read("rank=tag(log,int(interval(4,64)))"), log);
        assert_eq!(read("rank=int(tag(log,interval(start=4,end=64)))"), log);
        assert_eq!(read("rank=range(start=4,stop=17,step=4)"), Ok("sweep 4 8 12 16".into()));
        assert_eq!(read("rank=range(stop=3,start=1)"), Ok("sweep 1 2".into()));
        assert_eq!(read("seed=range(stop=3)"), Ok("sweep 0 1 2".into()));
        assert_eq!(read("rank=sort(16,4,8)"), Ok("sweep 4 8 16".into()));
        assert_eq!(read("rank=sort(choice(16,4,8),reverse=true)"), Ok("sweep 16 8 4".into()));
        assert_eq!(read("rank=sort(sweep=range(16,0,-8))"), Ok("sweep 8 16".into()));
        assert_eq!(read("rank=int(choice(4.9,8))"), Ok("sweep 4 8".into()));
        assert_eq!(read("epochs=float(3)"), Ok("fix 3".into()));
        assert_eq!(read("rank=sort(4)"), Ok("fix 4".into()));
        let shuffled = read("rank=shuffle(range(1,9))").unwrap();
        assert_eq!(shuffled, read("rank=shuffle(range(1,9))").unwrap());
        let mut values: Vec<&str> = shuffled.split(' ').skip(1).collect();
        assert_ne!(values, ["1", "2", "3", "4", "5", "6", "7", "8"]);
        values.sort_unstable();
        assert_eq!(values, ["1", "2", "3", "4", "5", "6", "7", "8"]);
        // A key of texts takes casts for what they are.
        assert_eq!(read("notes=int(3)"), Ok("fix int(3)".into()));
    }

    #[test]
    fn calls_that_mean_nothing_are_refused_where_they_stand() {
        let problem = |argument: &str| read(argument).unwrap_err();
        assert!(problem("lora_targets=glob(*)").starts_with("Argument(1, 14) glob(…) selects files"));
        assert!(problem("rank=str(8)").starts_with("Argument(1, 6) str(…) is not needed"));
        assert_eq!(problem("lr=interval(1e-3,1e-5)"), "Argument(1, 18) the end is below the start");
        assert_eq!(problem("lr=interval(0,1e-3)"), "Argument(1, 13) is not a number above 0");
        assert_eq!(problem("rank=interval(4,99999)"), "Argument(1, 17) is above 65536");
        assert_eq!(
            problem("rank=interval(0.5,8)"),
            "Argument(1, 15) is a whole number, and uniform draws fractions"
        );
        assert_eq!(problem("rank=int(interval(0.5,8))"), "Argument(1, 19) is no whole number");
        assert_eq!(
            problem("notes=interval(0,1)"),
            "Argument(1, 16) is no number, so that none can be drawn for it"
        );
        assert_eq!(
            problem("weight_decay=tag(log,interval(0,1))"),
            "Argument(1, 31) is not above 0, where logarithms begin"
        );
        assert_eq!(
            problem("lr=tag(fast,interval(1e-5,1e-3))"),
            "Argument(1, 8) the tag 'fast' means nothing here; log does"
        );
        assert_eq!(
            problem("rank=tag(log,choice(1,2))"),
            "Argument(1, 6) the tag log means something for an interval only"
        );
        assert_eq!(
            problem("rank=shuffle(interval(1,2))"),
            "Argument(1, 14) an interval has no order for shuffle"
        );
        assert_eq!(
            problem("rank=range(1,stop=3,step=1,4)"),
            "Argument(1, 28) range(…) has an unnamed argument after a named one"
        );
        assert_eq!(problem("rank=range(1,9,speed=1)"), "Argument(1, 22) range does not take speed=…");
        let deep = format!("rank={}4{}", "int(".repeat(40), ")".repeat(40));
        assert!(problem(&deep).contains("has more than 16 calls in each other"));
    }

    proptest::proptest! {
        #[test]
        fn no_call_panics(calls in proptest::collection::vec("(choice|range|interval|tag|int|sort|shuffle|linspace|glob)\\(", 0..5), inner in "[-a-z0-9.,=() ]{0,30}") {
            let _ = read(&format!("lr={}{inner}{}", calls.concat(), ")".repeat(calls.len())));
        }

        #[test]
        fn no_argument_panics(argument in "(notes|rank|lr|lora_targets|sample_prompts)=\\PC{0,40}|\\PC{0,20}") {
            let _ = read(&argument);
        }
    }
}
