use DataType::{Image, Text};

use super::*;

const GGUF: Base = Base::Is(Text, "is a GGUF file: a language model");
const DIFFUSERS: Base = Base::Is(Image, "is a diffusers folder: an image model");

fn found(names: &[&str]) -> Found {
    Found::of(&names.iter().map(|name| (*name).to_owned()).collect())
}

fn by(names: &[&str], base: Base) -> Result<Option<DataType>, String> {
    decided(Some(&found(names)), base, "m").map_err(|error| error.to_string())
}

#[test]
fn pictures_make_it_an_image_training_and_text_one_of_text() {
    for names in [
        vec!["a.png"],
        vec!["a.JPG", "b.jpeg", "c.WebP", "d.BMP"],
        vec!["a.png", "a.txt"],
        vec!["a.png", "a.caption", "README.md"],
        vec!["10_cat/a.png", "10_cat/a.txt"],
        vec!["a.png", "metadata.csv"],
        vec!["metadata.jsonl", "train/a.webp"],
        vec!["train/Metadata.CSV", "train/a.png"],
    ] {
        assert_eq!(by(&names, Base::Unknown), Ok(Some(Image)), "{names:?}");
        assert_eq!(by(&names, Base::Missing), Ok(Some(Image)), "{names:?}");
    }
    for name in ["a.jsonl", "a.JSON", "b/a.csv", "a.parquet", "a.txt", "a.ndjson", "metadata.jsonl"] {
        assert_eq!(by(&[name], Base::Unknown), Ok(Some(Text)), "{name}");
    }
}

#[test]
fn a_caption_belongs_to_a_picture_of_the_same_stem_in_the_same_folder() {
    assert_eq!(found(&["a.png", "a.txt"]).text, None);
    assert_eq!(found(&["a.png", "b.txt"]).text.as_deref(), Some("b.txt"));
    assert_eq!(found(&["x/a.png", "a.txt"]).text.as_deref(), Some("a.txt"));
    assert_eq!(found(&["a.png", "a.jsonl"]).text.as_deref(), Some("a.jsonl"));
}

#[test]
fn where_the_data_does_not_tell_the_base_model_does() {
    for names in [vec!["a.png", "b.jsonl"], vec![], vec!["a.bin", "LICENSE"], vec!["metadata.csv"]] {
        assert_eq!(by(&names, GGUF), Ok(Some(Text)), "{names:?}");
        assert_eq!(by(&names, DIFFUSERS), Ok(Some(Image)), "{names:?}");
    }
    let both = by(&["a.png", "b.jsonl"], Base::Unknown).unwrap_err();
    assert!(both.contains("both pictures (a.png) and text (b.jsonl)"), "{both}");
    assert!(both.contains("set data_type: text or data_type: image"), "{both}");
    let none = by(&["a.bin"], Base::Unknown).unwrap_err();
    assert!(none.contains("neither pictures nor text") && none.contains("data_type: image"), "{none}");
}

#[test]
fn what_the_base_model_cannot_take_is_named_with_it() {
    let error = by(&["sub/a.png"], GGUF).unwrap_err();
    assert!(error.contains("holds pictures (sub/a.png), but base_model 'm' is a GGUF file"), "{error}");
    let error = by(&["a.jsonl"], DIFFUSERS).unwrap_err();
    assert!(error.contains("holds text (a.jsonl), but base_model 'm' is a diffusers folder"), "{error}");
}

#[test]
fn missing_paths_are_no_error() {
    assert_eq!(decided(None, GGUF, "m"), Ok(Some(Text)));
    assert_eq!(decided(None, DIFFUSERS, "m"), Ok(Some(Image)));
    assert_eq!(decided(None, Base::Unknown, "m"), Ok(None));
    assert_eq!(by(&["a.bin"], Base::Missing), Ok(None));
    assert_eq!(by(&["a.png", "b.jsonl"], Base::Missing), Ok(None));
    let nowhere = Path::new("/nonexistent");
    assert_eq!(detect_data_type(nowhere, "a", "b"), Ok(Text));
    assert_eq!(detect_data_type(nowhere, "a.safetensors", "b"), Ok(Image));
    assert_eq!(detect_data_type(nowhere, "a.GGUF", "b"), Ok(Text));
    assert_eq!(detect_data_type(nowhere, "", ""), Ok(Text));
}

/// A folder with these files; a name that ends with '/' is a folder.
fn folder(names: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for name in names {
        let path = root.path().join(name);
        fs::create_dir_all(if name.ends_with('/') { &path } else { path.parent().unwrap() }).unwrap();
        if !name.ends_with('/') {
            fs::write(path, "x").unwrap();
        }
    }
    root
}

#[test]
fn folders_are_looked_at_one_level_deep_and_hidden_files_not_at_all() {
    let root = folder(&[
        "flat/a.PNG",
        "flat/a.txt",
        "kohya/10_cat/a.png",
        "deep/x/y/a.png",
        "hidden/.a.png",
        "hidden/._b.jsonl",
        "chats/a.jsonl",
        "one.jsonl",
        "one.png",
        "sd/model_index.json",
        "sd/config.json",
        "llama/config.json",
        "odd/model.bin",
        "v1.safetensors",
    ]);
    let detect = |base, data| detect_data_type(root.path(), base, data);
    for data in ["flat", "kohya", "flat/", "one.png", "./flat"] {
        assert_eq!(detect("odd", data), Ok(Image), "{data}");
    }
    for data in ["chats", "one.jsonl"] {
        assert_eq!(detect("odd", data), Ok(Text), "{data}");
    }
    for data in ["deep", "hidden"] {
        assert!(detect("odd", data).is_err(), "{data}");
        assert_eq!((detect("sd", data), detect("v1.safetensors", data)), (Ok(Image), Ok(Image)), "{data}");
        assert_eq!(detect("llama", data), Ok(Text), "{data}");
    }
    assert!(detect("llama", "flat").is_err() && detect("sd", "chats").is_err());
    assert_eq!(detect("none", "flat"), Ok(Image));
}

proptest::proptest! {
    /// Whatever lies there, something is decided or told with how to say which, and only that.
    #[test]
    fn any_names_are_decided_or_told(
        names in proptest::collection::btree_set("(metadata|a|b|x/a)\\.(png|txt|csv|jsonl|bin|caption)", 0..5),
        base in 0..4usize,
    ) {
        let base = [GGUF, DIFFUSERS, Base::Unknown, Base::Missing][base];
        match decided(Some(&Found::of(&names)), base, "m") {
            Ok(Some(data_type)) => {
                if let Base::Is(taken, _) = base {
                    proptest::prop_assert_eq!(data_type, taken);
                }
            }
            Ok(None) => proptest::prop_assert_eq!(base, Base::Missing),
            Err(error) => {
                proptest::prop_assert_ne!(base, Base::Missing);
                proptest::prop_assert!(error.hint.contains("data_type: text or data_type: image"));
            }
        }
    }
}
