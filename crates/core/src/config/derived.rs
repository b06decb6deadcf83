//! Defaults that follow from other keys, such as an alpha of twice the rank.

use super::value::Value;

/// Tells a key's number, where it has one.
pub(crate) type Number<'a> = &'a dyn Fn(&str) -> Option<f64>;

/// A key whose default follows from others.
struct Derived {
    key: &'static str,
    from: &'static [&'static str],
    value: fn(Number<'_>) -> Option<Value>,
}

const DERIVED: [Derived; 5] = [
    Derived { key: "lora_alpha", from: &["lora_rank"], value: |number| number("lora_rank").map(twice) },
    Derived { key: "conv_alpha", from: &["conv_rank"], value: |number| number("conv_rank").map(twice) },
    Derived {
        key: "unet_lr",
        from: &["learning_rate"],
        value: |number| number("learning_rate").map(Value::Real),
    },
    Derived {
        key: "min_bucket_reso",
        from: &["resolution", "bucket_reso_steps"],
        value: |number| side(number, 0.5),
    },
    Derived {
        key: "max_bucket_reso",
        from: &["resolution", "bucket_reso_steps"],
        value: |number| side(number, 2.0),
    },
];

fn twice(number: f64) -> Value {
    Value::Real(2.0 * number)
}

/// A multiple of the steps near a multiple of the resolution, never none.
fn side(number: Number<'_>, factor: f64) -> Option<Value> {
    let (resolution, steps) = (number("resolution")?, number("bucket_reso_steps")?.max(1.0));
    let multiple = (factor * resolution / steps).floor().max(1.0);
    Some(Value::Whole((multiple * steps) as i128))
}

/// All keys whose default follows from others.
pub(crate) fn derived_keys() -> impl Iterator<Item = &'static str> {
    DERIVED.iter().map(|derived| derived.key)
}

/// Whether the default of `key` follows from `other`.
pub(crate) fn follows(key: &str, other: &str) -> bool {
    DERIVED.iter().any(|derived| derived.key == key && derived.from.contains(&other))
}

/// The default of a key that follows from others; `None` where it does not, or they have no number.
pub(crate) fn derived_value(key: &str, number: Number<'_>) -> Option<Value> {
    let derived = DERIVED.iter().find(|derived| derived.key == key)?;
    (derived.value)(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::{Default, find_key};

    #[test]
    fn every_derived_key_says_so_in_the_table() {
        for derived in &DERIVED {
            let key = find_key(derived.key).unwrap();
            assert!(matches!(key.default, Default::Derived(_)), "{}", key.name);
            assert!(derived.from.iter().all(|name| find_key(name).is_some()), "{}", key.name);
        }
    }

    #[test]
    fn sides_are_multiples_of_the_steps_and_hold_the_square() {
        let sides = |resolution: f64, steps: f64| {
            let number = |name: &str| Some(if name == "resolution" { resolution } else { steps });
            ["min_bucket_reso", "max_bucket_reso"].map(|key| derived_value(key, &number))
        };
        let whole = |numbers: [i128; 2]| numbers.map(|number| Some(Value::Whole(number)));
        assert_eq!(sides(512.0, 64.0), whole([256, 1024]));
        assert_eq!(sides(768.0, 64.0), whole([384, 1536]));
        assert_eq!(sides(64.0, 64.0), whole([64, 128]));
        assert_eq!(sides(100.0, 64.0), whole([64, 192]));
        assert_eq!(derived_value("conv_alpha", &|_| None), None);
        assert_eq!(derived_value("seed", &|_| Some(1.0)), None);
    }
}
