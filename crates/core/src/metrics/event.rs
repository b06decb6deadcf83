//! TensorBoard's `Event` message: what loradeck writes and understands of it, borrowed from the record's bytes.
//!
//! Source: tensorboard/compat/proto/{event,summary}.proto. Unknown fields are skipped.

use std::borrow::Cow;

use super::tensor;
pub use super::wire::Malformed;
use super::wire::{Fields, Wire, put_bytes, put_double, put_float, put_varint_field};

/// What the first record of every event file states.
pub const FILE_VERSION: &str = "brain.Event:2";
const SESSION_START: u64 = 1;

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'a> {
    /// Seconds since 1970.
    pub wall_time: f64,
    /// The training step; negative steps, which no trainer of ours writes, read as 0.
    pub step: u64,
    /// What happened.
    pub content: Content<'a>,
}

/// The contents of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Content<'a> {
    /// The file's format.
    FileVersion(Cow<'a, str>),
    /// Values logged together.
    Summary(Vec<Value<'a>>),
    /// A (re)start: what was logged before at this step or later does not count any more.
    SessionStart,
    /// Anything else: graphs, messages, other session states.
    Other,
}

/// One tagged value of a summary.
#[derive(Clone, Debug, PartialEq)]
pub struct Value<'a> {
    /// The metric's or sample's name, such as `train/loss`.
    pub tag: Cow<'a, str>,
    /// Its value.
    pub datum: Datum<'a>,
}

/// A value's kind and contents.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum<'a> {
    /// A number; may be NaN or infinite.
    Scalar(f64),
    /// Text, Markdown by TensorBoard's reading.
    Text(Cow<'a, str>),
    /// A picture.
    Image(Image<'a>),
    /// Histograms, audio, other tensors.
    Other,
}

/// A picture in a summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Image<'a> {
    /// Height in pixels.
    pub height: u32,
    /// Width in pixels.
    pub width: u32,
    /// Channels: 1 grey, 3 RGB, 4 RGBA.
    pub colorspace: u32,
    /// The encoded file, usually PNG.
    pub encoded: &'a [u8],
}

impl<'a> Event<'a> {
    /// Reads an event from a record's data.
    ///
    /// # Errors
    /// [`Malformed`] where the bytes are no protobuf message.
    pub fn decode(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut event = Self { wall_time: 0.0, step: 0, content: Content::Other };
        for field in Fields::new(message) {
            match field? {
                (1, Wire::Fixed64(time)) => event.wall_time = f64::from_le_bytes(time),
                (2, Wire::Varint(step)) => event.step = u64::try_from(step as i64).unwrap_or(0),
                (3, Wire::Bytes(version)) => {
                    event.content = Content::FileVersion(String::from_utf8_lossy(version));
                }
                (5, Wire::Bytes(summary)) => event.content = Content::Summary(decode_summary(summary)?),
                (7, Wire::Bytes(session)) if session_status(session)? == SESSION_START => {
                    event.content = Content::SessionStart;
                }
                _ => {}
            }
        }
        Ok(event)
    }

    /// Writes the event as a record's data.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        put_double(&mut out, 1, self.wall_time);
        if self.step != 0 {
            put_varint_field(&mut out, 2, self.step);
        }
        match &self.content {
            Content::FileVersion(version) => put_bytes(&mut out, 3, version.as_bytes()),
            Content::Summary(values) => put_bytes(&mut out, 5, &encode_summary(values)),
            Content::SessionStart => {
                let mut session = Vec::new();
                put_varint_field(&mut session, 1, SESSION_START);
                put_bytes(&mut out, 7, &session);
            }
            Content::Other => {}
        }
        out
    }
}

fn session_status(message: &[u8]) -> Result<u64, Malformed> {
    let mut status = 0;
    for field in Fields::new(message) {
        if let (1, Wire::Varint(value)) = field? {
            status = value;
        }
    }
    Ok(status)
}

fn decode_summary(message: &[u8]) -> Result<Vec<Value<'_>>, Malformed> {
    let mut values = Vec::with_capacity(1);
    for field in Fields::new(message) {
        if let (1, Wire::Bytes(value)) = field? {
            values.push(decode_value(value)?);
        }
    }
    Ok(values)
}

fn decode_value(message: &[u8]) -> Result<Value<'_>, Malformed> {
    let mut tag = Cow::Borrowed("");
    let mut datum = Datum::Other;
    let mut tensor = None;
    let mut plugin: &[u8] = b"";
    for field in Fields::new(message) {
        match field? {
            (1, Wire::Bytes(bytes)) => tag = text_of(bytes),
            (2, Wire::Fixed32(value)) => datum = Datum::Scalar(f64::from(f32::from_le_bytes(value))),
            (4, Wire::Bytes(image)) => datum = Datum::Image(decode_image(image)?),
            (8, Wire::Bytes(bytes)) => tensor = Some(bytes),
            (9, Wire::Bytes(metadata)) => plugin = plugin_name(metadata)?,
            _ => {}
        }
    }
    if let Some(tensor) = tensor {
        datum = of_tensor(tensor, plugin)?;
    }
    Ok(Value { tag, datum })
}

/// A tensor counts as what its plugin says, or, as only a tag's first value must name one, as what it looks like.
fn of_tensor<'a>(message: &'a [u8], plugin: &[u8]) -> Result<Datum<'a>, Malformed> {
    Ok(match (plugin, tensor::decode(message)?) {
        (b"scalars" | b"", tensor::Content::Number(number)) => Datum::Scalar(number),
        (b"text" | b"", tensor::Content::Text(text)) => Datum::Text(String::from_utf8_lossy(text)),
        _ => Datum::Other,
    })
}

fn plugin_name(metadata: &[u8]) -> Result<&[u8], Malformed> {
    let mut name: &[u8] = b"";
    for field in Fields::new(metadata) {
        let (1, Wire::Bytes(plugin)) = field? else { continue };
        for field in Fields::new(plugin) {
            if let (1, Wire::Bytes(bytes)) = field? {
                name = bytes;
            }
        }
    }
    Ok(name)
}

/// Text as it stands, or with replacement characters where it is no UTF-8.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    // Almost all of it is sound, and this look is the faster one.
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn decode_image(message: &[u8]) -> Result<Image<'_>, Malformed> {
    let mut image = Image::default();
    for field in Fields::new(message) {
        match field? {
            (1, Wire::Varint(height)) => image.height = height as u32,
            (2, Wire::Varint(width)) => image.width = width as u32,
            (3, Wire::Varint(colorspace)) => image.colorspace = colorspace as u32,
            (4, Wire::Bytes(encoded)) => image.encoded = encoded,
            _ => {}
        }
    }
    Ok(image)
}

fn encode_summary(values: &[Value<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for value in values {
        put_bytes(&mut out, 1, &encode_value(value));
    }
    out
}

fn encode_value(value: &Value<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    put_bytes(&mut out, 1, value.tag.as_bytes());
    match &value.datum {
        Datum::Scalar(number) => put_float(&mut out, 2, *number as f32),
        Datum::Image(image) => put_bytes(&mut out, 4, &encode_image(image)),
        Datum::Text(text) => {
            put_bytes(&mut out, 8, &tensor::encode_text(text));
            let mut plugin = Vec::new();
            put_bytes(&mut plugin, 1, b"text");
            let mut metadata = Vec::new();
            put_bytes(&mut metadata, 1, &plugin);
            put_bytes(&mut out, 9, &metadata);
        }
        Datum::Other => {}
    }
    out
}

fn encode_image(image: &Image<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(image.encoded.len() + 24);
    put_varint_field(&mut out, 1, image.height.into());
    put_varint_field(&mut out, 2, image.width.into());
    put_varint_field(&mut out, 3, image.colorspace.into());
    put_bytes(&mut out, 4, image.encoded);
    out
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
