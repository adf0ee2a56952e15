//! An address and its verification come from one document.

use super::*;
use crate::flow::user_documents::UserDocuments;
use crate::flow::user_profile::user_profile;
use crate::profile::claims;
use crate::provider::EmailVerified;

/// The profile in these documents. Both get the same `sub`, and an `id`.
fn read(entry: &Entry, id_token: &Value, userinfo: &Value, extra: &[(&str, Value)]) -> Profile {
    let object = |claims: &Value| {
        let mut object = claims.as_object().unwrap().clone();
        object.insert("sub".into(), "ada".into());
        object.insert("id".into(), 7.into());
        object
    };
    let mut documents = UserDocuments::new(
        (!id_token.is_null()).then(|| object(id_token)),
        (!userinfo.is_null()).then(|| Value::Object(object(userinfo))),
        &Token::new("t"),
    )
    .unwrap();
    for (name, url) in &entry.userinfo.extra_urls {
        assert!(url.ends_with(name.as_str()));
        documents.add(name, extra.iter().find(|(known, _)| known == name).map(|(_, answer)| answer.clone()));
    }
    user_profile(entry, &documents).unwrap()
}

fn address(profile: &Profile) -> (Option<&str>, bool) {
    (profile.claimed_email(), profile.email().is_some())
}

fn openid(more: &str) -> Entry {
    entry(&format!("provider = \"oidc\"\nclient_secret = \"s\"\nissuer = \"https://op.example\"\n{more}"))
}

const OWN: &str = "ada@own.example";
const CEO: &str = "ceo@corp.example";

#[test]
fn d4_no_document_verifies_the_address_of_another() {
    let entry = openid("");
    let own = json!({"email": OWN, "email_verified": true});
    for (id_token, userinfo, wanted) in [
        (own.clone(), json!({"email": CEO}), (Some(OWN), true)),
        (own.clone(), json!({"email": CEO, "email_verified": null}), (Some(OWN), true)),
        (own.clone(), json!({"email": CEO, "email_verified": "true"}), (Some(OWN), true)),
        (own.clone(), json!({"email": CEO, "email_verified": false}), (Some(OWN), true)),
        (own.clone(), json!({"email": CEO, "email_verified": true}), (Some(CEO), true)),
        (json!({"email": CEO}), own.clone(), (Some(OWN), true)),
        (json!({"email": CEO, "email_verified": true}), own.clone(), (Some(OWN), true)),
        // The address in one document, the verification in the other.
        (json!({"email_verified": true}), json!({"email": CEO}), (Some(CEO), false)),
        (json!({"email": CEO}), json!({"email_verified": true}), (Some(CEO), false)),
        (json!({"email": CEO}), json!({"email": null, "email_verified": true}), (Some(CEO), false)),
        (json!({"email": CEO}), json!({"email": "", "email_verified": true}), (Some(CEO), false)),
        (json!({"email": CEO}), json!({"email": [OWN], "email_verified": true}), (Some(CEO), false)),
        (json!({"email": CEO}), json!({"email": {"a": 1}, "email_verified": true}), (Some(CEO), false)),
        (json!({"email": null, "email_verified": true}), json!({"email": CEO}), (Some(CEO), false)),
        (json!({"email": OWN, "email_verified": false}), json!({"email": CEO}), (Some(CEO), false)),
        // Names in another case are other claims.
        (json!({"Email": OWN, "EMAIL_VERIFIED": true}), json!({"email": CEO}), (Some(CEO), false)),
        (json!({"email_verified": true}), json!({"Email": CEO}), (None, false)),
        // Two spellings of an address are two addresses.
        (own.clone(), json!({"email": OWN.to_uppercase(), "email_verified": false}), (Some(OWN), true)),
        (own.clone(), json!({}), (Some(OWN), true)),
        (json!({}), own.clone(), (Some(OWN), true)),
        (own.clone(), Value::Null, (Some(OWN), true)),
        (json!({}), json!({}), (None, false)),
    ] {
        let profile = read(&entry, &id_token, &userinfo, &[]);
        assert_eq!(address(&profile), wanted, "{id_token} {userinfo}");
        // The raw claims say the same.
        let raw = Profile::from_claims(&profile.userinfo).unwrap();
        assert_eq!(address(&raw), wanted, "{id_token} {userinfo} {}", profile.userinfo);
    }
}

#[test]
fn d4_other_claims_are_those_of_both_documents() {
    let profile = read(
        &openid(""),
        &json!({"email": OWN, "email_verified": true, "name": "Old", "tid": "t", "phone_number": "1", "phone_number_verified": true}),
        &json!({"email": CEO, "name": "New", "phone_number": "2", "address": {"country": "DE"}}),
        &[],
    );
    assert_eq!((profile.name.as_deref(), &profile.userinfo["tid"]), (Some("New"), &json!("t")));
    assert_eq!(profile.userinfo["address"]["country"], "DE");
    // A telephone number and its verification belong together, too.
    assert_eq!(
        (&profile.userinfo["phone_number"], profile.userinfo.get("phone_number_verified")),
        (&json!("2"), None)
    );
    let verified_alone = json!({"phone_number": "", "phone_number_verified": true});
    let profile = read(&openid(""), &json!({"phone_number": "1"}), &verified_alone, &[]);
    assert_eq!(
        (&profile.userinfo["phone_number"], profile.userinfo.get("phone_number_verified")),
        (&json!("1"), None)
    );
}

#[test]
fn d4_a_presets_own_proofs_belong_to_their_document() {
    let azure = entry(
        "provider = \"azure\"\nclient_secret = \"s\"\ntenant = \"aaaabbbb-0000-cccc-1111-dddd2222eeee\"",
    );
    for (id_token, userinfo, wanted) in [
        (json!({"email": OWN, "xms_edov": true}), json!({"email": CEO}), (Some(OWN), true)),
        (json!({"email": OWN, "xms_edov": true}), json!({"email": OWN}), (Some(OWN), true)),
        (json!({"email": OWN, "xms_edov": true}), json!({}), (Some(OWN), true)),
        (json!({"xms_edov": true}), json!({"email": CEO}), (Some(CEO), false)),
        (json!({"email": CEO}), json!({"xms_edov": true}), (Some(CEO), false)),
        (json!({"verified_primary_email": [CEO]}), json!({"email": CEO}), (Some(CEO), false)),
        (json!({"email": OWN, "verified_primary_email": [OWN]}), json!({"email": CEO}), (Some(OWN), true)),
        (json!({"email": OWN, "email_verified": true}), json!({"email": CEO}), (Some(CEO), false)),
    ] {
        let profile = read(&azure, &id_token, &userinfo, &[]);
        assert_eq!(address(&profile), wanted, "{id_token} {userinfo}");
        // The raw claims, read again, say the same.
        let raw =
            user_profile(&azure, &UserDocuments::one(profile.userinfo.clone(), &Token::new("t"))).unwrap();
        assert_eq!(address(&raw), wanted, "{}", profile.userinfo);
        assert_eq!(profile.userinfo["id"], 7);
    }
    // A place of the preset's own, in a list.
    let b2c = entry(
        "provider = \"azure_b2c\"\nclient_secret = \"s\"\ndomain = \"contoso.b2clogin.com\"\npolicy = \"p\"\n\
         tenant_id = \"aaaabbbb-0000-cccc-1111-dddd2222eeee\"",
    );
    let profile = read(&b2c, &json!({"emails": [OWN]}), &json!({"email": CEO}), &[]);
    assert_eq!((address(&profile), profile.userinfo.get("emails")), ((Some(CEO), false), None));
    // A document that the preset refuses by itself: only the ID token names the hosted domain.
    let google = entry("provider = \"google\"\nclient_secret = \"s\"\nhosted_domain = \"own.example\"");
    let id_token = json!({"hd": "own.example", "email": OWN, "email_verified": true});
    assert_eq!(
        address(&read(&google, &id_token, &json!({"email": CEO, "email_verified": true}), &[])),
        (Some(OWN), true)
    );
}

/// A claim that a preset's function decides with, and does not declare.
#[test]
fn d4_an_undeclared_proof_verifies_nothing_in_another_document() {
    let mut entry = openid("");
    entry.userinfo.profile = |input| {
        let profile = input.read()?;
        let address = profile.claimed_email().map(str::to_owned);
        Ok(profile.with_email(address, claims::is_true(input.claims, "proven")))
    };
    for (id_token, userinfo, wanted) in [
        (json!({"proven": true}), json!({"email": CEO}), (Some(CEO), false)),
        (json!({"email": CEO}), json!({"proven": true}), (Some(CEO), false)),
        (json!({"email": OWN, "proven": true}), json!({"email": CEO}), (Some(OWN), true)),
    ] {
        assert_eq!(address(&read(&entry, &id_token, &userinfo, &[])), wanted, "{id_token} {userinfo}");
    }
}

#[test]
fn d4_every_preset_verifies_an_address_within_its_document() {
    for (name, preset) in PRESETS {
        let document = |path: &str| match path.split_once('.') {
            Some((source @ ("token" | "callback"), _)) => source.to_owned(),
            _ => {
                let first = claims::first_name(path);
                let is_extra = preset.extra_userinfo_urls.iter().any(|(extra, _)| *extra == first);
                if is_extra { first.to_owned() } else { "userinfo".to_owned() }
            }
        };
        for (place, verified) in preset.fields.email {
            // The visitor can write anything into a callback.
            let is_callback = document(place) == "callback";
            assert!(!is_callback || *verified == EmailVerified::Never, "{name}: {place}");
            assert!(verified.paths().all(|path| document(path) == document(place)), "{name}: {place}");
        }
    }
}

#[test]
fn d4_paths_of_an_entry_stay_in_one_document() {
    let entry = openid("profile = { email = \"mail.at\", email_verified = \"mail.ok\" }");
    for (id_token, userinfo, wanted) in [
        (json!({"mail": {"at": OWN, "ok": true}}), json!({"mail": {"at": CEO}}), (Some(OWN), true)),
        (json!({"mail": {"ok": true}}), json!({"mail": {"at": CEO}}), (Some(CEO), false)),
        (json!({"mail": {"at": CEO}}), json!({"mail": {"at": null, "ok": true}}), (Some(CEO), false)),
        (
            json!({"mail": {"at": OWN, "ok": "true"}}),
            json!({"mail": {"at": CEO, "ok": true}}),
            (Some(CEO), true),
        ),
    ] {
        let profile = read(&entry, &id_token, &userinfo, &[]);
        assert_eq!(address(&profile), wanted, "{id_token} {userinfo}");
        let raw = (profile.userinfo["mail"]["at"].as_str(), profile.userinfo["mail"]["ok"] == json!(true));
        assert_eq!(raw, wanted, "{}", profile.userinfo);
    }
    // Two fields, in two documents.
    let entry = openid("profile = { email = \"mail\", email_verified = \"confirmed\" }");
    assert_eq!(
        address(&read(&entry, &json!({"confirmed": true}), &json!({"mail": CEO}), &[])),
        (Some(CEO), false)
    );
    assert_eq!(
        address(&read(&entry, &json!({"mail": CEO}), &json!({"confirmed": true}), &[])),
        (Some(CEO), false)
    );
    assert_eq!(
        address(&read(&entry, &json!({}), &json!({"mail": CEO, "confirmed": true}), &[])),
        (Some(CEO), true)
    );
}

#[test]
fn d4_further_answers_are_documents_of_their_own() {
    let with = |paths: &str| {
        let mut entry = oauth2_at_nowhere(&format!("profile = {{ id = \"id\", {paths} }}"));
        entry.userinfo.extra_urls = vec![("mails".into(), "https://op.example/mails".parse().unwrap())];
        entry
    };
    let mails = [("mails", json!([{"at": OWN, "ok": true}]))];
    let user = json!({"email": CEO, "ok": true, "email_verified": false});
    for (paths, extra, wanted) in [
        ("email = \"mails.0.at\", email_verified = \"mails.0.ok\"", &mails[..], (Some(OWN), true)),
        ("email = \"email\", email_verified = \"mails.0.ok\"", &mails, (Some(CEO), false)),
        ("email = \"mails.0.at\", email_verified = \"ok\"", &mails, (Some(OWN), false)),
        ("email_verified = \"mails.0.ok\"", &mails, (Some(CEO), false)),
        ("email_verified = \"ok\"", &mails, (Some(CEO), true)),
        ("email = \"email\"", &mails, (Some(CEO), false)),
        ("email = \"mails.0.at\", email_verified = \"mails.0.ok\"", &[], (None, false)),
    ] {
        assert_eq!(address(&read(&with(paths), &Value::Null, &user, extra)), wanted, "{paths}");
    }
    // A field of the userinfo does not stand in for an answer that failed.
    let posing = json!({"mails": [{"at": CEO, "ok": true}]});
    let entry = with("email = \"mails.0.at\", email_verified = \"mails.0.ok\"");
    assert_eq!(address(&read(&entry, &Value::Null, &posing, &[])), (None, false));
    // GitHub's preset reads the address from one answer and would take a name from the other.
    let github = entry_of_github("profile = { email_verified = \"two_factor_authentication\" }");
    let emails = [("emails", json!([{"email": CEO, "primary": true, "verified": false}]))];
    let user = json!({"two_factor_authentication": true, "email": OWN});
    assert_eq!(address(&read(&github, &Value::Null, &user, &emails)), (Some(CEO), false));
}

fn oauth2_at_nowhere(more: &str) -> Entry {
    entry(&format!(
        "provider = \"oauth2\"\nclient_secret = \"s\"\nauthorization_url = \"https://op.example/auth\"\n\
         token_url = \"https://op.example/token\"\nuserinfo_url = \"https://op.example/me\"\n{more}"
    ))
}

fn entry_of_github(more: &str) -> Entry {
    entry(&format!("provider = \"github\"\nclient_secret = \"s\"\n{more}"))
}
