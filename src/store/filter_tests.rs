//! The filter language and sorting over real runs.

use loradeck_core::run::State;
use proptest::prelude::*;

use super::super::tests::{Fixture, status, summary};
use super::super::{Labels, SortKey, Store};
use super::*;

fn store() -> (Fixture, Store) {
    let fixture = Fixture::new();
    for (number, rank, rate, loss) in [(1, 4, "5e-4", 1.2), (2, 8, "0.002", 0.8), (3, 16, "2e-3", 1.0)] {
        let run = fixture.run(
            "speech",
            &format!("{number:04}-r{rank}"),
            &format!("lora_rank: {rank}\nlearning_rate: {rate}\nbase_model: models/Llama-3\n"),
        );
        status(&run, if number == 3 { State::Failed } else { State::Finished });
        summary(&run, 10 * number, 1.0, 0, loss);
    }
    let fourth = fixture.run("vision", "0001-bare", "");
    Labels { tags: vec!["best so far".into()], ..Labels::default() }.write(&fourth).unwrap();
    let hidden = fixture.run("vision", "0002-old", "");
    Labels { archived: true, ..Labels::default() }.write(&hidden).unwrap();
    let store = Store::open(vec![fixture.workspace()]);
    (fixture, store)
}

fn found(store: &Store, filter: &str, sort: &str) -> Vec<u32> {
    let ids = store.select(&Filter::parse(filter).unwrap(), &SortKey::parse(sort));
    ids.into_iter()
        .filter_map(|id| store.get(id))
        .map(|run| run.name.number + if run.experiment == "vision" { 10 } else { 0 })
        .collect()
}

#[test]
fn terms_must_all_hold_and_commas_mean_any_of() {
    let (_fixture, store) = store();
    for (filter, expected) in [
        ("", vec![1, 2, 3, 11]),
        ("lr>=0.001", vec![2, 3]),
        ("lr=2e-3", vec![2, 3]),
        ("lr>=0.001 state=finished", vec![2]),
        ("rank=4,16", vec![1, 3]),
        ("rank!=4,16", vec![2, 11]),
        ("model~llama", vec![1, 2, 3]),
        ("model!~llama", vec![11]),
        ("!speech", vec![11]),
        ("R8", vec![2]),
        ("failed", vec![3]),
        ("eval/loss<1.1", vec![2, 3]),
        ("eval/loss.last<=2 number>1", vec![2, 3]),
        ("tag=\"best so far\"", vec![11]),
        ("tag!=\"best so far\" rank<8", vec![1]),
        ("archived=true", vec![12]),
        ("step>10 experiment=speech", vec![2, 3]),
    ] {
        let expected: Vec<u32> = expected;
        assert_eq!(found(&store, filter, ""), expected, "{filter}");
    }
}

#[test]
fn metrics_sort_best_first_and_missing_values_last() {
    let (_fixture, store) = store();
    assert_eq!(found(&store, "", "eval/loss"), [2, 3, 1, 11]);
    assert_eq!(found(&store, "", "-eval/loss"), [1, 3, 2, 11]);
    assert_eq!(found(&store, "", "lr"), [1, 2, 3, 11]);
    assert_eq!(found(&store, "", "-rank"), [3, 2, 1, 11]);
    assert_eq!(found(&store, "", "-"), [11, 3, 2, 1]);
    assert_eq!(found(&store, "", "state"), [3, 1, 2, 11]);
}

#[test]
fn half_typed_terms_are_named() {
    for (filter, reason) in [
        ("lr>=", "the value is missing after the sign"),
        ("=3", "the field's name is missing before the sign"),
        ("a !", "a word is missing"),
    ] {
        assert_eq!(Filter::parse(filter).unwrap_err().reason, reason, "{filter}");
    }
}

proptest! {
    #[test]
    fn hostile_filters_never_panic(text in "[a-z<>=!~, \"ä]{0,30}") {
        let _ = Filter::parse(&text);
    }
}
