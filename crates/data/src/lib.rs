//! loradeck data.
