//! Runs the fuzz target that the variable `TARGET` names. `fuzz/run` sets it.

#![no_main]

use std::sync::LazyLock;

use rocket_dance::fuzz::{Target, target};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("TARGET").expect("`TARGET` is not set: run fuzz/run");
    target(&name).expect("no such target: src/fuzz/target.rs lists them")
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (TARGET.accepts)(data);
});
