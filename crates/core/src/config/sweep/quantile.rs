//! Quantiles of the normal and the beta distribution, which have no closed form.

/// The normal quantile: how many standard deviations lie at probability `p`, for `0 < p < 1`.
///
/// M. J. Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied Statistics 37 (1988),
/// routine PPND16: about 16 digits.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(0.180_625 - q * q, &CENTRE_OVER, &CENTRE_UNDER);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = (-tail.ln()).sqrt();
    let size = if r <= 5.0 {
        ratio(r - 1.6, &MIDDLE_OVER, &MIDDLE_UNDER)
    } else {
        ratio(r - 5.0, &FAR_OVER, &FAR_UNDER)
    };
    if q < 0.0 { -size } else { size }
}

/// The quotient of two polynomials; the constant term of the lower one is 1.
fn ratio(x: f64, over: &[f64; 8], under: &[f64; 7]) -> f64 {
    let upper = over.iter().fold(0.0, |sum, factor| sum * x + factor);
    let lower = under.iter().fold(0.0, |sum, factor| sum * x + factor);
    upper / (lower * x + 1.0)
}

const CENTRE_OVER: [f64; 8] = [
    2.509_080_928_730_122_7e3,
    3.343_057_558_358_813e4,
    6.726_577_092_700_87e4,
    4.592_195_393_154_987e4,
    1.373_169_376_550_946e4,
    1.971_590_950_306_551_3e3,
    1.331_416_678_917_843_8e2,
    3.387_132_872_796_366_5,
];
const CENTRE_UNDER: [f64; 7] = [
    5.226_495_278_852_854e3,
    2.872_908_573_572_194_3e4,
    3.930_789_580_009_271e4,
    2.121_379_430_158_659_7e4,
    5.394_196_021_424_751e3,
    6.871_870_074_920_579e2,
    4.231_333_070_160_091e1,
];
const MIDDLE_OVER: [f64; 8] = [
    7.745_450_142_783_414e-4,
    2.272_384_498_926_918_4e-2,
    2.417_807_251_774_506e-1,
    1.270_458_252_452_368_4,
    3.647_848_324_763_204_5,
    5.769_497_221_460_691,
    4.630_337_846_156_546,
    1.423_437_110_749_683_5,
];
const MIDDLE_UNDER: [f64; 7] = [
    1.050_750_071_644_416_9e-9,
    5.475_938_084_995_345e-4,
    1.519_866_656_361_645_7e-2,
    1.481_039_764_274_800_8e-1,
    6.897_673_349_851e-1,
    1.676_384_830_183_803_8,
    2.053_191_626_637_759,
];
const FAR_OVER: [f64; 8] = [
    2.010_334_399_292_288_1e-7,
    2.711_555_568_743_487_6e-5,
    1.242_660_947_388_078_4e-3,
    2.653_218_952_657_612_4e-2,
    2.965_605_718_285_048_7e-1,
    1.784_826_539_917_291_3,
    5.463_784_911_164_114,
    6.657_904_643_501_103,
];
const FAR_UNDER: [f64; 7] = [
    2.044_263_103_389_939_8e-15,
    1.421_511_758_316_446e-7,
    1.846_318_317_510_054_8e-5,
    7.868_691_311_456_133e-4,
    1.487_536_129_085_061_5e-2,
    1.369_298_809_227_358e-1,
    5.998_322_065_558_88e-1,
];

/// The quantile of the beta distribution with the shapes `a` and `b`, for `0 <= p <= 1`: the incomplete beta function
/// turned round by halving, to the last digit.
pub(crate) fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    if p <= 0.0 || p >= 1.0 {
        return p.clamp(0.0, 1.0);
    }
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    // A thousand halvings reach the smallest number there is; most end after some sixty.
    for _ in 0..1100 {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if incomplete_beta(middle, a, b) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The regularized incomplete beta function by its continued fraction (Abramowitz and Stegun 26.5.8), summed as Lentz
/// does.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp();
    // The fraction converges fast below the mean; above it the mirrored one does.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(x, a, b) / a
    } else {
        1.0 - front * beta_fraction(1.0 - x, b, a) / b
    }
}

fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut upper = 1.0;
    let mut lower = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut sum = lower;
    for step in 1..500 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            lower = 1.0 / away_from_zero(1.0 + term * lower);
            upper = away_from_zero(1.0 + term / upper);
            change = lower * upper;
            sum *= change;
        }
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    sum
}

/// The logarithm of the gamma function for `x > 0`: C. Lanczos, "A Precision Approximation of the Gamma Function"
/// (1964), with g = 7 and nine terms.
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        // Reflection: Γ(x) Γ(1 - x) = π / sin πx.
        return (std::f64::consts::PI / (std::f64::consts::PI * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let base = x + 7.5;
    let sum = TERMS
        .iter()
        .zip(1..)
        .fold(0.999_999_999_999_809_9, |sum, (term, index)| sum + term / (x + f64::from(index)));
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * base.ln() - base + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, wanted: f64) {
        assert!((found - wanted).abs() <= 1e-12 * wanted.abs().max(1e-3), "{found} is not {wanted}");
    }

    #[test]
    fn normal_quantiles_are_those_of_pythons_statistics_module() {
        close(normal_quantile(0.5), 0.0);
        close(normal_quantile(0.975), 1.959_963_984_540_054);
        close(normal_quantile(0.01), -2.326_347_874_040_840_8);
        close(normal_quantile(0.1), -1.281_551_565_544_600_4);
        close(normal_quantile(1e-6), -4.753_424_308_822_899);
        close(normal_quantile(1e-12), -7.034_483_825_301_132);
        close(normal_quantile(1e-300), -37.047_096_299_361_2);
    }

    #[test]
    fn beta_quantiles_agree_with_closed_forms() {
        for p in [0.0, 1e-9, 0.1, 0.25, 0.5, 0.9, 1.0] {
            close(beta_quantile(p, 1.0, 1.0), p);
            close(beta_quantile(p, 3.0, 1.0), p.powf(1.0 / 3.0));
            close(beta_quantile(p, 1.0, 3.0), 1.0 - (1.0 - p).powf(1.0 / 3.0));
            // The arcsine distribution.
            close(beta_quantile(p, 0.5, 0.5), (std::f64::consts::FRAC_PI_2 * p).sin().powi(2));
        }
    }

    proptest::proptest! {
        #[test]
        fn a_beta_quantile_is_where_the_distribution_has_that_much(
            p in 1e-6..1.0f64, a in 0.05..50.0f64, b in 0.05..50.0f64,
        ) {
            let x = beta_quantile(p, a, b);
            proptest::prop_assert!((0.0..=1.0).contains(&x));
            // Where the density is steep, neighbouring numbers differ by more than rounding.
            let (below, above) = (incomplete_beta(x.next_down(), a, b), incomplete_beta(x.next_up(), a, b));
            proptest::prop_assert!(below - 1e-9 <= p && p <= above + 1e-9, "{x}: {below} {p} {above}");
        }
    }
}
