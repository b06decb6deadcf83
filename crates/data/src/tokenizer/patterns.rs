//! How texts are cut before byte-pair merging, by the name in `tokenizer.ggml.pre` (llama.cpp's llama-vocab.cpp). A name
//! that is not known here is refused, never guessed: a wrong cut gives plausible but wrong ids.

/// GPT-2's own cut.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)";
/// One digit at a time.
const DIGIT: &str = r"\p{N}";
/// Llama 3: up to three digits together, contractions in any case, line breaks with what precedes them.
const LLAMA3: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Qwen 2: the same with single digits.
const QWEN2: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// What a pre-tokenizer's name means.
pub(super) struct PreTokenizer {
    /// Cuts applied one after the other.
    pub(super) patterns: &'static [&'static str],
    /// Whether a piece that is a token of the vocabulary is taken whole, whatever the merges say.
    pub(super) ignore_merges: bool,
    /// Whether a text begins with the beginning-of-text token where the file does not say.
    pub(super) add_begin: bool,
}

/// The meaning of a name in `tokenizer.ggml.pre`.
pub(super) fn named(name: &str) -> Option<PreTokenizer> {
    let plain = |patterns| PreTokenizer { patterns, ignore_merges: false, add_begin: false };
    Some(match name {
        "llama3" | "llama-v3" | "llama-bpe" => {
            PreTokenizer { patterns: &[LLAMA3], ignore_merges: true, add_begin: true }
        }
        "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" => plain(&[DIGIT, GPT2]),
        "gpt-2" | "phi-2" | "mpt" | "olmo" => plain(&[GPT2]),
        "qwen2" | "stablelm2" | "deepseek-r1-qwen" => plain(&[QWEN2]),
        "dbrx" | "smaug-bpe" | "chatglm-bpe" => plain(&[LLAMA3]),
        _ => return None,
    })
}

/// The names known here, for messages.
pub(super) const KNOWN: &str = "smollm, llama-bpe, qwen2, gpt-2 and their kin";
