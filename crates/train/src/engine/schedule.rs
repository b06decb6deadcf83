//! The learning rate of each step, exactly as transformers' `get_{cosine,linear,constant}_schedule_with_warmup`.

use std::f64::consts::PI;

use loradeck_core::config::LearningRateSchedule;

/// A learning rate's course.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// The form after warm-up.
    pub form: LearningRateSchedule,
    /// The highest rate.
    pub peak: f64,
    /// Steps over which it rises from zero.
    pub warmup: u64,
    /// Steps in all.
    pub total: u64,
}

impl Schedule {
    /// The rate of the update that follows `done` updates: the first update of a warm-up has rate zero.
    pub fn rate(&self, done: u64) -> f64 {
        self.peak * self.share(done)
    }

    fn share(&self, done: u64) -> f64 {
        if done < self.warmup {
            return done as f64 / self.warmup.max(1) as f64;
        }
        let after = self.total.saturating_sub(self.warmup).max(1) as f64;
        match self.form {
            LearningRateSchedule::Constant => 1.0,
            LearningRateSchedule::Linear => (self.total.saturating_sub(done)) as f64 / after,
            LearningRateSchedule::Cosine => {
                let progress = (done - self.warmup) as f64 / after;
                (0.5 * (1.0 + (PI * progress).cos())).max(0.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(form: LearningRateSchedule) -> Vec<f64> {
        let schedule = Schedule { form, peak: 2.0, warmup: 2, total: 6 };
        (0..7).map(|done| schedule.rate(done)).collect()
    }

    fn close(left: &[f64], right: &[f64]) -> bool {
        left.len() == right.len() && left.iter().zip(right).all(|(a, b)| (a - b).abs() < 1e-12)
    }

    #[test]
    fn the_three_forms_follow_transformers() {
        let half = 0.5f64.sqrt();
        let cosine = [0.0, 1.0, 2.0, 1.0 + half, 1.0, 1.0 - half, 0.0];
        assert!(close(&rates(LearningRateSchedule::Cosine), &cosine));
        assert!(close(&rates(LearningRateSchedule::Linear), &[0.0, 1.0, 2.0, 1.5, 1.0, 0.5, 0.0]));
        assert!(close(&rates(LearningRateSchedule::Constant), &[0.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0]));
    }

    #[test]
    fn without_warm_up_the_first_step_has_the_peak() {
        let schedule = Schedule { form: LearningRateSchedule::Cosine, peak: 3.0, warmup: 0, total: 0 };
        assert!((schedule.rate(0) - 3.0).abs() < 1e-12);
    }
}
