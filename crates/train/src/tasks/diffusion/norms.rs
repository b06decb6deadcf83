//! A limit of the adapters' norms (sd-scripts' `scale_weight_norms`).

use tch::{Kind, TchError, Tensor};

use crate::adapters::{AdapterSet, Matrix};

/// Scales every adapter whose `‖scale · B·A‖` (Frobenius) is above `largest` down to it: A and B by the square root of
/// the ratio each.
pub fn limit(adapters: &mut AdapterSet, largest: f64) -> Result<(), TchError> {
    for index in 0..adapters.sites().len() {
        let scale = adapters.sites()[index].scale;
        let mut a = adapters.view(&adapters.parameters, index, Matrix::A)?;
        let mut b = adapters.view(&adapters.parameters, index, Matrix::B)?;
        // A norm of zero divides to infinity, and infinity is clamped to no change.
        let ratio = product_norm(&a, &b)?.f_mul_scalar(scale)?.f_reciprocal()?.f_mul_scalar(largest)?;
        let factor = ratio.f_clamp_max(1.0)?.f_sqrt()?;
        let _ = a.f_mul_(&factor)?;
        let _ = b.f_mul_(&factor)?;
    }
    Ok(())
}

/// `‖B·A‖`, without computing the product: its square is the trace of `(BᵀB)(AAᵀ)`.
fn product_norm(a: &Tensor, b: &Tensor) -> Result<Tensor, TchError> {
    let rank = a.size()[0];
    let (a, b) = (a.f_reshape([rank, -1])?, b.f_reshape([-1, rank])?);
    let (a, b) = (a.f_to_kind(Kind::Double)?, b.f_to_kind(Kind::Double)?);
    let (inner, outer) = (a.f_mm(&a.f_numpy_t()?)?, b.f_numpy_t()?.f_mm(&b)?);
    inner.f_mul(&outer)?.f_sum(Kind::Double)?.f_clamp_min(0.0)?.f_sqrt()?.f_to_kind(Kind::Float)
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::adapters::AdapterSite;
    use crate::tasks::diffusion::sites::diffusers_name;

    #[test]
    fn only_what_is_too_large_is_scaled_down_to_the_limit() {
        let site = |number| AdapterSite::linear(format!("unet.{number}"), number, (6, 5), 2, 4.0);
        let mut set =
            AdapterSet::new(vec![site(0), site(1), site(2)], 1, diffusers_name, Device::Cpu).unwrap();
        let norm = |set: &AdapterSet, index| {
            let view = |matrix| set.view(&set.parameters, index, matrix).unwrap();
            (view(Matrix::B).mm(&view(Matrix::A)) * 2.0).norm().double_value(&[])
        };
        for (index, size) in [(0, 0.1), (1, 3.0)] {
            let _ = set.view(&set.parameters, index, Matrix::B).unwrap().fill_(size);
        }
        let small = norm(&set, 0);
        assert!(small < 1.0 && norm(&set, 1) > 1.0);
        limit(&mut set, 1.0).unwrap();
        assert!((norm(&set, 0) - small).abs() < 1e-6 && (norm(&set, 1) - 1.0).abs() < 1e-5);
        assert!(norm(&set, 2).abs() < 1e-12 && i64::try_from(set.parameters.isfinite().all()).unwrap() == 1);
    }
}
