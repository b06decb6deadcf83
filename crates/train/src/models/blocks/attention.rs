//! Attention over states `[samples, length, width]`.

use tch::{Kind, TchError, Tensor};

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

/// The same, computed in fp32 and rounded once at the end.
pub(crate) fn attend_in_single(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    heads: i64,
    causal: bool,
) -> Result<Tensor, TchError> {
    let single = |x: &Tensor| x.f_to_kind(Kind::Float);
    attend(&single(query)?, &single(key)?, &single(value)?, heads, causal)?.f_to_kind(query.kind())
}

/// `[samples, length, width]` to `[samples, heads, length, width / heads]`.
fn split(x: &Tensor, heads: i64) -> Result<Tensor, TchError> {
    let (samples, length, width) = x.size3()?;
    x.f_reshape([samples, length, heads, width / heads])?.f_transpose(1, 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::testing::random;

    #[test]
    fn attention_in_fp32_is_the_exact_one_rounded_once() {
        let part = |number| random(&[2, 40, 8], number, Kind::Half) * 3.0;
        let (query, key, value) = (part(1), part(2), part(3));
        let double = |x: &Tensor| split(&x.to_kind(Kind::Double), 2).unwrap();
        let scores = double(&query).matmul(&double(&key).transpose(-2, -1)) / 2.0;
        let exact =
            scores.softmax(-1, Kind::Double).matmul(&double(&value)).transpose(1, 2).reshape([2, 40, 8]);
        let off = |found: &Tensor| {
            let relative = (found.to_kind(Kind::Double) - &exact).abs() / (exact.abs() + 1e-3);
            relative.max().double_value(&[])
        };
        // Half a unit in the last of fp16's 11 digits, and a little for fp32.
        let rounded_once = 2f64.powi(-11) * 1.01;
        let upcast = attend_in_single(&query, &key, &value, 2, false).unwrap();
        assert_eq!(upcast.kind(), Kind::Half);
        assert!(off(&upcast) < rounded_once, "{}", off(&upcast));
        let plain = attend(&query, &key, &value, 2, false).unwrap();
        assert!(off(&plain) > rounded_once, "{}", off(&plain));
    }
}
