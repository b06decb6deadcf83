//! The stretch of a chart: what lies between its left and right, its lower and upper edge.
//!
//! Both ends move in steps, so that a live chart is mostly drawn by adding dots: over a thin link that is a hundred
//! bytes, where a new scale is a whole picture.

use loradeck_core::metrics::axis::next_nice;
use loradeck_core::metrics::{Bounds, Scale};

use super::ticks::time_step;

/// The part of the height that values must fill, or the bounds close in on them.
const LEAST_FILL: f64 = 0.4;

/// A chart's edges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// Left and right.
    pub x: (f64, f64),
    /// Below and above.
    pub y: Bounds,
}

/// What the x range is made from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// The least x of any point.
    pub first: f64,
    /// The greatest x of any point.
    pub last: f64,
    /// Whether points are still coming.
    pub live: bool,
    /// The x at which the last of the runs is planned to end, if that is known.
    pub end: Option<f64>,
    /// Whether x is time in seconds.
    pub time: bool,
}

/// The left and right edge: up to the last point, or, while points come, up to the next round number, but not beyond
/// the planned end.
pub fn x_range(spread: Spread) -> (f64, f64) {
    let (first, last) = (spread.first.min(spread.last), spread.last.max(spread.first));
    let left = if first <= last * 0.4 { first.min(0.0) } else { first };
    let right = if spread.live {
        let reach = last - left;
        let round = if spread.time { time_step(reach) } else { next_nice(reach) };
        let round = left + round;
        spread.end.filter(|end| *end >= last).map_or(round, |end| round.min(end))
    } else {
        last
    };
    (left, if right > left { right } else { left + 1.0 })
}

/// The lower and upper edge around `low..=high`: the old ones as long as the values fit them and fill them.
pub fn hold_bounds(old: Option<Bounds>, low: f64, high: f64, scale: Scale) -> Bounds {
    let Some(old) = old.filter(|old| old.scale == scale) else { return Bounds::around(low, high, scale) };
    let fresh = Bounds::around(low, high, scale);
    // What a logarithmic axis cannot show does not count.
    let shown_low = if scale == Scale::Log && low <= 0.0 { fresh.low } else { low };
    match (old.place(shown_low), old.place(high)) {
        (Some(bottom), Some(top)) => {
            let fits = bottom >= -1e-9 && top <= 1.0 + 1e-9;
            let fills = top - bottom >= LEAST_FILL || fresh.high - fresh.low >= (old.high - old.low) * 0.6;
            if fits && fills { old } else { fresh }
        }
        _ => fresh,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn steps(first: f64, last: f64, live: bool, end: Option<f64>) -> (f64, f64) {
        x_range(Spread { first, last, live, end, time: false })
    }

    #[test]
    fn a_live_chart_reaches_for_round_numbers_up_to_the_plan() {
        assert_eq!(steps(1.0, 12.0, true, Some(96.0)), (0.0, 20.0));
        assert_eq!(steps(1.0, 62.0, true, Some(96.0)), (0.0, 96.0));
        assert_eq!(steps(1.0, 96.0, false, Some(96.0)), (0.0, 96.0));
        assert_eq!(steps(0.0, 0.0, true, None), (0.0, 1.0));
        assert_eq!(steps(900.0, 1000.0, false, None), (900.0, 1000.0));
    }

    #[test]
    fn a_resumed_run_beyond_the_plan_is_still_shown() {
        assert_eq!(steps(1.0, 120.0, true, Some(96.0)), (0.0, 200.0));
    }

    #[test]
    fn bounds_stay_until_values_leave_or_shrink() {
        let bounds = hold_bounds(None, 0.5, 3.9, Scale::Linear);
        assert_eq!(hold_bounds(Some(bounds), 1.0, 3.2, Scale::Linear), bounds);
        assert_ne!(hold_bounds(Some(bounds), 1.0, 4.2, Scale::Linear), bounds);
        assert_ne!(hold_bounds(Some(bounds), 1.0, 1.1, Scale::Linear), bounds);
        assert_ne!(hold_bounds(Some(bounds), 0.5, 3.9, Scale::Log), bounds);
    }

    proptest! {
        #[test]
        fn everything_stays_inside(
            first in 0.0f64..1e6, reach in 0.0f64..1e6, live: bool, time: bool, low in -1e3f64..1e3, span in 0.0f64..1e3,
        ) {
            let range = x_range(Spread { first, last: first + reach, live, end: None, time });
            prop_assert!(range.0 <= first && range.1 >= first + reach, "{range:?}");
            let mut bounds = None;
            for (low, high) in [(low, low + span), (low + span / 2.0, low + span), (low, low + span * 0.2)] {
                let held = hold_bounds(bounds, low, high, Scale::Linear);
                prop_assert!(held.low <= low + span * 1e-6 + 1e-9 && held.high >= high - span * 1e-6 - 1e-9, "{held:?}");
                bounds = Some(held);
            }
        }
    }
}
