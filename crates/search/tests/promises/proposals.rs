//! Random search and TPE.

use loradeck_search::{
    Condition, Dimension, Goal, Observation, Outcome, Parameter, Point, Space, Tpe, random,
};
use proptest::prelude::*;

/// A range of one value, of a usual size, or of hundreds of orders of magnitude.
fn ratio() -> impl Strategy<Value = f64> {
    prop_oneof![1 => Just(1.0), 6 => 1.0..1e4_f64, 1 => 1e4..1e300_f64]
}

fn real() -> impl Strategy<Value = Dimension> {
    let log = (1e-6..10.0_f64, ratio(), prop::option::of(0.01..1.9_f64)).prop_map(|(low, ratio, step)| {
        // A step on a log scale has to be below 2·low.
        Dimension::Real { low, high: low * ratio, log: true, step: step.map(|step| step * low) }
    });
    let plain =
        (-10.0..10.0_f64, ratio(), prop::option::of(0.001..2.0_f64)).prop_map(|(low, ratio, step)| {
            let width = ratio - 1.0;
            let step = step.map(|step| step * width.max(1.0));
            Dimension::Real { low, high: low + width, log: false, step }
        });
    prop_oneof![log, plain]
}

fn dimension() -> impl Strategy<Value = Dimension> {
    let whole = (1..50_i64, 0..300_i64, any::<bool>()).prop_map(|(low, more, log)| Dimension::Whole {
        low,
        high: low + more,
        log,
        step: 1,
    });
    let sigma = prop_oneof![4 => 0.1..3.0_f64, 1 => Just(1e-300), 1 => Just(1e300)];
    let normal = (-5.0..5.0_f64, sigma, any::<bool>(), prop::option::of(0.05..1.0_f64))
        .prop_map(|(mu, sigma, log, step)| Dimension::Normal { mu, sigma, log, step });
    let choice =
        (1.0..3.0_f64, prop::collection::vec(0.0..2.0_f64, 0..4)).prop_map(|(first, mut weights)| {
            weights.push(first);
            Dimension::Choice { weights }
        });
    prop_oneof![real(), whole, normal, choice]
}

/// A deciding choice, then parameters of which some exist under one of its values.
fn space() -> impl Strategy<Value = Space> {
    prop::collection::vec((dimension(), prop::option::of(0..3_usize)), 1..5).prop_map(|dimensions| {
        let decider = Dimension::Choice { weights: vec![1.0; 3] };
        let mut parameters = vec![Parameter { name: "decider".into(), dimension: decider, when: None }];
        for (number, (dimension, under)) in dimensions.into_iter().enumerate() {
            let when = under.map(|value| Condition { parent: 0, values: vec![value as f64] });
            parameters.push(Parameter { name: format!("p{number}"), dimension, when });
        }
        Space::new(parameters).unwrap()
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let value = prop_oneof![
        4 => -3.0..3.0_f64,
        1 => Just(1.0),
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
    ];
    prop_oneof![
        4 => value.clone().prop_map(|value| Outcome::Finished { value }),
        2 => (1..100_u64, value).prop_map(|(step, value)| Outcome::Stopped { step, value }),
        1 => Just(Outcome::Running),
        1 => Just(Outcome::Failed),
    ]
}

fn history(space: &Space, seed: u64, outcomes: Vec<Outcome>) -> Vec<Observation> {
    let observe =
        |(trial, outcome)| Observation { trial, point: random::propose(space, seed, trial), outcome };
    (0..).zip(outcomes).map(observe).collect()
}

fn propose(space: &Space, seed: u64, trial: u64, observations: &[Observation]) -> Point {
    Tpe::default().propose(space, Goal::Minimize, seed, trial, observations).unwrap()
}

proptest! {
    #[test]
    fn random_points_lie_in_the_space(space in space(), seed: u64, trial: u64) {
        let point = random::propose(&space, seed, trial);
        prop_assert!(space.contains(&point), "{point:?}");
        prop_assert_eq!(point, random::propose(&space, seed, trial));
    }

    #[test]
    fn proposals_lie_in_the_space_whatever_was_seen(
        space in space(), seed: u64, trial in 100..200_u64, outcomes in prop::collection::vec(outcome(), 0..40),
    ) {
        let point = propose(&space, seed, trial, &history(&space, seed, outcomes));
        prop_assert!(space.contains(&point), "{point:?}");
    }

    #[test]
    fn the_order_in_which_observations_are_given_does_not_matter(
        space in space(), seed: u64,
        (outcomes, order) in prop::collection::vec(outcome(), 12..40).prop_flat_map(|outcomes| {
            let order = Just((0..outcomes.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(outcomes), order)
        }),
    ) {
        let observations = history(&space, seed, outcomes);
        let shuffled: Vec<Observation> = order.into_iter().map(|place| observations[place].clone()).collect();
        prop_assert_eq!(propose(&space, seed, 99, &observations), propose(&space, seed, 99, &shuffled));
    }

    #[test]
    fn to_maximize_is_to_minimize_the_opposite(space in space(), seed: u64, values in prop::collection::vec(-3.0..3.0_f64, 12..30)) {
        let finished = |sign: f64| values.iter().map(|value| Outcome::Finished { value: sign * value }).collect();
        let up = history(&space, seed, finished(-1.0));
        let maximized = Tpe::default().propose(&space, Goal::Maximize, seed, 99, &up).unwrap();
        prop_assert_eq!(maximized, propose(&space, seed, 99, &history(&space, seed, finished(1.0))));
    }

    #[test]
    fn a_space_survives_json(space in space()) {
        let text = serde_json::to_string(&space).unwrap();
        prop_assert_eq!(serde_json::from_str::<Space>(&text).unwrap(), space);
    }

    #[test]
    fn a_small_space_is_used_up_before_anything_is_repeated(seed: u64) {
        let choice = |name: &str| {
            Parameter { name: name.into(), dimension: Dimension::Choice { weights: vec![1.0; 3] }, when: None }
        };
        let space = Space::new(vec![choice("a"), choice("b")]).unwrap();
        let tpe = Tpe { startup: 0, ..Tpe::default() };
        let mut seen: Vec<Observation> = Vec::new();
        for trial in 0..9 {
            let point = tpe.propose(&space, Goal::Minimize, seed, trial, &seen).unwrap();
            seen.push(Observation { trial, point, outcome: Outcome::Finished { value: trial as f64 } });
        }
        // The last cells may be missed by chance: 32 draws do not find one cell of nine with probability 2 %.
        let distinct = seen.iter().filter(|one| seen.iter().filter(|other| other.point == one.point).count() == 1);
        prop_assert!(distinct.count() >= 5);
        // And a used-up space is no endless loop.
        prop_assert!(space.contains(&propose(&space, seed, 9, &seen)));
    }
}

#[test]
fn running_trials_keep_the_next_ones_away() {
    let dimension = Dimension::Real { low: 0.0, high: 1.0, log: false, step: None };
    let space = Space::new(vec![Parameter { name: "x".into(), dimension, when: None }]).unwrap();
    let at = |trial, x: f64, outcome| Observation { trial, point: vec![Some(x)], outcome };
    let distance = |x: f64| Outcome::Finished { value: (x - 0.5).abs() };
    let mut seen: Vec<Observation> =
        (0..20).map(|trial| at(trial, trial as f64 / 19.0, distance(trial as f64 / 19.0))).collect();
    let near = |seen: &[Observation]| {
        let proposed = (0..50).map(|seed| propose(&space, seed, 99, seen)[0].unwrap());
        proposed.filter(|x| (x - 0.5).abs() < 0.05).count()
    };
    let alone = near(&seen);
    seen.extend((20..26).map(|trial| at(trial, 0.5, Outcome::Running)));
    assert!(alone > 20 && near(&seen) < alone / 2, "{alone} near the best without, {} with", near(&seen));
}

#[test]
fn what_lies_outside_by_now_says_nothing_and_does_no_harm() {
    let dimension = Dimension::Real { low: 0.0, high: 1.0, log: false, step: None };
    let space = Space::new(vec![Parameter { name: "x".into(), dimension, when: None }]).unwrap();
    let seen: Vec<Observation> = (0..12)
        .map(|trial| Observation { trial, point: vec![Some(5.0)], outcome: Outcome::Finished { value: 0.0 } })
        .collect();
    assert!(space.contains(&propose(&space, 1, 12, &seen)));
}

#[test]
fn observations_of_another_space_and_doubled_ones_are_refused() {
    let dimension = Dimension::Choice { weights: vec![1.0; 2] };
    let space = Space::new(vec![Parameter { name: "x".into(), dimension, when: None }]).unwrap();
    let one = |trial, point| Observation { trial, point, outcome: Outcome::Running };
    let said = |seen: &[Observation]| {
        Tpe::default().propose(&space, Goal::Minimize, 0, 9, seen).unwrap_err().to_string()
    };
    assert!(said(&[one(4, vec![])]).contains("trial 4 has 0 values and the space 1 parameters"));
    assert!(said(&[one(4, vec![Some(0.0)]), one(4, vec![Some(1.0)])]).contains("trial 4 was given twice"));
}
