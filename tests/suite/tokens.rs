//! Tokens of users. Each test is named for what Flask-Dance's SQLAlchemyStorage does in the case.

use rocket::futures::future::join_all;
use rocket::http::Status;
use rocket::local::asynchronous::Client;
use rocket::{Request, routes};
use rocket_dance::storage::AccountKey;
use rocket_dance::testing::{FakeProvider, sign_in};
use rocket_dance::{Dance, ErrorKind, Profile, Token};

use crate::app::{App, Op, figment, rocket};
use crate::people::People;

/// An app on the database of `people`, with a cache TTL longer than the test.
async fn app(people: &People, user_required: Option<bool>) -> App {
    let fake = FakeProvider::start().await;
    let mut figment = figment(&fake).merge(("dance.cache.ttl", 3600));
    if let Some(user_required) = user_required {
        figment = figment.merge(("dance.user_required", user_required));
    }
    people.sql("INSERT OR IGNORE INTO users (id, name) VALUES (1, 'ada'), (2, 'grace')");
    let rocket = rocket(figment, Dance::fairing().storage(people.storage()));
    let rocket = rocket.mount("/", routes![own, set_own, delete_own]);
    App::of(Client::tracked(rocket).await.expect("the app launches"), fake)
}

fn dance(app: &App) -> &Dance {
    Dance::fetch(app.client.rocket()).expect("attached")
}

async fn import(app: &App, id: &str, user: i32, token: &str) {
    let mut profile = Profile::default();
    (profile.id, profile.name) = (Some(id.to_owned()), Some(id.to_uppercase()));
    let token = Token::new(token).with_refresh_token(format!("refresh of {id}"));
    dance(app).import(Op, &user, profile, token).await.expect("imported");
}

fn is(found: Option<Token>, text: &str) -> bool {
    found.is_some_and(|token| token.access_token.matches(text))
}

/// The `Dance` that an app's handlers have.
struct OfRequest(rocket_dance::Tokens<Op>);

#[rocket::async_trait]
impl<'r> rocket::request::FromRequest<'r> for OfRequest {
    type Error = rocket_dance::Error;

    async fn from_request(request: &'r Request<'_>) -> rocket::request::Outcome<Self, Self::Error> {
        let dance = Dance::fetch(request.rocket()).expect("attached");
        match dance.tokens(Op).of_request(request).await {
            Ok(tokens) => rocket::request::Outcome::Success(Self(tokens)),
            Err(error) => rocket::request::Outcome::Error((error.kind().status(), error)),
        }
    }
}

#[rocket::get("/own")]
async fn own(tokens: OfRequest) -> rocket_dance::Result<String> {
    let token = tokens.0.get().await?;
    Ok(token.map_or_else(|| "none".into(), |token| token.access_token.expose().to_owned()))
}

#[rocket::post("/own/<token>")]
async fn set_own(tokens: OfRequest, token: &str) -> rocket_dance::Result<()> {
    tokens.0.set(Token::new(token)).await.map(drop)
}

#[rocket::delete("/own")]
async fn delete_own(tokens: OfRequest) -> rocket_dance::Result<()> {
    tokens.0.delete().await
}

#[rocket::async_test]
async fn set_without_a_user_never_touches_another_users_rows() {
    let people = People::new();
    let app = app(&people, Some(false)).await;
    import(&app, "ada", 1, "ada's").await;
    import(&app, "grace", 2, "grace's").await;
    let (before, nobodys) = (people.snapshot(), dance(&app).tokens(Op));
    assert!(nobodys.get().await.unwrap().is_none());
    nobodys.delete().await.unwrap();
    assert_eq!(people.snapshot(), before);
    for token in ["first", "second"] {
        nobodys.set(Token::new(token)).await.unwrap();
        assert!(is(nobodys.get().await.unwrap(), token));
        assert_eq!(people.accounts(), ["op/- -> -", "op/ada -> 1", "op/grace -> 2"]);
    }
    assert!(is(dance(&app).tokens(Op).of(&1).get().await.unwrap(), "ada's"));
    nobodys.delete().await.unwrap();
    assert_eq!(people.snapshot(), before);
}

#[rocket::async_test]
async fn without_a_user_no_strangers_kept_account_is_read_set_or_deleted() {
    let people = People::new();
    let app = app(&people, Some(false)).await;
    import(&app, "ada", 1, "ada's").await;
    people.sql("UPDATE oauth_accounts SET user_id = NULL");
    let (before, nobodys) = (people.snapshot(), dance(&app).tokens(Op));
    assert!(nobodys.get().await.unwrap().is_none());
    assert_eq!(app.get("/own").await.into_string().await.as_deref(), Some("none"));
    nobodys.set(Token::new("nobody's")).await.unwrap();
    assert!(is(nobodys.get().await.unwrap(), "nobody's"));
    assert_eq!(app.get("/own").await.into_string().await.as_deref(), Some("nobody's"));
    nobodys.delete().await.unwrap();
    nobodys.delete().await.unwrap();
    assert_eq!(people.snapshot(), before);
}

#[rocket::async_test]
async fn id_creation_identity_profile_rank_and_the_apps_own_columns_survive_a_set() {
    let people = People::new();
    let app = app(&people, None).await;
    people.sql("ALTER TABLE oauth_accounts ADD COLUMN note TEXT");
    import(&app, "ada", 1, "one").await;
    import(&app, "lovelace", 1, "two").await;
    people.sql("UPDATE oauth_accounts SET note = 'hers', rank = rank + 3");
    let before = people.lines_of("provider_user_id = 'ada'");
    let tokens = dance(&app).tokens(Op).of(&1);
    dance(&app).advance_clock(60);
    let set = tokens.set(Token::new("new")).await.unwrap();
    assert!(is(tokens.get().await.unwrap(), "new"));
    assert_eq!((set.provider_user_id.as_deref(), set.display_name.as_deref()), (Some("ada"), Some("ADA")));
    assert_eq!(people.lines_of("provider_user_id = 'ada'"), before, "all but token, version and updated_at");
    assert_eq!(people.count("oauth_accounts WHERE note = 'hers' AND version = 2"), 1);
    assert_eq!(people.count("oauth_accounts WHERE note = 'hers'"), 2);
    // The other way to store a new token.
    import(&app, "ada", 1, "newer").await;
    assert_eq!(people.lines_of("provider_user_id = 'ada'"), before);
}

#[rocket::async_test]
async fn several_rows_are_no_500_but_an_order() {
    let people = People::new();
    let app = app(&people, None).await;
    import(&app, "ada", 1, "one").await;
    import(&app, "lovelace", 1, "two").await;
    let tokens = dance(&app).tokens(Op).of(&1);
    assert!(is(tokens.get().await.unwrap(), "one"));
    let second = dance(&app).account(Op, "lovelace").await.unwrap().unwrap();
    dance(&app).make_primary(&second).await.unwrap();
    assert!(is(tokens.get().await.unwrap(), "two"), "at once, although it is cached");
    tokens.set(Token::new("three")).await.unwrap();
    let by_id =
        async |id: &str| dance(&app).client_for_account(Op, id).await.unwrap().unwrap().access_token().await;
    assert!(by_id("ada").await.unwrap().matches("one") && by_id("lovelace").await.unwrap().matches("three"));
    assert!(dance(&app).client_for_account(Op, "nobody").await.unwrap().is_none());
    tokens.delete().await.unwrap();
    assert_eq!(people.accounts(), Vec::<String>::new());
    assert_eq!(dance(&app).make_primary(&second).await.unwrap_err().kind(), ErrorKind::NotConnected);
}

#[rocket::async_test]
async fn duplicates_can_not_arise() {
    let people = People::new();
    let one = app(&people, Some(false)).await;
    // Another process with the same provider and the same database.
    let figment = figment(&one.fake).merge(("dance.user_required", false));
    let two = rocket(figment, Dance::fairing().storage(people.storage())).ignite().await.unwrap();
    let dances = [dance(&one), Dance::fetch(&two).expect("attached")];
    let set = async |n: usize| {
        let tokens = dances[n % 2].tokens(Op);
        let tokens = if n < 8 { tokens.of(&1) } else { tokens };
        tokens.set(Token::new(format!("token {n}"))).await.map(drop)
    };
    for done in join_all((0..16).map(set)).await {
        // Another process may be faster several times; every write is complete.
        if let Err(error) = done {
            assert_eq!(error.kind(), ErrorKind::StoreUnavailable, "{error:?}");
        }
    }
    assert_eq!(people.accounts(), ["op/- -> -", "op/- -> 1"]);
}

#[rocket::async_test]
async fn user_0_is_a_user() {
    let people = People::new();
    let app = app(&people, None).await;
    let zero = dance(&app).tokens(Op).of(&0);
    let set = zero.set(Token::new("zero's")).await.unwrap();
    assert_eq!(set.user_id.as_deref(), Some("0"));
    assert!(is(zero.get().await.unwrap(), "zero's"));
    assert!(dance(&app).tokens(Op).of(&1).get().await.unwrap().is_none());
    zero.delete().await.unwrap();
    assert!(zero.get().await.unwrap().is_none());
}

#[rocket::async_test]
async fn delete_of_nothing_is_nothing() {
    let people = People::new();
    let app = app(&people, None).await;
    import(&app, "grace", 2, "grace's").await;
    let before = people.snapshot();
    for _ in 0..2 {
        dance(&app).tokens(Op).of(&1).delete().await.unwrap();
    }
    assert_eq!(people.snapshot(), before);
}

#[rocket::async_test]
async fn without_a_user_where_there_must_be_one() {
    for user_required in [None, Some(true)] {
        let people = People::new();
        let app = app(&people, user_required).await;
        people.sql("ALTER TABLE oauth_accounts ADD COLUMN note TEXT");
        import(&app, "ada", 1, "ada's").await;
        // An account without a user is in the database and in the cache: a cache hit must not skip the check.
        people.sql("UPDATE oauth_accounts SET user_id = NULL");
        let (before, nobodys) = (people.snapshot(), dance(&app).tokens(Op));
        let get = nobodys.get().await.map(drop);
        let set = nobodys.set(Token::new("x")).await.map(drop);
        for done in [get, set, nobodys.delete().await] {
            let error = done.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured);
            let said = error.to_string();
            assert!(
                ["`op`", ".of(&user)", "user_required = false", "[default.dance]", "Rocket.toml"]
                    .iter()
                    .all(|word| said.contains(word)),
                "{said}"
            );
        }
        // In a request, it is the user who must act.
        for asked in [app.client.get("/own"), app.client.post("/own/x"), app.client.delete("/own")] {
            let asked = asked.header(rocket::http::Accept::JSON).dispatch().await;
            assert_eq!(asked.status(), Status::Unauthorized);
            assert!(asked.into_string().await.unwrap().contains("not_signed_in"));
        }
        assert_eq!(people.snapshot(), before);
    }
}

#[rocket::async_test]
async fn of_a_request_it_is_its_persons() {
    let people = People::new();
    let app = app(&people, None).await;
    import(&app, "grace", 2, "grace's").await;
    app.sign_in_as(1).await;
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    let own = async || app.get("/own").await.into_string().await.unwrap();
    assert_ne!(own().await, "none");
    assert_eq!(app.client.post("/own/mine").dispatch().await.status(), Status::Ok);
    assert_eq!(own().await, "mine");
    app.sign_in_as(2).await;
    assert_eq!(own().await, "grace's");
    assert_eq!(app.client.delete("/own").dispatch().await.status(), Status::Ok);
    assert_eq!(own().await, "none");
    assert_eq!(people.accounts(), ["op/ada -> 1"]);
}

#[rocket::async_test]
async fn in_a_browsers_own_cookies_it_is_the_browsers() {
    let fake = FakeProvider::start().await;
    let figment = figment(&fake);
    let rocket = rocket(figment, Dance::fairing()).mount("/", routes![own, set_own, delete_own]);
    let app = App::of(Client::tracked(rocket).await.unwrap(), fake);
    let own = async || app.get("/own").await.into_string().await.unwrap();
    assert_eq!(own().await, "none");
    assert_eq!(app.client.post("/own/mine").dispatch().await.status(), Status::Ok);
    assert_eq!(own().await, "mine");
    assert_eq!(app.client.delete("/own").dispatch().await.status(), Status::Ok);
    assert_eq!(own().await, "none");
    assert_eq!(dance(&app).tokens(Op).of(&1).get().await.unwrap_err().kind(), ErrorKind::Misconfigured);
}

#[rocket::async_test]
async fn rf_02_and_rt_01_a_set_and_an_import_keep_the_refresh_token() {
    let people = People::new();
    let app = app(&people, None).await;
    import(&app, "ada", 1, "one").await;
    let tokens = dance(&app).tokens(Op).of(&1);
    let refresh = async || tokens.get().await.unwrap().unwrap().refresh_token.unwrap().expose().to_owned();
    tokens.set(Token::new("two")).await.unwrap();
    assert_eq!(refresh().await, "refresh of ada");
    let mut profile = Profile::default();
    profile.id = Some("ada".into());
    dance(&app).import(Op, &1, profile, Token::new("three")).await.unwrap();
    assert_eq!(refresh().await, "refresh of ada");
    tokens.set(Token::new("four").with_refresh_token("another")).await.unwrap();
    assert_eq!(refresh().await, "another");
    // A stored refresh token that no key opens does not prevent storing a new one.
    people.sql("UPDATE oauth_accounts SET token = 'v1.AAAAAAAA.damaged'");
    assert_eq!(tokens.set(Token::new("five")).await.map(drop).map_err(|error| error.kind()), Ok(()));
    let last = dance(&app).account(Op, "ada").await.unwrap().unwrap();
    assert_eq!(last.version, 5);
    assert!(tokens.get().await.unwrap().unwrap().refresh_token.is_none());
}

#[rocket::async_test]
async fn what_can_not_be_a_key_is_refused_before_anything_is_asked() {
    let people = People::new();
    let app = app(&people, None).await;
    for user in ["a\0b".to_owned(), String::new(), "x".repeat(256)] {
        let tokens = dance(&app).tokens(Op).of(&user);
        assert_eq!(tokens.get().await.unwrap_err().kind(), ErrorKind::AppError, "{user:?}");
        assert_eq!(tokens.set(Token::new("x")).await.unwrap_err().kind(), ErrorKind::AppError);
        assert_eq!(tokens.delete().await.unwrap_err().kind(), ErrorKind::AppError);
        let mut profile = Profile::default();
        profile.id = Some(user);
        let refused = dance(&app).import(Op, &1, profile, Token::new("x")).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::BadProviderAnswer);
    }
    let long = Token::new("t".repeat(16 << 10));
    dance(&app).tokens(Op).of(&1).set(long).await.unwrap();
    assert!(is(dance(&app).tokens(Op).of(&1).get().await.unwrap(), &"t".repeat(16 << 10)));
    let nobody = AccountKey::Owner { entry: "op".into(), user: None };
    dance(&app).delete(&nobody).await.unwrap();
    assert_eq!(people.accounts(), ["op/- -> 1"]);
}

#[rocket::async_test]
async fn the_sites_account_is_not_the_one_without_a_user() {
    let people = People::new();
    let fake = FakeProvider::start().await;
    let launch = async |account: Option<&str>| {
        let figment = figment(&fake).merge(("dance.user_required", false));
        let figment = account.map_or(figment.clone(), |id| figment.merge(("oauth.op.account", id)));
        let rocket = rocket::custom(figment).attach(Dance::fairing().storage(people.storage()));
        rocket.ignite().await.unwrap()
    };
    let before = launch(None).await;
    Dance::fetch(&before).unwrap().tokens(Op).set(Token::new("nobody's")).await.unwrap();
    let snapshot = people.snapshot();
    let rocket = launch(Some("bot")).await;
    let sites = Dance::fetch(&rocket).unwrap().tokens(Op);
    assert!(sites.get().await.unwrap().is_none());
    sites.delete().await.unwrap();
    assert_eq!(people.snapshot(), snapshot);
    sites.set(Token::new("site's")).await.unwrap();
    assert_eq!(people.accounts(), ["op/- -> -", "op/bot -> -"]);
    sites.delete().await.unwrap();
    assert_eq!(people.snapshot(), snapshot);
    // A visitor has no part in it.
    let client = rocket::local::asynchronous::Client::untracked(rocket).await.unwrap();
    let request = client.get("/");
    let tokens = Dance::fetch(client.rocket()).unwrap().tokens(Op).of_request(request.inner()).await.unwrap();
    for done in
        [tokens.get().await.map(drop), tokens.set(Token::new("x")).await.map(drop), tokens.delete().await]
    {
        let error = done.unwrap_err();
        assert!(error.kind() == ErrorKind::Misconfigured && error.to_string().contains("`Site`"), "{error}");
    }
    assert_eq!(people.snapshot(), snapshot);
}
