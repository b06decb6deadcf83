//! A sample token by token, to be looked at.

use serde::{Deserialize, Serialize};

use crate::sample::Sample;
use crate::tokenizer::{Tokenizer, TokenizerError};

/// One token of a sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenView {
    /// Its id.
    pub id: u32,
    /// As it stands in the vocabulary.
    pub token: String,
    /// Its text; for a part of a character, which has none of its own, as it stands in the vocabulary.
    pub text: String,
    /// Whether the loss counts it.
    pub learnt: bool,
    /// Whether it is one of the special tokens.
    pub special: bool,
}

/// The tokens of a sample in their order.
pub fn view(sample: &Sample, tokenizer: &Tokenizer) -> Result<Vec<TokenView>, TokenizerError> {
    let one = |(id, learnt): (&u32, &bool)| {
        let token = tokenizer.token(*id).unwrap_or_default();
        let text = tokenizer.decode(&[*id], false)?;
        let text = if text.contains('\u{fffd}') { token.clone() } else { text };
        Ok(TokenView { id: *id, token, text, learnt: *learnt, special: tokenizer.is_special(*id) })
    };
    sample.ids.iter().zip(&sample.labels_mask).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::testing::{CHATML, tokenizer};

    #[test]
    fn every_token_has_id_text_and_mask() {
        let tokenizer = tokenizer("smollm", CHATML).unwrap();
        let ids = tokenizer.encode("he é<|im_end|>", false).unwrap();
        let labels_mask = (0..ids.len()).map(|index| index > 1).collect();
        let tokens = view(&Sample { ids, labels_mask }, &tokenizer).unwrap();
        let texts: Vec<(&str, bool, bool)> =
            tokens.iter().map(|token| (token.text.as_str(), token.learnt, token.special)).collect();
        // é is two bytes, of which neither is a character.
        assert_eq!(
            texts,
            [
                ("he", false, false),
                (" ", false, false),
                ("Ã", true, false),
                ("©", true, false),
                ("<|im_end|>", true, true)
            ]
        );
        assert_eq!((tokens[1].token.as_str(), tokens[4].id), ("Ġ", 2));
    }
}
