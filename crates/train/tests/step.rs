//! The training step on a tiny random Llama: gradients, accumulation, layouts, precision, generation.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use loradeck_data::sample::Sample;
use loradeck_train::adapters::AdapterSet;
use loradeck_train::engine::optimizer::{AdamW, Constants};
use loradeck_train::engine::stepper::Stepper;
use loradeck_train::models::llama::Llama;
use loradeck_train::tasks::causal_lm::attach::attach as attach_adapters;
use loradeck_train::tasks::causal_lm::batch::{HostBatch, InputBuffers, Padding};
use loradeck_train::tasks::causal_lm::generate::{Limits, greedy};
use support::task::GivenBatches;
use support::{Form, USUAL, machine, samples};
use tch::{Device, Kind, Tensor};

const UNTIED: Form = Form { key_value_heads: 4, tied: false };

fn numbers(tensor: &Tensor) -> Vec<f64> {
    let wide = tensor.to_kind(Kind::Double).view([-1]);
    let mut values = vec![0f64; wide.numel()];
    wide.copy_data(&mut values, wide.numel());
    values
}

fn difference(left: &Tensor, right: &Tensor) -> f64 {
    let (left, right) = (left.to_kind(Kind::Double), right.to_kind(Kind::Double));
    let scale = left.abs().max().double_value(&[]).max(1e-12);
    (left - right).abs().max().double_value(&[]) / scale
}

fn refs(samples: &[Sample]) -> Vec<&Sample> {
    samples.iter().collect()
}

/// Loss and gradients of all samples in one micro-batch.
fn gradients(
    model: &Llama,
    adapters: &mut AdapterSet,
    samples: &[Sample],
    padding: Padding,
) -> (f64, Tensor) {
    adapters.zero_gradients().unwrap();
    let host = HostBatch::new(&refs(samples), padding, 0);
    let mut inputs = InputBuffers::new(1, Device::Cpu).unwrap();
    let batch = inputs.load(&host, 1.0 / host.trained_tokens() as f64).unwrap();
    let loss = model.loss_and_backward(&batch).unwrap().double_value(&[]);
    (loss, adapters.gradients.copy())
}

fn loss(model: &Llama, samples: &[Sample]) -> f64 {
    let host = HostBatch::new(&refs(samples), Padding::Packed, 0);
    let mut inputs = InputBuffers::new(1, Device::Cpu).unwrap();
    let batch = inputs.load(&host, 1.0 / host.trained_tokens() as f64).unwrap();
    model.loss(&batch).unwrap().double_value(&[])
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let _no_gradients = tch::no_grad_guard();
    for form in [USUAL, UNTIED] {
        let folder = tempfile::tempdir().unwrap();
        let (model, mut adapters) = machine(folder.path(), form, Kind::Float, "all-linear");
        let samples = samples(&[9, 4, 13]);
        let (_, gradient) = gradients(&model, &mut adapters, &samples, Padding::Packed);
        let named = adapters.named(&gradient).unwrap();
        let parameters = adapters.named(&adapters.parameters).unwrap();
        for ((name, gradient), (_, mut parameter)) in named.into_iter().zip(parameters) {
            // Along the gradient itself the loss changes by the gradient's norm.
            let norm = gradient.norm().double_value(&[]);
            let direction = &gradient / norm;
            let before = parameter.copy();
            let mut at = |distance: f64| {
                parameter.copy_(&(&before + &direction * distance));
                loss(&model, &samples)
            };
            let slope = (at(0.02) - at(-0.02)) / 0.04;
            at(0.0);
            assert!(norm > 1e-4, "{name} has no gradient");
            assert!(
                (slope - norm).abs() < 0.01 * norm + 2e-5,
                "{name}: {slope} by differences, {norm} by hand"
            );
        }
    }
}

#[test]
fn only_targets_have_gradients_and_lower_layers_need_none() {
    let _no_gradients = tch::no_grad_guard();
    let folder = tempfile::tempdir().unwrap();
    let (model, mut adapters) = machine(folder.path(), USUAL, Kind::Float, r".*\.1\.self_attn\.(q|o)_proj");
    assert_eq!(adapters.sites().len(), 2);
    let (_, gradient) = gradients(&model, &mut adapters, &samples(&[6, 6]), Padding::Packed);
    assert!(adapters.named(&gradient).unwrap().iter().all(|(_, part)| part.norm().double_value(&[]) > 1e-4));
}

#[test]
fn padding_changes_nothing() {
    let _no_gradients = tch::no_grad_guard();
    let folder = tempfile::tempdir().unwrap();
    let (model, mut adapters) = machine(folder.path(), USUAL, Kind::Float, "all-linear");
    let samples = samples(&[9, 4, 13, 1]);
    let (packed_loss, packed) = gradients(&model, &mut adapters, &samples, Padding::Packed);
    for multiple in [1, 8, 32] {
        let (loss, gradient) = gradients(&model, &mut adapters, &samples, Padding::Rectangle(multiple));
        assert!((loss - packed_loss).abs() < 1e-5, "{multiple}: {loss} {packed_loss}");
        assert!(difference(&packed, &gradient) < 1e-5, "{multiple}");
    }
}

const CONSTANTS: Constants = Constants { weight_decay: 0.01, max_grad_norm: 1.0 };

fn task(folder: &std::path::Path, batches: &[&[usize]]) -> GivenBatches {
    let (model, adapters) = machine(folder, USUAL, Kind::Float, "qkv");
    let samples = samples(&[9, 4, 13, 7]);
    let host = batches
        .iter()
        .map(|indices| {
            let chosen: Vec<&Sample> = indices.iter().map(|index| &samples[*index]).collect();
            HostBatch::new(&chosen, Padding::Packed, 0)
        })
        .collect();
    let buffers = InputBuffers::new(1, Device::Cpu).unwrap();
    GivenBatches { model, adapters, buffers, host, groups: Vec::new() }
}

fn stepped(batches: &[&[usize]], steps: u64) -> (Vec<f64>, Tensor) {
    let folder = tempfile::tempdir().unwrap();
    let mut task = task(folder.path(), batches);
    let optimizer = AdamW::new(task.adapters.count(), CONSTANTS, Device::Cpu).unwrap();
    let mut stepper = Stepper::new(optimizer, Device::Cpu).unwrap();
    for step in 1..=steps {
        stepper.step(&mut task, step, 0.01).unwrap();
    }
    let losses = stepper.read(1, steps).unwrap().iter().map(|metrics| metrics.loss).collect();
    (losses, task.adapters.parameters.copy())
}

#[test]
fn the_engine_gives_the_bits_of_the_same_steps_written_out() {
    let _no_gradients = tch::no_grad_guard();
    let batches: &[&[usize]] = &[&[0, 1], &[2, 3]];
    let (_, by_engine) = stepped(batches, 5);
    let folder = tempfile::tempdir().unwrap();
    let GivenBatches { model, mut adapters, mut buffers, host, .. } = task(folder.path(), batches);
    let mut optimizer = AdamW::new(adapters.count(), CONSTANTS, Device::Cpu).unwrap();
    let trained: usize = host.iter().map(HostBatch::trained_tokens).sum();
    for _ in 0..5 {
        adapters.zero_gradients().unwrap();
        let mut loss = Tensor::zeros([], (Kind::Float, Device::Cpu));
        for batch in &host {
            let batch = buffers.load(batch, 1.0 / trained as f64).unwrap();
            loss += model.loss_and_backward(&batch).unwrap();
        }
        optimizer.set_rate(0.01).unwrap();
        let AdapterSet { parameters, gradients, .. } = &mut adapters;
        let _ = optimizer.update(parameters, gradients, &loss).unwrap();
    }
    assert_eq!(numbers(&by_engine), numbers(&adapters.parameters));
}

#[test]
fn a_group_with_a_rate_of_its_own_moves_by_its_factor() {
    let _no_gradients = tch::no_grad_guard();
    let (_, plain) = stepped(&[&[0, 1, 2, 3]], 1);
    let folder = tempfile::tempdir().unwrap();
    let mut task = task(folder.path(), &[&[0, 1, 2, 3]]);
    let begin = task.adapters.parameters.copy();
    let (start, count) = task.adapters.range(2);
    let mut optimizer = AdamW::new(task.adapters.count(), CONSTANTS, Device::Cpu).unwrap();
    optimizer.set_rate_factors(&[(start, count, 0.25)]).unwrap();
    Stepper::new(optimizer, Device::Cpu).unwrap().step(&mut task, 1, 0.01).unwrap();
    let (full, slow) = (&plain - &begin, &task.adapters.parameters - &begin);
    let part = |all: &Tensor| all.narrow(0, start, count);
    // The step is rounded at the size of the weights.
    assert!((part(&full) * 0.25 - part(&slow)).abs().max().double_value(&[]) < 1e-7);
    assert_eq!(numbers(&full.narrow(0, 0, start)), numbers(&slow.narrow(0, 0, start)));
}

#[test]
fn accumulated_micro_batches_equal_one_batch() {
    let _no_gradients = tch::no_grad_guard();
    // Samples of different lengths: a mean of means would differ.
    let (whole_losses, whole) = stepped(&[&[0, 1, 2, 3]], 3);
    let (parts_losses, parts) = stepped(&[&[0], &[1], &[2], &[3]], 3);
    assert!(difference(&whole, &parts) < 1e-5);
    assert!(whole_losses.iter().zip(&parts_losses).all(|(a, b)| (a - b).abs() < 1e-5));
    assert!(whole_losses[2] < whole_losses[0], "{whole_losses:?}");
}

#[test]
fn the_same_steps_give_the_same_bits() {
    let _no_gradients = tch::no_grad_guard();
    let runs = [stepped(&[&[0, 1], &[2, 3]], 4), stepped(&[&[0, 1], &[2, 3]], 4)];
    assert_eq!(numbers(&runs[0].1), numbers(&runs[1].1));
}

#[test]
fn bf16_is_near_fp32() {
    let _no_gradients = tch::no_grad_guard();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let samples = samples(&[9, 4, 13]);
    let (model, mut adapters) = machine(folders[0].path(), USUAL, Kind::Float, "all-linear");
    let (exact_loss, exact) = gradients(&model, &mut adapters, &samples, Padding::Packed);
    let (model, mut adapters) = machine(folders[1].path(), USUAL, Kind::BFloat16, "all-linear");
    assert_eq!(adapters.parameters.kind(), Kind::Float);
    let (loss, gradient) = gradients(&model, &mut adapters, &samples, Padding::Packed);
    assert!((loss - exact_loss).abs() < 0.05 * exact_loss, "{loss} {exact_loss}");
    let off = (&gradient - &exact).norm().double_value(&[]) / exact.norm().double_value(&[]);
    assert!(off < 0.1, "{off}");
}

/// The most likely next tokens, each by a pass over everything so far.
fn greedy_by_recomputing(model: &Llama, prompt: &[u32], count: usize) -> Vec<u32> {
    let mut inputs = InputBuffers::new(1, Device::Cpu).unwrap();
    let mut ids = prompt.to_vec();
    for _ in 0..count {
        let sample = Sample { ids: ids.clone(), labels_mask: vec![false; ids.len()] };
        let batch = inputs.load(&HostBatch::new(&[&sample], Padding::Packed, 0), 1.0).unwrap();
        let logits = model.logits(&batch).unwrap();
        let next = logits.select(0, ids.len() as i64 - 1).argmax(-1, false).int64_value(&[]);
        ids.push(next as u32);
    }
    ids.split_off(prompt.len())
}

#[test]
fn the_cache_answers_as_a_full_recomputation_does() {
    let _no_gradients = tch::no_grad_guard();
    for form in [USUAL, UNTIED] {
        let folder = tempfile::tempdir().unwrap();
        let (model, _) = machine(folder.path(), form, Kind::Float, "all-linear");
        let prompts = [vec![5, 9, 13, 2, 40], vec![7], vec![11, 3, 30]];
        let limits = Limits { tokens: 12, stops: Vec::new(), pad_id: 0 };
        let answers = greedy(&model, &prompts, &limits, Device::Cpu, || false).unwrap().unwrap();
        for (prompt, answer) in prompts.iter().zip(&answers) {
            assert_eq!(*answer, greedy_by_recomputing(&model, prompt, 12));
        }
        let stop = Limits { stops: vec![answers[0][3]], ..limits };
        let stopped = greedy(&model, &prompts, &stop, Device::Cpu, || false).unwrap().unwrap();
        let expected = answers[0].iter().take_while(|id| **id != answers[0][3]).count();
        assert_eq!(stopped[0], answers[0][..expected]);
        assert_eq!(greedy(&model, &prompts, &stop, Device::Cpu, || true).unwrap(), None);
    }
}

#[test]
fn first_weights_depend_on_the_seed_and_the_module_alone() {
    let _no_gradients = tch::no_grad_guard();
    let folder = tempfile::tempdir().unwrap();
    support::write_model(folder.path(), USUAL);
    let attach = |targets: &str, seed| {
        let path = folder.path().to_str().unwrap();
        let base = loradeck_data::base_model::BaseModel::find(std::path::Path::new("/"), path).unwrap();
        let mut model = Llama::load(base.into(), Kind::Float, Device::Cpu, 16).unwrap();
        let targets = loradeck_core::config::LoraTargets::Preset(targets.to_owned());
        let adapters = attach_adapters(&mut model, &targets, 4, 8.0, seed, Device::Cpu).unwrap();
        adapters
            .named(&adapters.parameters)
            .unwrap()
            .into_iter()
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    let (some, all, other) = (attach("qkv", 1), attach("all-linear", 1), attach("qkv", 2));
    let name = "base_model.model.model.layers.1.self_attn.v_proj.lora_A.weight";
    assert_eq!(numbers(&some[name]), numbers(&all[name]));
    assert_ne!(numbers(&some[name]), numbers(&other[name]));
    let bound = 1.0 / 32f64.sqrt();
    assert!(numbers(&some[name]).iter().all(|value| value.abs() <= bound));
    assert!(numbers(&some[&name.replace("lora_A", "lora_B")]).iter().all(|value| *value == 0.0));
}
