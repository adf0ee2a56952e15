//! Ignites the app as an examination, and judges why it fails.

use std::time::Duration;

use rocket::error::ErrorKind;
use rocket::figment::providers::Serialized;
use rocket::tokio::time::timeout;
use rocket::{Build, Ignite, Rocket};

use crate::dance::{Examination, Examined, FAIRING_NAME};
use crate::finding::Finding;

const SUBJECT: &str = "launch";

/// What an examination has shown.
pub(super) struct Launched {
    pub(super) examined: Examined,
    /// The app, if the launch would succeed.
    pub(super) rocket: Option<Rocket<Ignite>>,
    pub(super) findings: Vec<Finding>,
}

/// Ignites `rocket` as an examination, within `limit`. Nothing of it is logged.
pub(super) async fn examine(rocket: Rocket<Build>, limit: Duration) -> Launched {
    let examination = Examination::default();
    let log_level = log::max_level();
    let quiet = rocket.figment().clone().merge(Serialized::global("log_level", "off"));
    let ignited = timeout(limit, rocket.configure(quiet).manage(examination.clone()).ignite()).await;
    log::set_max_level(log_level);
    let examined = examination.take();
    let mut findings: Vec<Finding> =
        examined.faults.iter().map(|fault| Finding::fault("configuration", fault)).collect();
    let rocket = match ignited {
        Ok(Ok(rocket)) => Some(rocket),
        Ok(Err(error)) => {
            findings.extend(failures(error.kind()));
            None
        }
        Err(_) => {
            findings.push(Finding::failure(
                SUBJECT,
                format!("it has not ended after {} seconds", limit.as_secs()),
                "launch the app: the last line of its log names the fairing that waits",
            ));
            None
        }
    };
    if !examined.has_run && findings.is_empty() {
        findings.push(Finding::failure(
            SUBJECT,
            "`Dance::fairing()` is not attached",
            "rocket::build().attach(Dance::fairing())",
        ));
    }
    Launched { examined, rocket, findings }
}

/// The causes of a failed launch, without those that other checks find.
fn failures(error: &ErrorKind) -> Vec<Finding> {
    match error {
        ErrorKind::FailedFairings(fairings) => {
            let others = fairings.iter().filter(|fairing| fairing.name != FAIRING_NAME);
            let others = others.map(|fairing| {
                Finding::failure(
                    SUBJECT,
                    format!("the app's fairing `{}` fails", fairing.name),
                    "launch the app: its log has the cause",
                )
            });
            others.collect()
        }
        ErrorKind::SentinelAborts(guards) => {
            let guards = guards.iter().map(|guard| {
                let (file, line, _) = guard.location;
                Finding::failure(
                    SUBJECT,
                    format!("the guard `{}` in the route at {file}:{line} lacks what it needs", guard.type_name),
                    "for a guard of rocket_dance: add the entry that it names, or attach the sessions, the policy or the \
                     storage that know its users; the log of a launch says which",
                )
            });
            guards.collect()
        }
        ErrorKind::Collisions(collisions) => {
            let routes = collisions.routes.iter().map(|(one, other)| format!("{one} collides with {other}"));
            let catchers =
                collisions.catchers.iter().map(|(one, other)| format!("{one} collides with {other}"));
            let collision =
                |text| Finding::failure(SUBJECT, text, "change a path or a rank, or remove one of them");
            routes.chain(catchers).map(collision).collect()
        }
        // `rocket_config` names them.
        ErrorKind::Config(_) | ErrorKind::InsecureSecretKey(_) => Vec::new(),
        _ => vec![Finding::failure(SUBJECT, "it fails", "launch the app: its log has the cause")],
    }
}
