//! Feeds every target with what is nearly good: `FUZZ_CASES=100000` times in `./test.sh`.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestRunner};

use super::*;

/// One change to what is good.
#[derive(Debug, Clone)]
enum Change {
    Flip(Index, u8),
    Insert(Index, &'static str),
    Remove(Index, usize),
    Repeat(Index, usize, usize),
    CutOff(Index),
    /// Another value in the place of one in the JSON.
    Value(Index, &'static str),
    /// One field of the JSON less.
    Field(Index),
}

/// What has broken parsers before.
#[rustfmt::skip]
const ODD: &[&str] = &[
    "null", "true", "0", "-1", "1.5", "1e400", "18446744073709551616", "-9223372036854775809", "\"\"", "[]",
    "{}", "[[[[[[[[", "{\"a\":", "\"\\ud800\"", "\"\\u0000\"", "\"a\"", "\"1\"", "\\", "\"", "//", "/\\",
    "..", "%", "%00", "%ff", "%25", "%2f%2f", "&", "=", "&state=", "+", "#", "?", "@", ":", ".", "\n", "\r\n",
    "\t", "\u{feff}", "\u{202e}", "\u{0}", "é", "😀", "javascript:", "https://evil.example", "[\"me\"]",
    "{\"sub\":\"1\",\"sub\":\"2\"}",
];

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        2 => (at(), 1..=255u8).prop_map(|(at, flip)| Change::Flip(at, flip)),
        2 => (at(), select(ODD)).prop_map(|(at, odd)| Change::Insert(at, odd)),
        2 => (at(), 1..20usize).prop_map(|(at, len)| Change::Remove(at, len)),
        2 => (at(), 1..20usize, 1..40usize).prop_map(|(at, len, times)| Change::Repeat(at, len, times)),
        2 => at().prop_map(Change::CutOff),
        6 => (at(), select(ODD)).prop_map(|(at, odd)| Change::Value(at, odd)),
        4 => at().prop_map(Change::Field),
    ]
}

impl Change {
    fn apply(&self, data: &mut Vec<u8>) {
        let len = data.len();
        let slice = |at: &Index, wanted: usize| {
            let at = at.index(len + 1);
            at..len.min(at + wanted)
        };
        match self {
            Change::Flip(at, flip) if len > 0 => data[at.index(len)] ^= flip,
            Change::Flip(..) => {}
            Change::Insert(at, odd) => drop(data.splice(slice(at, 0), odd.bytes())),
            Change::Remove(at, wanted) => drop(data.drain(slice(at, *wanted))),
            Change::Repeat(at, wanted, times) => {
                let range = slice(at, *wanted);
                let again = data[range.clone()].repeat(*times);
                data.splice(range.end..range.end, again);
            }
            Change::CutOff(at) => data.truncate(at.index(len + 1)),
            Change::Value(at, odd) => in_json(
                data,
                |value| {
                    let mut values = Vec::new();
                    collect(value, &mut values);
                    let place = at.index(values.len());
                    *values.swap_remove(place) = Value::String(PLACEHOLDER.into());
                },
                odd,
            ),
            Change::Field(at) => in_json(
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

/// Changes the last line of `data`, or what stands behind its first byte, if that is JSON; `odd` takes the
/// placeholder's place, and need not be JSON.
fn in_json(data: &mut Vec<u8>, change: impl FnOnce(&mut Value), odd: &str) {
    let line = data.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let start = [line, 1].into_iter().find(|start| data.get(*start) == Some(&b'{'));
    let Some(start) = start else { return };
    let Ok(mut value) = serde_json::from_slice::<Value>(&data[start..]) else { return };
    change(&mut value);
    let text = value.to_string().replace("\"\\u0001\"", odd);
    data.splice(start.., text.into_bytes());
}

/// All scalars and inner values.
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

/// How many inputs each target gets, where somebody says so.
fn cases() -> Option<u32> {
    std::env::var("FUZZ_CASES").ok().map(|cases| cases.parse().unwrap())
}

/// Feeds the target of that name with many inputs, of which some must be accepted and some refused: one that refuses
/// everything has nothing to show.
fn feed(name: &str) {
    let target = target(name).unwrap();
    let cases = cases().unwrap_or(1000);
    let input = (select((target.good)()), vec(change(), 0..4)).prop_map(|(mut data, changes)| {
        changes.iter().for_each(|change| change.apply(&mut data));
        data
    });
    let (accepted, slowest) = (Cell::new(0), Cell::new(Duration::ZERO));
    // Without optimisation the usual generator would take longer than what is tested.
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
    assert!((0.02..0.98).contains(&share), "{name}: accepts {share} of all");
    // A machine may be slow; a reader that takes seconds for a few hundred bytes is another thing.
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

/// What is as large as an answer may be (1 MiB) is read, or refused, in a time that grows with its size: were it to grow
/// with the square, this would take hours.
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

/// Writes what is good for cargo-fuzz to begin with.
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
