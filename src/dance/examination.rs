//! `Examination`: a launch for the doctor, which starts nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::key_source::KeySource;
use crate::clock::Clock;
use crate::config::{Entry, Faults, Settings};
use crate::finding::Finding;
use crate::flow::StandIns;
use crate::lock::lock;
use crate::secret::KeyRing;

/// Managed state that makes a launch an examination: it creates neither tables nor triggers nor files, and leaves here what it
/// has found. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Examination(Arc<Mutex<Examined>>);

/// What an examination has found so far.
#[derive(Default)]
pub(crate) struct Examined {
    /// Whether the fairing has run.
    pub(crate) has_run: bool,
    /// What a launch would fail with. What the storage has found is in `storage`.
    pub(crate) faults: Faults,
    /// The settings; `None` if they have a fault.
    pub(crate) settings: Option<Settings>,
    /// The entries that have no fault.
    pub(crate) entries: BTreeMap<String, Entry>,
    pub(crate) keys: Option<(KeyRing, KeySource)>,
    pub(crate) is_stored_in_browsers: bool,
    pub(crate) storage: Vec<Finding>,
    pub(crate) clock: Clock,
    /// What answers in place of providers, in a test.
    pub(crate) stand_ins: StandIns,
}

impl Examination {
    pub(super) fn note(&self, note: impl FnOnce(&mut Examined)) {
        note(&mut lock(&self.0));
    }

    /// Returns what was found.
    pub(crate) fn take(&self) -> Examined {
        std::mem::take(&mut *lock(&self.0))
    }
}
