//! Slurm's time limits (`sbatch(1)`, `--time`).

/// The seconds of a time limit: minutes, M:S, H:M:S, D-H, D-H:M or D-H:M:S; `Some(None)` for no limit, `None` for
/// anything else.
pub fn parse_time_limit(text: &str) -> Option<Option<u64>> {
    if ["unlimited", "infinite"].contains(&text.to_ascii_lowercase().as_str()) {
        return Some(None);
    }
    let (days, clock) = match text.split_once('-') {
        Some((days, clock)) => (Some(digits(days)?), clock),
        None => (None, text),
    };
    let parts = clock.split(':').map(digits).collect::<Option<Vec<u64>>>()?;
    let seconds = match (days, parts.as_slice()) {
        (None, [minutes]) => minutes.checked_mul(60),
        (None, [minutes, seconds]) => sum(&[(*minutes, 60), (*seconds, 1)]),
        (_, [hours, minutes, seconds]) => {
            sum(&[(days.unwrap_or(0), 86_400), (*hours, 3600), (*minutes, 60), (*seconds, 1)])
        }
        (Some(days), [hours]) => sum(&[(days, 86_400), (*hours, 3600)]),
        (Some(days), [hours, minutes]) => sum(&[(days, 86_400), (*hours, 3600), (*minutes, 60)]),
        _ => None,
    };
    seconds.filter(|seconds| *seconds > 0).map(Some)
}

fn digits(text: &str) -> Option<u64> {
    (text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn sum(parts: &[(u64, u64)]) -> Option<u64> {
    parts.iter().try_fold(0_u64, |sum, (count, size)| sum.checked_add(count.checked_mul(*size)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_limits_have_slurms_forms() {
        for (text, seconds) in [
            ("90", 5400),
            ("1:30", 90),
            ("2:00:05", 7205),
            ("1-0", 86_400),
            ("1-2:30", 95_400),
            ("1-2:3:4", 93_784),
        ] {
            assert_eq!(parse_time_limit(text), Some(Some(seconds)), "{text}");
        }
        assert_eq!(parse_time_limit("UNLIMITED"), Some(None));
        for text in ["", "0", "-5", "1:", "1-", "1:2:3:4", "1-2-3", "1h", "9999999999", " 5"] {
            assert_eq!(parse_time_limit(text), None, "{text}");
        }
    }
}
