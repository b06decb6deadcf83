//! Tests of both sources of a tokenizer.

use super::testing::{CHATML, letter, tokenizer};
use super::*;

fn tokens(tokenizer: &Tokenizer, text: &str) -> Vec<String> {
    tokenizer.encode(text, false).unwrap().into_iter().map(|id| tokenizer.token(id).unwrap()).collect()
}

#[test]
fn bytes_are_spelt_as_gpt2_does() {
    assert_eq!((letter(b' '), letter(b'\n'), letter(b'a'), letter(0xad)), ('Ġ', 'Ċ', 'a', 'Ń'));
}

#[test]
fn special_tokens_stay_whole_and_words_are_merged() {
    let tokenizer = tokenizer("smollm", CHATML).unwrap();
    assert_eq!(tokens(&tokenizer, "<|im_start|>hello he"), ["<|im_start|>", "hello", "Ġ", "he"]);
    assert!(tokenizer.is_special(1) && !tokenizer.is_special(70));
    assert_eq!(tokenizer.special_tokens(), ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]);
    assert_eq!((tokenizer.bos_id(), tokenizer.eos_ids()), (Some(1), [2, 0].as_slice()));
    assert_eq!((tokenizer.bos_text(), tokenizer.eos_text()), ("<|im_start|>".into(), "<|im_end|>".into()));
    assert_eq!(tokenizer.pad_id(), 2);
}

#[test]
fn digits_are_cut_as_the_pre_tokenizer_says() {
    assert_eq!(tokens(&tokenizer("smollm", "").unwrap(), "12"), ["1", "2"]);
    assert_eq!(tokens(&tokenizer("qwen2", "").unwrap(), "12"), ["1", "2"]);
    assert_eq!(tokens(&tokenizer("gpt-2", "").unwrap(), "12"), ["12"]);
    assert_eq!(tokens(&tokenizer("llama-bpe", "").unwrap(), "1212"), ["12", "1", "2"]);
}

#[test]
fn text_survives_the_way_there_and_back() {
    let tokenizer = tokenizer("llama-bpe", "").unwrap();
    for text in ["", "hello\n\n  world\t12345", "日本語 – é 🙂\r\n", "\u{0}\u{7f}  "] {
        let ids = tokenizer.encode(text, false).unwrap();
        assert_eq!(tokenizer.decode(&ids, false).unwrap(), text);
    }
    assert_eq!(tokenizer.decode(&[1, 259, 2], true).unwrap(), "he");
}

#[test]
fn offsets_are_bytes_of_the_text() {
    let tokenizer = tokenizer("smollm", "").unwrap();
    let (ids, offsets) = tokenizer.encode_with_offsets("é<|im_end|>hello", false).unwrap();
    assert_eq!((ids.len(), offsets), (4, vec![0..2, 0..2, 2..12, 12..17]));
}

#[test]
fn the_beginning_is_added_only_where_asked_for() {
    let llama = tokenizer("llama-bpe", "").unwrap();
    assert_eq!(
        (llama.encode("he", true).unwrap(), llama.encode("he", false).unwrap()),
        (vec![1, 259], vec![259])
    );
    let (_, offsets) = llama.encode_with_offsets("he", true).unwrap();
    assert_eq!(offsets, [0..0, 0..2]);
    assert_eq!(tokenizer("smollm", "").unwrap().encode("he", true).unwrap(), [259]);
}

#[test]
fn an_unknown_cut_is_refused() {
    let error = tokenizer("brand-new", "").unwrap_err();
    assert!(error.contains("pre-tokenizer 'brand-new' is not known"), "{error}");
}

#[test]
fn exported_files_stop_at_the_end_of_a_turn() {
    let of = |template: &str, turn_end| {
        let files = tokenizer("smollm", template).unwrap().files(turn_end).unwrap();
        let json = |index: usize| serde_json::from_str::<serde_json::Value>(&files[index].1).unwrap();
        (json(1)["eos_token"].as_str().unwrap().to_owned(), json(2)["eos_token_id"].to_string())
    };
    assert_eq!(of(CHATML, Some(2)), ("<|im_end|>".to_owned(), "[2,0]".to_owned()));
    assert_eq!(of(CHATML, Some(1)), ("<|im_start|>".to_owned(), "[2,0,1]".to_owned()));
    // A template that writes the end-of-text token itself would write another one.
    assert_eq!(of("{{ eos_token }}", Some(1)), ("<|im_end|>".to_owned(), "[2,0,1]".to_owned()));
    assert_eq!(of(CHATML, None), ("<|im_end|>".to_owned(), "[2,0]".to_owned()));
}

#[test]
fn a_folder_gives_the_same_tokenizer() {
    let gguf = tokenizer("llama-bpe", CHATML).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, contents) in gguf.files(Some(2)).unwrap() {
        std::fs::write(folder.path().join(name), contents).unwrap();
    }
    let config = serde_json::json!({"eos_token_id": [2, 0]});
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    let ours = from_folder::read(folder.path()).unwrap().unwrap();
    assert_eq!(
        (ours.bos_id(), ours.eos_ids(), ours.chat_template()),
        (Some(1), [2, 0].as_slice(), Some(CHATML))
    );
    let text = "<|im_start|>user\nhello 1234 they'LL\n\n<|im_end|>";
    assert_eq!(ours.encode(text, false).unwrap(), gguf.encode(text, false).unwrap());
    std::fs::write(folder.path().join("chat_template.jinja"), "{{ x }}").unwrap();
    assert_eq!(from_folder::read(folder.path()).unwrap().unwrap().chat_template(), Some("{{ x }}"));
    std::fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    assert_eq!(from_folder::read(folder.path()).unwrap().unwrap_err(), "there is no tokenizer.json");
}

/// A folder with the tiny tokenizer whose tokenizer.json has lost its added tokens, and with these files beside it.
fn bare_folder(files: &[(&str, serde_json::Value)]) -> Result<Tokenizer, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, contents) in tokenizer("llama-bpe", CHATML).unwrap().files(None).unwrap() {
        let mut json: serde_json::Value = serde_json::from_str(&contents).unwrap();
        if name == "tokenizer.json" {
            json["added_tokens"] = serde_json::json!([]);
        } else {
            json = serde_json::json!({"chat_template": CHATML});
        }
        std::fs::write(folder.path().join(name), json.to_string()).unwrap();
    }
    for (name, json) in files {
        std::fs::write(folder.path().join(name), json.to_string()).unwrap();
    }
    from_folder::read(folder.path()).unwrap()
}

#[test]
fn special_tokens_that_stand_only_beside_tokenizer_json_are_read() {
    let map = serde_json::json!({
        "bos_token": {"content": "<|im_start|>"}, "eos_token": "<|im_end|>",
        "additional_special_tokens": ["<|endoftext|>"],
    });
    let ours = bare_folder(&[("special_tokens_map.json", map.clone())]).unwrap();
    assert_eq!((ours.bos_id(), ours.eos_ids()), (Some(1), [2].as_slice()));
    assert_eq!(tokens(&ours, "<|im_start|>he<|endoftext|>"), ["<|im_start|>", "he", "<|endoftext|>"]);
    assert!(ours.is_special(0) && ours.is_special(1) && ours.is_special(2));
    let decoder =
        serde_json::json!({"added_tokens_decoder": {"1": {"content": "<|im_start|>", "special": true}}});
    let ours = bare_folder(&[("tokenizer_config.json", decoder), ("special_tokens_map.json", map)]).unwrap();
    assert_eq!(tokens(&ours, "<|im_start|>")[0], "<|im_start|>");
    assert_eq!(ours.bos_id(), None, "beside an added_tokens_decoder the map is not read, as in transformers");
}

#[test]
fn an_added_token_whose_id_has_no_place_is_refused() {
    let next = tokenizer("llama-bpe", CHATML).unwrap().vocabulary_size();
    let decoder = |id: usize| serde_json::json!({"added_tokens_decoder": {id.to_string(): {"content": "<tool>", "special": false}}});
    let ours = bare_folder(&[("tokenizer_config.json", decoder(next))]).unwrap();
    assert_eq!(tokens(&ours, "he<tool>"), ["he", "<tool>"]);
    assert!(!ours.is_special(next as u32));
    let error = bare_folder(&[("tokenizer_config.json", decoder(next + 3))]).unwrap_err();
    assert!(error.contains("the token \"<tool>\" the id"), "{error}");
}
