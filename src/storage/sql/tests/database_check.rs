//! The checks before a launch, by roles with few rights: what is missing is named and granted, and nothing is changed.

use super::roles::{RIGHTS, Role, TABLES};
use super::*;
use crate::finding::{Finding, FindingLevel};

on_each_server! {
    a_missing_right_is_found_and_granted
    a_role_that_may_not_create_tables
    a_trigger_that_the_role_may_not_install
}

/// The findings about the database, and the failures among them as one text.
async fn examined(storage: DieselStorage) -> (Vec<Finding>, String) {
    let found = storage.examine(&figment(&storage)).await;
    let failures = found.iter().filter(|finding| finding.level == FindingLevel::Failure);
    let failures = failures
        .map(|finding| format!("{}\n{}\n", finding.text, finding.cure.as_deref().unwrap_or_default()));
    let said = failures.collect();
    (found, said)
}

async fn a_missing_right_is_found_and_granted<D: Db>() {
    let db = D::new();
    opened(db.storage()).await;
    let role = Role::new(&db);
    role.grant_all();
    assert_eq!(examined(role.storage()).await.1, "");
    for (table, right) in TABLES.into_iter().zip(RIGHTS) {
        role.revoke(right, table);
        let said = examined(role.storage()).await.1;
        assert!(said.contains(&format!("does not let this role {right} in the table `{table}`")), "{said}");
        assert_eq!(role.follow(&said), 3, "{said}");
        assert_eq!(examined(role.storage()).await.1, "");
    }
}

async fn a_role_that_may_not_create_tables<D: Db>() {
    let db = D::new();
    let role = Role::new(&db);
    if D::NAME == "mysql" {
        role.grant("SELECT, INSERT, UPDATE, DELETE", "*");
    }
    let (found, said) = examined(role.storage()).await;
    match D::NAME {
        // CREATE TABLE can't be rolled back there, and is not attempted.
        "mysql" => assert_eq!(said, ""),
        _ => {
            assert!(said.contains("can't be migrated") && said.contains("GRANT CREATE"), "{said}");
            assert_eq!(role.follow(&said), 1, "{said}");
            let (found, said) = examined(role.storage()).await;
            assert_eq!(said, "", "{found:?}");
        }
    }
    assert!(!found.is_empty());
    let tables = "SELECT count(*) AS n FROM information_schema.tables WHERE table_name LIKE '%oauth%' OR table_name LIKE 'rocket_dance%'";
    let own = if D::NAME == "mysql" { " AND table_schema = database()" } else { "" };
    assert_eq!(
        db.number(
            &tables
                .replace("WHERE ", "WHERE (")
                .replace("'rocket_dance%'", &format!("'rocket_dance%'){own}"))
        ),
        0
    );
}

async fn a_trigger_that_the_role_may_not_install<D: Db>() {
    let db = D::new();
    opened(db.storage()).await;
    let role = Role::new(&db);
    role.grant_all();
    let said = examined(role.storage().cascade_from("users", "id")).await.1;
    assert!(said.contains("its rows can't be locked") || said.contains("no such table"), "{said}");
    role.grant("SELECT, UPDATE", "users");
    let (found, said) = examined(role.storage().cascade_from("users", "id")).await;
    match D::NAME {
        "mysql" => assert_eq!(said, "", "{found:?}"),
        _ => assert!(
            said.contains("the trigger can't be installed") && said.contains("CREATE TRIGGER"),
            "{said}"
        ),
    }
    opened(db.storage().cascade_from("users", "id")).await;
    if D::NAME == "postgres" {
        assert_eq!(examined(role.storage().cascade_from("users", "id")).await.1, "");
    }
}
