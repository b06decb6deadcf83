//! One decoder layer, forward and by-hand backward.
//!
//! ```text
//! middle = x + o(attention(rope(q(n1(x))), rope(k(n1(x))), v(n1(x))))
//! y      = middle + down(silu(gate(n2(middle))) · up(n2(middle)))
//! ```
//! Saved for the backward pass are `x`, `middle`, query, key, value, the attention's output, gate and up; the norms'
//! outputs are computed again.

use tch::{TchError, Tensor};

use super::attention;
use super::layout::Layout;
use super::norm::RmsNorm;
use super::rope::Turns;
use crate::adapters::linear::{Input, LoraLinear, Saved};

/// One decoder layer.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(super) norm_1: RmsNorm,
    pub(super) norm_2: RmsNorm,
    /// In the order of [`PROJECTIONS`].
    pub(super) projections: [LoraLinear; 7],
    pub(super) head_dim: i64,
}

/// The rows' turns and layout, shared by all layers of a pass.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    pub(crate) turns: Turns,
    pub(crate) layout: &'a Layout,
}

/// Query, key and value of a layer, `[rows, heads, head_dim]`, query and key turned.
pub(crate) struct Heads {
    pub(crate) query: Tensor,
    pub(crate) key: Tensor,
    pub(crate) value: Tensor,
    scale: Tensor,
    saved: [Saved; 3],
}

/// What the second half of a layer leaves.
struct Second {
    y: Tensor,
    middle: Tensor,
    scale: Tensor,
    gate: Tensor,
    up: Tensor,
    saved: [Saved; 4],
}

/// What a layer's backward pass needs of its forward pass.
pub(crate) struct LayerSaved {
    x: Tensor,
    scale_1: Tensor,
    heads: [Saved; 3],
    attention: attention::Saved,
    middle: Tensor,
    scale_2: Tensor,
    gate: Tensor,
    up: Tensor,
    rest: [Saved; 4],
}

impl Layer {
    /// Query, key and value of the rows `x` `[rows, hidden]`.
    pub(crate) fn heads(&self, x: &Tensor, turns: &Turns) -> Result<Heads, TchError> {
        let (normed, scale) = self.norm_1.forward(x)?;
        let input = Input::new(normed);
        let rows = x.size2()?.0;
        let [q, k, v, ..] = &self.projections;
        let split = |y: &Tensor| y.f_view([rows, -1, self.head_dim]);
        let (query, saved_q) = q.forward(&input)?;
        let (key, saved_k) = k.forward(&input)?;
        let (value, saved_v) = v.forward(&input)?;
        Ok(Heads {
            query: turns.forward(&split(&query)?)?,
            key: turns.forward(&split(&key)?)?,
            value: split(&value)?,
            scale,
            saved: [saved_q, saved_k, saved_v],
        })
    }

    /// The layer's output for its input `x` and the attention's output `attended`, both `[rows, …]`.
    pub(crate) fn finish(&self, x: &Tensor, attended: Tensor) -> Result<Tensor, TchError> {
        Ok(self.second_half(x, attended)?.y)
    }

    fn second_half(&self, x: &Tensor, attended: Tensor) -> Result<Second, TchError> {
        let [.., o, gate, up, down] = &self.projections;
        let (middle, saved_o) = o.forward_onto(&Input::new(attended), x)?;
        let (normed, scale) = self.norm_2.forward(&middle)?;
        let input = Input::new(normed);
        let (gate, saved_gate) = gate.forward(&input)?;
        let (up, saved_up) = up.forward(&input)?;
        let activated = gate.f_silu()?.f_mul_(&up)?;
        let (y, saved_down) = down.forward_onto(&Input::new(activated), &middle)?;
        Ok(Second { y, middle, scale, gate, up, saved: [saved_o, saved_gate, saved_up, saved_down] })
    }

    /// The output for `x` `[rows, hidden]`, and what the gradient needs.
    pub(crate) fn forward(&self, x: Tensor, rows: &Rows<'_>) -> Result<(Tensor, LayerSaved), TchError> {
        let heads = self.heads(&x, &rows.turns)?;
        let spread = |tensor: &Tensor| rows.layout.spread(tensor);
        let attention =
            attention::forward(spread(&heads.query)?, &spread(&heads.key)?, &spread(&heads.value)?)?;
        let attended = flatten(&rows.layout.gather(attention.out())?)?;
        let second = self.second_half(&x, attended)?;
        let saved = LayerSaved {
            x,
            scale_1: heads.scale,
            heads: heads.saved,
            attention,
            middle: second.middle,
            scale_2: second.scale,
            gate: second.gate,
            up: second.up,
            rest: second.saved,
        };
        Ok((second.y, saved))
    }

    /// Adds the gradients of this layer's adapters for the output gradient `dy`; the gradient of the layer's input
    /// where `needs_input` says that something below is trained.
    pub(crate) fn backward(
        &self,
        dy: Tensor,
        saved: &LayerSaved,
        rows: &Rows<'_>,
        needs_input: bool,
    ) -> Result<Option<Tensor>, TchError> {
        let dy = self.backward_feed_forward(dy, saved)?;
        let o = &self.projections[3];
        let attended = Input::new(flatten(&rows.layout.gather(saved.attention.out())?)?);
        let d_attended = o.backward(&dy, &attended, &saved.rest[0], None)?;
        let count = d_attended.size2()?.0;
        let d_attended = rows.layout.spread_gradient(&d_attended.f_view([count, -1, self.head_dim])?)?;
        let key_value_heads = self.projections[1].weight.size()?.0 / self.head_dim;
        let (dq, dk, dv) = attention::backward(&saved.attention, &d_attended, key_value_heads)?;
        let gather = |tensor: &Tensor| rows.layout.gather(tensor);
        let dq = flatten(&rows.turns.backward(&gather(&dq)?)?)?;
        let dk = flatten(&rows.turns.backward(&gather(&dk)?)?)?;
        let dv = flatten(&gather(&dv)?)?;
        self.backward_heads(dy, &[dq, dk, dv], saved, needs_input)
    }

    fn backward_feed_forward(&self, dy: Tensor, saved: &LayerSaved) -> Result<Tensor, TchError> {
        let [.., gate, up, down] = &self.projections;
        let silu = saved.gate.f_silu()?;
        // Only an adapter's gradient reads the input; without one any tensor will do.
        let activated = if down.adapter.is_some() { silu.f_mul(&saved.up)? } else { silu.shallow_clone() };
        let mut d_activated = down.backward(&dy, &Input::new(activated), &saved.rest[3], None)?;
        let d_up = silu.f_mul(&d_activated)?;
        let d_gate = saved.gate.f_silu_backward(&d_activated.f_mul_(&saved.up)?)?;
        let normed = if gate.adapter.is_some() || up.adapter.is_some() {
            self.norm_2.apply(&saved.middle, &saved.scale_2)?
        } else {
            saved.middle.shallow_clone()
        };
        let input = Input::new(normed);
        let dx = gate.backward(&d_gate, &input, &saved.rest[1], None)?;
        let dx = up.backward(&d_up, &input, &saved.rest[2], Some(dx))?;
        self.norm_2.add_backward(dx, &saved.middle, &saved.scale_2, dy)
    }

    fn backward_heads(
        &self,
        d_residual: Tensor,
        gradients: &[Tensor; 3],
        saved: &LayerSaved,
        needs_input: bool,
    ) -> Result<Option<Tensor>, TchError> {
        let layers = &self.projections[..3];
        let normed = if layers.iter().any(|layer| layer.adapter.is_some()) {
            self.norm_1.apply(&saved.x, &saved.scale_1)?
        } else {
            saved.x.shallow_clone()
        };
        let input = Input::new(normed);
        let mut dx = None;
        for ((layer, dy), saved) in layers.iter().zip(gradients).zip(&saved.heads) {
            if needs_input {
                dx = Some(layer.backward(dy, &input, saved, dx)?);
            } else {
                layer.backward_adapter(dy, &input, saved)?;
            }
        }
        let Some(dx) = dx else { return Ok(None) };
        self.norm_1.add_backward(dx, &saved.x, &saved.scale_1, d_residual).map(Some)
    }

    /// Whether any projection carries an adapter.
    pub(crate) fn is_trained(&self) -> bool {
        self.projections.iter().any(|projection| projection.adapter.is_some())
    }
}

fn flatten(x: &Tensor) -> Result<Tensor, TchError> {
    x.f_reshape([x.size3()?.0, -1])
}
