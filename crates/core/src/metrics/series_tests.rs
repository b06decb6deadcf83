//! Series against plain vectors.

use proptest::prelude::*;

use super::*;

fn of(points: &[(u64, f64)]) -> Series {
    let mut series = Series::default();
    for (step, value) in points {
        series.push(*step, *step as f64 * 2.0, *value);
    }
    series
}

#[test]
fn best_and_last_ignore_what_is_not_finite() {
    let series = of(&[(1, f64::NAN), (2, 3.0), (3, 1.0), (4, 1.0), (5, f64::NEG_INFINITY)]);
    assert_eq!(series.best(Goal::Minimise).map(|point| point.step), Some(3));
    assert_eq!(series.best(Goal::Maximise).map(|point| point.step), Some(2));
    assert_eq!(series.last_finite().map(|point| point.step), Some(4));
    assert_eq!(series.first_finite().map(|point| point.step), Some(2));
    assert_eq!(series.last().map(|point| point.step), Some(5));
    assert!(of(&[(1, f64::NAN)]).best(Goal::Minimise).is_none());
}

#[test]
fn the_last_value_of_a_step_counts_and_late_steps_find_their_place() {
    let mut series = of(&[(1, 1.0), (3, 3.0), (5, 5.0)]);
    let before = series.revision();
    series.push(3, 6.0, 30.0);
    series.push(2, 4.0, 2.0);
    assert_eq!(series.steps(), [1, 2, 3, 5]);
    assert_eq!(series.values(), [1.0, 2.0, 30.0, 5.0]);
    assert_eq!(series.revision(), before + 2);
    assert!(series.purge(3) && !series.purge(3));
    assert_eq!(series.steps(), [1, 2]);
}

#[test]
fn a_step_between_points_finds_the_one_before() {
    let series = of(&[(10, 1.0), (20, 2.0)]);
    assert_eq!(series.at_step(9), None);
    assert_eq!(series.at_step(19).map(|point| point.step), Some(10));
    assert_eq!(series.at_step(99).map(|point| point.step), Some(20));
}

#[test]
fn columns_by_time_start_at_the_origin() {
    let series = of(&[(0, 0.0), (1, 1.0), (2, 2.0), (3, 3.0)]);
    let columns = series.columns(XAxis::Time { origin: 0.0 }, 0.0, 6.0, 3);
    let firsts: Vec<_> = columns.iter().map(|column| column.map(|column| column.points)).collect();
    assert_eq!(firsts, [Some((0, 1)), Some((1, 2)), Some((2, 4))]);
    assert_eq!(series.x_range(XAxis::Time { origin: 2.0 }), Some((-2.0, 4.0)));
}

#[test]
fn a_clock_set_back_loses_no_point() {
    let mut series = Series::default();
    for (step, time) in [0.0, 10.0, 5.0, 6.0, 20.0, 7.0].into_iter().enumerate() {
        series.push(step as u64, time, 1.0);
    }
    let axis = XAxis::Time { origin: 0.0 };
    assert_eq!(series.x_range(axis), Some((0.0, 20.0)));
    let columns = series.columns(axis, 0.0, 20.0, 4);
    let points: Vec<_> = columns.iter().map(|column| column.map(|column| column.points)).collect();
    assert_eq!(points, [Some((0, 1)), None, Some((1, 4)), Some((4, 6))]);
    series.purge(4);
    assert_eq!(series.x_range(axis), Some((0.0, 10.0)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn galloping_finds_what_a_plain_search_finds(
        mut values in proptest::collection::vec(0u32..50, 0..60), start in 0usize..60, stride in 0usize..90, x in 0u32..55,
    ) {
        values.sort_unstable();
        let start = start.min(values.len());
        let expected = start + values[start..].partition_point(|value| *value < x);
        prop_assert_eq!(gallop(values.len(), start, stride, |at| values[at] < x), expected);
    }

    /// Every point of the range falls into exactly one column, with its value within the column's extremes.
    #[test]
    fn columns_lose_no_point(
        points in proptest::collection::btree_map(0u64..5000, -1e3f64..1e3, 0..600),
        from in 0u64..2000, width in 1u64..5000, count in 1usize..120,
    ) {
        let points: Vec<(u64, f64)> = points.into_iter().collect();
        let series = of(&points);
        let to = from + width;
        let columns = series.columns(XAxis::Step, from as f64, to as f64, count);
        prop_assert_eq!(columns.len(), count);
        let mut next = points.partition_point(|point| point.0 < from);
        for column in columns.into_iter().flatten() {
            prop_assert_eq!(column.points.0, next);
            next = column.points.1;
            for (_, value) in &points[column.points.0..column.points.1] {
                let value = *value as f32;
                prop_assert!(column.extremes.min <= value && value <= column.extremes.max);
            }
        }
        prop_assert_eq!(next, points.partition_point(|point| point.0 <= to).max(points.partition_point(|p| p.0 < from)));
    }

    #[test]
    fn any_order_of_arrival_gives_the_same_series(steps in proptest::collection::vec(0u64..60, 0..80)) {
        let mut series = Series::default();
        let mut expected = std::collections::BTreeMap::new();
        for (index, step) in steps.iter().enumerate() {
            series.push(*step, index as f64, index as f64);
            expected.insert(*step, index as f32);
        }
        prop_assert_eq!(series.steps().to_vec(), expected.keys().copied().collect::<Vec<_>>());
        prop_assert_eq!(series.values().to_vec(), expected.values().copied().collect::<Vec<_>>());
    }
}
