//! What every storage with sessions must do.

use crate::storage::{Session, SessionSelection, Storage};

/// A session of `user`, from a flow at `op`, between the times 1000 and 2000.
pub(crate) fn session(id: &str, user: &str) -> Session {
    Session {
        id: id.into(),
        user_id: user.into(),
        entry: Some("op".into()),
        issuer: Some("https://op.example".into()),
        provider_user_id: Some("Ada".into()),
        sid: None,
        id_token: None,
        created_at: 1000,
        seen_at: 1000,
        expires_at: 2000,
    }
}

/// What storages with sessions do. CA-01 within one process: a session that has ended is not in the cache.
pub(crate) async fn sessions(storage: &dyn Storage) {
    let sessions = storage.sessions().unwrap();
    let at = async |id: &str| sessions.session(id).await.unwrap();
    assert_eq!(at("a").await, None);
    let a = Session { id_token: Some("v1.sealed".into()), sid: Some("Ö 1".into()), ..session("a", "7") };
    sessions.begin_session(&a, None, 1000).await.unwrap();
    assert_eq!(sessions.session_uncached("a").await.unwrap().as_ref(), Some(&a));
    assert_eq!(at("a").await.map(|session| session.user_id), Some("7".into()));
    for other in ["A", "a ", "", "session:a"] {
        assert_eq!(at(other).await, None, "{other}");
    }

    // A request updates the session only if it is later than the last one.
    sessions.session_seen("a", 1500, 2500).await.unwrap();
    sessions.session_seen("a", 1400, 9000).await.unwrap();
    sessions.session_seen("b", 1500, 2500).await.unwrap();
    let seen = at("a").await.unwrap();
    assert_eq!((seen.created_at, seen.seen_at, seen.expires_at), (1000, 1500, 2500));

    // SF-01: the session gets another id and the old one is invalid. A session that has ended stays ended.
    assert!(sessions.rename_session("a", "b").await.unwrap());
    assert_eq!((at("a").await, at("b").await.unwrap().sid), (None, Some("Ö 1".into())));
    assert!(!sessions.rename_session("a", "c").await.unwrap());
    assert_eq!(at("c").await, None);
    // SF-03: a new session replaces the old one.
    sessions.begin_session(&session("c", "8"), Some("b"), 1000).await.unwrap();
    assert_eq!((at("b").await, at("c").await.map(|session| session.user_id)), (None, Some("8".into())));

    // Each selection ends its sessions.
    assert_eq!(sessions.end_sessions(&SessionSelection::User("8".into())).await.unwrap().len(), 1);
    assert_eq!(at("c").await, None);
    let by_form = Session { entry: None, issuer: None, provider_user_id: None, ..session("form", "7") };
    let login = |id: &str, person: &str, sid: &str| Session {
        provider_user_id: Some(person.into()),
        sid: Some(sid.into()),
        ..session(id, "7")
    };
    let elsewhere = Session { issuer: Some("https://other.example".into()), ..login("moved", "Ada", "1") };
    let op2 = Session { entry: Some("op2".into()), ..login("op2", "Ada", "1") };
    let all = [
        by_form,
        login("1", "Ada", "1"),
        login("2", "Ada", "2"),
        login("3", "ada", "1"),
        elsewhere,
        op2,
        session("8", "8"),
    ];
    let named = |person: Option<&str>, sid: Option<&str>| SessionSelection::ProviderSession {
        entry: "op".into(),
        issuer: "https://op.example".into(),
        provider_user_id: person.map(str::to_owned),
        sid: sid.map(str::to_owned),
    };
    for (selection, ended) in [
        (SessionSelection::Id("1".into()), &["1"][..]),
        (SessionSelection::User("7".into()), &["1", "2", "3", "form", "moved", "op2"]),
        (named(Some("Ada"), None), &["1", "2", "8"]),
        (named(None, Some("1")), &["1", "3"]),
        (named(Some("Ada"), Some("1")), &["1", "8"]),
        (named(Some("Ada"), Some("3")), &["8"]),
        (named(Some("ada"), Some("3")), &[]),
        (named(None, Some("3")), &[]),
        (named(None, None), &[]),
        (SessionSelection::User("".into()), &[]),
        (SessionSelection::Id("9".into()), &[]),
    ] {
        for session in &all {
            sessions.end_sessions(&SessionSelection::Id(session.id.clone())).await.unwrap();
            sessions.begin_session(session, None, 1000).await.unwrap();
            assert!(at(&session.id).await.is_some());
        }
        let gone = sessions.end_sessions(&selection).await.unwrap();
        let mut ids: Vec<&str> = gone.iter().map(|session| session.id.as_str()).collect();
        ids.sort_unstable();
        assert_eq!(ids, ended, "{selection:?}");
        for session in &all {
            let there = !ended.contains(&session.id.as_str());
            assert_eq!(at(&session.id).await.is_some(), there, "{selection:?} {}", session.id);
            assert_eq!(selection.includes(session), !there);
        }
    }

    // GC-01: a new session removes expired ones.
    sessions.begin_session(&session("later", "9"), None, 2000).await.unwrap();
    assert_eq!(sessions.session_uncached("8").await.unwrap(), None);
}
