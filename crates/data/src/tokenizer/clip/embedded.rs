//! CLIP's vocabulary, from the merges that are part of the program (see README.md beside this file).

use tokenizers::models::bpe::{Merges, Vocab};

/// Two ids for each merge, u16, little endian.
const MERGES: &[u8] = include_bytes!("clip_merges.bin");

/// Ends a token that ends a word.
pub(super) const WORD_END: &str = "</w>";

/// CLIP's tokens with their ids, and its merges.
pub(super) fn vocabulary() -> (Vocab, Merges) {
    let mut tokens: Vec<String> = letters().into_iter().map(String::from).collect();
    tokens.extend(letters().into_iter().map(|letter| format!("{letter}{WORD_END}")));
    let mut merges = Vec::with_capacity(MERGES.len() / 4);
    for pair in MERGES.chunks_exact(4) {
        let part = |at: usize| tokens[usize::from(u16::from_le_bytes([pair[at], pair[at + 1]]))].clone();
        let (left, right) = (part(0), part(2));
        tokens.push(format!("{left}{right}"));
        merges.push((left, right));
    }
    tokens.extend([super::build::BOS, super::build::EOS].map(str::to_owned));
    (tokens.into_iter().zip(0u32..).collect(), merges)
}

/// The letters by which GPT-2 and CLIP spell bytes, in CLIP's order: bytes that are visible characters stand for
/// themselves and come first, the others follow as the characters from 256 on.
fn letters() -> Vec<char> {
    let visible = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let hidden = (0..=255u8).filter(|byte| !visible(byte)).count() as u32;
    let themselves = (0..=255u8).filter(visible).map(char::from);
    themselves.chain((256..256 + hidden).filter_map(char::from_u32)).collect()
}
