//! How many tokens captions have, and how many of them a training would not read.

use loradeck_core::config::ImageSettings;

use crate::image::ImageData;
use crate::image::words::counted;
use crate::tokenizer::clip::ClipTokenizer;

/// Tokens of one chunk of CLIP's own context: the unit of `max_token_length`.
const CHUNK: usize = 75;
/// What `max_token_length` can be, in chunks.
const MOST_CHUNKS: usize = 3;

/// Tokens of every caption, and how many of them one chunk has room for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptionLengths {
    tokens: Vec<usize>,
    room: usize,
}

impl CaptionLengths {
    /// The lengths of the captions of `data`. A caption that cannot be encoded is left to the training to refuse.
    pub fn of(data: &ImageData, tokenizer: &ClipTokenizer) -> Self {
        let held_out = data.held_out.iter().flat_map(|part| &part.samples);
        let samples = data.train.samples.iter().filter(|sample| sample.repeats > 0).chain(held_out);
        let tokens =
            samples.filter_map(|sample| Some(tokenizer.encode(&sample.caption).ok()?.len())).collect();
        Self { tokens, room: tokenizer.context().saturating_sub(2) }
    }

    /// Says how many tokens find no place within `max_token_length`, and what would hold them.
    pub fn note(&self, image: &ImageSettings) -> Option<String> {
        let chunks = image.max_token_length as usize / CHUNK;
        let beyond = |chunks: usize| {
            let room = chunks * self.room;
            self.tokens.iter().filter(move |tokens| **tokens > room).map(move |tokens| tokens - room)
        };
        let (captions, unread) = (beyond(chunks).count(), beyond(chunks).sum::<usize>());
        if captions == 0 {
            return None;
        }
        let hint = match (chunks + 1..=MOST_CHUNKS).find(|chunks| beyond(*chunks).count() == 0) {
            Some(enough) => format!("max_token_length: {} reads them whole", enough * CHUNK),
            None if chunks < MOST_CHUNKS => {
                format!("max_token_length: {} reads more of them", MOST_CHUNKS * CHUNK)
            }
            None => "shorten them".to_owned(),
        };
        let verb = if captions == 1 { "is" } else { "are" };
        Some(format!(
            "{} {verb} longer than max_token_length ({}): {} at the end {} not read ({hint})",
            counted(captions, "caption"),
            image.max_token_length,
            counted(unread, "token"),
            if unread == 1 { "is" } else { "are" },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(tokens: &[usize], max_token_length: u32) -> Option<String> {
        let image = ImageSettings { max_token_length, ..crate::image::testing::settings() };
        CaptionLengths { tokens: tokens.to_vec(), room: 75 }.note(&image)
    }

    #[test]
    fn tokens_that_are_not_read_are_counted_with_what_would_read_them() {
        assert_eq!(note(&[0, 75], 75), None);
        let told = note(&[10, 76, 150], 75).unwrap();
        assert!(told.starts_with("2 captions are longer than max_token_length (75): 76 tokens"), "{told}");
        assert!(told.contains("max_token_length: 150 reads them whole"), "{told}");
        assert!(note(&[1000], 75).unwrap().contains("max_token_length: 225 reads more"));
        assert!(note(&[226], 225).unwrap().contains("1 token at the end is not read (shorten them)"));
        assert_eq!(note(&[150], 150), None);
    }
}
