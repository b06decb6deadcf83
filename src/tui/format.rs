//! Numbers, times and sizes in few characters.

use loradeck_core::metrics::Unit;

/// A number with about four significant digits: `0.4123`, `12.34`, `2e-4`, `1.23M`.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() { "NaN".into() } else { (if value > 0.0 { "inf" } else { "-inf" }).into() };
    }
    let size = value.abs();
    match size {
        0.0 => "0".into(),
        _ if size < 1e-3 => scientific(value),
        _ if size < 10.0 => format!("{value:.4}"),
        _ if size < 100.0 => format!("{value:.2}"),
        _ if size < 10_000.0 => format!("{value:.1}"),
        _ => large(value),
    }
}

/// A metric's value by its unit.
pub fn metric(value: f64, unit: Unit) -> String {
    match unit {
        _ if !value.is_finite() => number(value),
        Unit::Bytes => bytes(value),
        Unit::Percent => format!("{value:.0}%"),
        Unit::Share => format!("{:.1}%", value * 100.0),
        Unit::Watts => format!("{value:.0}W"),
        Unit::Seconds => duration(value),
        Unit::TokensPerSecond | Unit::ImagesPerSecond => format!("{}/s", count(value)),
        Unit::Plain => number(value),
    }
}

/// A label of an axis whose labels are `tick` apart.
pub fn tick(value: f64, tick: f64, unit: Unit) -> String {
    if unit != Unit::Plain {
        return metric(value, unit);
    }
    let size = value.abs();
    if size < tick.abs() * 1e-6 {
        return "0".into();
    }
    if size >= 10_000.0 {
        return large(value);
    }
    if tick.abs() < 1e-3 && size < 0.1 {
        return scientific(value);
    }
    let decimals = (-tick.abs().log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{value:.decimals$}")
}

fn scientific(value: f64) -> String {
    let text = format!("{value:.2e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    format!("{mantissa}e{exponent}")
}

fn large(value: f64) -> String {
    let (divided, suffix) = match value.abs() {
        size if size >= 1e15 => return scientific(value),
        size if size >= 1e12 => (value / 1e12, "T"),
        size if size >= 1e9 => (value / 1e9, "G"),
        size if size >= 1e6 => (value / 1e6, "M"),
        _ => (value / 1e3, "k"),
    };
    let text = if divided.abs() < 100.0 { format!("{divided:.2}") } else { format!("{divided:.0}") };
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{suffix}")
}

/// A count: `950`, `12.3k`.
pub fn count(value: f64) -> String {
    if value.abs() < 1000.0 { format!("{value:.0}") } else { large(value) }
}

/// Bytes in powers of 1024.
pub fn bytes(value: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut size = value.abs();
    let mut unit = 0;
    while size >= 1000.0 && unit + 1 < units.len() {
        size /= 1024.0;
        unit += 1;
    }
    let text = if unit == 0 || size >= 100.0 { format!("{size:.0}") } else { format!("{size:.1}") };
    format!("{}{text}{}", if value < 0.0 { "-" } else { "" }, units[unit])
}

/// A duration: `45s`, `3m20s`, `2h05m`, `3d04h`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "?".into();
    }
    let whole = seconds.round() as u64;
    let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60);
    match whole {
        0..60 => format!("{whole}s"),
        60..3600 => format!("{minutes}m{:02}s", whole % 60),
        3600..86_400 => format!("{hours}h{minutes:02}m"),
        _ => format!("{days}d{hours:02}h"),
    }
}

/// A duration still to come, coarse enough not to change at every look: `~40s`, `~3m`, `~2h10m`.
pub fn remaining(seconds: f64) -> String {
    let coarse = |unit: f64| (seconds / unit).ceil() * unit;
    match seconds {
        _ if !seconds.is_finite() => "?".into(),
        s if s < 5.0 => "~5s".into(),
        s if s < 100.0 => format!("~{:.0}s", coarse(10.0)),
        s if s < 3600.0 => format!("~{:.0}m", coarse(60.0) / 60.0),
        s if s < 36_000.0 => format!("~{}", duration(coarse(600.0))),
        _ => format!("~{}", duration(coarse(3600.0))),
    }
}

/// `text` in at most `width` columns, with a sign at its end if it was cut.
pub fn fit_end(text: &str, width: usize, ellipsis: &str) -> String {
    use ratatui::text::Span;
    if Span::raw(text).width() <= width {
        return text.to_owned();
    }
    let mut room = width.saturating_sub(Span::raw(ellipsis).width());
    let fits = |character: &char| {
        let left = room.checked_sub(Span::raw(character.to_string()).width());
        room = left.unwrap_or(0);
        left.is_some()
    };
    text.chars().take_while(fits).collect::<String>() + ellipsis
}

/// `text` in at most `width` columns, with a sign where it was cut. Cuts in the middle of names, whose ends differ.
pub fn fit(text: &str, width: usize, ellipsis: &str) -> String {
    use ratatui::text::Span;
    let width_of = |text: &str| Span::raw(text).width();
    if width_of(text) <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(width_of(ellipsis));
    let (head, tail) = (room - room / 3, room / 3);
    let mut start = String::new();
    for character in text.chars() {
        start.push(character);
        if width_of(&start) > head {
            start.pop();
            break;
        }
    }
    let mut end: Vec<char> = Vec::new();
    let mut used = 0;
    for character in text.chars().rev() {
        used += width_of(&character.to_string());
        if used > tail {
            break;
        }
        end.push(character);
    }
    if width < 3 {
        return start.chars().take(width).collect();
    }
    start + ellipsis + &end.into_iter().rev().collect::<String>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::text::Span;

    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.412_34, "0.4123"),
            (12.3456, "12.35"),
            (2e-4, "2e-4"),
            (1.234_5e-5, "1.23e-5"),
            (1_234_567.0, "1.23M"),
            (98_000.0, "98k"),
            (f64::NAN, "NaN"),
            (0.0, "0"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!(tick(0.5, 0.5, Unit::Plain), "0.5");
        assert_eq!(tick(4.0, 1.0, Unit::Plain), "4");
        assert_eq!(tick(0.000_2, 0.000_1, Unit::Plain), "2e-4");
        assert_eq!(metric(1_610_612_736.0, Unit::Bytes), "1.5GiB");
        assert_eq!(metric(12_345.0, Unit::TokensPerSecond), "12.35k/s");
    }

    #[test]
    fn times_are_coarse_where_they_are_guesses() {
        assert_eq!(duration(200.0), "3m20s");
        assert_eq!(duration(7500.0), "2h05m");
        assert_eq!(duration(273_600.0), "3d04h");
        assert_eq!(remaining(33.0), "~40s");
        assert_eq!(remaining(200.0), "~4m");
        assert_eq!(remaining(7500.0), "~2h10m");
    }

    #[test]
    fn names_are_cut_in_the_middle() {
        assert_eq!(fit("0007-rank-8-lr-2e-4", 12, "…"), "0007-ran…e-4");
        assert_eq!(fit("short", 12, "…"), "short");
    }

    proptest! {
        #[test]
        fn fitted_text_fits(text in "[a-zäß漢字\u{1f600} ]{0,40}", width in 0usize..30) {
            prop_assert!(Span::raw(fit(&text, width, "…")).width() <= width);
            prop_assert!(Span::raw(fit_end(&text, width, "")).width() <= width);
            let cut = fit_end(&text, width.max(1), "…");
            prop_assert!(Span::raw(cut.as_str()).width() <= width.max(1) && text.starts_with(cut.trim_end_matches('…')));
        }
    }
}
