//! What a token answer contains.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::Map;

use super::*;
use crate::flow::token_answer::TokenAnswer;

/// Reads the fields of a token answer, as obtained at 1000.
fn read_fields(fields: Map<String, Value>) -> Result<Token, &'static str> {
    static ENTRY: LazyLock<Entry> =
        LazyLock::new(|| oauth2_entry(&Server::at("http://localhost:1".into()), ""));
    let default_type = ENTRY.oauth2().unwrap().assume_bearer.then_some("bearer");
    Ok(TokenAnswer::read(ENTRY.oauth2().unwrap(), fields, default_type)?.into_token(&["asked".into()], 1000))
}

/// Reads a good token answer with these fields changed.
fn read(change: Value) -> Result<Token, &'static str> {
    let mut fields = json!({"access_token": "at", "token_type": "Bearer"}).as_object().unwrap().clone();
    fields.extend(change.as_object().unwrap().clone());
    read_fields(fields)
}

#[test]
fn tr_02_tr_03_what_a_token_is() {
    for wrong in [json!(""), json!(null), json!(7), json!(["at"]), json!("a\nb"), json!("a b")] {
        assert!(read(json!({ "access_token": wrong })).is_err(), "{wrong}");
    }
    for wrong in [json!("mac"), json!("DPoP"), json!(""), json!(null), json!(1)] {
        assert!(read(json!({ "token_type": wrong })).is_err(), "{wrong}");
    }
    for right in ["bearer", "BEARER", "Bearer"] {
        assert!(read(json!({ "token_type": right })).is_ok());
    }
    assert!(read_fields(json!({"access_token": "at"}).as_object().unwrap().clone()).is_err());
}

#[test]
fn tr_04_expires_in() {
    for (value, wanted) in [
        (json!(3600), Some(4600)),
        (json!("3600"), Some(4600)),
        (json!(3600.0), Some(4600)),
        (json!(3599.97), Some(4599)),
        (json!(null), None),
        (json!(0), None),
    ] {
        assert_eq!(read(json!({ "expires_in": value })).unwrap().expires_at, wanted, "{value}");
    }
    assert_eq!(read(json!({})).unwrap().expires_at, None);
    // What is no lifetime is an unknown lifetime.
    for wrong in [
        json!("3600abc"),
        json!("never"),
        json!(-1),
        json!(1e99),
        json!(u64::MAX),
        json!(9_223_372_036_854_775_u64),
        json!("99999999999999999999999"),
        json!("-1"),
        json!("1e3"),
        json!("."),
        json!(-0.5),
        json!([]),
        json!(true),
        json!(""),
    ] {
        assert_eq!(read(json!({ "expires_in": wrong })).unwrap().expires_at, None, "{wrong}");
    }
}

#[test]
fn r5_every_way_to_say_when() {
    let date = "2026-11-28T12:00:00+01:00";
    for (fields, wanted) in [
        (json!({"expires_in": "3599.0"}), Some(4599)),
        (json!({"expires": 3600}), Some(4600)),
        (json!({"expires": "3600"}), Some(4600)),
        (json!({"expires": 1_800_000_000}), Some(1_800_000_000)),
        (json!({"expires_at": 1_800_000_000.5}), Some(1_800_000_000)),
        (json!({"expires_at": "1800000000"}), Some(1_800_000_000)),
        (json!({"expires_at": date}), Some(1_795_863_600)),
        (json!({"expires_in": "never", "expires_at": date}), Some(1_795_863_600)),
        (json!({"expires_in": 60, "expires_at": date, "expires": 7}), Some(1060)),
        (json!({"expires_at": "tomorrow"}), None),
        (json!({"expires_at": 500}), None),
        (json!({"expires_at": 1_800_000_000_000_u64}), None),
        (json!({"expires": -1, "expires_at": null}), None),
    ] {
        assert_eq!(read(fields.clone()).unwrap().expires_at, wanted, "{fields}");
    }
}

#[test]
fn r5_an_optional_field_of_the_wrong_type_is_absent() {
    for wrong in [json!(null), json!(""), json!(7), json!({}), json!([]), json!(true)] {
        let token = read(json!({ "refresh_token": wrong, "id_token": wrong, "error": null })).unwrap();
        assert!(token.refresh_token.is_none() && token.id_token.is_none(), "{wrong}");
    }
}

#[test]
fn tr_05_scope() {
    for (value, wanted) in [
        (json!("a b"), vec!["a", "b"]),
        (json!("a,b"), vec!["a", "b"]),
        (json!("a, b"), vec!["a", "b"]),
        (json!(["a", "b"]), vec!["a", "b"]),
        (json!(""), vec![]),
        (json!([]), vec![]),
        (json!(null), vec!["asked"]),
    ] {
        assert_eq!(read(json!({ "scope": value })).unwrap().scope, wanted, "{value}");
    }
    assert_eq!(read(json!({})).unwrap().scope, ["asked"]);
    for wrong in [json!(1), json!([1]), json!({}), json!(true)] {
        assert_eq!(read(json!({ "scope": wrong })).unwrap().scope, ["asked"], "{wrong}");
    }
    assert_eq!(read(json!({"scope": "a b\u{0} c"})).unwrap().scope, ["a", "c"]);
    let long = "s".repeat(1000);
    assert!((1..=65).contains(&read(json!({"scope": vec![long; 100]})).unwrap().scope.len()));
}

proptest! {
    #[test]
    fn nothing_panics(body in proptest::collection::vec(any::<u8>(), 0..64), number in any::<f64>(), text in "\\PC{0,16}") {
        let _ = crate::flow::json::object(&body).map(read_fields);
        let _ = read(json!({ "expires_in": number, "scope": text.clone(), "id_token": text }));
    }
}
