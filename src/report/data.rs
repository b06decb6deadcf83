//! What `metadata.csv` (one row per sample used) comes to. No IO.

use std::collections::BTreeMap;

use super::csv::records;
use super::inputs::{DataPart, DataSummary, Distribution};
use super::statistics::median;

/// Columns that name a sample's part.
const PART: [&str; 2] = ["split", "part"];
const TOKENS: [&str; 1] = ["tokens"];
const TRAINED: [&str; 2] = ["trained_tokens", "loss_tokens"];

/// Sums up `metadata.csv`; columns that are not there are left out.
pub(super) fn summarise(text: &str) -> DataSummary {
    let mut rows = records(text).into_iter();
    let Some(header) = rows.next() else { return DataSummary::default() };
    let column = |names: &[&str]| header.iter().position(|name| names.contains(&name.trim()));
    let (part, tokens, trained) = (column(&PART), column(&TOKENS), column(&TRAINED));
    let truncated = column(&["truncated"]);
    let size = (column(&["width"]), column(&["height"]));
    let mut parts: Vec<(String, Vec<Vec<String>>)> = Vec::new();
    let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows.filter(|row| row.len() == header.len()) {
        if let (Some(width), Some(height)) = size {
            *sizes.entry(format!("{}×{}", row[width], row[height])).or_default() += 1;
        }
        let name = part.map(|index| row[index].clone()).unwrap_or_default();
        match parts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rows)) => rows.push(row),
            None => parts.push((name, vec![row])),
        }
    }
    let mut sizes: Vec<(String, u64)> = sizes.into_iter().collect();
    sizes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let parts = parts
        .into_iter()
        .map(|(name, rows)| DataPart {
            name,
            samples: rows.len() as u64,
            tokens: tokens.and_then(|index| distribution(&rows, index)),
            trained_tokens: trained.and_then(|index| distribution(&rows, index)),
            truncated: truncated
                .map_or(0, |index| rows.iter().filter(|row| row[index] == "true").count() as u64),
        })
        .collect();
    DataSummary { parts, sizes }
}

fn distribution(rows: &[Vec<String>], column: usize) -> Option<Distribution> {
    let values: Vec<u64> = rows.iter().filter_map(|row| row[column].trim().parse().ok()).collect();
    let as_numbers: Vec<f64> = values.iter().map(|value| *value as f64).collect();
    Some(Distribution {
        total: values.iter().sum(),
        least: *values.iter().min()?,
        median: median(&as_numbers)?,
        most: *values.iter().max()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_tokens_are_summed_up() {
        let text = "file,line,split,tokens,trained_tokens,truncated\na.jsonl,1,train,10,4,false\n\
            a.jsonl,2,train,30,6,true\nb.jsonl,1,eval,20,5,false\nbroken\n";
        let summary = summarise(text);
        let names: Vec<_> = summary.parts.iter().map(|part| (part.name.as_str(), part.samples)).collect();
        assert_eq!(names, [("train", 2), ("eval", 1)]);
        let tokens = summary.parts[0].tokens.unwrap();
        assert_eq!((tokens.total, tokens.least, tokens.median, tokens.most), (40, 10, 20.0, 30));
        assert_eq!((summary.parts[0].trained_tokens.unwrap().total, summary.parts[0].truncated), (10, 1));
    }

    #[test]
    fn pictures_are_counted_by_size() {
        let summary = summarise("file,width,height\na,512,512\nb,768,512\nc,512,512\n");
        assert_eq!(summary.sizes, [("512×512".to_owned(), 2), ("768×512".to_owned(), 1)]);
        assert_eq!(summarise(""), DataSummary::default());
    }
}
