//! TFRecord framing: `u64 length | u32 masked CRC of the length | data | u32 masked CRC of the data`, little endian.
//!
//! The mask is TensorFlow's: the CRC-32C rotated right by 15 bits plus `0xa282ead8`.

/// Bytes before the data.
const HEADER: usize = 12;
/// Bytes of a record beside its data.
pub const OVERHEAD: usize = HEADER + 4;

/// TensorFlow's masked CRC-32C of `bytes`.
pub fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// `data` as one record.
pub fn frame(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut out = Vec::with_capacity(data.len() + OVERHEAD);
    out.extend_from_slice(&length);
    out.extend_from_slice(&masked_crc(&length).to_le_bytes());
    out.extend_from_slice(data);
    out.extend_from_slice(&masked_crc(data).to_le_bytes());
    out
}

/// What stands at the front of some bytes of a record file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan<'a> {
    /// A whole record.
    Record {
        /// Its contents.
        data: &'a [u8],
        /// How many bytes it takes in the file.
        size: usize,
    },
    /// Not enough bytes yet.
    Short {
        /// How many bytes would be needed (12 while the length itself is incomplete).
        wanted: u64,
    },
    /// The length does not match its checksum: where the next record begins is unknown.
    BadLength,
    /// The length is right, the data does not match its checksum.
    BadData {
        /// How many bytes the record takes in the file.
        size: usize,
    },
}

/// Looks at the front of `bytes`.
pub fn scan(bytes: &[u8]) -> Scan<'_> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else {
        return Scan::Short { wanted: HEADER as u64 };
    };
    let Some(length) = length_of(header) else { return Scan::BadLength };
    let Some((data, after)) = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length))
    else {
        return Scan::Short { wanted: length.saturating_add(OVERHEAD as u64) };
    };
    let Some((crc, _)) = after.split_first_chunk::<4>() else {
        return Scan::Short { wanted: length.saturating_add(OVERHEAD as u64) };
    };
    let size = data.len() + OVERHEAD;
    if u32::from_le_bytes(*crc) == masked_crc(data) {
        Scan::Record { data, size }
    } else {
        Scan::BadData { size }
    }
}

/// The data length that a header states, if its checksum is right.
fn length_of(header: &[u8; HEADER]) -> Option<u64> {
    let (length, crc) = header.split_first_chunk::<8>()?;
    let crc: [u8; 4] = crc.try_into().ok()?;
    (u32::from_le_bytes(crc) == masked_crc(length)).then(|| u64::from_le_bytes(*length))
}

/// The next place after the front of `bytes` where a header with a right checksum stands.
pub fn next_header(bytes: &[u8]) -> Option<usize> {
    (1..bytes.len())
        .find(|&start| bytes[start..].first_chunk::<HEADER>().is_some_and(|h| length_of(h).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnoli() {
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn every_cut_of_a_record_is_short() {
        let record = frame(b"contents");
        for cut in 0..record.len() {
            assert!(matches!(scan(&record[..cut]), Scan::Short { .. }), "cut at {cut}");
        }
        assert_eq!(scan(&record), Scan::Record { data: b"contents", size: record.len() });
    }

    #[test]
    fn damage_to_length_and_data_is_told_apart() {
        let mut record = frame(b"contents");
        record[14] ^= 1;
        assert_eq!(scan(&record), Scan::BadData { size: record.len() });
        record[0] ^= 1;
        assert_eq!(scan(&record), Scan::BadLength);
    }

    #[test]
    fn the_next_header_is_found_behind_garbage() {
        let mut bytes = b"garbage garbage".to_vec();
        bytes.extend(frame(b"x"));
        assert_eq!(next_header(&bytes), Some(15));
        assert_eq!(next_header(&bytes[..20]), None);
    }
}
