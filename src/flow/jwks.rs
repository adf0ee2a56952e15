//! The keys that providers publish.
