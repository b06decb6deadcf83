//! TensorFlow's `TensorProto`, as far as scalars and text need it.
//!
//! Source: `tensorboard/compat/proto/{tensor,tensor_shape,types}.proto`.

use super::wire::{Fields, Malformed, Wire, put_bytes, put_varint_field, take_varint};

const FLOAT: u64 = 1;
const DOUBLE: u64 = 2;
const INT32: u64 = 3;
const STRING: u64 = 7;
const INT64: u64 = 9;

/// What a tensor holds for us: the one number of a scalar, or its first string.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Content<'a> {
    Number(f64),
    Text(&'a [u8]),
    Other,
}

#[derive(Default)]
struct Parts<'a> {
    dtype: u64,
    content: &'a [u8],
    number: Option<f64>,
    text: Option<&'a [u8]>,
}

/// Decodes a `TensorProto`; anything but a single number or a string is [`Content::Other`].
pub(super) fn decode(message: &[u8]) -> Result<Content<'_>, Malformed> {
    let mut parts = Parts::default();
    for field in Fields::new(message) {
        match field? {
            (1, Wire::Varint(dtype)) => parts.dtype = dtype,
            (4, Wire::Bytes(content)) => parts.content = content,
            (5, Wire::Fixed32(value)) => parts.number = Some(f64::from(f32::from_le_bytes(value))),
            (5, Wire::Bytes(packed)) => parts.number = float_at_front(packed),
            (6, Wire::Fixed64(value)) => parts.number = Some(f64::from_le_bytes(value)),
            (6, Wire::Bytes(packed)) => parts.number = double_at_front(packed),
            (7 | 10, Wire::Varint(value)) => parts.number = Some(value as i64 as f64),
            (7 | 10, Wire::Bytes(packed)) => {
                parts.number = take_varint(packed).ok().map(|(v, _)| v as i64 as f64);
            }
            (8, Wire::Bytes(text)) if parts.text.is_none() => parts.text = Some(text),
            _ => {}
        }
    }
    Ok(interpret(&parts))
}

fn interpret<'a>(parts: &Parts<'a>) -> Content<'a> {
    if parts.dtype == STRING {
        return parts.text.map_or(Content::Other, Content::Text);
    }
    let from_content = match (parts.dtype, parts.content.len()) {
        (FLOAT, 4) => float_at_front(parts.content),
        (DOUBLE, 8) => double_at_front(parts.content),
        (INT32, 4) => parts.content.first_chunk().map(|bytes| f64::from(i32::from_le_bytes(*bytes))),
        (INT64, 8) => parts.content.first_chunk().map(|bytes| i64::from_le_bytes(*bytes) as f64),
        _ => None,
    };
    from_content.or(parts.number).map_or(Content::Other, Content::Number)
}

fn float_at_front(bytes: &[u8]) -> Option<f64> {
    bytes.first_chunk().map(|bytes| f64::from(f32::from_le_bytes(*bytes)))
}

fn double_at_front(bytes: &[u8]) -> Option<f64> {
    bytes.first_chunk().map(|bytes| f64::from_le_bytes(*bytes))
}

/// A string tensor of shape [1], as TensorBoard's text plugin wants it.
pub(super) fn encode_text(text: &str) -> Vec<u8> {
    let mut dimension = Vec::new();
    put_varint_field(&mut dimension, 1, 1);
    let mut shape = Vec::new();
    put_bytes(&mut shape, 2, &dimension);
    let mut out = Vec::new();
    put_varint_field(&mut out, 1, STRING);
    put_bytes(&mut out, 2, &shape);
    put_bytes(&mut out, 8, text.as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::super::wire::{put_double, put_float};
    use super::*;

    #[test]
    fn scalars_are_read_from_values_and_from_raw_content() {
        let mut listed = Vec::new();
        put_varint_field(&mut listed, 1, FLOAT);
        put_float(&mut listed, 5, 0.5);
        assert_eq!(decode(&listed), Ok(Content::Number(0.5)));
        let mut packed = Vec::new();
        put_varint_field(&mut packed, 1, FLOAT);
        put_bytes(&mut packed, 5, &0.25f32.to_le_bytes());
        assert_eq!(decode(&packed), Ok(Content::Number(0.25)));
        let mut raw = Vec::new();
        put_varint_field(&mut raw, 1, DOUBLE);
        put_bytes(&mut raw, 4, &0.125f64.to_le_bytes());
        assert_eq!(decode(&raw), Ok(Content::Number(0.125)));
        let mut double = Vec::new();
        put_varint_field(&mut double, 1, DOUBLE);
        put_double(&mut double, 6, -2.0);
        assert_eq!(decode(&double), Ok(Content::Number(-2.0)));
    }

    #[test]
    fn text_survives_and_an_empty_tensor_is_nothing() {
        assert_eq!(decode(&encode_text("Grüße")), Ok(Content::Text("Grüße".as_bytes())));
        assert_eq!(decode(&[]), Ok(Content::Other));
    }
}
