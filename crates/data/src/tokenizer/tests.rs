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
    for add_special in [false, true] {
        // Where the beginning is wanted, tokenizer.json's own post-processor puts it in front.
        assert_eq!(ours.encode(text, add_special).unwrap(), gguf.encode(text, add_special).unwrap());
    }
    std::fs::write(folder.path().join("chat_template.jinja"), "{{ x }}").unwrap();
    assert_eq!(from_folder::read(folder.path()).unwrap().unwrap().chat_template(), Some("{{ x }}"));
    std::fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    assert_eq!(from_folder::read(folder.path()).unwrap().unwrap_err(), "there is no tokenizer.json");
}

/// The `tokenizer_config.json` that a tokenizer exports.
fn exported(tokenizer: &Tokenizer) -> serde_json::Value {
    serde_json::from_str(&tokenizer.files(None).unwrap()[1].1).unwrap()
}

#[test]
fn the_exported_configuration_says_what_the_folders_says() {
    let settings = serde_json::json!({
        "tokenizer_class": "Qwen2Tokenizer", "auto_map": {"AutoTokenizer": ["own.py", null]}, "name_or_path": "/a",
        "model_max_length": 4096, "padding_side": "left", "truncation_side": "left", "add_bos_token": false,
        "clean_up_tokenization_spaces": true, "bos_token": null, "eos_token": "<|im_end|>",
        "unk_token": {"content": "<|endoftext|>", "lstrip": false}, "image_token": "<img>",
        "additional_special_tokens": ["<|im_start|>", {"content": "<tool>", "lstrip": true}],
        "chat_template": [{"name": "default", "template": CHATML}, {"name": "tools", "template": "{{ x }}"}],
    });
    let ours = bare_folder(&[("tokenizer_config.json", settings.clone())]).unwrap();
    assert_eq!(ours.chat_template(), Some(CHATML));
    let mut expected = settings;
    expected["tokenizer_class"] = "PreTrainedTokenizerFast".into();
    expected["unk_token"] = "<|endoftext|>".into();
    expected["additional_special_tokens"] = serde_json::json!(["<|im_start|>", "<tool>"]);
    for gone in ["auto_map", "name_or_path", "bos_token"] {
        expected.as_object_mut().unwrap().remove(gone);
    }
    assert_eq!(exported(&ours), expected);
    let fast = serde_json::json!({"tokenizer_class": "GPT2TokenizerFast", "model_max_length": 1e30, "pad_token": "<|endoftext|>"});
    let map = serde_json::json!({"unk_token": {"content": "<|im_end|>"}});
    let files = [("tokenizer_config.json", fast), ("special_tokens_map.json", map)];
    let config = exported(&bare_folder(&files).unwrap());
    assert_eq!(config.get("model_max_length"), None);
    let of = |key: &str| config[key].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        ["tokenizer_class", "pad_token", "unk_token", "chat_template"].map(of),
        ["GPT2TokenizerFast", "<|endoftext|>", "<|im_end|>", ""]
    );
}

#[test]
fn templates_in_files_of_their_own_are_exported_by_name() {
    let gguf = tokenizer("llama-bpe", CHATML).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, contents) in gguf.files(None).unwrap() {
        std::fs::write(folder.path().join(name), contents).unwrap();
    }
    std::fs::write(folder.path().join("chat_template.jinja"), "{{ file }}").unwrap();
    let read = || from_folder::read(folder.path()).unwrap().unwrap();
    assert_eq!(exported(&read())["chat_template"], "{{ file }}");
    std::fs::create_dir(folder.path().join("additional_chat_templates")).unwrap();
    std::fs::write(folder.path().join("additional_chat_templates/rag.jinja"), "{{ rag }}").unwrap();
    let both = serde_json::json!([
        {"name": "default", "template": "{{ file }}"}, {"name": "rag", "template": "{{ rag }}"},
    ]);
    assert_eq!((&exported(&read())["chat_template"], read().chat_template()), (&both, Some("{{ file }}")));
}

#[test]
fn the_exported_configuration_of_a_gguf_file_says_what_its_metadata_say() {
    let plain = exported(&tokenizer("llama-bpe", CHATML).unwrap());
    let expected = serde_json::json!({
        "tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": false,
        "chat_template": CHATML, "bos_token": "<|im_start|>", "eos_token": "<|im_end|>",
    });
    assert_eq!(plain, expected, "no pad_token of its own making");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.gguf");
    let more = testing::add_tokenizer(crate::gguf::testing::Builder::default(), "llama-bpe", CHATML)
        .text("general.architecture", "llama")
        .u32("llama.context_length", 2048)
        .u32("tokenizer.ggml.padding_token_id", 0)
        .u32("tokenizer.ggml.unknown_token_id", 1_000_000)
        .texts("tokenizer.chat_templates", &["tools"])
        .text("tokenizer.chat_template.tools", "{{ x }}");
    std::fs::write(&path, more.finish()).unwrap();
    let config = exported(&from_gguf::read(&crate::gguf::GgufFile::open(&path).unwrap()).unwrap());
    assert_eq!((&config["model_max_length"], &config["pad_token"]), (&2048.into(), &"<|endoftext|>".into()));
    assert_eq!(config.get("unk_token"), None, "an id that is no token");
    assert_eq!(config["chat_template"][1], serde_json::json!({"name": "tools", "template": "{{ x }}"}));
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
