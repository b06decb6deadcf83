//! Counts in words.

/// `1 picture`, `2 pictures`, `2 batches`.
pub(crate) fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    if count == 1 {
        return format!("{count} {noun}");
    }
    let ending = if noun.ends_with("ch") { "es" } else { "s" };
    format!("{count} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one() {
        assert_eq!(
            [counted(1u64, "look"), counted(0u64, "look"), counted(2usize, "batch")],
            ["1 look", "0 looks", "2 batches"]
        );
    }
}
