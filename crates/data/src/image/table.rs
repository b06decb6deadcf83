//! Tables: aligned columns for a terminal, and `metadata.csv`.

use std::fmt::Write;

use super::dataset::{ImageData, ImageDataset};
use loradeck_core::text::harmless;

/// Rows as lines with aligned columns: the first to the left, the others to the right.
pub(super) fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let length = |text: &String| text.chars().count();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(length).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect()
}

/// The table of some parts, such as `[("train", …), ("eval", …)]`: one row per picture used. Regularisation pictures
/// have the split `reg`.
pub fn image_metadata_csv(parts: &[(&str, &ImageDataset)]) -> String {
    let mut out = String::from("split,file,width,height,bucket,repeats,caption,digest,flags\n");
    for (split, dataset) in parts {
        for sample in dataset.samples.iter().filter(|sample| sample.repeats > 0) {
            let split = if sample.regularisation { "reg" } else { split };
            let flags: Vec<&str> = sample.flags.iter().map(|flag| flag.name()).collect();
            // Writing to a text cannot fail.
            let _ = writeln!(
                out,
                "{},{},{},{},{},{},{},{},{}",
                field(split),
                field(&sample.name),
                sample.width,
                sample.height,
                sample.bucket,
                sample.repeats,
                field(&sample.caption),
                &sample.digest[..16.min(sample.digest.len())],
                flags.join(" "),
            );
        }
    }
    out
}

impl ImageData {
    /// `metadata.csv` of a training: splits `train`, `reg` and `eval`.
    pub fn metadata_csv(&self) -> String {
        let mut parts = vec![("train", &self.train)];
        parts.extend(self.held_out.as_ref().map(|part| ("eval", part)));
        image_metadata_csv(&parts)
    }
}

/// A field as RFC 4180 has it; control characters become visible.
fn field(text: &str) -> String {
    let text = harmless(text);
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["a".to_owned(), "bucket".into()], vec!["long".into(), "7".into()]];
        assert_eq!(columns(&rows), ["a     bucket", "long       7"]);
    }

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        assert_eq!(field("a, \"b\"\n"), "\"a, \"\"b\"\" \"");
        assert_eq!(field("plain"), "plain");
    }
}
