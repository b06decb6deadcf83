//! What has been launched and not yet told, how fast it goes, and the line that people read.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use loradeck_core::time::Moment;
use tch::Device;

use super::stepper::{RING, StepMetrics};

/// On a GPU metrics are read back this often at most: each reading waits for the device.
const READ_EVERY: Duration = Duration::from_millis(250);

/// One step that was handed to the device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Launch {
    /// The step, from 1.
    pub(super) step: u64,
    /// Its units of work: tokens without padding, or pictures.
    pub(super) units: usize,
    /// When.
    pub(super) time: Moment,
}

/// The state between the steps launched and the steps told.
#[derive(Debug)]
pub(super) struct Progress {
    launches: VecDeque<Launch>,
    clock: Instant,
    began: Instant,
    first_step: u64,
}

impl Progress {
    /// Progress of a training that goes on after `step`.
    pub(super) fn new(step: u64) -> Self {
        let now = Instant::now();
        Self { launches: VecDeque::new(), clock: now, began: now, first_step: step }
    }

    /// Notes a launched step.
    pub(super) fn launched(&mut self, step: u64, units: usize, time: Moment) {
        self.launches.push_back(Launch { step, units, time });
    }

    /// Whether the metrics should be read now: on the CPU always, on a GPU now and then, and before the ring is full.
    pub(super) fn is_due(&self, device: Device) -> bool {
        !device.is_cuda() || self.launches.len() as u64 >= RING / 2 || self.clock.elapsed() >= READ_EVERY
    }

    /// The first and last step not yet told.
    pub(super) fn pending(&self) -> Option<(u64, u64)> {
        Some((self.launches.front()?.step, self.launches.back()?.step))
    }

    /// What is known of a launched step.
    pub(super) fn launch_of(&self, step: u64) -> Launch {
        let found = self.launches.iter().find(|launch| launch.step == step);
        found.copied().unwrap_or(Launch { step, units: 0, time: Moment::now() })
    }

    /// Units per second over the steps not yet told.
    pub(super) fn units_per_second(&self, now: Instant) -> f64 {
        let units: usize = self.launches.iter().map(|launch| launch.units).sum();
        let seconds = now.duration_since(self.clock).as_secs_f64();
        if seconds > 0.0 { units as f64 / seconds } else { 0.0 }
    }

    /// Forgets the steps up to `last`, told at `now`.
    pub(super) fn told(&mut self, last: u64, now: Instant) {
        self.launches.retain(|launch| launch.step > last);
        self.clock = now;
    }

    /// Leaves the time of other work (evaluation, checkpoint) out of the speed.
    pub(super) fn resume_clock(&mut self) {
        if self.launches.is_empty() {
            self.clock = Instant::now();
        }
    }

    /// `step 12/24 loss 1.234 lr 1.90e-3 grad 0.51 412 tok/s eta 00:31`.
    pub(super) fn line(&self, metric: &StepMetrics, total: u64, rate: f64, unit: &str) -> String {
        let done = metric.step.saturating_sub(self.first_step).max(1);
        let per_step = self.began.elapsed().as_secs_f64() / done as f64;
        let left = per_step * total.saturating_sub(metric.step) as f64;
        let speed = if rate < 10.0 { format!("{rate:.2}") } else { format!("{rate:.0}") };
        format!(
            "step {}/{total} loss {:.4} lr {:.3e} grad {:.3} {speed} {unit} eta {}",
            metric.step,
            metric.loss,
            metric.learning_rate,
            metric.gradient_norm,
            duration(left)
        )
    }
}

/// `MM:SS` below an hour, else `H:MM:SS`.
fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_untold_steps_are_pending() {
        let mut progress = Progress::new(4);
        assert_eq!(progress.pending(), None);
        for step in 5..=7 {
            progress.launched(step, 10, Moment(0));
        }
        assert_eq!(progress.pending(), Some((5, 7)));
        progress.told(6, Instant::now());
        assert_eq!((progress.pending(), progress.launch_of(7).units), (Some((7, 7)), 10));
    }

    #[test]
    fn on_a_gpu_the_ring_is_read_before_it_overflows() {
        let mut progress = Progress::new(0);
        assert!(progress.is_due(Device::Cpu) && !progress.is_due(Device::Cuda(0)));
        for step in 1..=RING / 2 {
            progress.launched(step, 1, Moment(0));
        }
        assert!(progress.is_due(Device::Cuda(0)));
    }

    #[test]
    fn durations_are_short() {
        assert_eq!((duration(31.4), duration(3725.0)), ("00:31".to_owned(), "1:02:05".to_owned()));
    }
}
