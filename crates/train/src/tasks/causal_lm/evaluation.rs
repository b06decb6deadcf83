//! Held-out loss: the mean over all trained tokens of the held-out samples.

use tch::TchError;

use super::batch::{HostBatch, InputBuffers};
use crate::models::llama::Llama;
use crate::tasks::Interrupted;

/// The loss over `batches`, in nats per token; `None` where `interrupted` said to leave off, or nothing is there.
/// Waits for the device.
pub(super) fn held_out_loss(
    model: &Llama,
    buffers: &mut InputBuffers,
    batches: &[HostBatch],
    interrupted: Interrupted<'_>,
) -> Result<Option<f64>, TchError> {
    let mut sum = 0.0;
    let mut tokens = 0;
    for batch in batches {
        if interrupted() {
            return Ok(None);
        }
        sum += model.loss(&buffers.load(batch, 1.0)?)?.f_double_value(&[])?;
        tokens += batch.trained_tokens();
    }
    Ok((tokens > 0).then(|| sum / tokens as f64))
}
