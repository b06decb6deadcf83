//! The course of a training: steps, and between them evaluations, checkpoints, requests.

use std::time::Instant;

use loradeck_core::file::Durability;
use loradeck_core::time::Moment;
use loradeck_data::chat::ChatEncoder;

use super::progress::Progress;
use super::record::Record;
use super::setup::{Inputs, Machine};
use super::watch::{End, Watch, Wishes};
use super::{answers, evaluate};
use crate::batch::HostBatch;
use crate::checkpoint::{self, FORMAT, Identity, Manifest};
use crate::device;
use crate::error::TrainError;
use crate::gpu_memory::GpuMemory;
use crate::step::StepMetrics;

/// A training under way.
pub(super) struct Course<'a> {
    pub(super) inputs: &'a Inputs,
    pub(super) machine: &'a mut Machine,
    pub(super) record: &'a mut Record,
    pub(super) watch: Watch,
    pub(super) identity: Identity,
    pub(super) held_out: Vec<HostBatch>,
    pub(super) step: u64,
    pub(super) total: u64,
    pub(super) progress: Progress,
}

/// How a course ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// All steps done.
    Finished,
    /// At a checkpoint on request.
    Asked(End),
}

impl Course<'_> {
    /// Trains from the present step to the end, or to where it is asked to stop.
    pub(super) fn run(&mut self) -> Result<Ending, TrainError> {
        if self.step == 0 {
            self.evaluate()?;
            self.answer_prompts()?;
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
            self.answer_prompts()?;
        }
        if let Some(end) = self.heed()? {
            return self.stop(end);
        }
        Ok(Ending::Finished)
    }

    fn advance(&mut self) -> Result<(), TrainError> {
        let step = self.step + 1;
        let batches = self.machine.batches(self.inputs, step);
        let tokens = batches.iter().map(HostBatch::tokens).sum();
        let rate = self.machine.schedule.rate(self.step);
        let machine = &mut *self.machine;
        machine.stepper.step(&machine.model, &mut machine.adapters, &batches, step, rate)?;
        self.step = step;
        self.progress.launched(step, tokens, Moment::now());
        Ok(())
    }

    fn after_step(&mut self) -> Result<(), TrainError> {
        let settings = &self.inputs.settings;
        let at = |every: u64| every > 0 && self.step.is_multiple_of(every);
        let evaluates = settings.eval_steps.is_some_and(at);
        let saves = at(settings.save_steps) || self.step == self.total;
        if evaluates || saves || self.progress.is_due(self.machine.choice.device) {
            self.drain()?;
        }
        if evaluates && self.step < self.total {
            self.evaluate()?;
        }
        if saves {
            // A disk that is full now may have room at the next one.
            let _ = self.save();
        }
        self.record.touch_summary();
        Ok(())
    }

    /// Reads the metrics of all steps not yet told. Waits for the device.
    pub(super) fn drain(&mut self) -> Result<(), TrainError> {
        let Some((first, last)) = self.progress.pending() else { return Ok(()) };
        let metrics = self.machine.stepper.read(first, last)?;
        let now = Instant::now();
        let rate = self.progress.tokens_per_second(now);
        for metric in metrics {
            if !metric.healthy {
                return Err(self.not_finite(metric));
            }
            self.tell(metric, rate);
        }
        self.progress.told(last, now);
        Ok(())
    }

    fn not_finite(&mut self, metric: StepMetrics) -> TrainError {
        let what = if metric.loss.is_finite() { "gradient" } else { "loss" };
        let samples = self.inputs.names_of_step(metric.step);
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

    fn tell(&mut self, metric: StepMetrics, rate: f64) {
        let launch = self.progress.launch_of(metric.step);
        let epoch = self.inputs.plan.epochs_after(metric.step);
        self.record.summary.step = metric.step;
        self.record.summary.epoch = epoch;
        self.record.summary.tokens += launch.tokens as u64;
        let every = self.inputs.settings.log_steps.max(1);
        if !metric.step.is_multiple_of(every) && metric.step != 1 && metric.step != self.total {
            return;
        }
        let mut values = vec![
            ("train/loss", metric.loss),
            ("train/grad_norm", metric.gradient_norm),
            ("train/learning_rate", metric.learning_rate),
            ("train/epoch", epoch),
            ("train/tokens_per_second", rate),
            ("system/memory_bytes", device::memory().0 as f64),
        ];
        if let Some(bytes) = self.machine.memory.as_ref().and_then(GpuMemory::held) {
            values.push(("system/gpu_memory_bytes", bytes as f64));
            let peak = &mut self.record.summary.peak_gpu_memory_bytes;
            *peak = (*peak).max(bytes);
        }
        self.record.scalars(metric.step, &values, launch.time);
        let line = self.progress.line(&metric, self.total, rate);
        self.record.line(&line);
    }

    fn is_evaluated(&self, step: u64) -> bool {
        self.record.summary.metrics.get("eval/loss").is_some_and(|metric| metric.last_step == step)
    }

    fn evaluate(&mut self) -> Result<(), TrainError> {
        if self.held_out.is_empty() {
            return Ok(());
        }
        let (machine, watch) = (&mut *self.machine, &mut self.watch);
        let loss =
            evaluate::loss(&mut machine.stepper, &machine.model, &self.held_out, || watch.wants_end())?;
        match loss {
            Some(loss) if loss.is_finite() => evaluate::tell(self.record, self.step, loss),
            Some(loss) => {
                self.record.line(&format!("warning: the held-out loss at step {} is {loss}", self.step));
            }
            None => {}
        }
        self.progress.resume_clock();
        Ok(())
    }

    fn answer_prompts(&mut self) -> Result<(), TrainError> {
        let prompts = &self.inputs.settings.sample_prompts;
        if prompts.is_empty() {
            return Ok(());
        }
        let encoder = ChatEncoder::new(&self.inputs.tokenizer, self.inputs.now)
            .map_err(|error| TrainError::Refused(error.to_string()))?;
        let (machine, watch) = (&*self.machine, &mut self.watch);
        let given = answers::answer(
            &machine.model,
            &self.inputs.tokenizer,
            &encoder,
            prompts,
            machine.choice.device,
            || watch.wants_end(),
        )?;
        if let Some(given) = given {
            answers::tell(self.record, self.step, prompts, &given);
        }
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
            self.answer_prompts()?;
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
        let manifest = self.manifest();
        let machine = &*self.machine;
        let written = checkpoint::write(
            self.record.run(),
            manifest,
            &machine.adapters,
            &machine.stepper.optimizer,
            &machine.facts,
        );
        let entry = self.record.entry("checkpoint").at(self.step);
        let seconds = began.elapsed().as_secs_f64();
        self.progress.resume_clock();
        match written {
            Ok(bytes) => {
                let entry = entry.with("bytes", bytes).with("seconds", seconds);
                self.record.journal(&entry);
                self.record.line(&format!("checkpoint step {}", self.step));
                self.record.write_summary(Durability::Synced);
                checkpoint::prune(self.record.run(), self.inputs.settings.keep_checkpoints);
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

    fn manifest(&self) -> Manifest {
        Manifest {
            format: FORMAT,
            step: self.step,
            total_steps: self.total,
            epoch: self.inputs.plan.epochs_after(self.step),
            attempt: self.record.attempt(),
            time: Moment::now(),
            identity: self.identity.clone(),
            metrics: self.record.summary.metrics.clone(),
            tokens: self.record.summary.tokens,
            seconds: self.record.seconds(),
            files: std::collections::BTreeMap::new(),
        }
    }
}
