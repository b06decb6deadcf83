//! Labels of the x axis.

use loradeck_core::metrics::Unit;
use loradeck_core::metrics::axis::next_nice;

use crate::tui::format;

/// Round times in seconds.
const TIMES: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 18_000.0,
    36_000.0, 86_400.0, 172_800.0, 432_000.0,
];

/// The smallest round time that is at least `seconds`.
pub fn time_step(seconds: f64) -> f64 {
    let day = 86_400.0;
    TIMES.iter().copied().find(|round| *round >= seconds).unwrap_or_else(|| next_nice(seconds / day) * day)
}

/// A time on an axis whose labels are `step` apart.
pub fn time_label(seconds: f64, step: f64) -> String {
    let whole = seconds.round() as i64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    match whole {
        0 => "0".into(),
        _ if step >= 86_400.0 => format!("{}d", whole / 86_400),
        _ if step >= 3600.0 => format!("{hours}h"),
        _ if step >= 60.0 && hours == 0 => format!("{minutes}m"),
        _ if hours > 0 => format!("{hours}h{minutes:02}"),
        _ if minutes > 0 => format!("{minutes}:{rest:02}"),
        _ => format!("{rest}s"),
    }
}

/// Round places between `from` and `to` with their labels, as many as fit into `width` columns.
pub fn x_ticks(from: f64, to: f64, width: u16, time: bool) -> Vec<(f64, String)> {
    let wanted = (f64::from(width) / 10.0).clamp(1.0, 12.0);
    let span = to - from;
    let step = if time { time_step(span / wanted) } else { next_nice(span / wanted).max(whole(span)) };
    if !step.is_finite() || step <= 0.0 || span / step > 50.0 {
        return Vec::new();
    }
    let first = (from / step - 1e-9).ceil();
    let count = ((to / step + 1e-9).floor() - first).max(-1.0) as i64;
    (0..=count)
        .map(|index| (first + index as f64) * step)
        .map(|at| (at, if time { time_label(at, step) } else { format::tick(at, step, Unit::Plain) }))
        .collect()
}

/// Steps are whole, unless the stretch is shorter than one.
fn whole(span: f64) -> f64 {
    if span >= 1.0 { 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(from: f64, to: f64, width: u16, time: bool) -> String {
        x_ticks(from, to, width, time).into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn labels_are_round() {
        assert_eq!(labels(0.0, 96.0, 60, false), "0 20 40 60 80");
        assert_eq!(labels(0.0, 50_000.0, 50, false), "0 10k 20k 30k 40k 50k");
        assert_eq!(labels(0.0, 3.0, 80, false), "0 1 2 3");
        assert_eq!(labels(0.0, 300.0, 40, true), "0 2m 4m");
        assert_eq!(labels(0.0, 30_000.0, 50, true), "0 2h 4h 6h 8h");
        assert_eq!(labels(0.0, 90.0, 50, true), "0 20s 40s 1:00 1:20");
    }

    #[test]
    fn nothing_endless() {
        assert!(x_ticks(0.0, f64::INFINITY, 80, false).is_empty());
        assert!(x_ticks(1e18, 1e18 + 1.0, 80, false).len() < 60);
    }
}
