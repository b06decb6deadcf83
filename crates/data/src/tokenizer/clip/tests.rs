use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn vectors() -> Vec<(String, Vec<u32>, Vec<u32>)> {
    let file: Value = serde_json::from_str(include_str!("test_vectors.json")).unwrap();
    let ids = |value: &Value| -> Vec<u32> { serde_json::from_value(value.clone()).unwrap() };
    let row = |row: &Value| {
        let first = ids(&row["sd1"]);
        let second = row.get("sd2").map_or_else(|| first.clone(), ids);
        (row["text"].as_str().unwrap().to_owned(), first, second)
    };
    file["rows"].as_array().unwrap().iter().map(row).collect()
}

/// Stable Diffusion's tokenizer folder, with the built-in vocabulary.
fn write_folder(folder: &Path, pad: &str) {
    let (vocabulary, merges) = embedded::vocabulary();
    let vocabulary: serde_json::Map<String, Value> =
        vocabulary.into_iter().map(|(token, id)| (token, id.into())).collect();
    std::fs::write(folder.join("vocab.json"), Value::from(vocabulary).to_string()).unwrap();
    let lines: Vec<String> = merges.iter().map(|(left, right)| format!("{left} {right}")).collect();
    std::fs::write(folder.join("merges.txt"), format!("#version: 0.2\n{}\n", lines.join("\n"))).unwrap();
    let token = |text: &str| json!({"content": text, "normalized": true, "lstrip": false});
    let map = json!({
        "bos_token": token("<|startoftext|>"), "eos_token": token("<|endoftext|>"),
        "unk_token": token("<|endoftext|>"), "pad_token": pad,
    });
    std::fs::write(folder.join("special_tokens_map.json"), map.to_string()).unwrap();
}

#[test]
fn ids_are_those_of_transformers() {
    let one = ClipTokenizer::embedded(77).unwrap();
    let two = ClipTokenizer::embedded_for_open_clip(77).unwrap();
    assert_eq!(
        (one.vocabulary_size(), one.bos_id(), one.eos_id(), one.pad_id()),
        (49_408, 49_406, 49_407, 49_407)
    );
    assert_eq!(two.pad_id(), 0);
    let vectors = vectors();
    assert!(vectors.len() > 200);
    for (text, first, second) in vectors {
        assert_eq!(one.encode(&text).unwrap(), first, "{text:?}");
        assert_eq!(two.encode(&text).unwrap(), second, "{text:?} (Stable Diffusion 2)");
    }
}

#[test]
fn a_folder_gives_the_same_ids_as_the_built_in_vocabulary() {
    let folder = tempfile::tempdir().unwrap();
    write_folder(folder.path(), "!");
    let read = ClipTokenizer::from_folder(folder.path(), 77).unwrap();
    assert_eq!(read.pad_id(), 0);
    let built_in = ClipTokenizer::embedded_for_open_clip(77).unwrap();
    for (text, _, second) in vectors() {
        assert_eq!(read.encode(&text).unwrap(), second);
    }
    // The same as one file, which may hold the padding of its last use.
    let mut whole = built_in.inner.clone();
    whole.with_padding(Some(tokenizers::PaddingParams::default()));
    std::fs::write(folder.path().join("tokenizer.json"), whole.to_string(false).unwrap()).unwrap();
    std::fs::remove_file(folder.path().join("vocab.json")).unwrap();
    let read = ClipTokenizer::from_folder(folder.path(), 77).unwrap();
    for (text, _, second) in vectors() {
        assert_eq!(read.encode(&text).unwrap(), second);
    }
}

#[test]
fn a_broken_folder_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let problem = || ClipTokenizer::from_folder(folder.path(), 77).unwrap_err().to_string();
    assert!(problem().contains("neither vocab.json with merges.txt nor tokenizer.json"));
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("vocab.json", r#"{"a": 0}"#);
    write("merges.txt", "#version: 0.2\na\n");
    assert!(problem().contains("merges.txt line 2 is no pair of tokens: 'a'"));
    write("merges.txt", "a b\n");
    assert!(problem().contains("do not fit together"));
    write("merges.txt", "");
    assert!(problem().contains("'<|startoftext|>' is not in its vocabulary"));
    write("vocab.json", r#"{"a": "0"}"#);
    assert!(problem().contains("gives 'a' the id \"0\""));
}

#[test]
fn a_text_is_cut_into_chunks_and_what_is_too_long_is_counted() {
    let tokenizer = ClipTokenizer::embedded(77).unwrap();
    let (bos, eos) = (tokenizer.bos_id(), tokenizer.eos_id());
    let short = tokenizer.chunks("a cat", 75).unwrap();
    let mut expected = vec![bos, 320, 2368, eos];
    expected.resize(77, eos);
    assert_eq!(short, Chunks { ids: vec![expected], dropped: 0 });
    let long = tokenizer.chunks(&"cat ".repeat(160), 150).unwrap();
    assert_eq!(long.dropped, 10);
    let full = [vec![bos], vec![2368; 75], vec![eos]].concat();
    assert_eq!(long.ids, vec![full.clone(), full.clone()]);
    let exact = tokenizer.chunks(&"cat ".repeat(75), 225).unwrap();
    let empty: Vec<u32> = [vec![bos], vec![eos; 76]].concat();
    assert_eq!(exact.ids, vec![full, empty.clone(), empty]);
    let problem = tokenizer.chunks("a", 77).unwrap_err().to_string();
    assert!(problem.contains("max_token_length is 77; it can be 75, 150 or 225"), "{problem}");
}

#[test]
fn padding_is_its_own_token_where_the_model_says_so() {
    let tokenizer = ClipTokenizer::embedded_for_open_clip(8).unwrap();
    let chunks = tokenizer.chunks("a cat", 150).unwrap();
    let (bos, eos) = (tokenizer.bos_id(), tokenizer.eos_id());
    assert_eq!(chunks.ids, [vec![bos, 320, 2368, eos, 0, 0, 0, 0], vec![bos, eos, 0, 0, 0, 0, 0, 0]]);
}

/// Built once: it takes a while.
static TOKENIZER: std::sync::LazyLock<ClipTokenizer> =
    std::sync::LazyLock::new(|| ClipTokenizer::embedded(77).unwrap());

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn chunks_hold_every_token_that_is_not_dropped(text in ".{0,200}", context in 3usize..90, count in 1usize..4) {
        let tokenizer = ClipTokenizer { context, pad: 0, ..TOKENIZER.clone() };
        let ids = tokenizer.encode(&text).unwrap();
        let chunks = tokenizer.chunks(&text, count * 75).unwrap();
        prop_assert_eq!(chunks.ids.len(), count);
        let mut left = ids.len() - chunks.dropped;
        let mut joined = Vec::new();
        for chunk in &chunks.ids {
            prop_assert_eq!(chunk.len(), context);
            prop_assert_eq!(chunk[0], tokenizer.bos_id());
            let used = left.min(context - 2);
            prop_assert_eq!(chunk[used + 1], tokenizer.eos_id());
            joined.extend_from_slice(&chunk[1..=used]);
            left -= used;
        }
        prop_assert_eq!(left, 0);
        prop_assert_eq!(joined.as_slice(), &ids[..ids.len() - chunks.dropped]);
        prop_assert!(chunks.dropped == 0 || joined.len() == count * (context - 2));
    }
}
