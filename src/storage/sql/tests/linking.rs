//! SessionSelection account it is, and who may say so, inside the transaction.

use std::sync::atomic::{AtomicBool, Ordering};

use rocket::tokio::task::JoinSet;

use super::*;
use crate::link::{LinkCurrentUser, RequireEmailDomain};

on_each_database_and_partitions! {
    each_standing_and_verdict
    a_policy_that_panics_costs_its_connection_only
    simultaneous_first_logins_make_one_user
    al_17_the_slower_first_login_meets_no_stranger_of_its_own
    al_19_an_error_after_the_user_was_made_leaves_no_user
    a_transaction_in_the_policy_is_a_savepoint
    a_policy_may_not_leave_a_transaction_open_or_end_ours
    a_stored_user_id_of_another_type_is_said
    d10_a_domain_judges_who_signs_in
    link_current_user_signs_no_user_up
    al_15_an_identity_is_never_empty
    al_16_the_last_way_to_sign_in_stays
    al_16_of_two_disconnects_at_once_one_is_refused
    al_21_a_deactivated_user_gets_no_new_token
}

async fn each_standing_and_verdict<D: Db>() {
    let db = D::new();
    // Returns the verdict that the note names.
    let policy = |login: &Login<i32>, _: &mut D::Conn| {
        let said = login.note("verdict").unwrap_or_default();
        let user = said.split_once(' ').map_or(0, |(_, user)| user.parse().unwrap());
        Ok(match said.split(' ').next().unwrap() {
            "SignUp" => Verdict::SignUp(user),
            "SignIn" => Verdict::SignIn(user),
            "Keep" => Verdict::StoreWithoutUser,
            "Refuse" => Verdict::Refuse("No.".into()),
            _ => login.default_verdict(),
        })
    };
    let storage = opened(db.storage().link(policy)).await;
    let said = async |id: &str, visitor: Option<&str>, verdict: &str, user_required: bool| {
        let mut login = suite::login("github", Some(id), visitor);
        login.user_required = user_required;
        login.add_note("verdict", verdict);
        storage.link(&login, &keys()).await.map(|linked| linked.user).map_err(|error| error.kind())
    };
    let user = |id: &str| Ok(Some(id.to_owned()));
    let no = Err(ErrorKind::Refused);

    // Stranger.
    for verdict in ["usual", "Refuse", "SignIn 7"] {
        assert_eq!(said("a", None, verdict, false).await, no, "{verdict}");
    }
    assert_eq!(said("a", None, "Keep", true).await, Err(ErrorKind::Misconfigured));
    assert_eq!(db.rows().1, 0);
    assert_eq!(said("k", None, "Keep", false).await, Ok(None));
    assert_eq!(said("a", None, "SignUp 7", true).await, user("7"));
    assert_eq!(said("b", None, "SignUp 7", true).await, no, "a user with accounts isn't new");
    // Adding; `k` still has no owner.
    for verdict in ["Refuse", "Keep", "SignUp 8", "SignUp 9", "SignIn 9"] {
        assert_eq!(said("b", Some("8"), verdict, false).await, no, "{verdict}");
        assert_eq!(said("k", Some("8"), verdict, false).await, no, "{verdict}");
    }
    assert_eq!(said("b", Some("8"), "usual", true).await, user("8"));
    assert_eq!(said("k", Some("8"), "SignIn 8", true).await, user("8"));
    // Returning.
    for verdict in ["Refuse", "Keep", "SignUp 7", "SignUp 9", "SignIn 8"] {
        assert_eq!(said("a", None, verdict, false).await, no, "{verdict}");
    }
    assert_eq!(said("a", None, "usual", true).await, user("7"));
    // Renewing.
    for verdict in ["Refuse", "Keep", "SignUp 7", "SignIn 8"] {
        assert_eq!(said("a", Some("7"), verdict, false).await, no, "{verdict}");
    }
    assert_eq!(said("a", Some("7"), "SignIn 7", true).await, user("7"));
    // Taken.
    for verdict in ["usual", "Refuse", "Keep", "SignUp 9", "SignIn 7", "SignIn 8"] {
        assert_eq!(said("a", Some("8"), verdict, false).await, no, "{verdict}");
    }
    let mine = storage.list(Some("8"), &["github"]).await.unwrap();
    assert_eq!((mine.len(), db.rows().1), (2, 3));
}

async fn a_policy_that_panics_costs_its_connection_only<D: Db>() {
    let panics = Arc::new(AtomicBool::new(true));
    let db = D::new();
    let should_panic = panics.clone();
    let policy = move |login: &Login<i32>, conn: &mut D::Conn| {
        let verdict = sign_up(login, conn);
        assert!(!should_panic.load(Ordering::SeqCst), "the policy panics");
        verdict
    };
    let storage = opened(db.storage().link(policy).pool_size(1)).await;
    let login = suite::login("github", Some("1"), None);
    assert_eq!(storage.link(&login, &keys()).await.unwrap_err().kind(), ErrorKind::AppError);
    assert_eq!(db.rows(), (0, 0));
    panics.store(false, Ordering::SeqCst);
    storage.link(&login, &keys()).await.unwrap();
    assert_eq!(db.rows(), (1, 1), "seen by other connections");
}

async fn simultaneous_first_logins_make_one_user<D: Db>() {
    let db = D::new();
    // Two pools, as two processes have them.
    let storages = [
        opened(db.storage().link(sign_up::<D::Conn>)).await,
        opened(db.storage().link(sign_up::<D::Conn>)).await,
    ];
    let mut tasks = JoinSet::new();
    for n in 0..32 {
        let storage = storages[n % 2].clone();
        tasks.spawn(async move { storage.link(&suite::login("github", Some("1"), None), &keys()).await });
    }
    let mut ends = Vec::new();
    while let Some(linked) = tasks.join_next().await {
        let linked = linked.unwrap().unwrap();
        ends.push((linked.account.id, linked.user));
    }
    ends.dedup();
    assert_eq!((ends.len(), db.rows()), (1, (1, 1)));
}

/// The slower policy also looks users up by name, and sees the user whom the faster one has created.
async fn al_17_the_slower_first_login_meets_no_stranger_of_its_own<D: Db>() {
    let db = D::new();
    let (ask, asked) = std::sync::mpsc::channel();
    let faster = opened(db.storage().link(sign_up::<D::Conn>)).await;
    let (proceed, may_proceed) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(may_proceed);
    let policy = move |login: &Login<i32>, conn: &mut D::Conn| {
        if matches!(login.standing, Standing::Stranger) {
            let _ = ask.send(());
            // On SQLite the other transaction waits instead.
            let _ = wait.lock().unwrap().recv_timeout(std::time::Duration::from_millis(500));
            if conn.name(1)?.is_some() {
                return Ok(Verdict::Refuse("This name is taken.".into()));
            }
        }
        sign_up(login, conn)
    };
    let slower = opened(db.storage().link(policy)).await;
    let slower =
        rocket::tokio::spawn(
            async move { slower.link(&suite::login("github", Some("1"), None), &keys()).await },
        );
    suite::received("the policy of the slower login to be asked", asked).await;
    let linked = faster.link(&suite::login("github", Some("1"), None), &keys()).await.unwrap();
    let _ = proceed.send(());
    assert_eq!(slower.await.unwrap().unwrap().user, linked.user);
    assert_eq!(db.rows(), (1, 1));
}

async fn al_19_an_error_after_the_user_was_made_leaves_no_user<D: Db>() {
    let db = D::new();
    let policy = |login: &Login<i32>, conn: &mut D::Conn| {
        let _created = sign_up(login, conn)?;
        if login.note("refuse").is_some() {
            Ok(Verdict::Refuse("No.".into()))
        } else {
            Err(Error::app("broken"))
        }
    };
    let storage = opened(db.storage().link(policy)).await;
    let mut login = suite::login("github", Some("1"), None);
    assert_eq!(storage.link(&login, &keys()).await.unwrap_err().kind(), ErrorKind::AppError);
    login.add_note("refuse", "yes");
    assert_eq!(storage.link(&login, &keys()).await.unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(db.rows(), (0, 0));
}

async fn a_transaction_in_the_policy_is_a_savepoint<D: Db>() {
    let db = D::new();
    let policy = |login: &Login<i32>, conn: &mut D::Conn| {
        let undone: Result<Verdict<i32>> = conn.transaction(|conn| {
            let _created = sign_up(login, conn)?;
            Err(Error::app("undone"))
        });
        assert!(undone.is_err());
        conn.transaction(|conn| sign_up(login, conn))
    };
    let storage = opened(db.storage().link(policy)).await;
    storage.link(&suite::login("github", Some("1"), None), &keys()).await.unwrap();
    assert_eq!(db.rows(), (1, 1));
}

async fn a_policy_may_not_leave_a_transaction_open_or_end_ours<D: Db>() {
    let db = D::new();
    let policy = |login: &Login<i32>, conn: &mut D::Conn| {
        use diesel::connection::TransactionManager as _;
        match login.note("do") {
            Some("open") => <D::Conn as Connection>::TransactionManager::begin_transaction(conn)?,
            Some("end") => <D::Conn as Connection>::TransactionManager::rollback_transaction(conn)?,
            Some("raw") => conn.batch_execute("ROLLBACK")?,
            // As a deadlock would, whose error the policy ignores.
            Some("late") => {
                let verdict = sign_up(login, conn)?;
                conn.batch_execute("ROLLBACK")?;
                return Ok(verdict);
            }
            Some("nested") => {
                return conn.transaction(|conn| {
                    conn.batch_execute("ROLLBACK")?;
                    sign_up(login, conn)
                });
            }
            Some("table") => conn.batch_execute("CREATE TABLE IF NOT EXISTS audit (id INTEGER)")?,
            _ => {}
        }
        sign_up(login, conn)
    };
    let storage = opened(db.storage().link(policy).pool_size(1)).await;
    for what in ["open", "end", "raw", "late", "nested", "table"] {
        // PostgreSQL only warns of a commit without a transaction, which Diesel does not report. Only MySQL ends transactions
        // by itself.
        match what {
            "raw" if D::NAME == "postgres" => continue,
            "late" | "nested" | "table" if D::NAME != "mysql" => continue,
            _ => {}
        }
        let users = db.rows().0;
        let mut login = suite::login("github", Some(what), None);
        login.add_note("do", what);
        assert!(storage.link(&login, &keys()).await.is_err(), "{what}");
        let before = db.rows().1;
        assert!(D::NAME != "mysql" || db.rows().0 == users, "{what}: no user is left");
        // On SQLite it shows only when the commit fails, if Diesel does not know of it.
        assert!(
            (what, D::NAME) == ("raw", "sqlite")
                || storage.get(&AccountKey::identity("github", what)).await.unwrap().is_none(),
            "{what}"
        );
        login.notes.clear();
        login.profile.id = Some(format!("after {what}"));
        storage.link(&login, &keys()).await.unwrap();
        assert_eq!(db.rows().1, before + 1, "{what}: the next one is seen");
    }
}

async fn a_stored_user_id_of_another_type_is_said<D: Db>() {
    let db = D::new();
    let storage = opened(db.storage().link(sign_up::<D::Conn>)).await;
    assert_eq!(storage.user_type(), Some(UserType::of::<i32>()));
    storage.set(&suite::account("github", Some("1"), Some("ada"))).await.unwrap();
    let error = storage.link(&suite::login("github", Some("1"), None), &keys()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(format!("{error:?}").contains("not a `i32`"), "{error:?}");
}

async fn d10_a_domain_judges_who_signs_in<D: Db>() {
    let db = D::new();
    let storage =
        opened(db.storage().link::<D::Conn, i32>(RequireEmailDomain("corp.com", sign_up::<D::Conn>))).await;
    let login =
        async |id: &str, visitor: Option<&str>, address: Option<&str>, verified: bool, trusted: bool| {
            let mut login = suite::login("corp", Some(id), visitor);
            login.profile = login.profile.with_email(address.map(str::to_owned), verified);
            login.trusted_email = login.profile.email().filter(|_| trusted).map(str::to_owned);
            storage.link(&login, &keys()).await.map(|linked| linked.user).map_err(|error| error.kind())
        };
    let refused = Err(ErrorKind::Refused);
    let outsiders = [
        (Some("a@corp.com"), false, true),
        (Some("a@corp.com"), true, false),
        (Some("a@evilcorp.com"), true, true),
        (Some("a@x.corp.com"), true, true),
        (Some("a@corp.com@x.com"), true, true),
        (None, false, true),
    ];
    for (address, verified, trusted) in outsiders {
        assert_eq!(login("1", None, address, verified, trusted).await, refused, "{address:?}");
    }
    assert_eq!(db.rows(), (0, 0));
    let user = login("1", None, Some("a@Corp.com"), true, true).await.unwrap().unwrap();
    // A user who has left the domain stays out, even if the provider no longer sends an address.
    let before = storage.get(&AccountKey::identity("corp", "1")).await.unwrap();
    for (address, verified, trusted) in outsiders {
        assert_eq!(login("1", None, address, verified, trusted).await, refused, "{address:?}");
    }
    assert_eq!(storage.get(&AccountKey::identity("corp", "1")).await.unwrap(), before, "nothing has changed");
    // A user who is signed in connects and renews any account. The account of another user stays that user's.
    for _ in ["adding", "renewing"] {
        let private = login("2", Some(&user), Some("a@home.example"), false, false).await;
        assert_eq!(private.unwrap().as_deref(), Some(user.as_str()));
    }
    assert_eq!(login("2", Some("77"), Some("a@corp.com"), true, true).await, refused, "taken");
    assert_eq!(login("2", None, Some("a@home.example"), true, true).await, refused, "it signs no user in");
    assert_eq!(db.rows(), (1, 2));
}

async fn link_current_user_signs_no_user_up<D: Db>() {
    let db = D::new();
    let named = opened(db.storage().link(LinkCurrentUser::<D::Conn, i32>::new())).await;
    assert_eq!(named.user_type(), Some(UserType::of::<i32>()));
    for (storage, id) in [(named, "1"), (opened(db.storage()).await, "2")] {
        let stranger = storage.link(&suite::login("github", Some(id), None), &keys()).await.unwrap_err();
        assert_eq!(stranger.kind(), ErrorKind::Refused);
        storage.link(&suite::login("github", Some(id), Some("7")), &keys()).await.unwrap();
        let returning = storage.link(&suite::login("github", Some(id), None), &keys()).await.unwrap();
        assert_eq!(returning.user.as_deref(), Some("7"));
        // Its users can sign in by the app's own form.
        assert_eq!(
            storage.unlink(Some("7"), "github", None, &["github"], None).await.unwrap().accounts.len(),
            1
        );
    }
}

struct Passwords;

impl<C: Users> LinkPolicy<C, i32> for Passwords {
    fn link(&self, login: &Login<i32>, conn: &mut C) -> Result<Verdict<i32>> {
        sign_up(login, conn)
    }

    fn has_other_login(&self, user: &i32, conn: &mut C) -> Result<bool> {
        Ok(conn.name(*user)?.is_some_and(|name| name == "has a password"))
    }

    fn may_sign_in(&self, user: &i32, conn: &mut C) -> Result<bool> {
        Ok(conn.name(*user)?.is_none_or(|name| name != "deactivated"))
    }
}

async fn al_16_the_last_way_to_sign_in_stays<D: Db>() {
    let db = D::new();
    let storage = opened(db.storage().link::<D::Conn, i32>(RequireEmailDomain("corp.com", Passwords))).await;
    db.sql("INSERT INTO users VALUES (1, 'Ada')");
    for (entry, id) in [
        ("github", Some("1")),
        ("github", Some("2")),
        ("google", Some("1")),
        ("jira", Some("1")),
        ("plain", None),
    ] {
        storage.set(&suite::account(entry, id, Some("1"))).await.unwrap();
    }
    // The entries for signing in. `plain` has no identities, and `jira` is only for connecting.
    let logins = ["github", "google", "plain"];
    let unlink = async |entry: &str, account| {
        let removed = storage.unlink(Some("1"), entry, account, &logins, None).await;
        removed.map(|removed| removed.accounts.len()).map_err(|error| error.kind())
    };
    assert_eq!(unlink("google", None).await, Ok(1));
    assert_eq!(unlink("github", None).await, Err(ErrorKind::LastLogin));
    let two = storage.list(Some("1"), &["github"]).await.unwrap();
    assert_eq!(two.len(), 2, "nothing has changed");
    assert_eq!(unlink("github", Some(two[0].id)).await, Ok(1));
    assert_eq!(unlink("github", Some(two[1].id)).await, Err(ErrorKind::LastLogin));
    assert_eq!(unlink("jira", None).await, Ok(1));
    assert_eq!(unlink("plain", None).await, Ok(1));
    assert_eq!(unlink("nowhere", None).await, Ok(0));
    db.sql("UPDATE users SET name = 'has a password'");
    assert_eq!(unlink("github", None).await, Ok(1));
    assert_eq!(db.rows().1, 0);
}

async fn al_21_a_deactivated_user_gets_no_new_token<D: Db>() {
    let db = D::new();
    let storage = opened(db.storage().link::<D::Conn, i32>(Passwords)).await;
    let mut login = suite::login("github", Some("1"), None);
    let first = storage.link(&login, &keys()).await.unwrap();
    db.sql("UPDATE users SET name = 'deactivated'");
    login.now = 2000;
    assert_eq!(storage.link(&login, &keys()).await.unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(storage.get(&AccountKey::owner("github", 1)).await.unwrap(), Some(first.account));
}

async fn al_16_of_two_disconnects_at_once_one_is_refused<D: Db>() {
    let db = D::new();
    // Two pools, as two processes have them.
    let one = opened(db.storage().link(sign_up::<D::Conn>)).await;
    let other = opened(db.storage().link(sign_up::<D::Conn>)).await;
    let logins = ["github", "google"];
    for round in 0..5 {
        for entry in logins {
            one.set(&suite::account(entry, Some("1"), Some("7"))).await.unwrap();
        }
        let (first, second) = rocket::tokio::join!(
            one.unlink(Some("7"), "github", None, &logins, None),
            other.unlink(Some("7"), "google", None, &logins, None),
        );
        let mut ends =
            [first, second].map(|end| end.map(|gone| gone.accounts.len()).map_err(|error| error.kind()));
        ends.sort_by_key(Result::is_err);
        assert_eq!((ends, db.rows().1), ([Ok(1), Err(ErrorKind::LastLogin)], 1), "round {round}");
    }
}

async fn al_15_an_identity_is_never_empty<D: Db>() {
    let db = D::new();
    let storage = opened(db.storage().link(sign_up::<D::Conn>)).await;
    let nul = "a\0b";
    for id in ["", nul] {
        for visitor in [None, Some("7")] {
            let error = storage.link(&suite::login("github", Some(id), visitor), &keys()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadProviderAnswer, "{id:?}");
        }
    }
    assert_eq!(db.rows(), (0, 0));
    // SQL of the app cannot store an empty id either.
    storage.set(&suite::account("github", Some("1"), Some("7"))).await.unwrap();
    assert!(db.try_sql("UPDATE oauth_accounts SET provider_user_id = ''").is_err());
    // Two users without an identity do not share an account.
    assert_eq!(
        storage.link(&suite::login("github", None, None), &keys()).await.unwrap_err().kind(),
        ErrorKind::Refused
    );
    assert_eq!(db.rows(), (0, 1));
}
