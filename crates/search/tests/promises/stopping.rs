//! ASHA and median stopping.

use loradeck_search::{Arrival, Asha, Curve, Goal, MedianStop, Verdict};
use proptest::prelude::*;

const ASHA: Asha = Asha { grace_period: 2, reduction_factor: 3, max_t: 54, brackets: 1 };

fn value() -> impl Strategy<Value = f64> {
    // Few distinct numbers, so that ties are common.
    prop_oneof![6 => (0..8_i32).prop_map(f64::from), 1 => Just(f64::NAN), 1 => -1e3..1e3_f64]
}

fn goal() -> impl Strategy<Value = Goal> {
    prop::sample::select(vec![Goal::Minimize, Goal::Maximize])
}

/// Logged values of up to 12 trials, in the order in which they come; steps of one trial go up.
fn logs() -> impl Strategy<Value = Vec<(u64, u64, f64)>> {
    prop::collection::vec((0..12_u64, 1..9_u64, value()), 0..120).prop_map(|raw| {
        let mut at = [0; 12];
        let mut advance = |trial: u64, more: u64| {
            at[trial as usize] += more;
            at[trial as usize]
        };
        raw.into_iter().map(|(trial, more, value)| (trial, advance(trial, more), value)).collect()
    })
}

fn is_better(goal: Goal, one: f64, other: f64) -> bool {
    match goal {
        _ if other.is_nan() => !one.is_nan(),
        Goal::Minimize => one < other,
        Goal::Maximize => one > other,
    }
}

proptest! {
    #[test]
    fn asha_decides_once_a_rung_never_stops_the_best_and_decides_the_same_again(logs in logs(), goal in goal(), brackets in 1..3_u64) {
        let asha = Asha { brackets, ..ASHA };
        let (mut recorded, mut decided, mut stopped) = (Vec::<Arrival>::new(), Vec::new(), Vec::new());
        for (trial, step, value) in logs {
            if stopped.contains(&trial) {
                continue;
            }
            for decision in asha.decide(goal, &recorded, trial, step, value) {
                let arrival = decision.arrival;
                prop_assert!(arrival.rung <= step && asha.rungs(trial).contains(&arrival.rung));
                prop_assert!(!recorded.iter().any(|one| (one.trial, one.rung) == (trial, arrival.rung)));
                if decision.verdict == Verdict::Stop {
                    let better = recorded.iter().any(|one| one.rung == arrival.rung && is_better(goal, one.value, value));
                    prop_assert!(better, "{decision:?} though nothing at its rung is better");
                    prop_assert!(step < asha.max_t);
                    stopped.push(trial);
                }
                recorded.push(arrival);
                decided.push(decision);
            }
        }
        // Debug compares NaN as equal.
        prop_assert_eq!(format!("{:?}", asha.replay(goal, &recorded)), format!("{decided:?}"));
    }

    #[test]
    fn asha_is_blind_to_other_rungs_and_to_the_order_of_earlier_arrivals(
        (values, order) in prop::collection::vec(value(), 1..20).prop_flat_map(|values| {
            let order = Just((0..values.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(values), order)
        }),
        mine in value(), goal in goal(),
    ) {
        let at = |rung| move |(trial, value): (usize, &f64)| Arrival { trial: trial as u64 + 1, rung, step: rung, value: *value };
        let peers: Vec<Arrival> = values.iter().enumerate().map(at(2)).collect();
        let mut others: Vec<Arrival> = order.iter().map(|place| peers[*place]).collect();
        others.extend(values.iter().enumerate().map(at(6)));
        let one = ASHA.decide(goal, &peers, 0, 2, mine);
        prop_assert_eq!(format!("{one:?}"), format!("{:?}", ASHA.decide(goal, &others, 0, 2, mine)));
    }

    #[test]
    fn asha_lets_at_least_one_of_eta_go_on_and_no_more_without_ties_at_the_end(count in 3..60_usize) {
        // Best last is the worst case: everyone is the best so far.
        let run = |value: &dyn Fn(usize) -> f64| {
            let mut recorded: Vec<Arrival> = Vec::new();
            let mut kept = 0;
            for trial in 0..count {
                let decision = ASHA.decide(Goal::Minimize, &recorded, trial as u64, 2, value(trial))[0];
                kept += usize::from(decision.verdict == Verdict::Keep);
                recorded.push(decision.arrival);
            }
            kept
        };
        prop_assert_eq!(run(&|trial| -(trial as f64)), count);
        prop_assert_eq!(run(&|trial| trial as f64), 1);
    }

    #[test]
    fn the_median_rule_never_stops_a_trial_whose_best_no_other_reached(
        curves in prop::collection::vec(prop::collection::vec(value(), 1..20), 1..10),
        mine in prop::collection::vec(value(), 1..20), goal in goal(), grace_period in 0..6_u64,
    ) {
        let curve = |(trial, values): (u64, &Vec<f64>)| Curve { trial, points: (1..).zip(values.iter().copied()).collect() };
        let others: Vec<Curve> = (1..).zip(&curves).map(curve).collect();
        let mine = curve((0, &mine));
        let rule = MedianStop { grace_period, min_trials: 1 };
        if let Some(decision) = rule.decide(goal, &others, &mine) {
            prop_assert!(mine.points.last().unwrap().0 >= grace_period && decision.peers <= others.len());
            if decision.verdict == Verdict::Stop {
                let best = |points: &[(u64, f64)]| {
                    points.iter().map(|point| point.1).reduce(|one, other| if is_better(goal, other, one) { other } else { one })
                };
                let own = best(&mine.points).unwrap();
                let beaten = others.iter().any(|other| is_better(goal, best(&other.points).unwrap(), own));
                prop_assert!(beaten, "{decision:?} though no other was ever better than {own}");
            }
            let mut reversed = others.clone();
            reversed.reverse();
            prop_assert_eq!(format!("{:?}", rule.decide(goal, &reversed, &mine)), format!("{:?}", Some(decision)));
        }
    }
}
