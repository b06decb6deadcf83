//! Run reports and comparisons.
