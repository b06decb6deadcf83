//! Metadata values of a GGUF file.

/// One metadata value; integers and floats of all widths are widened without loss.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// u8, u16, u32 or u64.
    Unsigned(u64),
    /// i8, i16, i32 or i64.
    Signed(i64),
    /// f32 or f64.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// UTF-8 text.
    Text(String),
    /// A list of values of one type.
    Array(Array),
}

/// A list of values of one type.
#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    /// Unsigned integers.
    Unsigned(Vec<u64>),
    /// Signed integers.
    Signed(Vec<i64>),
    /// Floats.
    Float(Vec<f64>),
    /// Truth values.
    Bool(Vec<bool>),
    /// Texts.
    Text(Vec<String>),
    /// Lists of lists.
    Nested(Vec<Array>),
}

impl Value {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The integer, if it is one and not negative.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Unsigned(number) => Some(*number),
            Self::Signed(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// The integer as a size.
    pub fn as_usize(&self) -> Option<usize> {
        self.as_u64().and_then(|number| usize::try_from(number).ok())
    }

    /// The number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(*number),
            Self::Unsigned(number) => Some(*number as f64),
            Self::Signed(number) => Some(*number as f64),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(truth) = self { Some(*truth) } else { None }
    }

    /// The texts, if it is a list of them.
    pub fn as_texts(&self) -> Option<&[String]> {
        if let Self::Array(Array::Text(texts)) = self { Some(texts) } else { None }
    }

    /// The integers, if it is a list of them.
    pub fn as_integers(&self) -> Option<Vec<i64>> {
        match self {
            Self::Array(Array::Signed(numbers)) => Some(numbers.clone()),
            Self::Array(Array::Unsigned(numbers)) => {
                numbers.iter().map(|number| i64::try_from(*number).ok()).collect()
            }
            _ => None,
        }
    }
}
