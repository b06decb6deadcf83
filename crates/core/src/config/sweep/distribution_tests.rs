use proptest::prelude::*;

use super::*;

fn texts(distribution: &Distribution, at: &[f64]) -> Vec<String> {
    at.iter().map(|u| distribution.sample(*u).to_string()).collect()
}

fn with_q(min: f64, max: f64, q: f64) -> Bounds {
    Bounds { min, max, q: Some(q) }
}

#[test]
fn ends_are_exact_and_the_middle_is_where_it_belongs() {
    let at = [0.0, 0.5, 1.0];
    let values = Distribution::LogUniformValues(Bounds::new(1e-5, 1e-3));
    assert_eq!(texts(&values, &at), ["1e-5", "1e-4", "1e-3"]);
    assert_eq!(texts(&Distribution::InvLogUniformValues(Bounds::new(1e-5, 1e-3)), &at), texts(&values, &at));
    assert_eq!(texts(&Distribution::Uniform(Bounds::new(0.1, 0.3)), &at), ["0.1", "0.2", "0.3"]);
    // exp(-11.512925) is 1e-5.
    let exponents = Distribution::LogUniform(Bounds::new(-2.0, 2.0));
    assert_eq!(texts(&exponents, &[0.5]), ["1"]);
    assert_eq!(exponents.sample(1.0), Value::Real(2f64.exp()));
    let inverse = Distribution::InvLogUniform(Bounds::new(1.0, 3.0));
    assert_eq!(inverse.sample(0.0), Value::Real((-3f64).exp()));
    assert_eq!(inverse.sample(1.0), Value::Real((-1f64).exp()));
}

#[test]
fn whole_numbers_are_even_and_reach_both_ends() {
    let ranks = Distribution::IntUniform { min: 4, max: 7 };
    assert_eq!(
        texts(&ranks, &[0.0, 0.2499, 0.25, 0.5, 0.75, 0.99, 1.0]),
        ["4", "4", "5", "6", "7", "7", "7"]
    );
    let all = Distribution::IntUniform { min: i64::MIN, max: i64::MAX };
    assert_eq!(all.sample(0.0), Value::Whole(i64::MIN.into()));
    assert_eq!(all.sample(1.0), Value::Whole(i64::MAX.into()));
}

#[test]
fn multiples_of_q_are_rounded_as_numpy_rounds() {
    let steps = Distribution::Uniform(with_q(0.0, 10.0, 4.0));
    // 2 lies between 0 and 4 and goes to the even multiple, 0; 6 to 8.
    assert_eq!(texts(&steps, &[0.0, 0.2, 0.3, 0.6, 1.0]), ["0", "0", "4", "8", "8"]);
    let tenths = Distribution::Uniform(with_q(0.0, 1.0, 0.1));
    assert_eq!(texts(&tenths, &[0.31, 0.68]), ["0.3", "0.7"]);
    assert_eq!(
        texts(&Distribution::LogUniformValues(with_q(4.0, 64.0, 4.0)), &[0.0, 0.5, 1.0]),
        ["4", "16", "64"]
    );
    assert_eq!(
        Distribution::Normal(Bell { mu: 16.0, sigma: 4.0, q: Some(1.0) }).sample(0.5),
        Value::Whole(16)
    );
}

#[test]
fn choices_follow_their_probabilities() {
    let words = |probabilities| Distribution::Categorical {
        values: ["a", "b", "c"].map(|word| Value::Text(word.into())).to_vec(),
        probabilities,
    };
    assert_eq!(texts(&words(None), &[0.0, 0.34, 0.99, 1.0]), ["a", "b", "c", "c"]);
    let never_a_nor_c = words(Some(vec![0.0, 1.0, 0.0]));
    assert_eq!(texts(&never_a_nor_c, &[0.0, 0.5, 1.0]), ["b", "b", "b"]);
    assert_eq!(texts(&words(Some(vec![0.5, 0.25, 0.25])), &[0.49, 0.5, 0.75]), ["a", "b", "c"]);
}

#[test]
fn the_json_is_in_wandbs_words() {
    let json = serde_json::to_value(Distribution::LogUniformValues(with_q(4.0, 64.0, 4.0))).unwrap();
    let expected =
        serde_json::json!({"distribution": "log_uniform_values", "min": 4.0, "max": 64.0, "q": 4.0});
    assert_eq!(json, expected);
}

fn any_distribution() -> impl Strategy<Value = Distribution> {
    let q = || proptest::option::of(1e-3..8.0f64);
    let bounds =
        (0.001..9.0f64, 0.0..40.0f64, q()).prop_map(|(min, more, q)| Bounds { min, max: min + more, q });
    let bell = (-9.0..9.0f64, 0.0..3.0f64, q()).prop_map(|(mu, sigma, q)| Bell { mu, sigma, q });
    prop_oneof![
        (any::<i64>(), any::<i64>())
            .prop_map(|(a, b)| Distribution::IntUniform { min: a.min(b), max: a.max(b) }),
        bounds.clone().prop_map(Distribution::Uniform),
        bounds.clone().prop_map(Distribution::LogUniform),
        bounds.clone().prop_map(Distribution::LogUniformValues),
        bounds.clone().prop_map(Distribution::InvLogUniform),
        bounds.prop_map(Distribution::InvLogUniformValues),
        bell.clone().prop_map(Distribution::Normal),
        bell.prop_map(Distribution::LogNormal),
        (0.05..20.0f64, 0.05..20.0f64, q()).prop_map(|(a, b, q)| Distribution::Beta { a, b, q }),
    ]
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Whole(number) => *number as f64,
        Value::Real(number) => *number,
        other => panic!("{other}"),
    }
}

proptest! {
    #[test]
    fn samples_rise_with_the_probability(distribution in any_distribution(), u in 0.0..=1.0f64, v in 0.0..=1.0f64) {
        let (low, high) = (number(&distribution.sample(u.min(v))), number(&distribution.sample(u.max(v))));
        prop_assert!(low <= high, "{low} {high}");
        prop_assert!(low.is_finite() && high.is_finite());
    }

    #[test]
    fn samples_stay_within_their_bounds(distribution in any_distribution(), u in 0.0..=1.0f64) {
        let (low, value, high) = (distribution.sample(0.0), distribution.sample(u), distribution.sample(1.0));
        prop_assert!(number(&low) <= number(&value) && number(&value) <= number(&high), "{low} {value} {high}");
        if let (Distribution::Uniform(bounds) | Distribution::LogUniformValues(bounds), None) = (&distribution, distribution.q()) {
            prop_assert_eq!((number(&low), number(&high)), (bounds.min, bounds.max));
        }
    }

    #[test]
    fn a_distribution_reads_back_from_its_json(distribution in any_distribution(), u in 0.0..=1.0f64) {
        let text = serde_json::to_string(&distribution).unwrap();
        let back: Distribution = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&back, &distribution, "{}", text);
        // So does a drawn value, to the last bit.
        let value = distribution.sample(u);
        let json: serde_json::Value = serde_json::from_str(&value.to_json().to_string()).unwrap();
        prop_assert_eq!(Value::from_json(&json), Some(value));
    }
}
