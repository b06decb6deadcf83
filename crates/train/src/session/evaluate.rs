//! Held-out loss: the mean over all trained tokens of the held-out samples.

use loradeck_core::file::Durability;
use loradeck_core::time::Moment;
use tch::TchError;

use super::record::Record;
use crate::batch::HostBatch;
use crate::models::llama::Llama;
use crate::step::Stepper;

/// The loss over `batches`, in nats per token; `None` where `interrupted` said to leave off, or nothing is there.
pub fn loss(
    stepper: &mut Stepper,
    model: &Llama,
    batches: &[HostBatch],
    mut interrupted: impl FnMut() -> bool,
) -> Result<Option<f64>, TchError> {
    let mut sum = 0.0;
    let mut tokens = 0;
    for batch in batches {
        if interrupted() {
            return Ok(None);
        }
        sum += stepper.evaluate(model, batch)?;
        tokens += batch.trained_tokens();
    }
    Ok((tokens > 0).then(|| sum / tokens as f64))
}

/// Tells a held-out loss everywhere.
pub(super) fn tell(record: &mut Record, step: u64, loss: f64) {
    let perplexity = loss.exp();
    record.scalars(step, &[("eval/loss", loss), ("eval/perplexity", perplexity)], Moment::now());
    let entry = record.entry("eval").at(step).with("loss", loss).with("perplexity", perplexity);
    record.journal(&entry);
    record.line(&format!("eval step {step} loss {loss:.4} perplexity {perplexity:.3}"));
    record.write_summary(Durability::Renamed);
}
