//! The normal distribution: logarithm of its density, its cumulative function and the inverse of that.

use std::f64::consts::{PI, SQRT_2};

/// ln √(2π).
pub(crate) const LN_SQRT_TAU: f64 = 0.918_938_533_204_672_8;

/// ln of the standard normal density.
pub(crate) fn log_density(x: f64) -> f64 {
    -0.5 * x * x - LN_SQRT_TAU
}

/// 1 - erf(x) for x ≥ 0: the Maclaurin series of erf below 2 (Abramowitz and Stegun 7.1.6), the continued fraction
/// of erfc above it (7.1.14, from the tail inwards).
fn complementary_error(x: f64) -> f64 {
    if x < 2.0 {
        let (mut term, mut sum, mut n) = (x, x, 0.0);
        while term > sum * 1e-17 {
            n += 1.0;
            term *= 2.0 * x * x / (2.0 * n + 1.0);
            sum += term;
        }
        return 1.0 - 2.0 / PI.sqrt() * (-x * x).exp() * sum;
    }
    let tail = (1..=60).rev().fold(x, |tail, k| x + f64::from(k) / 2.0 / tail);
    (-x * x).exp() / (PI.sqrt() * tail)
}

/// Φ(x): the share of the standard normal distribution below `x`.
pub(crate) fn cumulative(x: f64) -> f64 {
    if x == f64::INFINITY {
        return 1.0;
    }
    let outer = complementary_error(x.abs() / SQRT_2) / 2.0;
    if x < 0.0 { outer } else { 1.0 - outer }
}

/// Φ(to) - Φ(from), without cancellation in either tail.
pub(crate) fn mass(from: f64, to: f64) -> f64 {
    if from > 0.0 { cumulative(-from) - cumulative(-to) } else { cumulative(to) - cumulative(from) }
}

/// Φ⁻¹(p) for p in (0, 1): Acklam's rational approximation (relative error 1.15e-9; P. J. Acklam, "An algorithm for
/// computing the inverse normal cumulative distribution function", 2003), then one step of Halley's method.
pub(crate) fn quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    let x = rough_quantile(p);
    let error = (cumulative(x) - p) / log_density(x).exp();
    if error.is_finite() { x - error / (1.0 + x * error / 2.0) } else { x }
}

fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

fn rough_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 6] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 5] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
        1.0,
    ];
    const EDGE: f64 = 0.02425;
    if p < EDGE {
        let q = (-2.0 * p.ln()).sqrt();
        return polynomial(&C, q) / polynomial(&D, q);
    }
    if p > 1.0 - EDGE {
        let q = (-2.0 * (1.0 - p).ln()).sqrt();
        return -polynomial(&C, q) / polynomial(&D, q);
    }
    let q = p - 0.5;
    q * polynomial(&A, q * q) / polynomial(&B, q * q)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cumulative_function_has_its_known_values() {
        // scipy.stats.norm.cdf
        let known = [
            (-6.0, 9.865_876_450_376_946e-10),
            (-2.5, 6.209_665_325_776_132e-3),
            (-1.0, 0.158_655_253_931_457_05),
            (0.0, 0.5),
            (0.5, 0.691_462_461_274_013_1),
            (3.0, 0.998_650_101_968_369_9),
        ];
        for (x, expected) in known {
            let got = cumulative(x);
            assert!((got - expected).abs() <= 1e-13 * expected, "Φ({x}) = {got}, not {expected}");
        }
        assert_eq!((cumulative(f64::NEG_INFINITY), cumulative(f64::INFINITY)), (0.0, 1.0));
    }

    #[test]
    fn the_two_forms_of_the_error_function_meet() {
        let (below, above) = (complementary_error(2.0 - 1e-12), complementary_error(2.0));
        assert!((below - above).abs() < 1e-12, "{below} {above}");
    }

    #[test]
    fn the_quantile_undoes_the_cumulative_function() {
        for step in 1..1000 {
            let p = f64::from(step) / 1000.0;
            assert!((cumulative(quantile(p)) - p).abs() < 1e-14, "{p}");
        }
        for p in [1e-300, 1e-20, 1e-9, 1.0 - 1e-9] {
            assert!((cumulative(quantile(p)) / p - 1.0).abs() < 1e-9, "{p}");
        }
    }

    #[test]
    fn the_mass_in_the_far_tail_does_not_vanish() {
        assert!((mass(6.0, 7.0) / mass(-7.0, -6.0) - 1.0).abs() < 1e-15);
        assert!(mass(20.0, 21.0) > 0.0);
    }
}
