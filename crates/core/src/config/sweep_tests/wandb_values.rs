//! Values at given probabilities against those of W&B's own package: `sweeps` 0.3.0,
//! `HyperParameter("x", {"distribution": …}).ppf(u)` with u = 0.05, 0.31, 0.5, 0.77 and 0.99.
#![allow(clippy::unreadable_literal)] // as Python prints them

use super::*;

const AT: [f64; 5] = [0.05, 0.31, 0.5, 0.77, 0.99];

const VALUES: [(&str, [f64; 5]); 15] = [
    ("int_uniform, min: 4, max: 64", [7.0, 22.0, 34.0, 50.0, 64.0]),
    ("uniform, min: 0.1, max: 0.7", [0.13, 0.286, 0.4, 0.562, 0.694]),
    ("q_uniform, min: 0, max: 0.1, q: 0.01", [0.01, 0.03, 0.05, 0.08, 0.1]),
    (
        "log_uniform, min: -9.2, max: -2.3",
        [0.000142666617, 0.000857919745, 0.0031827808, 0.0205067742, 0.0935742538],
    ),
    ("q_log_uniform, min: 0, max: 4, q: 3", [0.0, 3.0, 6.0, 21.0, 51.0]),
    (
        "log_uniform_values, min: 1e-5, max: 1e-3",
        [1.25892541e-05, 4.16869383e-05, 1e-4, 0.00034673685, 0.000954992586],
    ),
    ("q_log_uniform_values, min: 8, max: 256, q: 8", [8.0, 24.0, 48.0, 112.0, 248.0]),
    (
        "inv_log_uniform, min: 2, max: 9",
        [0.000175126848, 0.00108085812, 0.00408677144, 0.0270518468, 0.126185782],
    ),
    (
        "inv_log_uniform_values, min: 1e-5, max: 1e-3",
        [1.25892541e-05, 4.16869383e-05, 1e-4, 0.00034673685, 0.000954992586],
    ),
    ("normal, mu: 3, sigma: 2", [-0.289707254, 2.00829931, 3.0, 4.4776937, 7.65269575]),
    ("q_normal, mu: 32, sigma: 9, q: 4", [16.0, 28.0, 32.0, 40.0, 52.0]),
    (
        "log_normal, mu: -8, sigma: 1",
        [6.47579797e-05, 0.000204314446, 0.000335462628, 0.000702297713, 0.0034352962],
    ),
    ("q_log_normal, mu: 4, sigma: 0.5, q: 8", [24.0, 40.0, 56.0, 80.0, 176.0]),
    ("beta, a: 2, b: 5", [0.0628498917, 0.185889925, 0.264449983, 0.402118403, 0.705686328]),
    ("q_beta, a: 2, b: 5, q: 0.05", [0.05, 0.2, 0.25, 0.4, 0.7]),
];

#[test]
fn draws_are_wandbs_in_six_digits() {
    for (distribution, wanted) in VALUES {
        // A key that takes any number from 0 on.
        let text = format!(
            "method: random\nrun_cap: 1\nparameters:\n  max_grad_norm: {{distribution: {distribution}}}\n"
        );
        let search = sweep(&text, &[]).unwrap().search.unwrap();
        for (u, wanted) in AT.into_iter().zip(wanted) {
            let found = match search.space[0].sample(u).remove("max_grad_norm") {
                Some(Value::Real(number)) => number,
                other => panic!("{distribution}: {other:?}"),
            };
            let scale = wanted.abs().max(if distribution.starts_with("normal") { 2.0 } else { 0.0 });
            assert!((found - wanted).abs() <= 1e-5 * scale, "{distribution} at {u}: {found}, not {wanted}");
        }
    }
}
