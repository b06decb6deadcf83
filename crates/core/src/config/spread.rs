//! Values of the command line that stand for several, in the words of Hydra's override grammar (hydra.cc, "Extended
//! Override syntax", and its Optuna sweeper): `choice`, `range`, `interval`, `tag`, `sort`, `shuffle`, `int`, `float`; and
//! beside them `linspace`, `logspace`, `uniform` and `loguniform`.

use super::call::Call;
use super::functions::{neat_text, number, shuffled, sorted, values_of};

/// The deepest that calls may stand in each other.
const DEPTH_LIMIT: usize = 16;

/// A part of an argument and the column at which it begins, from 1.
pub(super) type Part = (String, usize);

/// What a call stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Spread {
    /// One value.
    Single(Part),
    /// Each of these.
    Values(Vec<Part>),
    /// Numbers between two.
    Interval {
        /// The first and the last.
        ends: (f64, f64),
        /// Where they stand.
        columns: (usize, usize),
        /// Whether their logarithm is even.
        is_log: bool,
        /// Whether only whole numbers are meant.
        is_whole: bool,
    },
}

/// What is wrong with a call, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SpreadError {
    pub(super) column: usize,
    pub(super) message: String,
    pub(super) hint: Option<&'static str>,
}

/// What `text` stands for; `None` where it is no call. Casts are calls for keys of numbers only.
pub(super) fn spread(text: &str, column: usize, is_number: bool) -> Result<Option<Spread>, SpreadError> {
    Reader { is_number }.read(text, column, DEPTH_LIMIT)
}

struct Reader {
    is_number: bool,
}

impl Reader {
    fn read(&self, text: &str, column: usize, depth: usize) -> Result<Option<Spread>, SpreadError> {
        let Some(call) = Call::taken_apart(text, column, self.is_number)? else { return Ok(None) };
        if depth == 0 {
            return Err(error(column, format!("has more than {DEPTH_LIMIT} calls in each other")));
        }
        let spread = match call.name {
            "choice" => {
                call.no_names()?;
                Spread::Values(owned(&call.plain))
            }
            "range" => listed(&call, &["start", "stop", "step"])?,
            "linspace" | "logspace" => listed(&call, &["start", "end", "count"])?,
            "interval" | "uniform" => interval(&call, false)?,
            "loguniform" => interval(&call, true)?,
            "tag" => self.tagged(&call, depth)?,
            "int" | "float" => self.cast(&call, depth)?,
            "sort" | "shuffle" => self.reordered(&call, depth)?,
            "glob" => {
                let message = "glob(…) selects files of a Hydra config group, and there are none".to_owned();
                return Err(SpreadError { column, message, hint: Some("name the values: key=a,b") });
            }
            other => {
                let message = format!("{other}(…) is not needed: the key says what its values are");
                return Err(SpreadError { column, message, hint: Some("write the value alone") });
            }
        };
        Ok(Some(spread))
    }

    /// `tag(log, interval(…))`: `log` is the one tag that means something, as in Hydra's Optuna sweeper.
    fn tagged(&self, call: &Call<'_>, depth: usize) -> Result<Spread, SpreadError> {
        let (tags, (sweep, column)) = match (call.named.as_slice(), call.plain.split_last()) {
            ([("sweep", sweep, column)], _) => (call.plain.as_slice(), (*sweep, *column)),
            ([], Some((last, tags))) => (tags, *last),
            _ => return Err(error(call.column, "tag takes (tag, …, sweep)".to_owned())),
        };
        if let Some((tag, column)) = tags.iter().find(|(tag, _)| tag.trim() != "log") {
            return Err(error(*column, format!("the tag '{}' means nothing here; log does", tag.trim())));
        }
        match self.read(sweep, column, depth - 1)? {
            Some(Spread::Interval { ends, columns, is_log, is_whole }) => {
                Ok(Spread::Interval { ends, columns, is_log: is_log || !tags.is_empty(), is_whole })
            }
            Some(_) if !tags.is_empty() => {
                Err(error(call.column, "the tag log means something for an interval only".to_owned()))
            }
            Some(other) => Ok(other),
            None => Err(error(column, "tag takes a sweep, such as interval(1e-5,1e-3)".to_owned())),
        }
    }

    fn cast(&self, call: &Call<'_>, depth: usize) -> Result<Spread, SpreadError> {
        let (text, column) = match (call.plain.as_slice(), call.named.as_slice()) {
            ([one], []) => *one,
            ([], [("value" | "sweep", text, column)]) => (*text, *column),
            _ => return Err(error(call.column, format!("{} takes one value or sweep", call.name))),
        };
        let is_int = call.name == "int";
        let cast = |(text, column): Part| -> Result<Part, SpreadError> {
            let value = number(&text).map_err(|message| error(column, message))?;
            Ok(if is_int { (neat_text(value.trunc()), column) } else { (text, column) })
        };
        match self.read(text, column, depth - 1)? {
            None => cast((text.to_owned(), column)).map(Spread::Single),
            Some(Spread::Single(part)) => cast(part).map(Spread::Single),
            Some(Spread::Values(parts)) => {
                parts.into_iter().map(cast).collect::<Result<_, _>>().map(Spread::Values)
            }
            Some(Spread::Interval { ends, columns, is_log, is_whole }) => {
                if let Some((_, column)) = [(ends.0, columns.0), (ends.1, columns.1)]
                    .into_iter()
                    .find(|(end, _)| is_int && end.fract() != 0.0)
                {
                    return Err(error(column, "is no whole number".to_owned()));
                }
                Ok(Spread::Interval { ends, columns, is_log, is_whole: is_whole || is_int })
            }
        }
    }

    fn reordered(&self, call: &Call<'_>, depth: usize) -> Result<Spread, SpreadError> {
        let name = call.name;
        let mut reverse = false;
        let mut sweep = None;
        for (word, value, column) in &call.named {
            match (*word, value.trim()) {
                ("reverse", "true") if name == "sort" => reverse = true,
                ("reverse", "false") if name == "sort" => {}
                ("sweep", _) => sweep = Some((*value, *column)),
                _ => return Err(error(*column, format!("{name} does not take {word}={}", value.trim()))),
            }
        }
        let only = match (sweep, call.plain.as_slice()) {
            (Some(sweep), []) => Some(sweep),
            (None, [only]) => Some(*only),
            (None, [_, ..]) => None,
            _ => return Err(error(call.column, format!("{name} takes values or one sweep"))),
        };
        let parts = match only {
            None => owned(&call.plain),
            Some((text, column)) => match self.read(text, column, depth - 1)? {
                Some(Spread::Values(parts)) => parts,
                Some(Spread::Single(part)) => return Ok(Spread::Single(part)),
                Some(Spread::Interval { .. }) => {
                    return Err(error(column, format!("an interval has no order for {name}")));
                }
                None if text.trim_start().starts_with('[') => {
                    return Err(error(column, format!("{name} takes values, not a list: {name}(a,b)")));
                }
                None => return Ok(Spread::Single((text.to_owned(), column))),
            },
        };
        Ok(Spread::Values(if name == "sort" { sorted(parts, reverse) } else { shuffled(parts) }))
    }
}

/// Numbers that can be counted up.
fn listed(call: &Call<'_>, names: &[&str]) -> Result<Spread, SpreadError> {
    // range(stop=5) alone begins at 0.
    let mut arguments = match call.named.as_slice() {
        [("stop", stop, column)] if call.plain.is_empty() => vec![(*stop, *column)],
        _ => call.ordered(names)?,
    };
    if let [(only, _)] = arguments.as_mut_slice() {
        *only = only.trim();
    }
    let texts: Vec<&str> = arguments.iter().map(|(text, _)| *text).collect();
    let values = values_of(call.name, &texts).map_err(|message| error(call.column, message))?;
    Ok(Spread::Values(values.into_iter().map(|value| (value, call.column)).collect()))
}

fn interval(call: &Call<'_>, is_log: bool) -> Result<Spread, SpreadError> {
    let arguments = call.ordered(&["start", "end"])?;
    let [(start, first), (end, last)] = arguments.as_slice() else {
        return Err(error(call.column, format!("{} takes (start, end)", call.name)));
    };
    let start = number(start).map_err(|message| error(*first, message))?;
    let end = number(end).map_err(|message| error(*last, message))?;
    if start > end {
        return Err(error(*last, "the end is below the start".to_owned()));
    }
    Ok(Spread::Interval { ends: (start, end), columns: (*first, *last), is_log, is_whole: false })
}

fn owned(parts: &[(&str, usize)]) -> Vec<Part> {
    parts.iter().map(|(text, column)| ((*text).to_owned(), *column)).collect()
}

pub(super) fn error(column: usize, message: String) -> SpreadError {
    SpreadError { column, message, hint: None }
}
