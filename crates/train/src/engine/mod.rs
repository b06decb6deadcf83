//! One training from its settings to its last word, whatever the task and the model: the loop, the optimizer, the
//! schedule, checkpoints, records and requests.

mod base_hash;
mod changes;
pub mod checkpoint;
mod last_words;
pub mod loss_scale;
pub mod optimizer;
mod progress;
pub mod record;
mod requests;
mod rows;
pub mod schedule;
pub mod stepper;
mod training_loop;

use std::collections::BTreeMap;

use loradeck_core::config::Settings;
use loradeck_core::file::{self, Durability};
use loradeck_core::patience::AT_THE_END;
use loradeck_core::run::{Outcome, RunFolder};
use tch::Kind;

pub use base_hash::BaseHash;
pub use record::Record;
pub use requests::{End, Signals, Watch};

use checkpoint::identity::BASE_SHA256;
use checkpoint::{Identity, Manifest};
use loss_scale::LossScale;
use optimizer::{AdamW, Constants};
use progress::Progress;
use schedule::Schedule;
use stepper::{Average, Stepper};
use training_loop::{Ending, TrainingLoop};

use crate::device::{self, Hardware};
use crate::error::TrainError;
use crate::tasks::{Task, TaskInputs};

/// Trains what `inputs` say into the folder of `record` and writes the outcome down, whatever it is.
pub fn train(
    inputs: &dyn TaskInputs,
    base_hash: BaseHash,
    record: &mut Record,
    signals: &Signals,
) -> Outcome {
    let result = run(inputs, base_hash, record, signals);
    let (outcome, message) = match &result {
        Ok(Ending::Finished) => (Outcome::Finished, None),
        Ok(Ending::Asked(End::Prune)) => (Outcome::Pruned, None),
        Ok(Ending::Asked(_)) => (Outcome::Stopped, None),
        Err(error) => (error.outcome(), Some(error.to_string())),
    };
    conclude(record, outcome, message, signals)
}

/// Writes an outcome down: log, journal, summary. An outcome that cannot be written is a failure. Room on the disk is
/// waited for; a signal that comes from here on ends that.
pub fn conclude(
    record: &mut Record,
    outcome: Outcome,
    message: Option<String>,
    signals: &Signals,
) -> Outcome {
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
    // The signal that this training has already followed is none to leave its last word out.
    signals.lower();
    let written = AT_THE_END.unless(
        record,
        |_| signals.raised(),
        last_words::tell_of_waiting,
        |record| record.end(outcome, message.clone()),
    );
    match written {
        Ok(()) => outcome,
        Err(error) => {
            record.line(&format!("error: {error}"));
            if outcome == Outcome::Finished { Outcome::Failed } else { outcome }
        }
    }
}

/// Refuses to go on in a folder whose newest whole checkpoint belongs to another training. Changes nothing.
pub fn check_resume(
    run: &RunFolder,
    inputs: &dyn TaskInputs,
    base_hash: &mut BaseHash,
) -> Result<(), TrainError> {
    let device = device::choose()?.device;
    let identity = inputs.identity(device::kind(inputs.settings(), device));
    let found = checkpoint::find(run, &bound_to_weights(identity, run, base_hash));
    found.map(|_| ()).map_err(|error| rows::named(error, run, inputs))
}

/// Binds an identity to the base model's weights too where there is a checkpoint to compare with.
fn bound_to_weights(identity: Identity, run: &RunFolder, base_hash: &mut BaseHash) -> Identity {
    if run.checkpoint_steps().is_empty() { identity } else { identity.with(BASE_SHA256, base_hash.wait()) }
}

fn run(
    inputs: &dyn TaskInputs,
    mut base_hash: BaseHash,
    record: &mut Record,
    signals: &Signals,
) -> Result<Ending, TrainError> {
    let _no_gradients = tch::no_grad_guard();
    let settings = inputs.settings();
    checkpoint::clear_staged(record.run());
    let is_fresh = record.run().checkpoint_steps().is_empty();
    if is_fresh {
        write_samples_table(record, inputs)?;
    }
    tell_of_inputs(record, inputs);
    let hardware = Hardware::prepare(settings)?;
    let mut task = inputs.build(&hardware)?;
    let mut stepper = stepper(settings, &mut *task, &hardware)?;
    describe(record, &*task, &hardware);
    let identity = bound_to_weights(inputs.identity(hardware.kind), record.run(), &mut base_hash);
    let manifest = resume(record, &mut *task, &mut stepper, &identity);
    let manifest = manifest.map_err(|error| rows::named(error, record.run(), inputs))?;
    if !is_fresh {
        // Not before: a training that is refused leaves the table of the one that it is not.
        write_samples_table(record, inputs)?;
    }
    let step = manifest.as_ref().map_or(0, |manifest| manifest.step);
    if let Some(manifest) = &manifest {
        tell_changes(record, manifest, settings, task.total_steps());
    }
    let total = task.total_steps().max(step);
    record.summary.total_steps = total;
    record.write_summary(Durability::Renamed);
    let schedule = schedule(settings, task.total_steps());
    let mut training = TrainingLoop {
        settings,
        hardware: &hardware,
        task,
        stepper,
        schedule,
        watch: Watch::new(record.run(), record.attempt(), signals.clone()),
        record,
        identity,
        base_hash,
        step,
        total,
        progress: Progress::new(step),
    };
    let ending = training.run()?;
    let TrainingLoop { mut task, stepper, record, mut base_hash, mut watch, .. } = training;
    // A stop does not wait for a large file to be hashed.
    let hash = if ending == Ending::Finished { Some(base_hash.wait()) } else { base_hash.now() };
    record.summary.base_sha256 = hash.map(str::to_owned);
    if ending == Ending::Finished {
        if let Some(average) = &stepper.average {
            task.adapters_mut().parameters.f_copy_(&average.numbers)?;
        }
        return last_words::write_weights(record, inputs, &*task, &hardware, &mut watch);
    }
    Ok(ending)
}

/// The step's buffers and the optimizer for the adapters of `task`.
pub fn stepper(settings: &Settings, task: &mut dyn Task, hardware: &Hardware) -> Result<Stepper, TrainError> {
    let constants = Constants { weight_decay: settings.weight_decay, max_grad_norm: settings.max_grad_norm };
    let mut optimizer = AdamW::new(task.adapters().count(), constants, hardware.device())?;
    let parts: Vec<(i64, i64, f64)> =
        task.rate_groups().iter().map(|group| (group.start, group.count, group.factor)).collect();
    optimizer.set_rate_factors(&parts)?;
    if hardware.kind == Kind::Half {
        let scale = LossScale::new(hardware.device())?;
        task.scale_loss(scale.factor());
        optimizer.loss_scale = Some(scale);
    }
    let mut stepper = Stepper::new(optimizer, hardware.device())?;
    if let Some(decay) = task.average_decay() {
        stepper.average = Some(Average::new(decay, &task.adapters().parameters)?);
    }
    Ok(stepper)
}

/// The learning rate's course over `total` steps.
pub fn schedule(settings: &Settings, total: u64) -> Schedule {
    Schedule {
        form: settings.lr_scheduler,
        peak: settings.learning_rate,
        warmup: settings.warmup_steps,
        total,
    }
}

fn write_samples_table(record: &Record, inputs: &dyn TaskInputs) -> Result<(), TrainError> {
    Ok(file::replace(&record.run().metadata(), inputs.metadata_csv().as_bytes(), Durability::Renamed)?)
}

fn tell_of_inputs(record: &mut Record, inputs: &dyn TaskInputs) {
    for warning in inputs.warnings() {
        record.line(&format!("warning: {warning}"));
    }
    for remark in inputs.remarks() {
        record.line(&format!("note: {remark}"));
        let entry = record.entry("note").with("message", remark);
        record.journal(&entry);
    }
}

fn describe(record: &mut Record, task: &dyn Task, hardware: &Hardware) {
    let description = task.describe();
    record.summary.environment = hardware.evidence();
    record.summary.trainable_parameters = task.adapters().count();
    record.summary.train_samples = description.train_samples;
    record.summary.eval_samples = description.eval_samples;
    if let Some(remark) = &hardware.choice.remark {
        record.line(&format!("warning: {remark}"));
    }
    record.line(&format!(
        "{} on {} ({}, {} threads): {} samples, {} held out, {} trained parameters in {} modules",
        description.base,
        hardware.choice.name,
        device::kind_name(hardware.kind),
        hardware.threads,
        description.train_samples,
        description.eval_samples,
        task.adapters().count(),
        task.adapters().sites().len(),
    ));
    for line in &description.lines {
        record.line(line);
    }
}

/// Goes on from the newest whole checkpoint, if there is one; its manifest.
fn resume(
    record: &mut Record,
    task: &mut dyn Task,
    stepper: &mut Stepper,
    identity: &Identity,
) -> Result<Option<Manifest>, TrainError> {
    let found = checkpoint::find(record.run(), identity)?;
    for (step, problem) in &found.damaged {
        record.line(&format!("warning: the checkpoint of step {step} is damaged: {problem}"));
        let entry = record.entry("damaged-checkpoint").at(*step).with("problem", problem.as_str());
        record.journal(&entry);
    }
    let Some(manifest) = found.manifest else {
        start_over(record);
        return Ok(None);
    };
    let folder = record.run().checkpoint(manifest.step);
    checkpoint::load(&folder, &manifest, task.weights_name(), task.adapters(), stepper)?;
    take_over(record, &manifest);
    Ok(Some(manifest))
}

/// Tells which settings differ from the checkpoint's, and what becomes of the learning rate.
fn tell_changes(record: &mut Record, manifest: &Manifest, settings: &Settings, total: u64) {
    let changes = changes::changes(&manifest.settings, &changes::changeable(settings, total));
    for change in &changes {
        let (before, after) = (change.before.clone(), change.after.clone());
        record.line(&format!("{} was {before} and is {after} from here on", change.key));
        let entry = record.entry("setting-changed").at(manifest.step).with("key", change.key.as_str());
        record.journal(&entry.with("before", before).with("after", after));
    }
    if !changes.is_empty() {
        let rate = schedule(settings, total).rate(manifest.step);
        record.line(&format!("the learning rate of step {} is {rate:.3e}", manifest.step + 1));
    }
}

fn start_over(record: &mut Record) {
    record.summary.metrics = BTreeMap::new();
    record.summary.step = 0;
    record.summary.epoch = 0.0;
    record.summary.tokens = 0;
    record.summary.images = 0;
    record.summary.skipped_steps = 0;
    record.summary.weights_sha256 = None;
    record.begin_training(0.0);
    if record.attempt() > 1 {
        record.restart_events_at(0);
    }
}

fn take_over(record: &mut Record, manifest: &Manifest) {
    record.summary.metrics = manifest.metrics.clone();
    record.summary.step = manifest.step;
    record.summary.epoch = manifest.epoch;
    record.summary.tokens = manifest.tokens;
    record.summary.images = manifest.images;
    record.summary.skipped_steps = manifest.loss_scale.map_or(0, |state| state.skipped_steps);
    record.summary.weights_sha256 = None;
    record.begin_training(manifest.seconds);
    // A step-0 checkpoint is followed by a new evaluation at step 0.
    record.restart_events_at(if manifest.step == 0 { 0 } else { manifest.step + 1 });
    let entry = record.entry("resume").at(manifest.step).with("from_attempt", manifest.attempt);
    record.journal(&entry);
    record.line(&format!("resumed from the checkpoint of step {}", manifest.step));
}
