//! Tests of the reader: what it gives, and what it refuses.

use std::panic::catch_unwind;

use proptest::prelude::*;
use serde_json::{Map, json};

use super::testing::{build, with_header};
use super::*;

fn problem(file: &[u8]) -> String {
    parse(file).err().unwrap()
}

#[test]
fn a_tensor_is_read_in_place() {
    let bytes =
        build(&[("a", DataType::BF16, vec![2], vec![1, 2, 3, 4]), ("b", DataType::F32, vec![1], vec![5; 4])]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    std::fs::write(&path, &bytes).unwrap();
    let file = SafetensorsFile::open(&path).unwrap();
    let entry = &file.entries()["b"];
    assert_eq!(
        (file.bytes(entry), SafetensorsFile::data_type(entry)),
        ([5u8; 4].as_slice(), Some(DataType::F32))
    );
    assert_eq!(file.bytes(&file.entries()["a"]), [1, 2, 3, 4]);
    assert_eq!(file.header_bytes(), &bytes[..bytes.len() - 8]);
}

#[test]
fn types_that_no_weights_come_in_are_read_and_named() {
    let header = r#"{"__metadata__":{"k":"v"},"a":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[0,3]}}"#;
    let read = parse(&with_header(header, &[0; 3])).unwrap();
    assert_eq!((read.entries["a"].dtype.as_str(), read.metadata["k"].as_str()), ("F8_E4M3", "v"));
    assert_eq!(SafetensorsFile::data_type(&read.entries["a"]), None);
}

#[test]
fn an_entry_that_does_not_fit_is_refused() {
    for (shape, bytes) in [(vec![3], vec![0; 4]), (vec![usize::MAX, 4], vec![0; 4])] {
        let expected = format!("its entry 'a' is not valid: 4 bytes for the shape {shape:?} of BF16");
        assert_eq!(problem(&build(&[("a", DataType::BF16, shape, bytes)])), expected);
    }
    let whole = build(&[("a", DataType::F32, vec![1], vec![0; 4])]);
    assert_eq!(problem(&whole[..whole.len() - 1]), "its entry 'a' is not valid: bytes 0 to 4 of 3");
    assert_eq!(problem(&[255; 16]), format!("its header claims {} bytes", usize::MAX));
    let unknown = r#"{"a":{"dtype":"F5","shape":[4],"data_offsets":[0,4]}}"#;
    assert!(problem(&with_header(unknown, &[0; 4])).contains("unknown variant `F5`"));
}

#[test]
fn holes_overlaps_and_bytes_behind_the_last_tensor_are_refused() {
    let two = |first: [usize; 2], second: [usize; 2]| {
        let header = json!({
            "a": {"dtype": "U8", "shape": [first[1] - first[0]], "data_offsets": first},
            "b": {"dtype": "U8", "shape": [second[1] - second[0]], "data_offsets": second},
        });
        with_header(&header.to_string(), &[0; 4])
    };
    assert!(parse(&two([0, 2], [2, 4])).is_ok() && parse(&two([2, 4], [0, 2])).is_ok());
    assert_eq!(problem(&two([0, 4], [2, 4])), "its entry 'b' is not valid: the tensors overlap");
    assert_eq!(problem(&two([0, 1], [2, 4])), "invalid offset for tensor `b`");
    assert_eq!(problem(&two([0, 1], [1, 3])), "incomplete metadata, file not fully covered");
}

/// Eight tensors whose sizes add up to 2^64 - 8: with the eight bytes of the header's length, to nothing.
fn wrapping() -> Vec<u8> {
    let large = usize::MAX / 8;
    let mut header = Map::new();
    for number in 0..8 {
        let offsets = [number * large, (number + 1) * large];
        let entry = json!({"dtype": "I8", "shape": [large], "data_offsets": offsets});
        header.insert(number.to_string(), entry);
    }
    with_header(&serde_json::to_string(&header).unwrap(), &[])
}

#[test]
fn sizes_that_wrap_round_are_refused() {
    assert!(problem(&wrapping()).contains("is not valid"));
}

#[test]
fn the_crate_alone_overflows_on_a_hostile_header() {
    let crate_alone = catch_unwind(|| SafeTensors::read_metadata(&wrapping()).is_ok());
    // Where overflow is not checked the sum wraps round. Once this fails in a debug build, `sizes` can go.
    assert_eq!(crate_alone.is_err(), cfg!(debug_assertions));
}

proptest! {
    #[test]
    fn random_bytes_never_panic(length in 0u64..64, bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = parse(&bytes);
        let _ = parse(&[length.to_le_bytes().as_slice(), &bytes].concat());
    }

    #[test]
    fn hostile_numbers_never_panic_and_what_is_read_lies_in_the_file(
        entries in proptest::collection::vec((0usize..4, any::<usize>(), any::<usize>(), 0u32..66), 0..4),
        data in 0usize..24,
    ) {
        let mut header = Map::new();
        for (number, (dtype, start, size, shift)) in entries.into_iter().enumerate() {
            let small = |number: usize| number.checked_shr(shift).unwrap_or(0);
            let (start, end) = (small(start), small(start).wrapping_add(small(size)));
            let dtype = ["U8", "F32", "F4", "F64"][dtype];
            let entry = json!({"dtype": dtype, "shape": [small(size)], "data_offsets": [start, end]});
            header.insert(number.to_string(), entry);
        }
        let file = with_header(&serde_json::to_string(&header).unwrap(), &vec![0; data]);
        for entry in parse(&file).iter().flat_map(|read| read.entries.values()) {
            prop_assert!(entry.start <= entry.end && entry.end <= file.len());
        }
    }
}
