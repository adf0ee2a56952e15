//! What came of a race: figures and breaches.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use crate::database::Kind;

/// Figures to print, and what must not have happened, counted.
#[derive(Default)]
pub(crate) struct Outcome {
    figures: Vec<String>,
    breaches: BTreeMap<String, usize>,
}

impl Outcome {
    pub(crate) fn figure(&mut self, name: &str, value: impl Display) {
        self.figures.push(format!("{name} {value}"));
    }

    /// `p50`, `p99` and the longest of `times`.
    pub(crate) fn times(&mut self, name: &str, mut times: Vec<Duration>) {
        times.sort();
        if let (Some(last), count) = (times.last(), times.len()) {
            let at = |share: usize| times[(count * share / 100).min(count - 1)];
            self.figure(name, format!("p50 {:.1?} p99 {:.1?} max {last:.1?}", at(50), at(99)));
        }
    }

    pub(crate) fn breach(&mut self, what: impl Into<String>) {
        *self.breaches.entry(what.into()).or_default() += 1;
    }

    /// A breach unless `found` is `wanted`.
    pub(crate) fn expect<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: T, wanted: T) {
        if found != wanted {
            self.breach(format!("{what}: {found:?} instead of {wanted:?}"));
        }
    }

    /// Prints the line; says whether all held.
    pub(crate) fn told(self, race: &str, kind: Kind) -> bool {
        let failures: usize = self.breaches.values().sum();
        println!("{race} {kind}: {}, breaches {failures}", self.figures.join(", "));
        for (what, times) in &self.breaches {
            println!("  BREACH {times} x {what}");
        }
        self.breaches.is_empty()
    }
}
