//! An issuer that speaks for many tenants, as Microsoft's does.

use super::*;

const CONTOSO: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const FABRIKAM: &str = "bbbbcccc-1111-dddd-2222-eeee3333ffff";
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// A small provider like Microsoft's: its issuer is `{url}/common/v2.0` and its metadata names `{url}/{tenantid}/v2.0`.
async fn entra(tenant: &str, more: &str) -> Stage {
    let mut stage = Stage::new(Signer::es()).await;
    let at = &stage.server.url;
    let mut metadata: Value =
        serde_json::from_str(&stage.server.answers.lock().unwrap()["/.well-known/openid-configuration"].1)
            .unwrap();
    let is_many = ["common", "organizations"].contains(&tenant);
    metadata["issuer"] = json!(format!("{at}/{}/v2.0", if is_many { "{tenantid}" } else { tenant }));
    stage.server.answer(&format!("/{tenant}/v2.0/.well-known/openid-configuration"), 200, metadata);
    stage.entry = entry(&format!(
        "provider = \"azure\"\nclient_secret = \"s\"\nissuer = \"{at}/{{tenant}}/v2.0\"\ntenant = \"{tenant}\"\n{more}"
    ));
    stage.flow = flow(&stage.entry);
    stage
}

impl Stage {
    fn of_tenant(&self, tenant: &str) -> Value {
        json!({"iss": format!("{}/{tenant}/v2.0", self.server.url), "tid": tenant})
    }
}

#[rocket::async_test]
async fn id_24_an_issuer_that_speaks_for_many_tenants() {
    let only = format!("tenants = [\"{CONTOSO}\"]");
    for (tenant, tenants, admitted, refused) in [
        ("common", only.as_str(), vec![CONTOSO], vec![FABRIKAM, CONSUMERS]),
        ("organizations", &only, vec![CONTOSO], vec![FABRIKAM, CONSUMERS]),
        ("organizations", "tenants = \"any\"", vec![CONTOSO, FABRIKAM], vec![CONSUMERS]),
        ("common", "tenants = \"any\"", vec![CONTOSO, FABRIKAM, CONSUMERS], vec![]),
        (CONTOSO, "", vec![CONTOSO], vec![FABRIKAM, CONSUMERS]),
    ] {
        let stage = entra(tenant, tenants).await;
        for one in admitted {
            assert_eq!(stage.with(stage.of_tenant(one)).await, None, "{tenant} {tenants} {one}");
        }
        for one in refused {
            stage.refused(stage.of_tenant(one), "`iss`").await;
        }
        if tenant == CONTOSO {
            continue;
        }
        // `tid` and the tenant in `iss` must be equal.
        let at = &stage.server.url;
        for (iss, tid) in [
            (format!("{at}/{FABRIKAM}/v2.0"), json!(CONTOSO)),
            (format!("{at}/{CONTOSO}/v2.0"), json!(null)),
            (format!("{at}/{CONTOSO}/v2.0/"), json!(CONTOSO)),
            (format!("{at}/{}/v2.0", CONTOSO.to_uppercase()), json!(CONTOSO)),
            (format!("{at}/{{tenantid}}/v2.0"), json!("{tenantid}")),
            (format!("{at}/{tenant}/v2.0"), json!(tenant)),
            (format!("{at}//v2.0"), json!("")),
            (format!("{at}/../v2.0"), json!("..")),
            (format!("https://evil.example/{CONTOSO}/v2.0"), json!(CONTOSO)),
        ] {
            stage.refused(json!({"iss": iss, "tid": tid}), "`iss`").await;
        }
        stage.refused(json!({"iss": format!("{at}/{CONTOSO}/v2.0"), "tid": [CONTOSO]}), "not a text").await;
    }
}

#[rocket::async_test]
async fn id_22_claims_that_a_preset_decides_with_occur_once() {
    let twice = |stage: &Stage, claims: Value, name: &str| {
        let claims = claims.to_string().replacen('{', &format!("{{\"{name}\":\"x\","), 1);
        stage.signer.token(r#"{"alg":"ES256","kid":"one"}"#, &claims)
    };
    let stage = entra("common", "tenants = \"any\"").await;
    let mut claims = stage.claims();
    claims.as_object_mut().unwrap().extend(stage.of_tenant(CONTOSO).as_object().unwrap().clone());
    for name in ["tid", "xms_edov", "verified_primary_email"] {
        claims[name] = claims.get(name).cloned().unwrap_or(json!(true));
        let end = stage.ends(&twice(&stage, claims.clone(), name)).await;
        assert!(end.as_ref().is_some_and(|end| end.contains("twice")), "{name} {end:?}");
    }
    // Elsewhere these names mean nothing; others do.
    let mut stage = Stage::new(Signer::es()).await;
    let mut claims = stage.claims();
    claims["tid"] = json!("t");
    claims["hd"] = json!("corp.example");
    for name in ["tid", "hd"] {
        assert_eq!(stage.ends(&twice(&stage, claims.clone(), name)).await, None, "{name}");
    }
    stage.entry.domain_claim = Some("hd");
    assert!(stage.ends(&twice(&stage, claims.clone(), "hd")).await.unwrap().contains("twice"));
    stage.entry = oidc_entry(&stage.server, "profile = { email_verified = \"mail.ok\" }");
    claims["mail"] = json!({"ok": true});
    assert!(stage.ends(&twice(&stage, claims, "mail")).await.unwrap().contains("twice"));
}

#[rocket::async_test]
async fn id_24_a_key_of_one_tenant_signs_for_no_other() {
    let mut stage = entra("common", "tenants = \"any\"").await;
    let at = stage.server.url.clone();
    for (issuer, ok) in [
        (format!("{at}/{{tenantid}}/v2.0"), true),
        (format!("{at}/{CONTOSO}/v2.0"), true),
        (format!("{at}/{CONSUMERS}/v2.0"), false),
    ] {
        let mut key = stage.signer.jwk("one");
        key["issuer"] = json!(issuer);
        stage.server.answer("/jwks", 200, json!({"keys": [key]}));
        stage.engine = engine();
        let end = stage.with(stage.of_tenant(CONTOSO)).await;
        assert_eq!(end.is_none(), ok, "{issuer} {end:?}");
    }
}

#[rocket::async_test]
async fn id_24_metadata_of_another_template() {
    for issuer in ["common", CONTOSO, "{tenant}", ""] {
        let stage = entra("common", "tenants = \"any\"").await;
        let path = "/common/v2.0/.well-known/openid-configuration";
        let other = stage.server.answers.lock().unwrap()[path].1.replace("{tenantid}", issuer);
        stage.server.answer(path, 200, other);
        assert!(stage.with(stage.of_tenant(CONTOSO)).await.unwrap().contains("metadata of"), "{issuer}");
    }
    // The `iss` of the callback (RFC 9207) comes without `tid`. It must be the issuer of an allowed tenant.
    let stage = entra("common", &format!("tenants = [\"{CONTOSO}\"]")).await;
    for (tenant, ok) in [(CONTOSO, true), (FABRIKAM, false), ("common", false), ("{tenantid}", false)] {
        let iss = format!("{}/{tenant}/v2.0", stage.server.url);
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("code", "c"), ("state", "s"), ("iss", &iss)])
            .finish();
        let end =
            stage.engine.check_callback(&stage.entry, &Callback::parse(&stage.entry, &query).unwrap()).await;
        assert_eq!(end.is_ok(), ok, "{tenant}");
    }
}
