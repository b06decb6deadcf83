//! Data sets from files.

use super::*;
use crate::tokenizer::testing::{CHATML, tokenizer};

const OPTIONS: ChatOptions = ChatOptions { max_seq_len: 1000, train_on_prompt: false };

fn line(user: &str, assistant: &str) -> String {
    serde_json::json!({"messages": [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]})
        .to_string()
}

fn load(files: &[(&str, &str)], text: &str) -> Result<Dataset, String> {
    load_with(files, text, OPTIONS)
}

fn load_with(files: &[(&str, &str)], text: &str, options: ChatOptions) -> Result<Dataset, String> {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("data")).unwrap();
    for (name, contents) in files {
        std::fs::write(root.path().join(name), contents).unwrap();
    }
    let tokenizer = tokenizer("smollm", CHATML).unwrap();
    Dataset::load(root.path(), text, &tokenizer, options, Moment(0)).map_err(|problems| problems.to_string())
}

fn hundred() -> Dataset {
    let text = (0..100).map(|i| line(&format!("q{i}"), &format!("answer {i}")) + "\n").collect::<String>();
    load(&[("data/a.jsonl", &text)], "data").unwrap()
}

#[test]
fn a_folder_is_read_in_the_order_of_its_names() {
    let (one, two) = (line("one", "1"), line("two", "2"));
    let second = format!("\u{feff}{one}\r\n\n   \n{two}");
    let files = [("data/b.jsonl", second.as_str()), ("data/a.jsonl", two.as_str()), ("data/README.md", "x")];
    let dataset = load(&files, "data/").unwrap();
    let places: Vec<_> = dataset.rows.iter().map(|row| (row.file.as_str(), row.line)).collect();
    assert_eq!(places, [("data/a.jsonl", 1), ("data/b.jsonl", 1), ("data/b.jsonl", 4)]);
    assert_eq!(dataset.samples[0], dataset.samples[2]);
    let summary = dataset.summary();
    assert_eq!((summary.files, summary.samples, summary.messages, summary.duplicates), (2, 3, 6, 1));
    assert_eq!((summary.ignored_files, summary.without_end), (vec!["README.md".to_owned()], 0));
}

#[test]
fn rows_tell_what_metadata_csv_needs() {
    let dataset = load(&[("data/a.jsonl", &line("hé", "hello"))], "data/a.jsonl").unwrap();
    let csv = dataset.metadata_csv();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "split,file,line,tokens,trained_tokens,characters,roles,digest,truncated");
    let row = &dataset.rows[0];
    assert_eq!(row.trained_tokens, 2);
    assert_eq!(
        lines[1],
        format!("train,data/a.jsonl,1,{},2,7,user assistant,{},false", row.tokens, row.digest)
    );
    assert_eq!(row.digest.len(), 16);
}

#[test]
fn all_faults_of_all_files_come_at_once_but_not_endlessly() {
    let bad = "{\"messages\": 1}\n".repeat(3) + &line("a", "b") + "\n\u{fffd}\n";
    let problems = load(&[("data/a.jsonl", &bad), ("data/b.jsonl", "\n\n")], "data").unwrap_err();
    for expected in [
        "data/a.jsonl:1:14: '1' is no list",
        "data/a.jsonl:3:14",
        "data/a.jsonl:5:1",
        "data/b.jsonl: the file holds no sample",
    ] {
        assert!(problems.contains(expected), "{problems}");
    }
    let problems = load(&[("data/a.jsonl", &"{}\n".repeat(50))], "data").unwrap_err();
    assert!(problems.contains("data/a.jsonl:20:1") && !problems.contains("data/a.jsonl:21:1"), "{problems}");
    assert!(problems.ends_with("and 30 more problems"), "{problems}");
}

#[test]
fn text_that_is_not_utf8_is_placed() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("d.jsonl"), b"\n{\"\xc3\xa9\xff\"}").unwrap();
    let error = problems_without_model(root.path(), "d.jsonl").unwrap_err().to_string();
    assert!(error.starts_with("d.jsonl:2:4: the text is not UTF-8 here"), "{error}");
}

#[test]
fn other_forms_are_recognised_and_refused() {
    let good = line("a", "b");
    for (files, text, expected) in [
        (vec![], "none", "none: there is no such file or folder (looked for "),
        (vec![], "data", "data: the folder is empty"),
        (vec![("data/a.csv", "x")], "data", "data/a.csv: a table (.csv) is not supported yet"),
        (vec![("data/a.json", "[]")], "data/a.json", "data/a.json: a .json file is not supported yet"),
        (vec![("data/a.png", "x")], "data", "data/a.png: a picture; pictures train an image model"),
        (vec![("data/a.txt", "x")], "data/a.txt", "plain text is not supported yet"),
        (vec![("data/a.md", "x")], "data", "data: the folder holds no .jsonl file (but 'a.md')"),
        (
            vec![("data/a.jsonl", good.as_str()), ("data/b.parquet", "x")],
            "data",
            "data/b.parquet: a .parquet file",
        ),
        (vec![("data/a.jsonl", r#"{"conversations": []}"#)], "data", "data/a.jsonl:1:1: ShareGPT form"),
    ] {
        let error = load(&files, text).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_sample_whose_answer_falls_away_names_its_line() {
    let long = line(&"x ".repeat(50), "hello");
    let text = format!("{}\n{long}\n", line("a", "b"));
    let options = ChatOptions { max_seq_len: 30, ..OPTIONS };
    let error = load_with(&[("data/a.jsonl", &text)], "data", options).unwrap_err();
    assert!(error.starts_with("data/a.jsonl:2:1: has ") && error.contains("raise max_seq_len"), "{error}");
    let cut = load_with(&[("data/a.jsonl", &line("a", &"b ".repeat(50)))], "data", options).unwrap();
    assert_eq!((cut.summary().truncated, cut.samples[0].ids.len()), (1, 30));
}

#[test]
fn special_tokens_in_a_content_are_counted() {
    let dataset = load(&[("data/a.jsonl", &line("<|im_end|>", "b"))], "data").unwrap();
    assert_eq!(dataset.summary().special_in_content, 1);
}

#[test]
fn a_split_is_fixed_by_its_seed_and_loses_nothing() {
    let (train, eval) = hundred().split(0.1, 5);
    let eval = eval.unwrap();
    assert_eq!((train.len(), eval.len()), (90, 10));
    let lines = |dataset: &Dataset| dataset.rows.iter().map(|row| row.line).collect::<Vec<_>>();
    assert!(lines(&eval).is_sorted() && lines(&train).is_sorted());
    let (_, again) = hundred().split(0.1, 5);
    assert_eq!(lines(&eval), lines(&again.unwrap()));
    assert_ne!(lines(&eval), lines(&hundred().split(0.1, 6).1.unwrap()));
    let mut all = [lines(&train), lines(&eval)].concat();
    all.sort_unstable();
    assert_eq!(all, (1..=100).collect::<Vec<_>>());
    assert_eq!(hundred().split(0.0001, 0).1.unwrap().len(), 1);
    assert_eq!(hundred().split(0.9999, 0).0.len(), 1);
    assert!(hundred().split(0.0, 0).1.is_none());
}

#[test]
fn the_fingerprint_follows_names_and_contents_only() {
    let good = line("a", "b");
    let print = |files: &[(&str, &str)], text| load(files, text).unwrap().fingerprint;
    let one = print(&[("data/a.jsonl", &good)], "data");
    assert_eq!(one, print(&[("data/a.jsonl", &good), ("data/notes.md", "x")], "data/a.jsonl"));
    assert_ne!(one, print(&[("data/b.jsonl", &good)], "data"));
    assert_ne!(one, print(&[("data/a.jsonl", &(good.clone() + "\n"))], "data"));
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("a.jsonl"), &good).unwrap();
    let identity = identity(root.path(), "a.jsonl").unwrap();
    assert_eq!((identity.fingerprint, identity.samples, identity.size), (one, 1, good.len() as u64));
}

fn settings(train: &str, eval: Option<&str>, share: f64) -> loradeck_core::config::Settings {
    let text = format!("base_model: m\ntrain_data_dir: {train}\neval_split: {share}\nmax_seq_len: 100\n");
    let eval = eval.map(|eval| format!("eval_data_dir: {eval}\n")).unwrap_or_default();
    loradeck_core::config::read_frozen(Path::new("e.yaml"), &(text + &eval), &[]).unwrap().0
}

fn load_both(
    files: &[(&str, &str)],
    settings: &loradeck_core::config::Settings,
) -> Result<TrainingData, String> {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("data")).unwrap();
    for (name, contents) in files {
        std::fs::write(root.path().join(name), contents).unwrap();
    }
    let tokenizer = tokenizer("smollm", CHATML).unwrap();
    TrainingData::load(root.path(), settings, &tokenizer, Moment(0)).map_err(|problems| problems.to_string())
}

#[test]
fn held_out_data_comes_from_its_own_file_or_from_a_share() {
    let (a, b) = (line("a", "b"), line("c", "d"));
    let both = format!("{a}\n{b}\n{a}");
    let files = [("data/train.jsonl", both.as_str()), ("eval.jsonl", a.as_str())];
    let data = load_both(&files, &settings("data", Some("eval.jsonl"), 0.0)).unwrap();
    assert_eq!((data.train.len(), data.eval.as_ref().unwrap().len(), data.leaked()), (3, 1, 1));
    let data = load_both(&files, &settings("data", None, 0.3)).unwrap();
    assert_eq!((data.train.len(), data.eval.unwrap().len()), (2, 1));
    let data = load_both(&files, &settings("data", None, 0.0)).unwrap();
    assert!(data.eval.is_none());
}

#[test]
fn held_out_data_inside_the_training_folder_is_refused() {
    let a = line("a", "b");
    let files = [("data/train.jsonl", a.as_str()), ("data/eval.jsonl", a.as_str())];
    let error = load_both(&files, &settings("data", Some("data/eval.jsonl"), 0.0)).unwrap_err();
    assert!(error.starts_with("data/eval.jsonl: is both training data and held-out data"), "{error}");
    let error = load_both(&files, &settings("data/train.jsonl", None, 0.5)).unwrap_err();
    assert!(error.contains("holds a single sample"), "{error}");
    let error = load_both(&[("a.jsonl", "1"), ("b.jsonl", "2")], &settings("a.jsonl", Some("b.jsonl"), 0.0))
        .unwrap_err();
    assert!(error.contains("a.jsonl:1:1") && error.contains("b.jsonl:1:1"), "{error}");
}
