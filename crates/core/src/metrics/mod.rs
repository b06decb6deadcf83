//! Metrics: TensorBoard events, series, tailing.
