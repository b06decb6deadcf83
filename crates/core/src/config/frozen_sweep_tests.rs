//! What is frozen of a sweep makes the same trials as the sweep itself, also after a journey through JSON.
#![allow(clippy::inconsistent_struct_constructor)] // as proptest's macro takes them apart

use std::path::Path;

use proptest::prelude::*;

use super::*;

const BASE: &str = "base_model: m\ntrain_data_dir: d\neval_split: 0.1\nnotes: 'so: it is'\n";

fn plan_of(sweep: &str) -> Result<Plan, String> {
    let text = format!("{BASE}{sweep}");
    plan(Path::new("e.yaml"), &text, &[], None).map(|(_, plan)| plan).map_err(|problems| problems.to_string())
}

/// Through the text of a file and back.
fn travelled(search: &SearchPlan) -> SearchPlan {
    serde_json::from_str(&serde_json::to_string_pretty(search).unwrap()).unwrap()
}

fn assignment(trial: &Trial) -> Assignment {
    trial.varied.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

/// Distinct ranks, rates and alphas, of different lengths.
fn grid() -> impl Strategy<Value = (String, usize)> {
    let ranks = proptest::collection::btree_set(1..200u32, 1..5);
    let rates = proptest::collection::vec(1e-9..1.0f64, 1..5);
    (ranks, rates, 0..3u8, 1..4u64).prop_map(|(ranks, rates, shape, seeds)| {
        let rates: std::collections::BTreeSet<String> = rates.into_iter().map(number_text).collect();
        let list = |values: Vec<String>| format!("[{}]", values.join(", "));
        let ranks: Vec<String> = ranks.iter().map(u32::to_string).collect();
        let rates: Vec<String> = rates.into_iter().collect();
        let both = ranks.len().min(rates.len());
        let (first, r, l) = (ranks[0].clone(), ranks.len(), rates.len());
        let (ranks, rates, more, count) = match shape {
            0 => (list(ranks), list(rates), String::new(), r * l),
            1 => {
                let (ranks, rates) = (list(ranks[..both].to_vec()), list(rates[..both].to_vec()));
                (ranks, rates, "  zip: [[lora_rank, learning_rate]]\n".to_owned(), both)
            }
            _ => {
                let more = format!("  when: {{learning_rate: {{lora_rank: {first}}}}}\n");
                (list(ranks), list(rates), more, l + r - 1)
            }
        };
        let text = format!(
            "sweep:\n  method: grid\n  seeds: {seeds}\n{more}  parameters:\n    lora_rank: {{values: {ranks}}}\n    lr: {{values: {rates}}}\n"
        );
        (text, count * seeds as usize)
    })
}

fn drawn() -> impl Strategy<Value = String> {
    let rate = prop_oneof![
        (1e-9..1e-3f64, 1.0..1e4f64).prop_map(|(min, more)| {
            format!("{{distribution: log_uniform_values, min: {min:e}, max: {:e}}}", min * more)
        }),
        (-12.0..-3.0f64, 0.0..3.0f64).prop_map(|(min, more)| format!(
            "{{distribution: log_uniform, min: {min}, max: {}}}",
            min + more
        )),
        (1e-9..1e-3f64, 1.0..1e4f64)
            .prop_map(|(min, more)| format!("{{min: {min:e}, max: {:e}}}", min * more)),
        (-9.0..-5.0f64, 0.0..2.0f64)
            .prop_map(|(mu, sigma)| { format!("{{distribution: log_normal, mu: {mu}, sigma: {sigma}}}") }),
    ];
    let rank = prop_oneof![
        (1..64u32, 0..64u32).prop_map(|(min, more)| format!("{{min: {min}, max: {}}}", min + more)),
        (1..9u32).prop_map(|q| format!("{{distribution: q_log_uniform_values, min: 16, max: 256, q: {q}}}")),
        Just("{values: [4, 8, 16], probabilities: [0.5, 0.25, 0.25]}".to_owned()),
    ];
    (rate, rank, any::<u64>()).prop_map(|(rate, rank, seed)| {
        format!(
            "sweep:\n  method: random\n  run_cap: 9\n  random_seed: {seed}\n  parameters:\n    lr: {rate}\n    \
             rank: {rank}\n    alpha: {{values: [8, 16]}}\n    seed: {{values: [18446744073709551615, 3]}}\n    \
             notes: {{values: [x, 'y: z']}}\n  zip: [[seed, notes]]\n"
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The number of trials is known beforehand, each is there once, and the frozen sweep makes each again, to the byte.
    #[test]
    fn a_frozen_grid_makes_the_same_configurations((text, count) in grid()) {
        let plan = plan_of(&text).map_err(|problems| TestCaseError::fail(format!("{problems}\n{text}")))?;
        prop_assert_eq!(plan.trials.len(), count, "{}", text);
        let labels: std::collections::BTreeSet<String> = plan.trials.iter().map(Trial::label).collect();
        prop_assert_eq!(labels.len(), count);
        let search = travelled(plan.search.as_ref().unwrap());
        prop_assert_eq!(&search, plan.search.as_ref().unwrap());
        for trial in &plan.trials {
            let again = search.trial_of(&assignment(trial)).map_err(|problems| TestCaseError::fail(problems.to_string()))?;
            prop_assert_eq!(frozen_text(&again.settings, None), frozen_text(&trial.settings, None));
            prop_assert_eq!(again.label(), trial.label());
        }
    }

    /// Whatever is drawn is a valid trial, and its assignment survives its file.
    #[test]
    fn every_drawn_trial_is_valid(text in drawn(), u in proptest::collection::vec(0.0..=1.0f64, 4)) {
        let plan = plan_of(&text).map_err(|problems| TestCaseError::fail(format!("{problems}\n{text}")))?;
        let search = plan.search.as_ref().unwrap();
        prop_assert_eq!(&travelled(search), search);
        let point = search.point(&u);
        prop_assert_eq!(point.len(), 5);
        let trial = search.trial_of(&point).map_err(|problems| TestCaseError::fail(problems.to_string()))?;
        let kept: Assignment = serde_json::from_str(&serde_json::to_string(&assignment(&trial)).unwrap()).unwrap();
        let again = travelled(search).trial_of(&kept).unwrap();
        prop_assert_eq!(frozen_text(&again.settings, None), frozen_text(&trial.settings, None));
    }

    /// Any text below `sweep:` is read or refused.
    #[test]
    fn any_sweep_is_read_or_refused(
        text in "(  (method|parameters|zip|when|metric|asha|early_terminate|seeds|trials|run_cap): ?[ -~]{0,40}\n){0,6}",
        argument in "(sweep\\.(zip|when|asha|method|seeds)|lr|rank)=[ -~]{0,30}",
    ) {
        let _ = plan(Path::new("e.yaml"), &format!("{BASE}sweep:\n{text}"), &[argument], None);
    }

    #[test]
    fn any_list_of_trials_is_read_or_refused(text in "(rank|lr|notes)?[ -~\n\",{}\\[\\]]{0,60}|\\PC{0,40}", json: bool) {
        let name = if json { "t.jsonl" } else { "t.csv" };
        let source = format!("{BASE}sweep: {{trials: {name}}}\n");
        let _ = super::plan::plan_with(Path::new("e.yaml"), &source, &[], None, &|_| Ok(text.clone()), super::task::Recognise::Never, &|_, _| None);
    }
}

#[test]
fn a_trial_that_is_added_later_is_checked_as_one_of_the_file() {
    let plan = plan_of("sweep:\n  parameters: {lora_rank: {values: [4, 8]}}\n").unwrap();
    let search = plan.search.unwrap();
    let of = |json: serde_json::Value| {
        let assignment: Assignment = serde_json::from_value(json).unwrap();
        search.trial_of(&assignment).map(|trial| trial.label()).map_err(|problems| problems.to_string())
    };
    assert_eq!(
        of(serde_json::json!({"lora_rank": 16, "batch_size": 2})),
        Ok("lora_rank=16 batch_size=2".into())
    );
    assert_eq!(
        of(serde_json::json!({"lora_rank": 0})),
        Err("trial lora_rank=0: lora_rank: '0' is below 1\n  hint: a whole number from 1 to 65536".into())
    );
    assert!(of(serde_json::json!({"rnk": 4})).unwrap_err().contains("rnk: is not a known key"));
    assert!(of(serde_json::json!({"priority": 4})).unwrap_err().contains("cannot be swept"));
    let late = serde_json::json!({"max_steps": 5, "warmup_steps": 9});
    assert!(of(late).unwrap_err().contains("warmup_steps: '9' is more than the 5 steps of the run"));
}

#[test]
fn a_frozen_sweep_keeps_the_defaults_it_was_made_with() {
    let plan = plan_of("sweep:\n  parameters: {lora_rank: {values: [4, 8]}}\npriority: 3\n").unwrap();
    let search = plan.search.unwrap();
    assert_eq!(search.base.get("learning_rate"), Some(&Value::Real(2e-4)));
    // What follows from others is not frozen: it follows from each trial's own.
    assert_eq!(search.base.get("lora_alpha"), None);
    assert_eq!(search.priority(), 3);
}

#[test]
fn a_search_knows_how_many_trials_slurm_has_at_once() {
    let at_once = |more: &str| {
        let text =
            format!("sweep:\n  method: random\n  parameters: {{lora_rank: {{values: [4, 8]}}}}\n{more}");
        plan_of(&text).unwrap().search.unwrap().trials_with_slurm()
    };
    assert_eq!(at_once(""), None);
    assert_eq!(at_once("launcher: slurm\nslurm: {partition: main, array_parallelism: 3}\n"), Some(3));
    assert_eq!(at_once("launcher: slurm\nslurm: {partition: main}\n"), Some(8));
    assert_eq!(at_once("launcher: slurm\n"), Some(8));
}

#[test]
fn points_follow_their_probabilities_and_conditions() {
    let text = "sweep:\n  method: random\n  run_cap: 4\n  seeds: 2\n  parameters:\n    rank: {values: [4, 8]}\n    \
                alpha: {values: [8, 32]}\n  when: {alpha: {rank: [8]}}\n";
    let search = plan_of(text).unwrap().search.unwrap();
    let labels = |u: &[f64]| -> Vec<String> {
        let trials = search.with_seeds(&search.point(u));
        trials.iter().map(|assignment| search.trial_of(assignment).unwrap().label()).collect()
    };
    assert_eq!(labels(&[0.1, 0.9]), ["lora_rank=4 seed=0", "lora_rank=4 seed=1"]);
    assert_eq!(labels(&[0.9, 0.1]), ["lora_rank=8 lora_alpha=8 seed=0", "lora_rank=8 lora_alpha=8 seed=1"]);
}
