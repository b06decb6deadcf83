//! The training loop: steps, and between them evaluations, samples, checkpoints, requests.

use std::fmt::Write;
use std::time::Instant;

use loradeck_core::config::Settings;
use loradeck_core::file::Durability;
use loradeck_core::time::Moment;
use tch::Tensor;

use super::base_hash::BaseHash;
use super::changes::changeable;
use super::checkpoint::identity::BASE_SHA256;
use super::checkpoint::{self, Contents, FORMAT, Identity, Manifest};
use super::loss_scale::LossScale;
use super::progress::Progress;
use super::record::Record;
use super::requests::{End, Watch, Wishes};
use super::schedule::Schedule;
use super::stepper::{StepMetrics, Stepper};
use crate::device::{self, Hardware};
use crate::error::TrainError;
use crate::gpu_memory::GpuMemory;
use crate::tasks::{Task, Unit};

/// A training under way.
pub(super) struct TrainingLoop<'a> {
    pub(super) settings: &'a Settings,
    pub(super) hardware: &'a Hardware,
    pub(super) task: Box<dyn Task + 'a>,
    pub(super) stepper: Stepper,
    pub(super) schedule: Schedule,
    pub(super) record: &'a mut Record,
    pub(super) watch: Watch,
    pub(super) identity: Identity,
    pub(super) base_hash: BaseHash,
    pub(super) step: u64,
    pub(super) total: u64,
    pub(super) progress: Progress,
}

/// How a training loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// All steps done.
    Finished,
    /// At a checkpoint on request.
    Asked(End),
}

impl TrainingLoop<'_> {
    /// Trains from the present step to the end, or to where it is asked to stop.
    pub(super) fn run(&mut self) -> Result<Ending, TrainError> {
        if self.step == 0 {
            self.evaluate()?;
            self.produce_samples()?;
        }
        while self.step < self.total {
            if let Some(end) = self.heed()? {
                return self.stop(end);
            }
            self.advance()?;
            self.after_step()?;
        }
        self.drain()?;
        if self.step > 0 && !self.is_evaluated(self.step) {
            self.evaluate()?;
        }
        if self.step > 0 {
            self.produce_samples()?;
        }
        if let Some(end) = self.heed()? {
            return self.stop(end);
        }
        Ok(Ending::Finished)
    }

    fn advance(&mut self) -> Result<(), TrainError> {
        let step = self.step + 1;
        let rate = self.schedule.rate(self.step);
        let units = self.stepper.step(&mut *self.task, step, rate)?;
        self.step = step;
        self.progress.launched(step, units, Moment::now());
        Ok(())
    }

    fn after_step(&mut self) -> Result<(), TrainError> {
        let settings = self.settings;
        let at = |every: u64| every > 0 && self.step.is_multiple_of(every);
        let evaluates = settings.eval_steps.is_some_and(at);
        let saves = at(settings.save_steps) || self.step == self.total;
        let samples = self.task.sample_steps().is_some_and(at);
        if evaluates || saves || samples || self.progress.is_due(self.hardware.device()) {
            self.drain()?;
        }
        if evaluates && self.step < self.total {
            self.evaluate()?;
        }
        if samples && self.step < self.total {
            self.produce_samples()?;
        }
        if saves {
            // A checkpoint is bound to the base model's every byte; only one on request does not wait for their hash.
            self.base_hash.wait();
            // A disk that is full now may have room at the next one.
            let _ = self.save();
        }
        self.record.touch_summary();
        Ok(())
    }

    /// Reads the metrics of all steps not yet told. Waits for the device.
    pub(super) fn drain(&mut self) -> Result<(), TrainError> {
        let Some((first, last)) = self.progress.pending() else { return Ok(()) };
        let metrics = self.stepper.read(first, last)?;
        let now = Instant::now();
        let rate = self.progress.units_per_second(now);
        for metric in metrics {
            if !metric.healthy {
                return Err(self.not_finite(metric));
            }
            if metric.skipped {
                self.tell_skipped(metric);
            }
            self.tell(metric, rate);
        }
        self.progress.told(last, now);
        Ok(())
    }

    fn not_finite(&mut self, metric: StepMetrics) -> TrainError {
        let what = if metric.loss.is_finite() { "gradient" } else { "loss" };
        let samples = self.task.samples_of_step(metric.step);
        let entry = self
            .record
            .entry("non-finite")
            .at(metric.step)
            .with("what", what)
            .with("loss", metric.loss.to_string())
            .with("grad_norm", metric.gradient_norm.to_string())
            .with("samples", samples.as_str());
        self.record.journal(&entry);
        self.record.summary.step = metric.step - 1;
        TrainError::NonFinite { what, step: metric.step, samples }
    }

    /// A step that changed nothing, for its gradients overflowed.
    fn tell_skipped(&mut self, metric: StepMetrics) {
        self.record.summary.skipped_steps += 1;
        let scale = metric.loss_scale.unwrap_or(1.0);
        let entry = self.record.entry("skipped-step").at(metric.step).with("loss_scale", scale);
        self.record.journal(&entry);
        self.record.line(&format!(
            "step {} left out: its gradients are not finite in fp16 with the loss multiplied by {scale}; halved",
            metric.step
        ));
    }

    fn tell(&mut self, metric: StepMetrics, rate: f64) {
        let launch = self.progress.launch_of(metric.step);
        let epoch = self.task.epochs_after(metric.step);
        self.record.summary.step = metric.step;
        self.record.summary.epoch = epoch;
        match self.task.unit() {
            Unit::Tokens => self.record.summary.tokens += launch.units as u64,
            Unit::Images => self.record.summary.images += launch.units as u64,
        }
        let every = self.settings.log_steps.max(1);
        if !metric.step.is_multiple_of(every) && metric.step != 1 && metric.step != self.total {
            return;
        }
        let mut values = vec![
            ("train/loss", metric.loss),
            ("train/learning_rate", metric.learning_rate),
            ("train/epoch", epoch),
            (self.task.unit().speed_tag(), rate),
            ("system/memory_bytes", device::memory().0 as f64),
        ];
        if !metric.skipped {
            values.push(("train/grad_norm", metric.gradient_norm));
        }
        values.extend(metric.loss_scale.map(|scale| ("train/loss_scale", scale)));
        if let Some(bytes) = self.hardware.memory.as_ref().and_then(GpuMemory::held) {
            values.push(("system/gpu_memory_bytes", bytes as f64));
            let peak = &mut self.record.summary.peak_gpu_memory_bytes;
            *peak = (*peak).max(bytes);
        }
        let groups: Vec<(String, f64)> = self.rates_of_groups(metric.learning_rate);
        values.extend(groups.iter().map(|(tag, rate)| (tag.as_str(), *rate)));
        self.record.scalars(metric.step, &values, launch.time);
        let unit = self.task.unit().per_second();
        let line = self.progress.line(&metric, self.total, rate, unit);
        self.record.line(&line);
    }

    fn is_evaluated(&self, step: u64) -> bool {
        self.record.summary.metrics.get("eval/loss").is_some_and(|metric| metric.last_step == step)
    }

    fn rates_of_groups(&self, rate: f64) -> Vec<(String, f64)> {
        let groups = self.task.rate_groups();
        groups.iter().map(|g| (format!("train/learning_rate/{}", g.name), rate * g.factor)).collect()
    }

    /// Does `work` with the running average in the adapters' place, where one is kept: what is measured and shown is
    /// what will be exported.
    fn with_average<R>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<R, TrainError>,
    ) -> Result<R, TrainError> {
        let Some(average) = &self.stepper.average else { return work(self) };
        let parameters = &mut self.task.adapters_mut().parameters;
        let trained = copy(parameters)?;
        parameters.f_copy_(&average.numbers)?;
        let done = work(self);
        self.task.adapters_mut().parameters.f_copy_(&trained)?;
        done
    }

    fn evaluate(&mut self) -> Result<(), TrainError> {
        if !self.task.has_held_out() {
            return Ok(());
        }
        let loss = self.with_average(|this| {
            let watch = &mut this.watch;
            this.task.evaluate(&mut || watch.wants_end())
        })?;
        match loss {
            Some(loss) if loss.is_finite() => self.tell_evaluation(loss),
            Some(loss) => {
                self.record.line(&format!("warning: the held-out loss at step {} is {loss}", self.step));
            }
            None => {}
        }
        self.progress.resume_clock();
        Ok(())
    }

    /// Tells a held-out loss everywhere.
    fn tell_evaluation(&mut self, loss: f64) {
        let step = self.step;
        let derived = self.task.derived_metrics(loss);
        let values: Vec<(&str, f64)> =
            std::iter::once(("eval/loss", loss)).chain(derived.iter().copied()).collect();
        self.record.scalars(step, &values, Moment::now());
        let mut entry = self.record.entry("eval").at(step).with("loss", loss);
        let mut line = format!("eval step {step} loss {loss:.4}");
        for (tag, value) in derived {
            let name = tag.rsplit('/').next().unwrap_or(tag);
            entry = entry.with(name, value);
            let _ = write!(line, " {name} {value:.3}");
        }
        self.record.journal(&entry);
        self.record.line(&line);
        self.record.write_summary(Durability::Renamed);
    }

    fn produce_samples(&mut self) -> Result<(), TrainError> {
        let step = self.step;
        self.with_average(|this| {
            let watch = &mut this.watch;
            this.task.produce_samples(step, this.record, &mut || watch.wants_end())
        })?;
        self.progress.resume_clock();
        Ok(())
    }

    /// Does what is asked for between two steps; gives how to end, if that is asked for.
    fn heed(&mut self) -> Result<Option<End>, TrainError> {
        let wishes = self.watch.look(self.record);
        for file in &wishes.save {
            self.drain()?;
            let answer =
                self.save().map_or_else(|problem| format!("failed: {problem}"), |()| "done".to_owned());
            self.watch.answer(self.record, file, &answer);
        }
        for file in &wishes.sample {
            self.produce_samples()?;
            self.watch.answer(self.record, file, "done");
        }
        for file in &wishes.keep {
            let answer = match checkpoint::keep_newest(self.record.run()) {
                Ok(Some(_)) => "done".to_owned(),
                Ok(None) => "there is no checkpoint yet".to_owned(),
                Err(error) => format!("failed: {error}"),
            };
            self.watch.answer(self.record, file, &answer);
        }
        self.heed_end(&wishes)
    }

    fn heed_end(&mut self, wishes: &Wishes) -> Result<Option<End>, TrainError> {
        if wishes.end == Some(End::Kill) {
            self.watch.answer_ends(self.record, wishes);
            return Err(TrainError::Killed);
        }
        if wishes.end.is_some() {
            self.drain()?;
            self.watch.answer_ends(self.record, wishes);
        }
        Ok(wishes.end)
    }

    fn stop(&mut self, end: End) -> Result<Ending, TrainError> {
        let step = self.step;
        self.save().map_err(|problem| TrainError::StoppedWithoutCheckpoint { step, problem })?;
        let entry = self.record.entry("stop").at(step);
        self.record.journal(&entry);
        Ok(Ending::Asked(end))
    }

    /// Writes a checkpoint of the present step; a failure is told in the journal and the log.
    fn save(&mut self) -> Result<(), String> {
        let began = Instant::now();
        if let Some(hash) = self.base_hash.now() {
            self.identity = std::mem::take(&mut self.identity).with(BASE_SHA256, hash);
        }
        let written = self.task.checkpoint_files().and_then(|files| {
            let manifest = self.manifest()?;
            let contents = Contents {
                adapters: self.task.adapters(),
                weights_name: self.task.weights_name(),
                files,
                stepper: &self.stepper,
            };
            checkpoint::write(self.record.run(), manifest, &contents)
        });
        let entry = self.record.entry("checkpoint").at(self.step);
        let seconds = began.elapsed().as_secs_f64();
        self.progress.resume_clock();
        match written {
            Ok(bytes) => {
                let entry = entry.with("bytes", bytes).with("seconds", seconds);
                self.record.journal(&entry);
                self.record.line(&format!("checkpoint step {}", self.step));
                self.record.write_summary(Durability::Synced);
                checkpoint::prune(self.record.run(), self.settings.keep_checkpoints);
                Ok(())
            }
            Err(error) => {
                let problem = error.to_string();
                self.record.journal(&entry.with("failed", problem.as_str()));
                self.record.line(&format!("warning: no checkpoint at step {}: {problem}", self.step));
                Err(problem)
            }
        }
    }

    fn manifest(&self) -> Result<Manifest, TrainError> {
        let loss_scale = self.stepper.optimizer.loss_scale.as_ref().map(LossScale::state).transpose()?;
        Ok(Manifest {
            format: FORMAT,
            step: self.step,
            total_steps: self.total,
            epoch: self.task.epochs_after(self.step),
            attempt: self.record.attempt(),
            time: Moment::now(),
            identity: self.identity.clone(),
            settings: changeable(self.settings, self.task.total_steps()),
            metrics: self.record.summary.metrics.clone(),
            tokens: self.record.summary.tokens,
            images: self.record.summary.images,
            seconds: self.record.seconds(),
            loss_scale,
            files: std::collections::BTreeMap::new(),
        })
    }
}

pub(super) fn copy(tensor: &Tensor) -> Result<Tensor, tch::TchError> {
    let mut copy = tensor.f_empty_like()?;
    copy.f_copy_(tensor)?;
    Ok(copy)
}
