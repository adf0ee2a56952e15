use std::collections::HashSet;
use std::fmt::Write as _;
use std::num::NonZeroU64;

use oauth1_request as oracle;
use proptest::prelude::*;

use super::*;
use crate::flow::http::Http;
use crate::flow::signature::{self as signed_requests, base_string, encode, nonce, sign};

/// Returns an OAuth 1 entry of this consumer with more TOML.
fn consumer(key: &str, secret: &str, more: &str) -> Entry {
    let mut entry = entry(&format!(
        "provider = \"oauth1\"\nclient_secret = \"x\"\nrequest_token_url = \"https://op.example/request\"\n\
         authorization_url = \"https://op.example/auth\"\naccess_token_url = \"https://op.example/token\"\n{more}"
    ));
    entry.client_id = key.to_owned();
    oauth1_options(&mut entry).client_secret = Some(Secret::new(secret));
    entry
}

fn signature(entry: &Entry, token_secret: Option<&Secret>, base: &str) -> Result<Secret> {
    let ProtocolOptions::OAuth1(options) = &entry.options else { panic!("an OAuth 1 entry") };
    signed_requests::signature(&options.signature, options.client_secret.as_ref(), token_secret, base)
}

fn sign_for(
    entry: &Entry,
    request: &mut reqwest::Request,
    token: Option<signed_requests::Credentials<'_>>,
    more: &[(&str, &str)],
    now: i64,
) -> Result<()> {
    let ProtocolOptions::OAuth1(options) = &entry.options else { panic!("an OAuth 1 entry") };
    sign(&entry.client_id, options, request, token, more, now)
}

const PRINTER: (&str, &str) = ("dpf43f3p2l4k3l03", "kd94hf93k423kf44");

/// Returns the signature of a request by the printer in the examples of RFC 5849: method, URL, further OAuth parameters, the
/// token's secret.
fn printer(method: &str, url: &str, more: &[(&str, &str)], token_secret: Option<&str>) -> String {
    let entry = consumer(PRINTER.0, PRINTER.1, "");
    let mut oauth = vec![("oauth_consumer_key", PRINTER.0), ("oauth_signature_method", "HMAC-SHA1")];
    oauth.extend(more);
    let base = base_string(method, &Url::parse(url).unwrap(), b"", &oauth);
    let secret = token_secret.map(Secret::new);
    signature(&entry, secret.as_ref(), &base).unwrap().expose().to_owned()
}

#[test]
fn o1_01_rfc_5849_3_4_1() {
    let url = Url::parse("http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b").unwrap();
    let oauth = [
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
    ];
    let base = base_string("post", &url, b"c2&a3=2+q", &oauth);
    let parameters = "a2=r%20b&a3=2%20q&a3=a&b5=%3D%253D&c%40=&c2=&oauth_consumer_key=9djdj82h48djs9d2&\
                      oauth_nonce=7d8f3e4a&oauth_signature_method=HMAC-SHA1&oauth_timestamp=137131201&\
                      oauth_token=kkk9d7dh3k39sjv7";
    assert_eq!(base, format!("POST&http%3A%2F%2Fexample.com%2Frequest&{}", encode(parameters.as_bytes())));
    let entry = consumer("9djdj82h48djs9d2", "j49sk3j29djd", "");
    let secret = Secret::new("dh893hdasih9");
    assert!(signature(&entry, Some(&secret), &base).unwrap().matches("r6/TJjbCOr97/+UU0NsvSne7s5g="));
}

#[test]
fn o1_01_rfc_5849_1_2() {
    let at = |timestamp, nonce| [("oauth_timestamp", timestamp), ("oauth_nonce", nonce)];
    let callback =
        [&at("137131200", "wIjqoS")[..], &[("oauth_callback", "http://printer.example.com/ready")]];
    let initiate = printer("POST", "https://photos.example.net/initiate", &callback.concat(), None);
    assert_eq!(initiate, "74KNZJeDHnMBp0EMJ9ZHt/XKycU=");
    let verifier = [
        &at("137131201", "walatlh")[..],
        &[("oauth_token", "hh5s93j4hdidpola"), ("oauth_verifier", "hfdp7dh39dks9884")],
    ];
    let secret = Some("hdhd0244k9j7ao03");
    let token = printer("POST", "https://photos.example.net/token", &verifier.concat(), secret);
    assert_eq!(token, "gKgrFCywp7rO0OXSjdot/IHF7IU=");
    let access = [&at("137131202", "chapoH")[..], &[("oauth_token", "nnch734d00sl2jdk")]];
    let photos = "http://photos.example.net/photos?file=vacation.jpg&size=original";
    let photos = printer("GET", photos, &access.concat(), Some("pfkkdhi9sl3r4s00"));
    assert_eq!(photos, "MdpQcU8iPSUjWoN/UDMsK2sui9I=");
}

#[test]
fn o1_01_core_1_0_appendix_a() {
    let more = [
        ("oauth_token", "nnch734d00sl2jdk"),
        ("oauth_timestamp", "1191242096"),
        ("oauth_nonce", "kllo9940pd9333jh"),
        ("oauth_version", "1.0"),
    ];
    let photos = "http://photos.example.net/photos?file=vacation.jpg&size=original";
    assert_eq!(printer("GET", photos, &more, Some("pfkkdhi9sl3r4s00")), "tR3+Ty81lMeYAr/Fid0kMTYa/WM=");
}

#[cfg(feature = "rsa-sha1")]
#[test]
fn o1_01_o1_12_rsa_sha1() {
    let key = include_str!("../../../tests/fixtures/oauth1_rsa.pem");
    let mut entry = consumer(
        PRINTER.0,
        "not for this",
        &format!("signature_method = \"RSA-SHA1\"\nrsa_key = '''{key}'''"),
    );
    let url = Url::parse("http://photos.example.net/photos?file=vacaction.jpg&size=original").unwrap();
    let oauth = [
        ("oauth_consumer_key", PRINTER.0),
        ("oauth_signature_method", oauth1_options(&mut entry).signature.method().name()),
        ("oauth_timestamp", "1196666512"),
        ("oauth_nonce", "13917289812797014437"),
        ("oauth_version", "1.0"),
    ];
    let base = base_string("GET", &url, b"", &oauth);
    let wanted = "jvTp/wX1TYtByB1m+Pbyo0lnCOLIsyGCH7wke8AUs3BpnwZJtAuEJkvQL2/9n4s5wUmUl4aCI4BwpraNx4RtEXMe5qg5\
                  T1LVTGliMRpKasKsW//e+RinhejgCuzoH26dyF8iY2ZZ/5D1ilgeijhV/vBka5twt399mXwaYdCwFYE=";
    assert!(signature(&entry, None, &base).unwrap().matches(wanted));
    // It has no shared secret.
    oauth1_options(&mut entry).client_secret = None;
    assert!(signature(&entry, Some(&Secret::new("x")), &base).unwrap().matches(wanted));
}

/// Returns the parameters of a base string, decoded once.
fn normalized(url: &str, form: &str) -> String {
    let base = base_string("GET", &Url::parse(url).unwrap(), form.as_bytes(), &[("oauth_a", "ü +~")]);
    let (_, parameters) = base.rsplit_once('&').unwrap();
    String::from_utf8(
        url::form_urlencoded::parse(parameters.replace('+', "%2B").as_bytes())
            .next()
            .unwrap()
            .0
            .as_bytes()
            .to_vec(),
    )
    .unwrap()
}

#[test]
fn o1_02_sorted_after_encoding() {
    for (query, form, wanted) in [
        // Unencoded, `~` comes before `ü`; encoded, it comes after.
        ("a=%7E&a=%C3%BC", "", "a=%C3%BC&a=~&oauth_a=%C3%BC%20%2B~"),
        ("~=1&%C3%BC=1", "", "%C3%BC=1&oauth_a=%C3%BC%20%2B~&~=1"),
        // Duplicates and empty values are kept.
        ("b=1&b=1&b=&b&=", "b=0", "=&b=&b=&b=0&b=1&b=1&oauth_a=%C3%BC%20%2B~"),
        ("", "q=a+b%20c%2Bd", "oauth_a=%C3%BC%20%2B~&q=a%20b%20c%2Bd"),
        ("x=!*'()~-._", "", "oauth_a=%C3%BC%20%2B~&x=%21%2A%27%28%29~-._"),
        ("x=%253D%3d", "", "oauth_a=%C3%BC%20%2B~&x=%253D%3D"),
        // Bytes that are not UTF-8 and a `%` that escapes nothing are kept as they are.
        ("x=%ff%zz%4", "", "oauth_a=%C3%BC%20%2B~&x=%FF%25zz%254"),
        ("x=1&&oauth_signature=y", "oauth_signature=z&realm=r", "oauth_a=%C3%BC%20%2B~&realm=r&x=1"),
    ] {
        assert_eq!(normalized(&format!("https://op.example/?{query}"), form), wanted, "{query} {form}");
    }
}

#[test]
fn o1_03_base_uri() {
    for (url, wanted) in [
        ("HTTP://EXAMPLE.com:80/r v/X?id=123#f", "http://example.com/r%20v/X"),
        ("https://example.com:443", "https://example.com/"),
        ("https://www.example.net:8080/?q=1", "https://www.example.net:8080/"),
        ("http://example.com:443/a//b/%7e?", "http://example.com:443/a//b/%7e"),
        ("http://[::1]:8000/é", "http://[::1]:8000/%C3%A9"),
        ("https://user:secret@example.com/", "https://example.com/"),
    ] {
        let base = base_string("get", &Url::parse(url).unwrap(), b"", &[]);
        let mut parts = base.split('&');
        assert_eq!((parts.next(), parts.next()), (Some("GET"), Some(&*encode(wanted.as_bytes()))), "{url}");
    }
}

/// Returns the parameters in the header of a signed request.
fn header(request: &reqwest::Request) -> BTreeMap<String, String> {
    let header = request.headers()["authorization"].to_str().unwrap();
    let pairs = header.strip_prefix("OAuth ").unwrap().split(", ").map(|pair| {
        let (name, value) = pair.split_once('=').unwrap();
        let value = value.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        let decoded =
            url::form_urlencoded::parse(value.as_bytes()).next().map(|(value, _)| value.into_owned());
        (name.to_owned(), decoded.unwrap_or_default())
    });
    pairs.collect()
}

fn signed(entry: &Entry, request: reqwest::RequestBuilder) -> BTreeMap<String, String> {
    let mut request = request.build().unwrap();
    sign_for(entry, &mut request, Some((&Secret::new("t"), &Secret::new("s"))), &[], 1_700_000_000).unwrap();
    assert!(request.headers()["authorization"].is_sensitive());
    header(&request)
}

#[test]
fn o1_04_only_forms_are_signed() {
    let (entry, http) = (consumer("key", "secret", ""), engine().http.client);
    let url = "https://op.example/api?q=1";
    let fits = |request: reqwest::RequestBuilder, form: &str| {
        let said = signed(&entry, request);
        let oauth: Vec<_> = said.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let base = base_string("POST", &Url::parse(url).unwrap(), form.as_bytes(), &oauth);
        signature(&entry, Some(&Secret::new("s")), &base).unwrap().matches(&said["oauth_signature"])
    };
    let form = "a=1&b=+%2B";
    let typed = |kind: &str| http.post(url).header("content-type", kind).body(form);
    assert!(fits(typed("application/x-www-form-urlencoded"), form));
    assert!(fits(typed("Application/X-WWW-Form-Urlencoded ; charset=utf-8"), form));
    assert!(!fits(typed("application/x-www-form-urlencoded"), ""));
    for kind in [
        "text/plain",
        "application/json",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencodedx",
    ] {
        assert!(fits(typed(kind), ""), "{kind}");
    }
    assert!(fits(http.post(url).json(&json!({"a": 1})), "") && fits(http.post(url), ""));
    // An earlier signature is replaced.
    let signed_before = http.post(url).header("authorization", "OAuth oauth_signature=\"old\"");
    let mut request = signed_before.build().unwrap();
    sign_for(&entry, &mut request, None, &[], 1).unwrap();
    assert_eq!(request.headers().get_all("authorization").iter().count(), 1);
    assert!(fits(http.post(url).multipart(reqwest::multipart::Form::new().text("a", "1")), ""));
    // A stream can't be read, so it can't be signed.
    let stream = reqwest::Body::wrap_stream(rocket::futures::stream::iter([Ok::<_, std::io::Error>("a=1")]));
    let kind = "application/x-www-form-urlencoded";
    let mut request = http.post(url).header("content-type", kind).body(stream).build().unwrap();
    assert_eq!(sign_for(&entry, &mut request, None, &[], 1).unwrap_err().kind(), ErrorKind::AppError);
}

#[test]
fn o1_05_the_secrets_with_their_ampersand() {
    let plain = |secret: &str, token: Option<&str>| {
        let entry = consumer("key", secret, "signature_method = \"PLAINTEXT\"");
        signature(&entry, token.map(Secret::new).as_ref(), "anything").unwrap().expose().to_owned()
    };
    assert_eq!(plain("se&cret", None), "se%26cret&");
    assert_eq!(plain("secret", Some("")), "secret&");
    assert_eq!(plain("s+ü", Some("t &=")), "s%2B%C3%BC&t%20%26%3D");
}

#[test]
fn o1_06_nonce_and_timestamp() {
    let (entry, http) = (consumer("key", "secret", ""), engine().http.client);
    let of_a_request = || {
        let said = signed(&entry, http.get("https://op.example/"));
        assert_eq!(said["oauth_timestamp"], "1700000000");
        said["oauth_nonce"].clone()
    };
    assert_ne!(of_a_request(), of_a_request());
    let (mut nonces, mut seen) = (HashSet::new(), [false; 256]);
    for _ in 0..1_000_000 {
        let nonce = nonce().unwrap();
        assert!((20..=30).contains(&nonce.len()));
        nonce.bytes().for_each(|byte| seen[usize::from(byte)] = true);
        assert!(nonces.insert(nonce));
    }
    // Only letters and digits. With a smaller alphabet, 22 characters would not hold 128 bits.
    let seen: Vec<_> = (0..=u8::MAX).filter(|byte| seen[usize::from(*byte)]).collect();
    assert!(seen.len() == 62 && seen.iter().all(u8::is_ascii_alphanumeric), "{seen:?}");
}

#[test]
fn o1_14_hmac_sha256() {
    let entry = consumer("key", "secret", "signature_method = \"HMAC-SHA256\"");
    let said = signed(&entry, engine().http.client.get("https://op.example/"));
    assert_eq!((said["oauth_signature_method"].as_str(), said["oauth_signature"].len()), ("HMAC-SHA256", 44));
    // The output of `openssl dgst -sha256 -hmac 'secret&' -binary | base64` for "base".
    assert!(signature(&entry, None, "base").unwrap().matches("26pQ9X/BrUEfYRxqauj0v5mCrSqoA6L/V3Ycvlmm0gM="));
}

static HTTP: std::sync::LazyLock<Http> = std::sync::LazyLock::new(|| Http::new(StandIns::default()).unwrap());

/// A request with these parameters for the oracle, which signs them in the given order.
struct Sorted(Vec<(String, String)>);

impl oracle::Request for Sorted {
    fn serialize<S: oracle::serializer::Serializer>(&self, serializer: S) -> S::Output {
        let pairs = self.0.iter().map(|(name, value)| (name, value));
        oracle::request::AssertSorted::new(pairs).serialize(serializer)
    }
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        match char::from(byte) {
            c if c.is_ascii_alphanumeric() || "-._~".contains(c) => escaped.push(c),
            _ => write!(escaped, "%{byte:02X}").unwrap(),
        }
        escaped
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn o1_01_as_oauth1_request_signs(
        method in "(GET|POST|PUT|DELETE|PATCH|HEAD)",
        plaintext: bool,
        host in "[a-z]{1,8}(\\.[a-z]{2,5}){1,2}(:[1-9][0-9]{3})?",
        path in "(/[a-zA-Z0-9._~%20-]{0,6}){0,3}",
        key in "\\PC{1,12}",
        secret in "\\PC{1,12}",
        token in prop::option::of(("\\PC{1,12}", "\\PC{0,12}")),
        query in prop::collection::vec(("[A-Za-z0-9._~-]{1,4}", "\\PC{0,8}"), 0..5),
        form in prop::collection::vec(("[A-Za-z0-9._~-]{1,4}", "\\PC{0,8}"), 0..5),
    ) {
        let path = path.replace('%', "");
        let method_line = if plaintext { "signature_method = \"PLAINTEXT\"" } else { "" };
        let entry = consumer(&key, &secret, method_line);
        let request = HTTP.client.request(method.parse().unwrap(), format!("https://{host}{path}"));
        let mut request = request.query(&query).form(&form).build().unwrap();
        let secrets = token.as_ref().map(|(token, secret)| {
            (Secret::new(token.as_str()), Secret::new(secret.as_str()))
        });
        let credentials = secrets.as_ref().map(|(token, secret)| (token, secret));
        sign_for(&entry, &mut request, credentials, &[], 1).unwrap();
        let said = header(&request);

        let mut pairs = [query, form].concat();
        pairs.sort_by_key(|(name, value)| (name.clone(), escaped(value)));
        let mut url = request.url().clone();
        url.set_query(None);
        let client = oracle::Credentials::new(key.as_str(), secret.as_str());
        let signed = said["oauth_signature"].as_str();
        // The oracle does not encode a PLAINTEXT signature for the header (RFC 5849 §3.5.1).
        let (wanted, signed) = if plaintext {
            let builder = oracle::Builder::new(client, oracle::Plaintext::<String>::new());
            (authorized(builder, &method, &url, &said, token, pairs), signed.to_owned())
        } else {
            let builder = oracle::Builder::new(client, oracle::HmacSha1::new());
            (authorized(builder, &method, &url, &said, token, pairs), escaped(signed))
        };
        prop_assert!(wanted.contains(&format!("oauth_signature=\"{signed}\"")), "{} {:?}", wanted, said);
    }

    #[test]
    fn o1_02_the_encoder(text in "\\PC{0,64}", bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let encoded = encode(text.as_bytes());
        prop_assert_eq!(&encoded, &escaped(&text));
        let decoded = url::form_urlencoded::parse(encoded.as_bytes()).next().map(|(text, _)| text.into_owned());
        prop_assert_eq!(decoded.unwrap_or_default(), text);
        let encoded = encode(&bytes);
        prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)));
        // Any query is signed as its reader decodes it.
        let url = Url::parse(&format!("https://op.example/?a={encoded}")).unwrap();
        let wanted = encode(format!("a={encoded}").as_bytes());
        prop_assert!(base_string("GET", &url, b"", &[]).ends_with(&wanted));
    }

    #[test]
    fn o1_02_nothing_panics(query in "\\PC{0,64}", form in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut url = Url::parse("https://op.example/").unwrap();
        url.set_query(Some(&query));
        let base = base_string("GET", &url, &form, &[]);
        prop_assert_eq!(base.split('&').count(), 3);
    }
}

fn authorized<'a, M: oracle::signature_method::SignatureMethod + Clone>(
    mut builder: oracle::Builder<'a, M, &'a str, String>,
    method: &str,
    url: &Url,
    said: &'a BTreeMap<String, String>,
    token: Option<(String, String)>,
    pairs: Vec<(String, String)>,
) -> String {
    builder.token(token.map(|(token, secret)| oracle::Credentials::new(token, secret)));
    builder.nonce(said["oauth_nonce"].as_str()).timestamp(NonZeroU64::new(1)).version(true);
    builder.authorize(method, url, &Sorted(pairs))
}
