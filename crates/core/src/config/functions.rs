//! Functions of overrides that stand for several values: `range`, `linspace`, `logspace`, `choice`.

use super::value::number_text;

/// The most values one function may give.
const VALUE_LIMIT: usize = 10_000;

/// Functions that other tools have and that are refused by name.
const NOT_YET: [&str; 7] = ["interval", "uniform", "loguniform", "tag", "shuffle", "sort", "glob"];

/// `name(arguments)`, taken apart, if `text` is a call of a known function.
pub(crate) fn call(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.trim().split_once('(')?;
    let arguments = rest.strip_suffix(')')?;
    let is_known = ["range", "linspace", "logspace", "choice"].contains(&name) || NOT_YET.contains(&name);
    is_known.then_some((name, arguments))
}

/// The texts of the values that the call of a number function stands for.
pub(crate) fn values_of(name: &str, arguments: &[&str]) -> Result<Vec<String>, String> {
    if NOT_YET.contains(&name) {
        return Err(format!("{name}(…) is not supported yet"));
    }
    let numbers = arguments.iter().map(|argument| number(argument)).collect::<Result<Vec<f64>, _>>()?;
    match (name, numbers.as_slice()) {
        ("range", [end]) => range(0.0, *end, 1.0),
        ("range", [start, end]) => range(*start, *end, 1.0),
        ("range", [start, end, step]) => range(*start, *end, *step),
        ("linspace", [start, end, count]) => spaced(*start, *end, *count, |value| value),
        ("logspace", [start, end, _]) if is_no_exponent(*start) && is_no_exponent(*end) => {
            Err(String::from("logspace takes exponents of ten: logspace(-5,-3,3) is 1e-5, 1e-4, 1e-3"))
        }
        ("logspace", [start, end, count]) => spaced(*start, *end, *count, |exponent| 10f64.powf(exponent)),
        ("range", _) => {
            Err(String::from("range takes (end), (start, end) or (start, end, step); the end is left out"))
        }
        _ => Err(format!("{name} takes (start, end, count)")),
    }
}

fn number(text: &str) -> Result<f64, String> {
    let number: f64 = text.trim().parse().map_err(|_| format!("'{}' is no number", text.trim()))?;
    if number.is_finite() { Ok(number) } else { Err(format!("'{}' is no finite number", text.trim())) }
}

/// Numbers such as 1e-4 are meant as values, and as exponents all of them would be about 1.
fn is_no_exponent(number: f64) -> bool {
    number > 0.0 && number < 0.1
}

fn range(start: f64, end: f64, step: f64) -> Result<Vec<String>, String> {
    if step == 0.0 {
        return Err(String::from("range cannot go by steps of 0"));
    }
    // A hair less, so that range(0, 0.3, 0.1) has no fourth value by rounding.
    let count = ((end - start) / step - 1e-9).ceil();
    if count < 1.0 {
        return Err(String::from("range is empty"));
    }
    if count > VALUE_LIMIT as f64 {
        return Err(format!("range has more than {VALUE_LIMIT} values"));
    }
    Ok((0..count as usize).map(|index| neat(start + index as f64 * step)).collect())
}

fn spaced(start: f64, end: f64, count: f64, shape: impl Fn(f64) -> f64) -> Result<Vec<String>, String> {
    if count.fract() != 0.0 || !(1.0..=VALUE_LIMIT as f64).contains(&count) {
        return Err(format!("the count is a whole number from 1 to {VALUE_LIMIT}"));
    }
    let last = (count - 1.0).max(1.0);
    Ok((0..count as usize).map(|index| neat(shape(start + (end - start) * index as f64 / last))).collect())
}

/// Twelve digits: enough for every setting, and without the dust of binary fractions.
fn neat(value: f64) -> String {
    format!("{value:.11e}").parse().map_or_else(|_| number_text(value), number_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Result<Vec<String>, String> {
        let (name, arguments) = call(text).unwrap();
        values_of(name, &arguments.split(',').collect::<Vec<_>>())
    }

    #[test]
    fn a_range_leaves_its_end_out() {
        assert_eq!(values("range(3)").unwrap(), ["0", "1", "2"]);
        assert_eq!(values("range(4, 16, 4)").unwrap(), ["4", "8", "12"]);
        assert_eq!(values("range(0,0.3,0.1)").unwrap(), ["0", "0.1", "0.2"]);
        assert_eq!(values("range(3,0,-1)").unwrap(), ["3", "2", "1"]);
        assert_eq!(values("range(3,3)"), Err("range is empty".into()));
        assert!(values("range(0,1,0)").is_err());
        assert!(values("range(1e9)").is_err());
    }

    #[test]
    fn spaces_hold_both_ends() {
        assert_eq!(values("linspace(0,1,5)").unwrap(), ["0", "0.25", "0.5", "0.75", "1"]);
        assert_eq!(values("logspace(-5,-3,3)").unwrap(), ["1e-5", "1e-4", "1e-3"]);
        assert_eq!(values("linspace(1e-5,1e-3,1)").unwrap(), ["1e-5"]);
        assert!(values("logspace(1e-5,1e-3,3)").unwrap_err().contains("exponents"));
        assert!(values("linspace(0,1)").unwrap_err().contains("(start, end, count)"));
        assert!(values("linspace(0,1,2.5)").is_err());
    }

    #[test]
    fn foreign_functions_are_named() {
        assert_eq!(values("interval(0,1)"), Err("interval(…) is not supported yet".into()));
        assert_eq!(call("(q|v)_proj"), None);
        assert_eq!(call("blocks(1)"), None);
    }
}
