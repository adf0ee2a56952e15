//! Feeds every target with changed good inputs: 1,000 times each, 20,000 times in `./test.sh`, 100,000 times with `FULL=1`.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestRunner};
use serde_json::Value;

use super::*;

/// One change to a good input.
#[derive(Debug, Clone)]
enum Mutation {
    Flip(Index, u8),
    Insert(Index, &'static str),
    Remove(Index, usize),
    Repeat(Index, usize, usize),
    CutOff(Index),
    /// Replaces one value of the JSON by another text.
    Value(Index, &'static str),
    /// Removes one field of the JSON.
    Field(Index),
}

/// Texts that have broken parsers before.
#[rustfmt::skip]
const ODD: &[&str] = &[
    "null", "true", "0", "-1", "1.5", "1e400", "18446744073709551616", "-9223372036854775809", "\"\"", "[]",
    "{}", "[[[[[[[[", "{\"a\":", "\"\\ud800\"", "\"\\u0000\"", "\"a\"", "\"1\"", "\\", "\"", "//", "/\\",
    "..", "%", "%00", "%ff", "%25", "%2f%2f", "&", "=", "&state=", "+", "#", "?", "@", ":", ".", "\n", "\r\n",
    "\t", "\u{feff}", "\u{202e}", "\u{0}", "é", "😀", "javascript:", "https://evil.example", "[\"me\"]",
    "{\"sub\":\"1\",\"sub\":\"2\"}",
];

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    prop_oneof![
        2 => (at(), 1..=255u8).prop_map(|(at, flip)| Mutation::Flip(at, flip)),
        2 => (at(), select(ODD)).prop_map(|(at, odd)| Mutation::Insert(at, odd)),
        2 => (at(), 1..20usize).prop_map(|(at, len)| Mutation::Remove(at, len)),
        2 => (at(), 1..20usize, 1..40usize).prop_map(|(at, len, times)| Mutation::Repeat(at, len, times)),
        2 => at().prop_map(Mutation::CutOff),
        6 => (at(), select(ODD)).prop_map(|(at, odd)| Mutation::Value(at, odd)),
        4 => at().prop_map(Mutation::Field),
    ]
}

impl Mutation {
    fn apply(&self, data: &mut Vec<u8>) {
        let len = data.len();
        let slice = |at: &Index, wanted: usize| {
            let at = at.index(len + 1);
            at..len.min(at + wanted)
        };
        match self {
            Mutation::Flip(at, flip) if len > 0 => data[at.index(len)] ^= flip,
            Mutation::Flip(..) => {}
            Mutation::Insert(at, odd) => drop(data.splice(slice(at, 0), odd.bytes())),
            Mutation::Remove(at, wanted) => drop(data.drain(slice(at, *wanted))),
            Mutation::Repeat(at, wanted, times) => {
                let range = slice(at, *wanted);
                let again = data[range.clone()].repeat(*times);
                data.splice(range.end..range.end, again);
            }
            Mutation::CutOff(at) => data.truncate(at.index(len + 1)),
            Mutation::Value(at, odd) => in_json(
                data,
                |value| {
                    let mut values = Vec::new();
                    collect(value, &mut values);
                    let place = at.index(values.len());
                    *values.swap_remove(place) = Value::String(PLACEHOLDER.into());
                },
                odd,
            ),
            Mutation::Field(at) => in_json(
                data,
                |value| {
                    if let Value::Object(fields) = value
                        && !fields.is_empty()
                    {
                        let name = fields.keys().nth(at.index(fields.len())).cloned();
                        name.and_then(|name| fields.remove(&name));
                    }
                },
                "",
            ),
        }
    }
}

const PLACEHOLDER: &str = "\u{1}";

/// Changes the JSON in the last line of `data`, or after its first byte. `odd`, which need not be JSON, then replaces the
/// placeholder.
fn in_json(data: &mut Vec<u8>, change: impl FnOnce(&mut Value), odd: &str) {
    let line = data.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let start = [line, 1].into_iter().find(|start| data.get(*start) == Some(&b'{'));
    let Some(start) = start else { return };
    let Ok(mut value) = serde_json::from_slice::<Value>(&data[start..]) else { return };
    change(&mut value);
    let text = value.to_string().replace("\"\\u0001\"", odd);
    data.splice(start.., text.into_bytes());
}

/// Collects all scalars and all empty objects and lists.
fn collect<'v>(value: &'v mut Value, found: &mut Vec<&'v mut Value>) {
    let is_empty = match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => true,
    };
    match value {
        value if is_empty => found.push(value),
        Value::Object(fields) => fields.values_mut().for_each(|value| collect(value, found)),
        Value::Array(list) => list.iter_mut().for_each(|value| collect(value, found)),
        _ => {}
    }
}

/// How many inputs each target gets, if the environment says so.
fn cases() -> Option<u32> {
    std::env::var("FUZZ_CASES").ok().map(|cases| cases.parse().unwrap())
}

/// Feeds the target with this name with many inputs, of which it must accept some and refuse some. A target that refuses
/// everything would prove nothing.
fn feed(name: &str) {
    let target = target(name).unwrap();
    let cases = cases().unwrap_or(1000);
    let input = (select((target.good)()), vec(mutation(), 0..4)).prop_map(|(mut data, mutations)| {
        mutations.iter().for_each(|mutation| mutation.apply(&mut data));
        data
    });
    let (accepted, slowest) = (Cell::new(0), Cell::new(Duration::ZERO));
    // In a debug build the default generator would take longer than the parsers.
    let rng_algorithm = RngAlgorithm::XorShift;
    let config = Config { cases, rng_algorithm, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&input, |data| {
        let began = Instant::now();
        accepted.set(accepted.get() + u32::from((target.accepts)(&data)));
        slowest.set(slowest.get().max(began.elapsed()));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{name}: {error}");
    }
    let share = f64::from(accepted.get()) / f64::from(cases);
    assert!((0.02..0.98).contains(&share), "{name}: accepts {share} of all inputs");
    // Generous, because a machine may be slow. A parser must not take seconds for a few hundred bytes.
    assert!(slowest.get() < Duration::from_secs(30), "{name}: {:?}", slowest.get());
}

macro_rules! targets {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(#[test]
        fn $name() {
            feed(stringify!($name));
        })*
    };
}

targets!(callback token_answer oauth1_answer userinfo discovery jwks id_token next flow_cookie account_cookie token);

#[test]
fn every_target_is_fed_and_accepts_what_is_good() {
    assert_eq!(NAMES, TARGETS.iter().map(|target| target.name).collect::<Vec<_>>());
    for target in TARGETS {
        for good in (target.good)() {
            assert!((target.accepts)(&good), "{}: {}", target.name, String::from_utf8_lossy(&good));
        }
    }
}

/// An input of the maximum size (1 MiB) is read or refused in a time that grows with its size. If the time grew with the
/// square of the size, this test would take hours.
#[test]
fn a_mebibyte_is_no_burden() {
    let size = if cases().is_some() { 1 << 20 } else { 1 << 16 };
    let parts = ["[", "{\"a\":", "a=b&", "%25", "/", "\"", "0", "..", "\u{feff}", "\\u0000", "a.b.", "\n"];
    let began = Instant::now();
    for target in TARGETS {
        for long in parts.map(|part| part.repeat(size / part.len())) {
            (target.accepts)(format!("1{long}").as_bytes());
            for good in [&b""[..], &(target.good)()[0]] {
                (target.accepts)(&[good, long.as_bytes()].concat());
            }
        }
    }
    assert!(began.elapsed() < Duration::from_secs(900), "{:?}", began.elapsed());
}

/// Writes the good inputs, with which cargo-fuzz begins.
#[test]
#[ignore = "run by fuzz/run"]
fn corpus() {
    for target in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target.name);
        fs::create_dir_all(&folder).unwrap();
        for (n, good) in (target.good)().iter().enumerate() {
            fs::write(folder.join(format!("good-{n}")), good).unwrap();
        }
    }
}
