//! Causal attention with its gradient, by libtorch's fused kernels: flash attention on the CPU, memory-efficient
//! attention on CUDA. Padding stands on the right, so the plain causal mask keeps real tokens from seeing it.

use tch::{Kind, TchError, Tensor};

/// What the gradient needs of the forward pass; all of shape `[batch, heads, length, head_dim]` but the last.
#[derive(Debug)]
pub(crate) struct Saved {
    query: Tensor,
    key: Tensor,
    value: Tensor,
    out: Tensor,
    kernel: Kernel,
}

#[derive(Debug)]
enum Kernel {
    Cpu { logsumexp: Tensor },
    Cuda { logsumexp: Tensor, seed: Tensor, offset: Tensor },
}

const NO_MASK: Option<Tensor> = None;
/// The efficient kernel's number for a causal mask aligned to the first query.
const CAUSAL_FROM_TOP_LEFT: i64 = 1;

impl Saved {
    /// The attention's output `[batch, heads, length, head_dim]`.
    pub(crate) fn out(&self) -> &Tensor {
        &self.out
    }
}

/// Causal attention of `query` `[batch, heads, length, head_dim]` over `key` and `value`
/// `[batch, key_value_heads, length, head_dim]`.
pub(crate) fn forward(query: Tensor, key: &Tensor, value: &Tensor) -> Result<Saved, TchError> {
    let heads = query.size4()?.1;
    let (key, value) = (repeat_heads(key, heads)?, repeat_heads(value, heads)?);
    if query.device().is_cuda() {
        let (out, logsumexp, seed, offset) = Tensor::f_internal_scaled_dot_product_efficient_attention(
            &query, &key, &value, NO_MASK, true, 0.0, true, None,
        )?;
        return Ok(Saved { query, key, value, out, kernel: Kernel::Cuda { logsumexp, seed, offset } });
    }
    let (out, logsumexp) = Tensor::f_internal_scaled_dot_product_flash_attention_for_cpu(
        &query, &key, &value, 0.0, true, NO_MASK, None,
    )?;
    Ok(Saved { query, key, value, out, kernel: Kernel::Cpu { logsumexp } })
}

/// The gradients of query, key and value for the gradient of the output; the latter two with `key_value_heads` heads.
pub(crate) fn backward(
    saved: &Saved,
    gradient: &Tensor,
    key_value_heads: i64,
) -> Result<(Tensor, Tensor, Tensor), TchError> {
    let (query, key, value) = match &saved.kernel {
        Kernel::Cpu { logsumexp } => Tensor::f_internal_scaled_dot_product_flash_attention_for_cpu_backward(
            gradient,
            &saved.query,
            &saved.key,
            &saved.value,
            &saved.out,
            logsumexp,
            0.0,
            true,
            NO_MASK,
            None,
        )?,
        Kernel::Cuda { logsumexp, seed, offset } => {
            backward_on_cuda(saved, gradient, logsumexp, seed, offset)?
        }
    };
    Ok((query, sum_heads(&key, key_value_heads)?, sum_heads(&value, key_value_heads)?))
}

/// The efficient kernel takes and gives `[batch, length, heads, head_dim]`.
fn backward_on_cuda(
    saved: &Saved,
    gradient: &Tensor,
    logsumexp: &Tensor,
    seed: &Tensor,
    offset: &Tensor,
) -> Result<(Tensor, Tensor, Tensor), TchError> {
    let turned = |tensor: &Tensor| tensor.f_transpose(1, 2);
    let length = saved.query.size4()?.2;
    let (query, key, value, _) = Tensor::f_internal_efficient_attention_backward(
        &turned(gradient)?,
        &turned(&saved.query)?,
        &turned(&saved.key)?,
        &turned(&saved.value)?,
        NO_MASK,
        &turned(&saved.out)?,
        NO_MASK,
        NO_MASK,
        length,
        length,
        logsumexp,
        0.0,
        seed,
        offset,
        CAUSAL_FROM_TOP_LEFT,
        false,
        None,
        None,
        None,
        false,
    )?;
    Ok((turned(&query)?, turned(&key)?, turned(&value)?))
}

/// Every key-value head repeated for the query heads that share it.
fn repeat_heads(x: &Tensor, heads: i64) -> Result<Tensor, TchError> {
    let (batch, own, length, width) = x.size4()?;
    if own == heads {
        return Ok(x.shallow_clone());
    }
    let expanded = x.f_unsqueeze(2)?.f_expand([batch, own, heads / own, length, width], false)?;
    expanded.f_reshape([batch, heads, length, width])
}

fn sum_heads(x: &Tensor, own: i64) -> Result<Tensor, TchError> {
    let (batch, heads, length, width) = x.size4()?;
    if own == heads {
        return Ok(x.shallow_clone());
    }
    let grouped = x.f_reshape([batch, own, heads / own, length, width])?;
    grouped.f_sum_dim_intlist([2].as_slice(), false, None::<Kind>)
}
