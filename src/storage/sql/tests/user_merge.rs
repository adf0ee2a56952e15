//! Two users of one person become one, whatever else happens to them at the same moment.

use rocket::tokio::task::JoinSet;

use super::*;
use crate::link::LinkPolicy;
use crate::storage::suite::{session, session_from};

on_each_database_and_partitions! {
    al_25_two_users_become_one
    al_25_a_merge_that_may_not_be_changes_nothing
    al_25_merges_in_opposite_directions_leave_one_user
    al_25_what_is_under_way_belongs_to_the_user_who_stays
}

/// Merges the users of an account that is taken. What it does depends on the name of the former user.
struct Merging<C>(std::marker::PhantomData<fn(C)>);

impl<C: Users> LinkPolicy<C, i32> for Merging<C> {
    fn link(&self, login: &Login<i32>, _: &mut C) -> Result<Verdict<i32>> {
        Ok(match login.standing {
            Standing::Taken { .. } => Verdict::MergeUsers,
            _ => login.default_verdict(),
        })
    }

    fn may_sign_in(&self, user: &i32, conn: &mut C) -> Result<bool> {
        Ok(conn.name(*user)?.as_deref() != Some("banned"))
    }

    fn merge_users(&self, from: &i32, into: &i32, conn: &mut C) -> Result<()> {
        match conn.name(*from)?.as_deref() {
            Some("fails") => return Err(Error::refused("Not this one.")),
            Some("swaps") => conn.remove(*into)?,
            _ => conn.remove(*from)?,
        };
        Ok(())
    }
}

/// The dance of user `into` at an account of user `from`, as it was confirmed.
fn confirmed(id: &str, from: &str, into: &str) -> AuthorizedLogin {
    let mut login = suite::login("op", Some(id), Some(into));
    login.merged_user = Some(from.to_owned());
    login.session = Some(format!("of {into}"));
    login
}

async fn two<D: Db>(db: &D) -> [Arc<dyn Storage>; 2] {
    let storage =
        || db.storage().link(Merging::<D::Conn>(std::marker::PhantomData)).cascade_from("users", "id");
    // Two pools, as two processes have them.
    [opened(storage()).await, opened(storage()).await]
}

/// Users 1 and 2, each with a session and accounts at `op`.
async fn users<D: Db>(db: &D, storage: &dyn Storage, names: [&str; 2]) {
    db.sql("DELETE FROM oauth_sessions; DELETE FROM oauth_accounts; DELETE FROM users");
    db.sql(&format!("INSERT INTO users (id, name) VALUES (1, '{}'), (2, '{}')", names[0], names[1]));
    for (id, user) in [("a", "1"), ("b", "2"), ("c", "2")] {
        let login = suite::login("op", Some(id), Some(user));
        // A policy that lets the user in at first.
        storage.set(&Account::of(&login, Some(user), None, &keys()).unwrap()).await.unwrap();
    }
    for user in ["1", "2"] {
        begun(storage, &session(&format!("of {user}"), user)).await;
    }
}

/// Every account: its id at the provider, and its user.
fn owners<D: Db>(db: &D) -> Vec<String> {
    db.texts(
        "SELECT concat(coalesce(provider_user_id, '-'), ' ', user_id) AS t FROM oauth_accounts ORDER BY 1",
    )
}

async fn al_25_two_users_become_one<D: Db>() {
    let db = D::new();
    let [one, other] = two(&db).await;
    users(&db, &*one, ["Ada", "Bob"]).await;
    for user in ["1", "2"] {
        // A token without an identity: at most one per user and entry.
        other.set(&suite::account("op", None, Some(user))).await.unwrap();
        begun(&*one, &session(&format!("elsewhere {user}"), user)).await;
    }
    begun(&*one, &session_from("Bob's", "2", "b")).await;
    let linked = one.link(&confirmed("b", "2", "1"), &keys()).await.unwrap();
    let ids = |accounts: &[Account]| -> Vec<Option<String>> {
        accounts.iter().map(|account| account.provider_user_id.clone()).collect()
    };
    assert_eq!((linked.user.as_deref(), linked.merged_user.as_deref()), (Some("1"), Some("2")));
    assert_eq!(linked.account.user_id.as_deref(), Some("1"));
    assert!(linked.moved.iter().all(|moved| moved.user_id.as_deref() == Some("2")));
    assert_eq!(ids(&linked.replaced), [None]);
    let listed = other.list(Some("1"), &["op"]).await.unwrap();
    let order: Vec<Option<String>> = ["a", "b", "c"].map(|id| Some(id.to_owned())).into();
    assert_eq!(ids(&listed).into_iter().filter(Option::is_some).collect::<Vec<_>>(), order, "its own first");
    for account in &listed {
        assert!(account.provider_user_id.is_none() || account.open(&keys()).is_ok(), "{account:?}");
    }
    assert_eq!(db.texts("SELECT name AS t FROM users"), ["Ada"]);
    assert_eq!(db.texts("SELECT id AS t FROM oauth_sessions"), ["of 1"], "the one that confirmed");
    assert_eq!(linked.ended.len(), 4);
    // A second time there is no other user.
    let again = one.link(&confirmed("b", "2", "1"), &keys()).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Refused);
}

async fn al_25_a_merge_that_may_not_be_changes_nothing<D: Db>() {
    let db = D::new();
    let [one, _] = two(&db).await;
    let all = |db: &D| {
        let sessions = db.texts("SELECT id AS t FROM oauth_sessions ORDER BY id");
        (db.texts("SELECT name AS t FROM users ORDER BY id"), owners(db), sessions)
    };
    for (names, login, kind) in [
        (
            ["Ada", "Bob"],
            AuthorizedLogin { merged_user: None, ..confirmed("b", "2", "1") },
            ErrorKind::MergeUnconfirmed,
        ),
        (["Ada", "Bob"], confirmed("b", "3", "1"), ErrorKind::Refused),
        (["Ada", "Bob"], confirmed("a", "2", "1"), ErrorKind::Refused),
        (["Ada", "Bob"], confirmed("new", "2", "1"), ErrorKind::Refused),
        (
            ["Ada", "Bob"],
            AuthorizedLogin { session: Some("ended".into()), ..confirmed("b", "2", "1") },
            ErrorKind::Refused,
        ),
        (
            ["Ada", "Bob"],
            AuthorizedLogin { issuer: "https://elsewhere".into(), ..confirmed("b", "2", "1") },
            ErrorKind::Misconfigured,
        ),
        (["banned", "Bob"], confirmed("b", "2", "1"), ErrorKind::Refused),
        (["Ada", "banned"], confirmed("b", "2", "1"), ErrorKind::Refused),
        (["Ada", "fails"], confirmed("b", "2", "1"), ErrorKind::Refused),
        (["Ada", "swaps"], confirmed("b", "2", "1"), ErrorKind::Refused),
    ] {
        users(&db, &*one, names).await;
        let before = all(&db);
        let error = one.link(&login, &keys()).await.unwrap_err();
        assert_eq!((error.kind(), all(&db)), (kind, before), "{names:?} {error:?}");
    }
    // A policy without the method, and no policy.
    let answers = |login: &Login<i32>, _: &mut D::Conn| {
        Ok(match login.standing {
            Standing::Taken { .. } => Verdict::MergeUsers,
            _ => login.default_verdict(),
        })
    };
    for (storage, kind) in
        [(db.storage().link(answers), ErrorKind::Misconfigured), (db.storage(), ErrorKind::Refused)]
    {
        let storage = opened(storage).await;
        users(&db, &*storage, ["Ada", "Bob"]).await;
        let before = all(&db);
        let error = storage.link(&confirmed("b", "2", "1"), &keys()).await.unwrap_err();
        assert_eq!((error.kind(), all(&db)), (kind, before), "{error:?}");
    }
}

async fn al_25_merges_in_opposite_directions_leave_one_user<D: Db>() {
    let db = D::new();
    let [one, other] = two(&db).await;
    for round in 0..10 {
        users(&db, &*one, ["Ada", "Bob"]).await;
        let mut tasks = JoinSet::new();
        for n in 0..4 {
            let storage = if n < 2 { one.clone() } else { other.clone() };
            let login = if n % 2 == 0 { confirmed("b", "2", "1") } else { confirmed("a", "1", "2") };
            tasks.spawn(async move { storage.link(&login, &keys()).await.map(|linked| linked.user) });
        }
        let mut stays = Vec::new();
        while let Some(done) = tasks.join_next().await {
            match done.unwrap() {
                Ok(user) => stays.push(user.unwrap()),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Refused, "{error:?}"),
            }
        }
        assert_eq!(stays.len(), 1, "round {round}");
        assert_eq!(owners(&db), ["a", "b", "c"].map(|id| format!("{id} {}", stays[0])), "round {round}");
        assert_eq!(db.texts("SELECT id AS t FROM oauth_sessions"), [format!("of {}", stays[0])]);
    }
}

async fn al_25_what_is_under_way_belongs_to_the_user_who_stays<D: Db>() {
    let db = D::new();
    let [one, other] = two(&db).await;
    for round in 0..10 {
        users(&db, &*one, ["Ada", "Bob"]).await;
        let mut tasks = JoinSet::new();
        for n in 0..6 {
            let storage = if n % 2 == 0 { one.clone() } else { other.clone() };
            tasks.spawn(async move {
                let mut connect = suite::login("op", Some("new"), Some("2"));
                connect.session = Some("of 2".into());
                let mut back = suite::login("op", Some("c"), None);
                back.purpose = crate::link::Purpose::SignIn;
                let done = match n {
                    0 => storage.link(&confirmed("b", "2", "1"), &keys()).await.map(drop),
                    1 => storage.link(&connect, &keys()).await.map(drop),
                    2 => storage.link(&back, &keys()).await.map(drop),
                    3 => storage.begin_session(&session_from("late", "2", "c"), None, 1000).await.map(drop),
                    4 => storage.unlink(Some("2"), "op", None, &[], None).await.map(drop),
                    _ => storage.make_primary("2", "op", 1).await.map(drop),
                };
                done.map_err(|error| (n, error))
            });
        }
        while let Some(done) = tasks.join_next().await {
            if let Err((n, error)) = done.unwrap() {
                let expected = [ErrorKind::Refused, ErrorKind::LastLogin];
                assert!(expected.contains(&error.kind()), "round {round}, {n}: {error:?}");
            }
        }
        let users = db.texts("SELECT name AS t FROM users ORDER BY id");
        let left = |table: &str| db.number(&format!("SELECT count(*) AS n FROM {table} WHERE user_id = '2'"));
        // If the disconnect was first, there was nothing to merge.
        if users == ["Ada"] {
            assert_eq!((left("oauth_accounts"), left("oauth_sessions")), (0, 0), "round {round}");
        } else {
            assert_eq!(users, ["Ada", "Bob"], "round {round}");
        }
    }
}
