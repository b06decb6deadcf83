//! A tiny byte-level tokenizer for tests: every byte is a token, a few merges, `ChatML`'s special tokens.

use crate::gguf::testing::Builder;

/// GPT-2's spelling of a byte as a letter.
pub(crate) fn letter(byte: u8) -> char {
    let printable = |b: u8| matches!(b, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if printable(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|b| !printable(*b)).count();
    char::from_u32(256 + before as u32).unwrap()
}

/// Adds a tokenizer to a GGUF file: ids 0 `<|endoftext|>`, 1 `<|im_start|>`, 2 `<|im_end|>`, then the bytes, `he`, `llo`….
pub(crate) fn add_tokenizer(builder: Builder, pre: &str, template: &str) -> Builder {
    let mut tokens: Vec<String> = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"].map(String::from).into();
    tokens.extend((0..=255).map(|byte| letter(byte).to_string()));
    tokens.extend(["he", "ll", "llo", "hello", "12"].map(String::from));
    let types: Vec<i32> = tokens.iter().enumerate().map(|(id, _)| if id < 3 { 3 } else { 1 }).collect();
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    builder
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", pre)
        .texts("tokenizer.ggml.tokens", &tokens)
        .i32s("tokenizer.ggml.token_type", &types)
        .texts("tokenizer.ggml.merges", &["h e", "l l", "ll o", "he llo", "1 2"])
        .u32("tokenizer.ggml.bos_token_id", 1)
        .u32("tokenizer.ggml.eos_token_id", 2)
        .text("tokenizer.chat_template", template)
}

/// The tokenizer of such a file.
pub(crate) fn tokenizer(pre: &str, template: &str) -> Result<super::Tokenizer, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.gguf");
    std::fs::write(&path, add_tokenizer(Builder::default(), pre, template).finish()).unwrap();
    super::from_gguf::read(&crate::gguf::GgufFile::open(&path).unwrap())
}

/// `ChatML` without a default system prompt.
pub(crate) const CHATML: &str = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + \
    message['content'] + '<|im_end|>' + '\n' }}{% endfor %}\
    {% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
