//! Queue, dispatcher, supervisor.
