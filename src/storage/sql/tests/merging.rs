//! A login of a person who has a user already: merged with a proof, or asked to sign in first.

use super::*;
use crate::link::{MergeProof, Postponed};
use crate::storage::CachedStorage;

on_each_database_and_partitions! {
    al_01_a_stranger_merges_with_a_proved_mailbox_only
    al_01_a_proof_is_good_for_its_own_login_and_user
    al_02_a_merge_ends_the_sessions_in_its_own_transaction
    al_02_a_user_whose_session_has_ended_connects_nothing
    al_01_to_sign_in_first_stores_nothing
    al_17_the_slower_first_login_is_not_merged_with_its_own_user
    al_21_no_login_merges_with_a_deactivated_user
}

/// The user who has to sign in first.
fn asked_first(error: &Error) -> Option<String> {
    match error.postponed()? {
        Postponed::SignInFirst(user) => Some(user.clone()),
        _ => None,
    }
}

const ADA: &str = "ada@x.example";

/// A stranger with a trusted, verified address.
fn stranger(id: &str) -> AuthorizedLogin {
    let mut login = suite::login("github", Some(id), None);
    login.profile = login.profile.with_email(Some(ADA.into()), true);
    login.trusted_email = Some(ADA.into());
    login
}

/// Merges with user 1, whose name is the address. It counts as verified locally unless the note says otherwise.
fn by_address<C: Users>(login: &Login<i32>, conn: &mut C) -> Result<Verdict<i32>> {
    match (&login.standing, conn.name(1)?) {
        (Standing::Stranger, Some(address)) => Ok(login.merge(1, &address, login.note("unproved").is_none())),
        _ => sign_up(login, conn),
    }
}

async fn al_01_a_stranger_merges_with_a_proved_mailbox_only<D: Db>() {
    let db = D::new();
    db.sql(&format!("INSERT INTO users VALUES (1, '{ADA}'), (2, 'eve@x.example')"));
    let storage = opened(db.storage().link(by_address::<D::Conn>)).await;
    let mut untrusted = stranger("a");
    untrusted.trusted_email = None;
    let mut unproved = stranger("a");
    unproved.add_note("unproved", "yes");
    let mut other = stranger("a");
    other.trusted_email = Some("Ada@x.example".into());
    for login in [untrusted, unproved, other] {
        let error = storage.link(&login, &keys()).await.unwrap_err();
        assert_eq!((error.kind(), asked_first(&error)), (ErrorKind::SignInFirst, Some("1".into())));
    }
    assert_eq!(db.rows(), (2, 0));
    let merged = storage.link(&stranger("a"), &keys()).await.unwrap();
    assert_eq!((merged.user.as_deref(), merged.merged), (Some("1"), true));
    let back = storage.link(&stranger("a"), &keys()).await.unwrap();
    assert_eq!((back.user.as_deref(), back.merged), (Some("1"), false), "the account has an owner now");
    // Connecting is not merging, whatever the address is.
    let mut adding = suite::login("github", Some("b"), Some("2"));
    (adding.profile, adding.trusted_email) = (stranger("b").profile, Some(ADA.into()));
    assert_eq!(storage.link(&adding, &keys()).await.unwrap().user.as_deref(), Some("2"));
    let mut taken = stranger("a");
    (taken.visitor, taken.purpose) = (Some("2".into()), crate::link::Purpose::Connect);
    assert_eq!(storage.link(&taken, &keys()).await.unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(storage.list(Some("1"), &["github"]).await.unwrap().len(), 1);
    assert_eq!(db.rows(), (2, 2));
}

/// A proof made of a login of the policy's own making.
fn proof(entry: &str, id: &str, address: &str, user: i32) -> MergeProof {
    let mut profile = crate::profile::Profile::default().with_email(Some(address.into()), true);
    profile.id = Some(id.into());
    let login = Login::new(entry, Standing::Stranger, profile).with_trusted_email();
    match login.merge(user, address, true) {
        Verdict::Merge(_, proof) => proof,
        other => panic!("{other:?}"),
    }
}

async fn al_01_a_proof_is_good_for_its_own_login_and_user<D: Db>() {
    let db = D::new();
    let policy = |login: &Login<i32>, _: &mut D::Conn| {
        let said: Vec<&str> = login.note("proof").unwrap().split(' ').collect();
        let proof = proof(said[0], said[1], said[2], said[3].parse().unwrap());
        Ok(Verdict::Merge(1, proof))
    };
    let storage = opened(db.storage().link(policy)).await;
    let said = async |proof: &str, login: AuthorizedLogin| {
        let mut login = login;
        login.add_note("proof", proof);
        storage.link(&login, &keys()).await.map(|linked| linked.user).map_err(|error| error.kind())
    };
    for other in [
        "google a ada@x.example 1",
        "github b ada@x.example 1",
        "github a eve@x.example 1",
        "github a ada@x.example 2",
    ] {
        assert_eq!(said(other, stranger("a")).await, Err(ErrorKind::Refused), "{other}");
    }
    let same = "github a ada@x.example 1";
    let mut untrusted = stranger("a");
    untrusted.trusted_email = None;
    let mut visited = stranger("a");
    visited.visitor = Some("1".into());
    for login in [untrusted, visited, suite::login("github", None, Some("1"))] {
        assert_eq!(said(same, login).await, Err(ErrorKind::Refused));
    }
    assert_eq!(db.rows().1, 0);
    assert_eq!(said(same, stranger("a")).await, Ok(Some("1".into())));
}

async fn al_01_to_sign_in_first_stores_nothing<D: Db>() {
    let db = D::new();
    let policy = |login: &Login<i32>, conn: &mut D::Conn| {
        conn.add("made on the way")?;
        Ok(Verdict::SignInFirst(login.note("user").unwrap().parse().unwrap()))
    };
    let storage = opened(db.storage().link(policy)).await;
    let said = async |login: AuthorizedLogin, user: &str| {
        let mut login = login;
        login.add_note("user", user);
        let error = storage.link(&login, &keys()).await.unwrap_err();
        (error.kind(), asked_first(&error).or_else(|| error.user().map(str::to_owned)))
    };
    assert_eq!(said(stranger("a"), "7").await, (ErrorKind::SignInFirst, Some("7".into())));
    // For any other standing it would ask one user to prove that they are another.
    storage.set(&suite::account("github", Some("b"), Some("8"))).await.unwrap();
    for (id, visitor) in [("a", Some("7")), ("b", None), ("b", Some("8")), ("b", Some("7"))] {
        let login = suite::login("github", Some(id), visitor);
        // The refusal is about the user who began the flow, or else about the account's owner.
        let user = visitor.unwrap_or("8").to_owned();
        assert_eq!(said(login, "8").await, (ErrorKind::Refused, Some(user)), "{id} {visitor:?}");
    }
    assert_eq!(db.rows(), (0, 1));
}

/// Of two simultaneous first logins, the policy of the slower one sees the user whom the faster one has created. It is the same
/// person.
async fn al_17_the_slower_first_login_is_not_merged_with_its_own_user<D: Db>() {
    for proved in [true, false] {
        let db = D::new();
        let (ask, asked) = std::sync::mpsc::channel();
        let (proceed, may_proceed) = std::sync::mpsc::channel::<()>();
        let wait = std::sync::Mutex::new(may_proceed);
        let faster = opened(db.storage().link(sign_up::<D::Conn>)).await;
        let policy = move |login: &Login<i32>, conn: &mut D::Conn| {
            if matches!(login.standing, Standing::Stranger) {
                let _ = ask.send(());
                // On SQLite the other transaction waits instead.
                let _ = wait.lock().unwrap().recv_timeout(std::time::Duration::from_millis(500));
                if conn.name(1)?.is_some() {
                    return Ok(login.merge(1, ADA, proved));
                }
            }
            sign_up(login, conn)
        };
        let slower = opened(db.storage().link(policy)).await;
        let slower = rocket::tokio::spawn(async move { slower.link(&stranger("1"), &keys()).await });
        suite::received("the policy of the slower login to be asked", asked).await;
        let linked = faster.link(&stranger("1"), &keys()).await.unwrap();
        let _ = proceed.send(());
        let late = slower.await.unwrap().unwrap();
        assert_eq!((late.user, late.merged), (linked.user, false));
        assert_eq!(db.rows(), (1, 1));
    }
}

struct Merging;

impl<C: Users> crate::link::LinkPolicy<C, i32> for Merging {
    fn link(&self, login: &Login<i32>, conn: &mut C) -> Result<Verdict<i32>> {
        by_address(login, conn)
    }

    fn may_sign_in(&self, user: &i32, _: &mut C) -> Result<bool> {
        Ok(*user != 1)
    }
}

async fn al_21_no_login_merges_with_a_deactivated_user<D: Db>() {
    let db = D::new();
    db.sql(&format!("INSERT INTO users VALUES (1, '{ADA}')"));
    let storage = opened(db.storage().link::<D::Conn, i32>(Merging)).await;
    assert_eq!(storage.link(&stranger("a"), &keys()).await.unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(db.rows(), (1, 0));
}

async fn al_02_a_merge_ends_the_sessions_in_its_own_transaction<D: Db>() {
    let db = D::new();
    db.sql(&format!("INSERT INTO users VALUES (1, '{ADA}'), (2, 'eve@x.example')"));
    let storage = CachedStorage::new(opened(db.storage().link(by_address::<D::Conn>)).await, 1 << 20, 60);
    let sessions = storage.sessions().unwrap();
    for (id, user) in [("of who was there before", "1"), ("eve's", "2")] {
        begun(&storage, &suite::session(id, user)).await;
        assert!(sessions.session(id).await.unwrap().is_some(), "and cached");
    }
    let merged = storage.link(&stranger("a"), &keys()).await.unwrap();
    assert_eq!(
        merged.ended.iter().map(|session| session.id.as_str()).collect::<Vec<_>>(),
        ["of who was there before"]
    );
    assert_eq!(sessions.session("of who was there before").await.unwrap(), None);
    assert!(sessions.session("eve's").await.unwrap().is_some());
}

async fn al_02_a_user_whose_session_has_ended_connects_nothing<D: Db>() {
    let db = D::new();
    let storage = opened(db.storage().link(sign_up::<D::Conn>)).await;
    let sessions = storage.sessions().unwrap();
    begun(&*storage, &suite::session("here", "7")).await;
    let from = |session: &str, id: &str, user: &str| {
        let session = Some(session.to_owned());
        AuthorizedLogin { session, ..suite::login("github", Some(id), Some(user)) }
    };
    for (session, user) in [("gone", "7"), ("here", "8"), ("HERE", "7")] {
        let error = storage.link(&from(session, "a", user), &keys()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{session} {user}");
    }
    assert_eq!(db.rows(), (0, 0));
    for _ in 0..2 {
        storage.link(&from("here", "a", "7"), &keys()).await.unwrap();
    }
    sessions.end_sessions(&SessionSelection::User("7".into())).await.unwrap();
    let error = storage.link(&from("here", "b", "7"), &keys()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(db.rows(), (0, 1));
}
