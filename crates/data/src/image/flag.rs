//! What is worth telling about one picture.

use serde::{Deserialize, Serialize};

/// Something about a picture that was converted or deserves a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flag {
    /// Turned or mirrored as its EXIF data says.
    Rotated,
    /// Has transparent parts, which were composited on the background.
    Alpha,
    /// Has no colours.
    Greyscale,
    /// Was reduced from 16 to 8 bits a channel.
    SixteenBit,
    /// Was converted from CMYK or YCCK to RGB.
    Cmyk,
    /// Has several frames, of which the first is used.
    Animated,
    /// Has a colour profile other than sRGB, which is not applied.
    ColourProfile,
    /// Its contents are of another format than its extension says.
    OtherFormat,
    /// Is smaller than its bucket and was enlarged.
    Enlarged,
    /// Lies outside of the data set's folder, behind a symbolic link.
    LinkedOutside,
    /// Its file name is not UTF-8.
    NameNotUtf8,
}

/// Name in tables, and the sentence's end after a count of pictures.
const WORDS: [(Flag, &str, &str); 11] = [
    (Flag::Rotated, "rotated", "turned as EXIF data says"),
    (Flag::Alpha, "alpha", "with transparent parts, composited on the background"),
    (Flag::Greyscale, "greyscale", "without colours"),
    (Flag::SixteenBit, "16-bit", "reduced from 16 to 8 bits a channel"),
    (Flag::Cmyk, "cmyk", "converted from CMYK to RGB without a colour profile"),
    (Flag::Animated, "animated", "with several frames, of which the first is used"),
    (Flag::ColourProfile, "colour-profile", "with a colour profile other than sRGB, which is not applied"),
    (Flag::OtherFormat, "other-format", "of another format than the file's extension says"),
    (Flag::Enlarged, "enlarged", "smaller than the bucket, and enlarged to it"),
    (Flag::LinkedOutside, "linked", "outside of the folder, behind a symbolic link"),
    (Flag::NameNotUtf8, "name-not-utf8", "with a file name that is not UTF-8"),
];

impl Flag {
    /// Every flag, in the order they are told.
    pub fn all() -> impl Iterator<Item = Self> {
        WORDS.iter().map(|(flag, ..)| *flag)
    }

    /// The word in `metadata.csv`.
    pub fn name(self) -> &'static str {
        WORDS.iter().find(|(flag, ..)| *flag == self).map_or("", |(_, name, _)| name)
    }

    /// What it says of pictures, after their count: `with transparent parts, …`.
    pub fn sentence(self) -> &'static str {
        WORDS.iter().find(|(flag, ..)| *flag == self).map_or("", |(_, _, sentence)| sentence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_has_its_own_words() {
        let all: Vec<Flag> = Flag::all().collect();
        assert_eq!(
            all.iter().map(|flag| *flag as usize).collect::<Vec<_>>(),
            (0..all.len()).collect::<Vec<_>>()
        );
        let mut names: Vec<&str> = all.iter().map(|flag| flag.name()).collect();
        names.dedup();
        assert!(names.len() == all.len() && all.iter().all(|flag| !flag.sentence().is_empty()));
        assert_eq!(all.last(), Some(&Flag::NameNotUtf8));
    }
}
