//! What the functions of overrides come to: `range`, `linspace`, `logspace`, and the order of `sort` and `shuffle`.

use super::spread::Part;
use super::sweep::neat;
use super::value::number_text;

/// The most values one function may give.
const VALUE_LIMIT: usize = 10_000;

/// Below this every whole number is a double (2^53).
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// The texts of the values that the call of a number function stands for.
pub(crate) fn values_of(name: &str, arguments: &[&str]) -> Result<Vec<String>, String> {
    if name == "range" {
        match whole_numbers(arguments).as_deref() {
            Some([end]) => return whole_range(0, *end, 1),
            Some([start, end]) => return whole_range(*start, *end, 1),
            Some([start, end, step]) => return whole_range(*start, *end, *step),
            _ => {}
        }
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

/// The finite number that a text says.
pub(crate) fn number(text: &str) -> Result<f64, String> {
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
    Ok((0..count as usize).map(|index| neat_text(start + index as f64 * step)).collect())
}

/// The same for whole numbers, which stay exact beyond what a double holds.
fn whole_range(start: i128, end: i128, step: i128) -> Result<Vec<String>, String> {
    if step == 0 {
        return Err(String::from("range cannot go by steps of 0"));
    }
    let span = end.checked_sub(start).ok_or("range has ends too far apart")?;
    if span == 0 || (span > 0) != (step > 0) {
        return Err(String::from("range is empty"));
    }
    let count = span.unsigned_abs().div_ceil(step.unsigned_abs());
    if count > VALUE_LIMIT as u128 {
        return Err(format!("range has more than {VALUE_LIMIT} values"));
    }
    Ok((0..count as i128).map(|index| (start + index * step).to_string()).collect())
}

/// The whole numbers that the texts say, where all of them do.
fn whole_numbers(texts: &[&str]) -> Option<Vec<i128>> {
    texts.iter().map(|text| text.trim().parse().ok()).collect()
}

fn spaced(start: f64, end: f64, count: f64, shape: impl Fn(f64) -> f64) -> Result<Vec<String>, String> {
    if count.fract() != 0.0 || !(1.0..=VALUE_LIMIT as f64).contains(&count) {
        return Err(format!("the count is a whole number from 1 to {VALUE_LIMIT}"));
    }
    let last = (count - 1.0).max(1.0);
    Ok((0..count as usize)
        .map(|index| neat_text(shape(start + (end - start) * index as f64 / last)))
        .collect())
}

/// The text of a computed number. A whole one is written out: `1000` is what a program that wants a whole number reads,
/// `1e3` is not.
pub(crate) fn neat_text(value: f64) -> String {
    let value = neat(value);
    if value.fract() == 0.0 && value.abs() < LARGEST_EXACT {
        format!("{value:.0}")
    } else {
        number_text(value)
    }
}

/// The parts in order: by their numbers where all are numbers, else by their letters.
pub(crate) fn sorted(mut parts: Vec<Part>, reverse: bool) -> Vec<Part> {
    let numbers = parts.iter().map(|(text, _)| number(text).ok()).collect::<Option<Vec<f64>>>();
    if numbers.is_some() {
        let value = |part: &Part| number(&part.0).unwrap_or_default();
        parts.sort_by(|a, b| value(a).total_cmp(&value(b)));
    } else {
        parts.sort_by(|a, b| a.0.trim().cmp(b.0.trim()));
    }
    if reverse {
        parts.reverse();
    }
    parts
}

/// The parts in an order that looks random, the same each time for the same parts: a sweep that is typed again is the
/// same sweep.
pub(crate) fn shuffled(mut parts: Vec<Part>) -> Vec<Part> {
    let mut state =
        parts.iter().flat_map(|(text, _)| text.bytes()).fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
    for last in (1..parts.len()).rev() {
        parts.swap(last, (next_random(&mut state) % (last as u64 + 1)) as usize);
    }
    parts
}

/// `SplitMix64` (G. Steele, D. Lea and C. Flood, "Fast splittable pseudorandom number generators", 2014).
fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Result<Vec<String>, String> {
        let (name, arguments) = text.strip_suffix(')').unwrap().split_once('(').unwrap();
        values_of(name, &arguments.split(',').collect::<Vec<_>>())
    }

    #[test]
    fn a_range_leaves_its_end_out() {
        assert_eq!(values("range(3)").unwrap(), ["0", "1", "2"]);
        assert_eq!(values("range(4, 16, 4)").unwrap(), ["4", "8", "12"]);
        assert_eq!(values("range(0,0.3,0.1)").unwrap(), ["0", "0.1", "0.2"]);
        assert_eq!(values("range(3,0,-1)").unwrap(), ["3", "2", "1"]);
        assert_eq!(values("range(1000,3000,1000)").unwrap(), ["1000", "2000"]);
        assert_eq!(
            values("range(9007199254740993,9007199254740995)").unwrap(),
            ["9007199254740993", "9007199254740994"]
        );
        assert_eq!(values("range(5,0,-2)").unwrap(), ["5", "3", "1"]);
        assert_eq!(values("range(1e3,3e3,1e3)").unwrap(), ["1000", "2000"]);
        assert_eq!(values("range(0,5,-1)"), Err("range is empty".into()));
        assert_eq!(values("range(3,3)"), Err("range is empty".into()));
        assert!(values("range(0,1,0)").is_err());
        assert!(values("range(1e9)").is_err());
    }

    #[test]
    fn spaces_hold_both_ends() {
        assert_eq!(values("linspace(0,1,5)").unwrap(), ["0", "0.25", "0.5", "0.75", "1"]);
        assert_eq!(values("logspace(-5,-3,3)").unwrap(), ["1e-5", "1e-4", "1e-3"]);
        assert_eq!(values("linspace(1000,3000,2)").unwrap(), ["1000", "3000"]);
        assert_eq!(values("logspace(3,5,3)").unwrap(), ["1000", "10000", "100000"]);
        assert_eq!(values("linspace(1e-5,1e-3,1)").unwrap(), ["1e-5"]);
        assert!(values("logspace(1e-5,1e-3,3)").unwrap_err().contains("exponents"));
        assert!(values("linspace(0,1)").unwrap_err().contains("(start, end, count)"));
        assert!(values("linspace(0,1,2.5)").is_err());
    }

    #[test]
    fn orders_are_by_number_or_letter_and_shuffles_repeat() {
        let parts = |texts: &[&str]| texts.iter().map(|text| ((*text).to_owned(), 1)).collect::<Vec<Part>>();
        let texts = |parts: Vec<Part>| parts.into_iter().map(|(text, _)| text).collect::<Vec<_>>();
        assert_eq!(texts(sorted(parts(&["10", "9", "1e-3"]), false)), ["1e-3", "9", "10"]);
        assert_eq!(texts(sorted(parts(&["b", "a", "10"]), true)), ["b", "a", "10"]);
        let all: Vec<String> = (0..30).map(|number| number.to_string()).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let once = texts(shuffled(parts(&all)));
        assert_eq!(once, texts(shuffled(parts(&all))));
        assert_ne!(once, all);
        assert_eq!(texts(sorted(parts(&once.iter().map(String::as_str).collect::<Vec<_>>()), false)), all);
    }
}
