use proptest::prelude::*;

use super::*;

const WIDE: Bucket = Bucket { width: 640, height: 384 };
const SQUARE: Bucket = Bucket { width: 512, height: 512 };

fn request(batch_size: usize, gradient_accumulation: usize) -> PlanRequest {
    PlanRequest { batch_size, gradient_accumulation, length: PlanLength::Epochs(2.0), seed: 3 }
}

fn plan(repeats: &[(Bucket, u32)], request: PlanRequest) -> ImagePlan {
    ImagePlan::new(
        repeats.iter().map(|(bucket, repeats)| PlanSample { bucket: *bucket, repeats: *repeats }),
        request,
    )
}

#[test]
fn the_order_is_pinned() {
    // A change here breaks the promise that a resumed run sees the pictures of the run it continues.
    let plan = plan(&[(WIDE, 2), (SQUARE, 1), (SQUARE, 2), (WIDE, 1)], request(2, 1));
    let order: Vec<Vec<(usize, u32)>> = (0..4)
        .map(|step| {
            plan.step(step)
                .iter()
                .flat_map(|batch| &batch.draws)
                .map(|draw| (draw.sample, draw.occurrence))
                .collect()
        })
        .collect();
    assert_eq!(order, PINNED);
}

const PINNED: [&[(usize, u32)]; 4] = [&[(0, 0), (3, 5)], &[(2, 3)], &[(1, 2), (2, 4)], &[(0, 1)]];

#[test]
fn steps_add_up_over_buckets() {
    // 7 wide looks in batches of 3: 3; 4 square ones: 2; five batches in steps of 2: 3.
    let plan = plan(&[(WIDE, 5), (WIDE, 2), (SQUARE, 4)], request(3, 2));
    assert_eq!(plan.per_bucket(), [(SQUARE, 4, 2), (WIDE, 7, 3)]);
    assert_eq!((plan.looks_per_epoch(), plan.batches_per_epoch(), plan.steps_per_epoch()), (11, 5, 3));
    assert_eq!((plan.total_steps(), plan.epoch_of(2), plan.epoch_of(3)), (6, 0, 1));
    assert!((plan.epochs_after(3) - 1.0).abs() < 1e-12);
    assert_eq!(plan.step(2).len(), 1);
    let steps = ImagePlan { request: PlanRequest { length: PlanLength::Steps(50), ..plan.request }, ..plan };
    assert_eq!(steps.total_steps(), 50);
}

#[test]
fn nothing_to_train_on_means_no_steps() {
    let empty = plan(&[(WIDE, 0)], PlanRequest { length: PlanLength::Steps(5), ..request(4, 1) });
    assert_eq!((empty.total_steps(), empty.step(3), empty.epoch_of(3)), (0, Vec::new(), 0));
}

#[test]
fn regularisation_pictures_fill_up_to_the_training_pictures() {
    assert_eq!(regularisation_repeats(&[1, 1, 1], 7), [3, 2, 2]);
    assert_eq!(regularisation_repeats(&[5, 1], 10), [7, 3]);
    assert_eq!(regularisation_repeats(&[4, 4, 4], 6), [4, 2, 0]);
    assert_eq!(regularisation_repeats(&[], 6), Vec::<u32>::new());
}

#[test]
fn evaluation_sees_each_picture_once_in_its_bucket() {
    let batches = evaluation_batches(&[WIDE, SQUARE, WIDE, WIDE], 2);
    let seen: Vec<(Bucket, Vec<usize>)> = batches
        .iter()
        .map(|batch| (batch.bucket, batch.draws.iter().map(|draw| draw.sample).collect()))
        .collect();
    assert_eq!(seen, [(SQUARE, vec![1]), (WIDE, vec![0, 2]), (WIDE, vec![3])]);
}

proptest! {
    #[test]
    fn every_epoch_sees_every_picture_as_often_as_it_repeats(
        repeats in prop::collection::vec((prop::bool::ANY, 0u32..5), 1..20),
        batch in 1usize..6, accumulation in 1usize..4, epoch in 0u64..3, seed: u64,
    ) {
        let samples: Vec<(Bucket, u32)> =
            repeats.iter().map(|(wide, count)| (if *wide { WIDE } else { SQUARE }, *count)).collect();
        let plan = plan(&samples, PlanRequest { seed, ..request(batch, accumulation) });
        let per_epoch = plan.steps_per_epoch();
        let steps: Vec<_> = (0..per_epoch).flat_map(|step| plan.step(epoch * per_epoch + step)).collect();
        let mut counts = vec![0u32; samples.len()];
        let mut occurrences = Vec::new();
        for micro_batch in &steps {
            prop_assert!((1..=batch).contains(&micro_batch.draws.len()));
            for draw in &micro_batch.draws {
                prop_assert_eq!(samples[draw.sample].0, micro_batch.bucket);
                prop_assert_eq!(draw.epoch, epoch);
                counts[draw.sample] += 1;
                occurrences.push(draw.occurrence);
            }
        }
        prop_assert_eq!(counts, samples.iter().map(|(_, count)| *count).collect::<Vec<_>>());
        occurrences.sort_unstable();
        prop_assert_eq!(occurrences, (0..plan.looks_per_epoch() as u32).collect::<Vec<_>>());
    }

    #[test]
    fn a_resumed_plan_goes_on_as_the_first_would_have(seed: u64, at in 0u64..40) {
        let samples = [(WIDE, 3), (SQUARE, 4), (WIDE, 5)];
        let first: Vec<_> = {
            let plan = plan(&samples, PlanRequest { seed, ..request(2, 2) });
            (0..44).map(|step| plan.step(step)).collect()
        };
        let resumed = plan(&samples, PlanRequest { seed, ..request(2, 2) });
        for step in at..at + 4 {
            prop_assert_eq!(&resumed.step(step), &first[step as usize]);
        }
    }

    #[test]
    fn two_epochs_and_two_seeds_have_different_orders(seed in 0u64..1000, epoch in 0u64..100) {
        let samples = [(WIDE, 20), (SQUARE, 20)];
        let plan = |seed| plan(&samples, PlanRequest { seed, ..request(1, 1) });
        let order = |seed, epoch| -> Vec<u32> {
            plan(seed).epoch(epoch).iter().flat_map(|batch| &batch.draws).map(|draw| draw.occurrence).collect()
        };
        prop_assert_ne!(order(seed, epoch), order(seed, epoch + 1));
        prop_assert_ne!(order(seed, epoch), order(seed + 1, epoch));
    }
}
