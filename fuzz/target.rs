//! Feeds the target that `TARGET` names: see `fuzz/run`.

#![no_main]

use std::sync::LazyLock;

use rocket_dance::fuzz::{Target, target};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("TARGET").expect("TARGET names a target: see fuzz/run");
    target(&name).expect("src/fuzz/mod.rs lists the targets")
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (TARGET.accepts)(data);
});
