//! Experiment files: keys, checks, sweeps, overrides.
