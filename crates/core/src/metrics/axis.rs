//! Axis bounds that move in steps of 1, 2 or 5 times a power of ten, so that a live chart rarely rescales.

/// How values are spread over an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scale {
    /// Equal distances are equal differences.
    #[default]
    Linear,
    /// Equal distances are equal ratios; only positive values can be shown.
    Log,
}

/// An axis' ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// The lower end.
    pub low: f64,
    /// The upper end, above the lower one.
    pub high: f64,
    /// The distance of its labels on a linear axis; on a logarithmic one the ratio, 10.
    pub tick: f64,
    /// How it is spread.
    pub scale: Scale,
}

impl Bounds {
    /// Bounds around `low..=high` on round numbers. Non-finite input, and what a logarithmic axis cannot show, is
    /// brought to the nearest that can be shown.
    pub fn around(low: f64, high: f64, scale: Scale) -> Self {
        match scale {
            Scale::Linear => linear(low, high),
            Scale::Log => logarithmic(low, high),
        }
    }

    /// Where `value` stands: 0 at the lower end, 1 at the upper one; `None` where it cannot be shown.
    pub fn place(&self, value: f64) -> Option<f64> {
        let place = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log if value > 0.0 => (value / self.low).ln() / (self.high / self.low).ln(),
            Scale::Log => return None,
        };
        place.is_finite().then_some(place)
    }

    /// The round values to label, from the lower end upwards, at most about a dozen.
    pub fn ticks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear => {
                let count = ((self.high - self.low) / self.tick).round() as u32;
                (0..=count.min(24))
                    .map(|index| (self.low / self.tick).round() + f64::from(index))
                    .map(|multiple| multiple * self.tick)
                    .collect()
            }
            Scale::Log => {
                let (first, last) = (self.low.log10().ceil() as i32, self.high.log10().floor() as i32);
                let stride = usize::try_from((last - first) / 10 + 1).unwrap_or(1);
                let decades: Vec<f64> =
                    (first..=last).step_by(stride).map(|power| 10f64.powi(power)).collect();
                if decades.len() >= 2 { decades } else { vec![self.low, self.high] }
            }
        }
    }
}

/// The smallest 1, 2 or 5 times a power of ten that is at least `value`; 1 for what is not positive.
pub fn next_nice(value: f64) -> f64 {
    nice(value, |candidate| candidate >= value * (1.0 - 1e-9), [1.0, 2.0, 5.0, 10.0])
}

/// The largest 1, 2 or 5 times a power of ten that is at most `value`; 1 for what is not positive.
pub fn previous_nice(value: f64) -> f64 {
    nice(value, |candidate| candidate <= value * (1.0 + 1e-9), [5.0, 2.0, 1.0, 0.5])
}

fn nice(value: f64, fits: impl Fn(f64) -> bool, factors: [f64; 4]) -> f64 {
    if !value.is_finite() || value <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    factors.into_iter().map(|factor| factor * power).find(|candidate| fits(*candidate)).unwrap_or(value)
}

fn linear(low: f64, high: f64) -> Bounds {
    let (low, high) = finite_order(low, high);
    // An axis of one value still needs a height.
    let span = if high > low { high - low } else { (high.abs() * 0.1).max(1e-12) };
    let tick = next_nice(span / 5.0);
    let bottom = (low / tick + 1e-9).floor() * tick;
    let top = (high / tick - 1e-9).ceil() * tick;
    let top = if top > bottom { top } else { bottom + tick };
    Bounds { low: bottom, high: top, tick, scale: Scale::Linear }
}

fn logarithmic(low: f64, high: f64) -> Bounds {
    let (low, high) = finite_order(low, high);
    let high = if high > 0.0 { high } else { 1.0 };
    let low = if low > 0.0 { low } else { high / 1000.0 };
    let (bottom, top) = (previous_nice(low), next_nice(high));
    let top = if top > bottom { top } else { bottom * 10.0 };
    Bounds { low: bottom, high: top, tick: 10.0, scale: Scale::Log }
}

fn finite_order(low: f64, high: f64) -> (f64, f64) {
    match (low.is_finite(), high.is_finite()) {
        (true, true) => (low.min(high), low.max(high)),
        (true, false) => (low, low),
        (false, true) => (high, high),
        (false, false) => (0.0, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() <= right.abs() * 1e-9
    }

    #[test]
    fn nice_numbers_are_1_2_5() {
        for (value, next, previous) in
            [(1.0, 1.0, 1.0), (1.1, 2.0, 1.0), (3.0, 5.0, 2.0), (70.0, 100.0, 50.0), (0.003, 0.005, 0.002)]
        {
            assert!(close(next_nice(value), next), "{value}: {}", next_nice(value));
            assert!(close(previous_nice(value), previous), "{value}: {}", previous_nice(value));
        }
    }

    #[test]
    fn a_loss_curve_gets_round_bounds() {
        let bounds = Bounds::around(0.43, 3.9, Scale::Linear);
        assert_eq!((bounds.low, bounds.high, bounds.tick), (0.0, 4.0, 1.0));
        assert_eq!(bounds.ticks(), [0.0, 1.0, 2.0, 3.0, 4.0]);
        let bounds = Bounds::around(3e-5, 2e-3, Scale::Log);
        assert!(close(bounds.low, 2e-5) && close(bounds.high, 2e-3), "{bounds:?}");
        assert_eq!(bounds.ticks().len(), 2);
    }

    proptest! {
        #[test]
        fn bounds_hold_what_they_are_around(a in any::<f64>(), b in any::<f64>(), log in any::<bool>()) {
            let bounds = Bounds::around(a, b, if log { Scale::Log } else { Scale::Linear });
            prop_assume!(a.abs().max(b.abs()).min(f64::MAX) <= 1e300);
            prop_assert!(bounds.low < bounds.high || a.abs().max(b.abs()) < 1e-290, "{:?}", bounds);
            prop_assert!(bounds.ticks().len() <= 25);
        }

        #[test]
        fn shown_values_have_a_place_inside(low in -1e6f64..1e6, span in 1e-3f64..1e6, at in 0.0f64..1.0) {
            let bounds = Bounds::around(low, low + span, Scale::Linear);
            let place = bounds.place(low + span * at).unwrap();
            prop_assert!((-1e-6..=1.0 + 1e-6).contains(&place), "{place} {bounds:?}");
            prop_assert!(bounds.ticks().len() <= 8, "{bounds:?}");
        }
    }
}
