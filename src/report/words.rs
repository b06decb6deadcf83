//! Numbers as people read them. No IO.

/// A metric's value in four significant digits: `0.8432`, `12.35`, `1.523e-5`.
pub fn value(number: f64) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "∞".into() } else { "-∞".into() };
    }
    if number == 0.0 {
        return "0".into();
    }
    // The exponent after rounding, so that 9.99996 becomes 10.00 and not 10.000.
    let scientific = format!("{number:.3e}");
    let exponent: i32 = scientific.split_once('e').and_then(|(_, digits)| digits.parse().ok()).unwrap_or(0);
    match exponent {
        -3..=3 => format!("{number:.*}", usize::try_from(3 - exponent).unwrap_or(0)),
        4..=8 => thousands(number.round()),
        _ => shortened(&scientific),
    }
}

/// A setting's number in its shortest notation with at most three significant digits: `2e-4`, `0.1`, `0.00187`.
pub fn rate(number: f64) -> String {
    shortest(number, 3)
}

/// A number with at most two significant digits, small ones always by their power of ten: `0.5`, `2e-3`, `1.8e-3`.
pub fn roughly(number: f64) -> String {
    if number == 0.0 || number.abs() >= 0.01 || !number.is_finite() {
        return shortest(number, 2);
    }
    shortened(&format!("{number:.1e}"))
}

fn shortest(number: f64, digits: usize) -> String {
    if number == 0.0 || !number.is_finite() {
        return value(number);
    }
    let rounded: f64 = format!("{number:.*e}", digits - 1).parse().unwrap_or(number);
    let (decimal, exponent) = (format!("{rounded}"), format!("{rounded:e}"));
    if exponent.len() < decimal.len() { exponent } else { decimal }
}

fn shortened(scientific: &str) -> String {
    match scientific.split_once('e') {
        Some((mantissa, exponent)) if mantissa.contains('.') => {
            format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => scientific.to_owned(),
    }
}

/// `24 of 60`; where it is not known how many there are to be, `24`.
pub fn steps(done: u64, planned: u64) -> String {
    if planned == 0 { count(done) } else { format!("{} of {}", count(done), count(planned)) }
}

/// A whole number with separators: `15,360`.
pub fn count(number: u64) -> String {
    grouped(&number.to_string())
}

fn thousands(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    format!("{}{}", if number < 0.0 { "-" } else { "" }, grouped(&digits))
}

fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 step`, `24 steps`.
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A length of time: `4.2 s`, `61 s`, `5 min 12 s`, `2 h 05 min`, `3 d 4 h`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "?".into();
    }
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        0..=119 => format!("{whole} s"),
        120..=7199 => format!("{} min {:02} s", whole / 60, whole % 60),
        7200..=172_799 => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d {} h", whole / 86_400, whole % 86_400 / 3600),
    }
}

/// An amount of memory or disk in binary units: `412 MiB`, `1.5 GiB`.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut amount = number as f64;
    let mut unit = 0;
    while amount >= 1024.0 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    if unit == 0 || amount >= 99.95 {
        format!("{amount:.0} {}", UNITS[unit])
    } else {
        format!("{amount:.1} {}", UNITS[unit])
    }
}

/// A relative change from `before` to `after`: `-63.5 %`, `+2.0 %`; `None` where there is nothing to divide by.
pub fn change(before: f64, after: f64) -> Option<String> {
    let share = (after - before) / before.abs();
    share.is_finite().then(|| format!("{:+.1} %", share * 100.0).replace('-', "−"))
}

/// `1st`, `2nd`, `3rd`, `11th`.
pub fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_four_digits() {
        let texts = [0.843_21, 12.345, 1.523e-5, 9.999_96, 123_456.7, -0.5, 0.001_234, 1e-9].map(value);
        assert_eq!(texts, ["0.8432", "12.35", "1.523e-5", "10.00", "123,457", "-0.5000", "0.001234", "1e-9"]);
        assert_eq!(value(f64::NAN), "NaN");
    }

    #[test]
    fn rates_are_short() {
        assert_eq!([2e-4, 0.1, 0.001_866, 1.0, 1e-10].map(rate), ["2e-4", "0.1", "0.00187", "1", "1e-10"]);
    }

    #[test]
    fn rough_numbers_have_two_digits() {
        assert_eq!(
            [0.001_993, 0.001_84, 1.341e-4, 0.0, 0.25].map(roughly),
            ["2e-3", "1.8e-3", "1.3e-4", "0", "0.25"]
        );
    }

    #[test]
    fn times_amounts_and_places() {
        assert_eq!(
            [0.0, 4.21, 61.4, 119.4, 312.0, 7500.0, 273_600.0].map(duration),
            ["0.0 s", "4.2 s", "61 s", "119 s", "5 min 12 s", "2 h 05 min", "3 d 4 h"]
        );
        assert_eq!([512, 431_915_008, 1_610_612_736].map(bytes), ["512 B", "412 MiB", "1.5 GiB"]);
        assert_eq!([1, 2, 3, 11, 22, 104].map(ordinal), ["1st", "2nd", "3rd", "11th", "22nd", "104th"]);
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(change(2.0, 0.73).as_deref(), Some("−63.5 %"));
        assert_eq!(change(0.0, 1.0), None);
    }
}
