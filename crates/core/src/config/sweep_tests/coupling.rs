//! Keys that belong together: zipped, conditional, repeated with seeds.

use super::*;

#[test]
fn zipped_keys_take_their_values_together() {
    let text = "parameters:\n  rank: {values: [4, 8, 8]}\n  lr: {values: [1e-3, 5e-4, 5e-4]}\n  seed: {values: [0, 1]}\n\
                zip: [[lora_rank, lr]]\n";
    let plan = sweep(text, &[]).unwrap();
    assert_eq!(
        labels(&plan),
        [
            "lora_rank=4 learning_rate=1e-3 seed=0",
            "lora_rank=4 learning_rate=1e-3 seed=1",
            "lora_rank=8 learning_rate=5e-4 seed=0",
            "lora_rank=8 learning_rate=5e-4 seed=1"
        ]
    );
    assert_eq!(space(&plan), ["lora_rank + learning_rate: 4 + 1e-3, 8 + 5e-4", "seed: 0, 1"]);
    assert_eq!(
        labels(&sweep(text, &["rank=2", "seed=0"]).unwrap()),
        ["learning_rate=1e-3", "learning_rate=5e-4"]
    );
    assert_eq!(labels(&sweep(text, &["rank=1,2,3", "seed=0"]).unwrap())[2], "lora_rank=3 learning_rate=5e-4");
    assert_eq!(
        problems(text, &["rank=1,2"]),
        ["9:9: sweep.zip.learning_rate: has 3 values, and lora_rank, which it is zipped with, has 2"]
    );
    let wrong = "parameters:\n  rank: {values: [4]}\n  lr: {min: 1e-5, max: 1e-3}\n\
                 zip: [[rank, lr], [bs, epochs], [rank, seed], rank, [alpha]]\n";
    assert_eq!(
        problems(wrong, &[]),
        [
            "8:9: sweep.zip.learning_rate: is drawn, and only values that are listed can be zipped",
            "8:21: sweep.zip.batch_size: is zipped, but not swept",
            "8:21: sweep.zip.epochs: is zipped, but not swept",
            "8:36: sweep.zip: 'rank' is zipped a second time",
            "8:49: sweep.zip: 'rank' is a list of lists of keys, but contains this",
            "8:55: sweep.zip: couples two keys or more, and these are fewer",
        ]
    );
}

#[test]
fn a_key_with_a_condition_varies_only_where_it_holds() {
    let text = "parameters:\n  rank: {values: [4, 8, 16]}\n  alpha: {values: [8, 32]}\n\
                when: {alpha: {lora_rank: [8, 16]}}\n";
    let plan = sweep(text, &[]).unwrap();
    assert_eq!(
        labels(&plan),
        [
            "lora_rank=4",
            "lora_rank=8 lora_alpha=8",
            "lora_rank=8 lora_alpha=32",
            "lora_rank=16 lora_alpha=8",
            "lora_rank=16 lora_alpha=32"
        ]
    );
    // Where it does not vary it follows as it would without the sweep.
    assert_eq!(number_text(plan.trials[0].settings.lora_alpha), "8");
    assert_eq!(space(&plan)[1], "lora_alpha: 8, 32 where lora_rank is 8 or 16");
    assert_eq!(labels(&sweep(text, &["rank=4"]).unwrap()), [""]);
    assert_eq!(labels(&sweep(text, &["rank=8"]).unwrap()), ["lora_alpha=8", "lora_alpha=32"]);
    assert_eq!(labels(&sweep(text, &["alpha=5"]).unwrap()).len(), 3);
}

#[test]
fn conditions_go_on_through_others() {
    let text = "parameters:\n  rank: {values: [4, 8]}\n  alpha: {values: [8, 32]}\n  seed: {values: [0, 1]}\n\
                when:\n  alpha: {rank: 8}\n  seed: {alpha: [8]}\n";
    assert_eq!(
        labels(&sweep(text, &[]).unwrap()),
        [
            "lora_rank=4",
            "lora_rank=8 lora_alpha=8 seed=0",
            "lora_rank=8 lora_alpha=8 seed=1",
            "lora_rank=8 lora_alpha=32"
        ]
    );
}

#[test]
fn conditions_that_cannot_hold_are_refused_where_they_stand() {
    let text = "parameters:\n  rank: {values: [4, 8]}\n  alpha: {values: [8, 32]}\n  seed: {min: 0, max: 3}\n\
                when:\n  alpha: {rank: [16], seed: [7], bs: 4, alpha: 8}\n  epochs: {rank: 8}\n  bs: 3\n";
    assert_eq!(
        problems(text, &[]),
        [
            "10:20: sweep.when.lora_alpha.lora_rank: '16' is none of the values of lora_rank",
            "10:32: sweep.when.lora_alpha.seed: '7' is none of the values of seed",
            "10:36: sweep.when.lora_alpha.batch_size: is a condition on batch_size, which is not swept",
            "10:43: sweep.when.alpha.alpha: is a condition of a key on itself",
            "11:14: sweep.when.epochs.lora_rank: is a condition, but epochs is not swept",
            "12:9: sweep.when.bs: '3' is a mapping of a key to the values that it must have, and this is none",
        ]
    );
    let round = "parameters:\n  rank: {values: [4, 8]}\n  alpha: {values: [8, 32]}\n\
                 when: {alpha: {rank: 8}, rank: {alpha: 8}}\n";
    assert_eq!(problems(round, &[]), ["6:5: lora_rank: depends on itself by its conditions"]);
    let half = "parameters:\n  rank: {values: [4, 8]}\n  alpha: {values: [8, 32]}\n  seed: {values: [0, 1]}\n\
                zip: [[rank, alpha]]\nwhen: {alpha: {seed: 0}}\n";
    assert_eq!(
        problems(half, &[]),
        ["6:5: lora_alpha: goes together with lora_rank, which has other conditions"]
    );
}

#[test]
fn seeds_come_last_and_once() {
    let text = "parameters:\n  rank: {values: [4, 8]}\nseeds: 2\n";
    let plan = sweep(text, &[]).unwrap();
    assert_eq!(
        labels(&plan),
        ["lora_rank=4 seed=0", "lora_rank=4 seed=1", "lora_rank=8 seed=0", "lora_rank=8 seed=1"]
    );
    assert_eq!(labels(&sweep("seeds: 3\n", &[]).unwrap()), ["seed=0", "seed=1", "seed=2"]);
    assert_eq!(labels(&sweep(text, &["seed=7"]).unwrap()), ["lora_rank=4", "lora_rank=8"]);
    assert_eq!(labels(&sweep(text, &["sweep.seeds=1"]).unwrap()).len(), 2);
    assert_eq!(labels(&sweep(text, &["sweep.seeds=null"]).unwrap()), ["lora_rank=4", "lora_rank=8"]);
    let both = "parameters:\n  seed: {values: [4, 8]}\nseeds: 2\n";
    assert_eq!(problems(both, &[]), ["7:10: sweep.seeds: the key seed is swept too"]);
    assert_eq!(
        problems("", &["seed=1,2", "sweep.seeds=2"]),
        ["command line:2:13: sweep.seeds: the key seed is given too"]
    );
    assert_eq!(labels(&sweep(both, &["sweep.seeds=1"]).unwrap_or_else(|e| panic!("{e}"))), ["seed=0"]);
}

#[test]
fn conditions_compare_numbers_as_the_key_has_them() {
    let text = "method: random\nrun_cap: 3\nparameters:\n  epochs: {min: 1, max: 2}\n  alpha: {values: [8, 32]}\n\
                when: {alpha: {epochs: 2}}\n";
    let search = sweep(text, &[]).unwrap().search.unwrap();
    assert_eq!(search.point(&[0.1, 0.1]).len(), 1);
    assert_eq!(search.point(&[0.9, 0.1]).len(), 2);
}
