//! Statistics of comparisons. No IO; values that are not finite count as none.

/// What a handful of values come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// How many there were.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Their sample standard deviation (divided by n − 1); `None` for a single value.
    pub deviation: Option<f64>,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

/// The spread of `values`; `None` where none is finite.
pub fn spread(values: &[f64]) -> Option<Spread> {
    let finite = finite(values);
    let count = finite.len();
    let mean = mean(&finite)?;
    let squares: f64 = finite.iter().map(|value| (value - mean).powi(2)).sum();
    Some(Spread {
        count,
        mean,
        deviation: (count > 1).then(|| (squares / (count - 1) as f64).sqrt()),
        least: finite.iter().copied().fold(f64::INFINITY, f64::min),
        most: finite.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    })
}

/// The mean of the finite ones among `values`.
pub fn mean(values: &[f64]) -> Option<f64> {
    let finite = finite(values);
    (!finite.is_empty()).then(|| finite.iter().sum::<f64>() / finite.len() as f64)
}

/// The value below which a share of `quantile` (0 to 1) lies, interpolated between neighbours.
pub fn quantile(values: &[f64], quantile: f64) -> Option<f64> {
    let mut sorted = finite(values);
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let place = quantile.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    Some(sorted[below] + (sorted[above] - sorted[below]) * place.fract())
}

/// The median of the finite ones among `values`.
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

fn finite(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|value| value.is_finite()).collect()
}

/// What one value of a hyperparameter comes to over all runs that have it.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// The hyperparameter's value as text.
    pub value: String,
    /// The metric over the runs that have it.
    pub spread: Spread,
}

/// How much a hyperparameter seems to matter: the spread between the means of its values, largest first where sorted.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// The hyperparameter.
    pub key: String,
    /// Its values, in the order of their first run.
    pub levels: Vec<Level>,
    /// Largest minus smallest mean.
    pub range: f64,
}

/// The effect of one hyperparameter on a metric, over runs given as (its value, the metric). `None` unless two values
/// have a finite metric.
pub fn effect(key: &str, runs: &[(String, f64)]) -> Option<Effect> {
    let mut names: Vec<&String> = Vec::new();
    for (name, _) in runs {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let levels: Vec<Level> = names
        .into_iter()
        .filter_map(|name| {
            let values: Vec<f64> =
                runs.iter().filter(|(other, _)| other == name).map(|(_, value)| *value).collect();
            Some(Level { value: name.clone(), spread: spread(&values)? })
        })
        .collect();
    let means: Vec<f64> = levels.iter().map(|level| level.spread.mean).collect();
    let all = spread(&means).filter(|all| all.count > 1)?;
    Some(Effect { key: key.to_owned(), levels, range: all.most - all.least })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spread_and_quantiles() {
        let all = spread(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0, f64::NAN]).unwrap();
        assert_eq!((all.count, all.mean, all.least, all.most), (8, 5.0, 2.0, 9.0));
        assert!((all.deviation.unwrap() - 2.138_089_935).abs() < 1e-9);
        assert_eq!(spread(&[3.0]).unwrap().deviation, None);
        assert_eq!(spread(&[f64::INFINITY]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0, 10.0]), Some(2.5));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.9), Some(4.6));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn an_effect_needs_two_values() {
        let runs = [("2e-3", 0.5), ("5e-4", 1.5), ("2e-3", 0.7), ("1e-2", f64::NAN)]
            .map(|(key, value)| (key.to_owned(), value));
        let effect = effect("learning_rate", &runs).unwrap();
        assert_eq!(
            effect.levels.iter().map(|level| level.value.as_str()).collect::<Vec<_>>(),
            ["2e-3", "5e-4"]
        );
        assert!((effect.range - 0.9).abs() < 1e-12);
        assert_eq!(super::effect("seed", &runs[..1]), None);
    }

    proptest! {
        #[test]
        fn quantiles_stay_inside_and_rise(values in proptest::collection::vec(-1e6..1e6f64, 1..40), share in 0.0..1.0f64) {
            let all = spread(&values).unwrap();
            let low = quantile(&values, share * 0.5).unwrap();
            let high = quantile(&values, share).unwrap();
            prop_assert!(all.least <= low && low <= high && high <= all.most);
            prop_assert!(all.least <= all.mean + 1e-6 && all.mean <= all.most + 1e-6);
        }
    }
}
