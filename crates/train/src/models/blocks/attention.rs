//! Attention over states `[samples, length, width]`.

use tch::{TchError, Tensor};

use crate::adapters::autograd::NO_TENSOR;

/// Attention of `query` `[samples, length, width]` over `key` and `value` `[samples, other length, width]`, in `heads`
/// heads that each see `width / heads` neighbouring numbers; the scores are divided by the root of that.
pub(crate) fn attend(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    heads: i64,
    causal: bool,
) -> Result<Tensor, TchError> {
    let (query, key, value) = (split(query, heads)?, split(key, heads)?, split(value, heads)?);
    let out =
        Tensor::f_scaled_dot_product_attention(&query, &key, &value, NO_TENSOR, 0.0, causal, None, false)?;
    let (samples, _, length, width) = out.size4()?;
    out.f_transpose(1, 2)?.f_reshape([samples, length, heads * width])
}

/// `[samples, length, width]` to `[samples, heads, length, width / heads]`.
fn split(x: &Tensor, heads: i64) -> Result<Tensor, TchError> {
    let (samples, length, width) = x.size3()?;
    x.f_reshape([samples, length, heads, width / heads])?.f_transpose(1, 2)
}
