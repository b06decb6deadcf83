//! The part of a GGUF file before its tensor data: version, metadata and the table of tensors.

use std::collections::HashMap;

use super::block::BlockType;
use super::cursor::Cursor;
use super::value::{Array, Value};

const MAGIC: [u8; 4] = *b"GGUF";
const DEFAULT_ALIGNMENT: usize = 32;
/// ggml's `GGML_MAX_DIMS`.
const MOST_DIMENSIONS: u32 = 4;
/// Lists within lists that are still followed; real files have none.
const DEEPEST_ARRAY: usize = 4;

/// What is wrong with a GGUF file; offsets are bytes from its start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It does not begin with `GGUF`.
    #[error("it does not begin with 'GGUF'")]
    Magic,
    /// Its version is neither 2 nor 3.
    #[error("its format version is {0}; versions 2 and 3 are known")]
    Version(u32),
    /// It ends too early.
    #[error("it ends within {what} (at byte {offset})")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Where.
        offset: usize,
    },
    /// A count or length that cannot fit into the file.
    #[error("{what} claims {count}, which is more than the file holds (at byte {offset})")]
    Count {
        /// What was being counted.
        what: &'static str,
        /// The number claimed.
        count: u64,
        /// Where.
        offset: usize,
    },
    /// Text that is not UTF-8.
    #[error("{what} is not UTF-8 (at byte {offset})")]
    Text {
        /// Which text.
        what: &'static str,
        /// Where.
        offset: usize,
    },
    /// A metadata type that does not exist, or lists nested too deeply.
    #[error("metadata '{key}' has the unknown value type {number}")]
    ValueType {
        /// The metadata key.
        key: String,
        /// The type number.
        number: u32,
    },
    /// A name that appears twice.
    #[error("'{0}' appears twice")]
    Duplicate(String),
    /// An alignment that is not a power of two from 8 up.
    #[error("general.alignment is not a power of two of at least 8")]
    Alignment,
    /// A tensor stored in a way this reader does not know.
    #[error(
        "tensor '{name}' is stored as ggml type {number}, which is not supported \
         (F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K and Q6_K are)"
    )]
    TensorType {
        /// The tensor.
        name: String,
        /// ggml's type number.
        number: u32,
    },
    /// A tensor whose dimensions make no sense.
    #[error("tensor '{0}' has impossible dimensions")]
    Dimensions(String),
    /// A tensor that reaches beyond the end of the file.
    #[error("tensor '{0}' reaches beyond the end of the file (an incomplete download?)")]
    TensorRange(String),
}

/// One entry of the table of tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// The GGUF name, such as `blk.0.attn_q.weight`.
    pub name: String,
    /// Sizes, outermost first: `[rows, columns]` for a linear layer's weight, as PyTorch has it.
    pub dims: Vec<usize>,
    /// How the numbers are stored.
    pub block_type: BlockType,
    /// The first byte, from the start of the file.
    pub offset: usize,
    /// The number of bytes.
    pub byte_length: usize,
}

impl TensorInfo {
    /// The number of values.
    pub fn elements(&self) -> usize {
        self.dims.iter().product()
    }
}

pub(super) struct Header {
    pub(super) metadata: HashMap<String, Value>,
    pub(super) tensors: Vec<TensorInfo>,
    pub(super) data_start: usize,
}

/// Reads the header of a whole file's bytes.
pub(super) fn parse(bytes: &[u8]) -> Result<Header, Malformed> {
    let mut cursor = Cursor::new(bytes);
    if cursor.array::<4>("the magic number").ok() != Some(MAGIC) {
        return Err(Malformed::Magic);
    }
    let version = cursor.u32("the version")?;
    if !(2..=3).contains(&version) {
        return Err(Malformed::Version(version));
    }
    // name length, dimension count, one dimension, type and offset; key length, type and one byte of value.
    let tensor_count = cursor.count(8 + 4 + 8 + 4 + 8, "the number of tensors")?;
    let metadata_count = cursor.count(8 + 4 + 1, "the number of metadata")?;
    let metadata = read_metadata(&mut cursor, metadata_count)?;
    let mut tensors = Vec::with_capacity(tensor_count);
    for _ in 0..tensor_count {
        tensors.push(read_tensor(&mut cursor)?);
    }
    let data_start = align(cursor.position(), alignment(&metadata)?);
    place(&mut tensors, data_start, bytes.len())?;
    Ok(Header { metadata, tensors, data_start })
}

fn read_metadata(cursor: &mut Cursor<'_>, count: usize) -> Result<HashMap<String, Value>, Malformed> {
    let mut metadata = HashMap::with_capacity(count);
    for _ in 0..count {
        let key = cursor.text("a metadata key")?;
        let number = cursor.u32("a metadata type")?;
        let value = read_value(cursor, &key, number)?;
        if metadata.insert(key.clone(), value).is_some() {
            return Err(Malformed::Duplicate(key));
        }
    }
    Ok(metadata)
}

fn read_value(cursor: &mut Cursor<'_>, key: &str, number: u32) -> Result<Value, Malformed> {
    const WHAT: &str = "a metadata value";
    Ok(match number {
        0 => Value::Unsigned(u64::from(cursor.array::<1>(WHAT)?[0])),
        1 => Value::Signed(i64::from(i8::from_le_bytes(cursor.array(WHAT)?))),
        2 => Value::Unsigned(u64::from(u16::from_le_bytes(cursor.array(WHAT)?))),
        3 => Value::Signed(i64::from(i16::from_le_bytes(cursor.array(WHAT)?))),
        4 => Value::Unsigned(u64::from(cursor.u32(WHAT)?)),
        5 => Value::Signed(i64::from(i32::from_le_bytes(cursor.array(WHAT)?))),
        6 => Value::Float(f64::from(f32::from_le_bytes(cursor.array(WHAT)?))),
        7 => Value::Bool(cursor.array::<1>(WHAT)?[0] != 0),
        8 => Value::Text(cursor.text(WHAT)?),
        9 => Value::Array(read_array(cursor, key, 0)?),
        10 => Value::Unsigned(cursor.u64(WHAT)?),
        11 => Value::Signed(i64::from_le_bytes(cursor.array(WHAT)?)),
        12 => Value::Float(f64::from_le_bytes(cursor.array(WHAT)?)),
        _ => return Err(Malformed::ValueType { key: key.to_owned(), number }),
    })
}

fn read_array(cursor: &mut Cursor<'_>, key: &str, depth: usize) -> Result<Array, Malformed> {
    let number = cursor.u32("a list's type")?;
    let unknown = || Malformed::ValueType { key: key.to_owned(), number };
    let smallest = match number {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        8 | 10..=12 => 8,
        9 => 12,
        _ => return Err(unknown()),
    };
    if depth > DEEPEST_ARRAY {
        return Err(unknown());
    }
    let count = cursor.count(smallest, "a list")?;
    if number == 9 {
        let nested: Result<Vec<_>, _> = (0..count).map(|_| read_array(cursor, key, depth + 1)).collect();
        return nested.map(Array::Nested);
    }
    let mut array = match number {
        0 | 2 | 4 | 10 => Array::Unsigned(Vec::with_capacity(count)),
        1 | 3 | 5 | 11 => Array::Signed(Vec::with_capacity(count)),
        6 | 12 => Array::Float(Vec::with_capacity(count)),
        7 => Array::Bool(Vec::with_capacity(count)),
        _ => Array::Text(Vec::with_capacity(count)),
    };
    for _ in 0..count {
        match (&mut array, read_value(cursor, key, number)?) {
            (Array::Unsigned(list), Value::Unsigned(item)) => list.push(item),
            (Array::Signed(list), Value::Signed(item)) => list.push(item),
            (Array::Float(list), Value::Float(item)) => list.push(item),
            (Array::Bool(list), Value::Bool(item)) => list.push(item),
            (Array::Text(list), Value::Text(item)) => list.push(item),
            _ => return Err(unknown()),
        }
    }
    Ok(array)
}

/// Reads one table entry; its offset is still relative to the tensor data.
fn read_tensor(cursor: &mut Cursor<'_>) -> Result<TensorInfo, Malformed> {
    let name = cursor.text("a tensor name")?;
    let dimensions = cursor.u32("a tensor's number of dimensions")?;
    if dimensions > MOST_DIMENSIONS {
        return Err(Malformed::Dimensions(name));
    }
    let mut dims = Vec::with_capacity(dimensions as usize);
    for _ in 0..dimensions {
        let size = usize::try_from(cursor.u64("a tensor's dimension")?);
        dims.push(size.map_err(|_| Malformed::Dimensions(name.clone()))?);
    }
    dims.reverse();
    let number = cursor.u32("a tensor's type")?;
    let Some(block_type) = BlockType::from_number(number) else {
        return Err(Malformed::TensorType { name, number });
    };
    let offset = cursor.u64("a tensor's offset")?;
    let byte_length = byte_length(&dims, block_type).ok_or_else(|| Malformed::Dimensions(name.clone()))?;
    let offset = usize::try_from(offset).map_err(|_| Malformed::TensorRange(name.clone()))?;
    Ok(TensorInfo { name, dims, block_type, offset, byte_length })
}

/// Bytes that such a tensor takes; `None` where a row is no whole number of blocks or a size overflows.
fn byte_length(dims: &[usize], block_type: BlockType) -> Option<usize> {
    let row = dims.last().copied().unwrap_or(1);
    if row % block_type.block_length() != 0 {
        return None;
    }
    let elements = dims.iter().try_fold(1usize, |product, size| product.checked_mul(*size))?;
    (elements / block_type.block_length()).checked_mul(block_type.block_bytes())
}

fn alignment(metadata: &HashMap<String, Value>) -> Result<usize, Malformed> {
    let Some(value) = metadata.get("general.alignment") else { return Ok(DEFAULT_ALIGNMENT) };
    let usable = |size: &usize| size.is_power_of_two() && (8..=1 << 30).contains(size);
    value.as_usize().filter(usable).ok_or(Malformed::Alignment)
}

fn align(position: usize, alignment: usize) -> usize {
    position.div_ceil(alignment).saturating_mul(alignment)
}

/// Makes offsets count from the file's start and holds every tensor's range against the file's size.
fn place(tensors: &mut [TensorInfo], data_start: usize, file_size: usize) -> Result<(), Malformed> {
    let mut names = std::collections::HashSet::new();
    for tensor in tensors.iter_mut() {
        let start = data_start.checked_add(tensor.offset);
        let end = start.and_then(|start| start.checked_add(tensor.byte_length));
        let (Some(start), true) = (start, end.is_some_and(|end| end <= file_size)) else {
            return Err(Malformed::TensorRange(tensor.name.clone()));
        };
        tensor.offset = start;
    }
    match tensors.iter().find(|tensor| !names.insert(tensor.name.as_str())) {
        Some(twice) => Err(Malformed::Duplicate(twice.name.clone())),
        None => Ok(()),
    }
}
