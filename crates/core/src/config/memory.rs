//! Amounts of memory as people write them: `12 GiB`, `800 MB`, or a plain number of bytes.

/// Names and sizes of the units. A bare letter is the binary unit, as in Slurm's and the JVM's options.
const UNITS: [(&str, u64); 14] = [
    ("tib", 1 << 40),
    ("gib", 1 << 30),
    ("mib", 1 << 20),
    ("kib", 1 << 10),
    ("tb", 1_000_000_000_000),
    ("gb", 1_000_000_000),
    ("mb", 1_000_000),
    ("kb", 1_000),
    ("t", 1 << 40),
    ("g", 1 << 30),
    ("m", 1 << 20),
    ("k", 1 << 10),
    ("b", 1),
    ("", 1),
];

/// The bytes that `text` names; `None` where it is no amount of memory, or more than a `u64` holds.
pub fn parse_memory(text: &str) -> Option<u64> {
    let folded = text.trim().to_ascii_lowercase();
    let digits = folded.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(folded.len());
    let (number, unit) = folded.split_at(digits);
    let size = UNITS.iter().find(|(name, _)| *name == unit.trim()).map(|(_, size)| *size)?;
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(size);
    }
    let bytes = number.parse::<f64>().ok()? * size as f64;
    (bytes.is_finite() && bytes < 9e18).then_some(bytes as u64)
}

/// The one text of an amount: the largest binary unit that says it exactly.
pub fn memory_text(bytes: u64) -> String {
    let units = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1_u64 << 10)];
    let exact = units.iter().find(|(_, size)| bytes > 0 && bytes.is_multiple_of(*size));
    exact.map_or_else(|| format!("{bytes} B"), |(unit, size)| format!("{} {unit}", bytes / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for text in ["12 GiB", "12GiB", "12g", "12288M", "12884901888"] {
            assert_eq!(parse_memory(text), Some(12 << 30), "{text}");
        }
        assert_eq!(parse_memory("1.5 GiB"), Some(3 << 29));
        assert_eq!(parse_memory("2GB"), Some(2_000_000_000));
        for text in ["", "GiB", "-1", "12 GiB free", "1.2.3", "99999999 TiB", "nan"] {
            assert_eq!(parse_memory(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn an_amount_reads_back(bytes: u64) {
            proptest::prop_assert_eq!(parse_memory(&memory_text(bytes)), Some(bytes));
        }
    }
}
