//! What makes a dimension impossible to search.

use super::Dimension;

impl Dimension {
    /// What is wrong with the dimension and what would be right; none if nothing is.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Real { low, high, log, step } => range_fault(*low, *high, *log, *step),
            Self::Whole { low, high, log, step } => {
                let exact = |number: i64| number.unsigned_abs() < 1 << 53;
                if exact(*low) && exact(*high) && *step < 1 << 53 {
                    range_fault(*low as f64, *high as f64, *log, Some(*step as f64))
                } else {
                    Some("whole numbers go to ±2^53")
                }
            }
            Self::Normal { mu, sigma, step, .. } => {
                if mu.is_finite() && sigma.is_finite() && *sigma > 0.0 {
                    step_fault(*step)
                } else {
                    Some("mu must be a finite number and sigma a positive one")
                }
            }
            Self::Choice { weights } => {
                let sound = weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0);
                let sum: f64 = weights.iter().sum();
                (!(sound && sum > 0.0 && sum.is_finite()))
                    .then_some("weights must be finite, not negative, and one of them positive")
            }
        }
    }
}

fn step_fault(step: Option<f64>) -> Option<&'static str> {
    step.is_some_and(|step| !(step.is_finite() && step > 0.0)).then_some("the step must be a positive number")
}

fn range_fault(low: f64, high: f64, log: bool, step: Option<f64>) -> Option<&'static str> {
    if !(low.is_finite() && high.is_finite() && (high - low).is_finite()) {
        Some("low and high must be finite numbers")
    } else if low > high {
        Some("low must not be above high")
    } else if log && low <= 0.0 {
        Some("on a log scale low must be above 0")
    } else if step_fault(step).is_some() {
        step_fault(step)
    } else if log && step.is_some_and(|step| step >= 2.0 * low) {
        Some("on a log scale half a step must be below low")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn real(low: f64, high: f64, log: bool, step: Option<f64>) -> Dimension {
        Dimension::Real { low, high, log, step }
    }

    #[test]
    fn what_cannot_be_searched_is_refused_with_a_reason() {
        let faults = [
            real(1.0, 0.0, false, None),
            real(0.0, 1.0, true, None),
            real(0.0, f64::NAN, false, None),
            real(0.0, 1.0, false, Some(0.0)),
            real(1.0, 9.0, true, Some(2.0)),
            Dimension::Whole { low: 0, high: 1 << 53, log: false, step: 1 },
            Dimension::Whole { low: 0, high: 4, log: false, step: 0 },
            Dimension::Normal { mu: 0.0, sigma: 0.0, log: false, step: None },
            Dimension::Choice { weights: vec![0.0, 0.0] },
            Dimension::Choice { weights: vec![] },
            Dimension::Choice { weights: vec![1.0, -1.0] },
        ];
        for dimension in faults {
            assert!(dimension.fault().is_some(), "{dimension:?}");
        }
        assert_eq!(real(0.0, 0.0, false, None).fault(), None);
    }
}
