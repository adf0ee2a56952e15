//! What the authorization request has asked for must be in the ID token.

use super::*;

/// Returns a stage whose flow began with these parameters.
async fn asked(entry: &[(&str, &str)], signal: &[(&str, &str)]) -> Stage {
    let mut stage = Stage::new(Signer::es()).await;
    let owned = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>()
    };
    stage.entry.additions.authorization_params.extend(owned(entry));
    stage.flow = flow(&stage.entry).with_requirements(&stage.entry, &owned(signal)).unwrap();
    // As the flow is read from its cookie.
    stage.flow = serde_json::from_str(&serde_json::to_string(&stage.flow).unwrap()).unwrap();
    stage
}

#[rocket::async_test]
async fn id_17_a_fresh_sign_in_was_asked_for() {
    let max_age = [("max_age", "100")];
    for stage in [
        asked(&max_age, &[]).await,
        asked(&[], &max_age).await,
        asked(&[("max_age", "9999")], &max_age).await,
    ] {
        let now = Clock::default().now();
        stage.refused(json!({}), "`auth_time`").await;
        stage.refused(json!({"auth_time": now - 1000}), "`auth_time`").await;
        stage.refused(json!({"auth_time": now.to_string()}), "not a number").await;
        assert_eq!(stage.with(json!({"auth_time": now - 50})).await, None);
    }
    let stage = asked(&[], &[("max_age", "0")]).await;
    let now = Clock::default().now();
    stage.refused(json!({"auth_time": now - 3600}), "`auth_time`").await;
    assert_eq!(stage.with(json!({"auth_time": now})).await, None);
    let entry = &stage.entry;
    for wrong in [("max_age", "soon"), ("max_age", "-1"), ("claims", "{")] {
        let wrong = BTreeMap::from([(wrong.0.to_owned(), wrong.1.to_owned())]);
        let error = flow(entry).with_requirements(entry, &wrong).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
    }
}

#[rocket::async_test]
async fn id_17_a_strong_sign_in_was_asked_for() {
    let claims = r#"{"id_token": {"acr": {"essential": true, "values": ["silver", "gold"]}}}"#;
    for stage in [
        asked(&[("acr_values", "silver gold")], &[]).await,
        asked(&[], &[("acr_values", " gold  silver ")]).await,
        asked(&[], &[("claims", claims)]).await,
        asked(&[("acr_values", "bronze")], &[("acr_values", "gold silver")]).await,
    ] {
        for acr in [json!(null), json!("bronze"), json!(""), json!("silver gold")] {
            stage.refused(json!({ "acr": acr }), "`acr`").await;
        }
        stage.refused(json!({"acr": ["gold"]}), "`acr`").await;
        for acr in ["silver", "gold"] {
            assert_eq!(stage.with(json!({ "acr": acr })).await, None);
        }
    }
    // A voluntary claim is not required.
    let stage = asked(&[], &[("claims", r#"{"id_token": {"acr": {"values": ["gold"]}}}"#)]).await;
    assert_eq!(stage.with(json!({})).await, None);
}
