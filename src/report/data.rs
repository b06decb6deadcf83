//! What `metadata.csv` (one row per sample used) comes to. No IO.

use std::collections::{BTreeMap, BTreeSet};

use super::csv::records;
use super::inputs::{BucketCount, CaptionCount, DataPart, DataSummary, Distribution};
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
    let mut images = ImageCounts::of(&header);
    let mut parts: Vec<(String, Vec<Vec<String>>)> = Vec::new();
    let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
    for row in rows.filter(|row| row.len() == header.len()) {
        let name = part.map(|index| row[index].clone()).unwrap_or_default();
        let is_trained = ["", "train"].contains(&name.as_str());
        if let (Some(width), Some(height)) = size
            && is_trained
        {
            *sizes.entry(format!("{}x{}", row[width], row[height])).or_default() += 1;
        }
        if is_trained {
            images.count(&row);
        }
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
    images.into_summary(DataSummary { parts, sizes, ..DataSummary::default() })
}

/// Counting what only pictures have: buckets, captions and flags.
struct ImageCounts {
    bucket: Option<usize>,
    repeats: Option<usize>,
    caption: Option<usize>,
    flags: Option<usize>,
    buckets: BTreeMap<String, (u64, u64)>,
    captions: CaptionCount,
    different: BTreeSet<String>,
    noticed: BTreeMap<String, u64>,
}

impl ImageCounts {
    fn of(header: &[String]) -> Self {
        let column = |name: &str| header.iter().position(|known| known.trim() == name);
        let bucket = column("bucket");
        Self {
            bucket,
            repeats: column("repeats"),
            // Other data may have columns of these names that mean something else.
            caption: bucket.and(column("caption")),
            flags: bucket.and(column("flags")),
            buckets: BTreeMap::new(),
            captions: CaptionCount::default(),
            different: BTreeSet::new(),
            noticed: BTreeMap::new(),
        }
    }

    fn count(&mut self, row: &[String]) {
        if let Some(bucket) = self.bucket {
            let repeats = self.repeats.and_then(|index| row[index].trim().parse().ok()).unwrap_or(1);
            let known = self.buckets.entry(row[bucket].clone()).or_default();
            *known = (known.0 + 1, known.1.saturating_add(repeats));
        }
        if let Some(caption) = self.caption.map(|index| row[index].trim()) {
            if caption.is_empty() {
                self.captions.without += 1;
            } else {
                self.captions.with += 1;
                self.different.insert(caption.to_owned());
            }
        }
        for flag in self.flags.into_iter().flat_map(|index| row[index].split_whitespace()) {
            *self.noticed.entry(flag.to_owned()).or_default() += 1;
        }
    }

    fn into_summary(self, mut summary: DataSummary) -> DataSummary {
        let row = |(bucket, (images, looks))| BucketCount { bucket, images, looks };
        summary.buckets = self.buckets.into_iter().map(row).collect();
        summary.buckets.sort_by_key(|row| std::cmp::Reverse(row.images));
        let different = self.different.len() as u64;
        summary.captions = self.caption.map(|_| CaptionCount { different, ..self.captions });
        summary.flags = self.noticed.into_iter().collect();
        summary
    }
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
        assert_eq!(summary.sizes, [("512x512".to_owned(), 2), ("768x512".to_owned(), 1)]);
        assert_eq!(summarise(""), DataSummary::default());
    }

    #[test]
    fn buckets_captions_and_flags_are_those_of_the_training_pictures() {
        let text = "split,file,width,height,bucket,repeats,caption,digest,flags\n\
            train,a.png,600,600,512x512,10,\"a cat, red\",0a,enlarged upright\n\
            train,b.png,512,512,512x512,10,\"a cat, red\",0b,\n\
            train,c.png,900,600,640x384,1,,0c,enlarged\n\
            reg,r.png,512,512,512x512,2,cat,0d,\n\
            eval,e.png,512,512,512x512,1,dog,0e,enlarged\n";
        let summary = summarise(text);
        let parts: Vec<_> = summary.parts.iter().map(|part| (part.name.as_str(), part.samples)).collect();
        assert_eq!(parts, [("train", 3), ("reg", 1), ("eval", 1)]);
        let buckets: Vec<_> =
            summary.buckets.iter().map(|row| (row.bucket.as_str(), row.images, row.looks)).collect();
        assert_eq!(buckets, [("512x512", 2, 20), ("640x384", 1, 1)]);
        assert_eq!(summary.captions, Some(CaptionCount { with: 2, without: 1, different: 1 }));
        assert_eq!(summary.flags, [("enlarged".to_owned(), 2), ("upright".to_owned(), 1)]);
        assert_eq!(summary.sizes.len(), 3);
    }
}
