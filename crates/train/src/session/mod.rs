//! One training from its settings to its last word.

mod answers;
mod course;
mod evaluate;
mod progress;
mod record;
mod setup;
mod watch;

use std::collections::BTreeMap;
use std::io::Write;
use std::thread;

use loradeck_core::config::frozen_text;
use loradeck_core::file::{self, Durability};
use loradeck_core::patience::AT_THE_END;
use loradeck_core::run::Outcome;
use loradeck_data::dataset::{Dataset, metadata_csv};

pub use answers::{ANSWER_TOKENS, answer};
pub use evaluate::loss as held_out_loss;
pub use record::Record;
pub use setup::{Inputs, Machine};
pub use watch::{End, Signals, Watch};

use course::{Course, Ending};
use progress::Progress;

use crate::checkpoint::{self, Manifest};
use crate::device;
use crate::error::TrainError;
use crate::export;

/// Trains what `inputs` say into the folder of `record` and writes the outcome down, whatever it is.
pub fn train(inputs: &Inputs, record: &mut Record, signals: Signals) -> Outcome {
    let result = run(inputs, record, signals);
    let (outcome, message) = match &result {
        Ok(Ending::Finished) => (Outcome::Finished, None),
        Ok(Ending::Asked(End::Prune)) => (Outcome::Pruned, None),
        Ok(Ending::Asked(_)) => (Outcome::Stopped, None),
        Err(error) => (error.outcome(), Some(error.to_string())),
    };
    conclude(record, outcome, message)
}

/// Writes an outcome down: log, journal, summary. An outcome that cannot be written is a failure.
pub fn conclude(record: &mut Record, outcome: Outcome, message: Option<String>) -> Outcome {
    let message = match (outcome, message) {
        (Outcome::OutOfMemory, Some(message)) => {
            let entry =
                record.entry("out-of-memory").at(record.summary.step).with("message", message.as_str());
            record.journal(&entry);
            Some(format!(
                "memory ran out: {message} (hint: a smaller batch_size with more gradient_accumulation, or a smaller max_seq_len)"
            ))
        }
        (_, message) => message,
    };
    match &message {
        Some(message) => message.lines().for_each(|line| record.line(&format!("error: {line}"))),
        None => record.line(&format!("ended at step {}: {outcome:?}", record.summary.step)),
    }
    match AT_THE_END.with(tell_of_waiting, || record.end(outcome, message.clone())) {
        Ok(()) => outcome,
        Err(error) => {
            record.line(&format!("error: {error}"));
            if outcome == Outcome::Finished { Outcome::Failed } else { outcome }
        }
    }
}

fn run(inputs: &Inputs, record: &mut Record, signals: Signals) -> Result<Ending, TrainError> {
    let _no_gradients = tch::no_grad_guard();
    checkpoint::clear_staged(record.run());
    write_metadata(record, inputs)?;
    let base = inputs.base.clone();
    let base_hash = thread::spawn(move || base.full_hash());
    let mut machine = Machine::build(inputs)?;
    describe(record, inputs, &machine);
    let identity = machine.identity(inputs);
    let step = resume(record, &mut machine, &identity)?;
    let total = inputs.plan.total_steps().max(step);
    record.summary.total_steps = total;
    record.write_summary(Durability::Renamed);
    let mut course = Course {
        inputs,
        held_out: machine.held_out(inputs),
        machine: &mut machine,
        watch: Watch::new(record.run(), record.attempt(), signals),
        record,
        identity,
        step,
        total,
        progress: Progress::new(step),
    };
    let ending = course.run()?;
    // A stop does not wait for a large file to be hashed.
    if ending == Ending::Finished || base_hash.is_finished() {
        record.summary.base_sha256 = Some(base_hash.join().unwrap_or_default());
    }
    if ending == Ending::Finished {
        write_weights(record, inputs, &machine)?;
    }
    Ok(ending)
}

/// On standard error alone: the records may lie on the disk that has no room.
fn tell_of_waiting(error: &impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "warning: {error} (trying again)");
}

fn write_metadata(record: &mut Record, inputs: &Inputs) -> Result<(), TrainError> {
    let mut parts = vec![("train", &inputs.data.train)];
    parts.extend(inputs.data.eval.as_ref().map(|eval| ("eval", eval)));
    file::replace(&record.run().metadata(), metadata_csv(&parts).as_bytes(), Durability::Renamed)?;
    let leaked = inputs.data.leaked();
    if leaked > 0 {
        record.line(&format!("warning: {leaked} held-out samples also stand in the training data"));
    }
    Ok(())
}

fn describe(record: &mut Record, inputs: &Inputs, machine: &Machine) {
    let eval_samples = inputs.data.eval.as_ref().map_or(0, Dataset::len);
    record.summary.environment = machine.evidence();
    record.summary.trainable_parameters = machine.adapters.count();
    record.summary.train_samples = inputs.data.train.len() as u64;
    record.summary.eval_samples = eval_samples as u64;
    if let Some(remark) = &machine.choice.remark {
        record.line(&format!("warning: {remark}"));
    }
    record.line(&format!(
        "{} on {} ({}, {} threads): {} samples, {} held out, {} trained parameters in {} modules",
        inputs.base.path().file_name().unwrap_or_default().to_string_lossy(),
        machine.choice.name,
        device::kind_name(machine.kind),
        machine.threads,
        inputs.data.train.len(),
        eval_samples,
        machine.adapters.count(),
        machine.adapters.entries().len(),
    ));
}

/// Goes on from the newest whole checkpoint, if there is one; the step it stands at.
fn resume(
    record: &mut Record,
    machine: &mut Machine,
    identity: &checkpoint::Identity,
) -> Result<u64, TrainError> {
    let found = checkpoint::find(record.run(), identity)?;
    for (step, problem) in &found.damaged {
        record.line(&format!("warning: the checkpoint of step {step} is damaged: {problem}"));
        let entry = record.entry("damaged-checkpoint").at(*step).with("problem", problem.as_str());
        record.journal(&entry);
    }
    let Some(manifest) = found.manifest else {
        start_over(record);
        return Ok(0);
    };
    let folder = record.run().checkpoint(manifest.step);
    checkpoint::load(&folder, manifest.step, &machine.adapters, &mut machine.stepper.optimizer)?;
    take_over(record, &manifest);
    Ok(manifest.step)
}

fn start_over(record: &mut Record) {
    record.summary.metrics = BTreeMap::new();
    record.summary.step = 0;
    record.summary.epoch = 0.0;
    record.summary.tokens = 0;
    record.summary.weights_sha256 = None;
    if record.attempt() > 1 {
        record.restart_events_at(0);
    }
}

fn take_over(record: &mut Record, manifest: &Manifest) {
    record.summary.metrics = manifest.metrics.clone();
    record.summary.step = manifest.step;
    record.summary.epoch = manifest.epoch;
    record.summary.tokens = manifest.tokens;
    record.summary.weights_sha256 = None;
    record.add_earlier_seconds(manifest.seconds);
    // A step-0 checkpoint is followed by a new evaluation at step 0.
    record.restart_events_at(if manifest.step == 0 { 0 } else { manifest.step + 1 });
    let entry = record.entry("resume").at(manifest.step).with("from_attempt", manifest.attempt);
    record.journal(&entry);
    record.line(&format!("resumed from the checkpoint of step {}", manifest.step));
}

fn write_weights(record: &mut Record, inputs: &Inputs, machine: &Machine) -> Result<(), TrainError> {
    let summary = &record.summary;
    let metadata: BTreeMap<String, String> = [
        ("format", "pt".to_owned()),
        ("loradeck.config", frozen_text(&inputs.settings, None)),
        ("loradeck.base_model", inputs.base.name()),
        ("loradeck.base_sha256", summary.base_sha256.clone().unwrap_or_default()),
        ("loradeck.data_fingerprint", inputs.data.train.fingerprint.clone()),
        ("loradeck.step", summary.step.to_string()),
        ("loradeck.device", machine.choice.name.clone()),
        ("loradeck.precision", device::kind_name(machine.kind).to_owned()),
        ("loradeck.threads", machine.threads.to_string()),
        ("loradeck.trainer", env!("CARGO_PKG_VERSION").to_owned()),
        ("loradeck.libtorch", device::LIBTORCH_VERSION.to_owned()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    let folder = record.run().checkpoints();
    let sha256 = AT_THE_END.with(
        |error: &TrainError| tell_of_waiting(error),
        || export::write_final(&folder, &machine.adapters, &machine.facts, &metadata, &inputs.tokenizer),
    )?;
    record.summary.weights_sha256 = Some(sha256.clone());
    let entry = record.entry("weights").at(record.summary.step).with("sha256", sha256);
    record.journal(&entry);
    record.line(&format!("wrote {}", folder.join(export::WEIGHTS).display()));
    Ok(())
}
