//! Comma-separated values (RFC 4180), the little that reports need. No IO.

/// A field, quoted where it has to be.
pub(super) fn field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) || text.starts_with(' ') || text.ends_with(' ') {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// A record with its line end.
pub(super) fn record<T: AsRef<str>>(fields: &[T]) -> String {
    let fields: Vec<String> = fields.iter().map(|text| field(text.as_ref())).collect();
    fields.join(",") + "\n"
}

/// All records of `text`. A quote that is never closed ends with the text.
pub(super) fn records(text: &str) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut current = vec![String::new()];
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                push(&mut current, '"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => current.push(String::new()),
            '\r' if !quoted && characters.peek() == Some(&'\n') => {}
            '\n' if !quoted => records.push(std::mem::replace(&mut current, vec![String::new()])),
            other => push(&mut current, other),
        }
    }
    if current.len() > 1 || current.iter().any(|field| !field.is_empty()) {
        records.push(current);
    }
    records
}

fn push(record: &mut [String], character: char) {
    if let Some(field) = record.last_mut() {
        field.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quotes_and_line_ends() {
        assert_eq!(records("a,b\r\n\"x,\"\"y\",\n"), [vec!["a", "b"], vec!["x,\"y", ""]]);
        assert!(records("").is_empty());
    }

    proptest! {
        #[test]
        fn records_survive(rows in proptest::collection::vec(proptest::collection::vec("[ -~\n\r\"]{0,8}", 2..4), 1..5)) {
            let text: String = rows.iter().map(|row| record(row)).collect();
            prop_assert_eq!(records(&text), rows);
        }
    }
}
