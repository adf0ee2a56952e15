//! Waiting for events, with an end.

use std::time::Duration;

use rocket::tokio::time::timeout;

/// Waits for `future`, and panics after ten seconds: a test that waits for an event ends with the event's name instead of
/// hanging.
pub(crate) async fn in_time<T>(event: &str, future: impl Future<Output = T>) -> T {
    match timeout(Duration::from_secs(10), future).await {
        Ok(value) => value,
        Err(_) => panic!("waited ten seconds for {event}"),
    }
}

/// Waits until `condition` is true, and panics after ten seconds with the name of the `event`. It is for events of a database,
/// which signals none; it asks every five milliseconds.
#[cfg(feature = "_sql")]
pub(crate) async fn eventually(event: &str, condition: impl AsyncFn() -> bool) {
    in_time(event, async {
        while !condition().await {
            rocket::tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Receives a value from a blocking thread, and panics after ten seconds with the name of the `event`.
#[cfg(feature = "_sql")]
pub(crate) async fn received<T: Send + 'static>(
    event: &'static str,
    from: std::sync::mpsc::Receiver<T>,
) -> T {
    let wait = move || {
        from.recv_timeout(Duration::from_secs(10))
            .unwrap_or_else(|_| panic!("waited ten seconds for {event}"))
    };
    rocket::tokio::task::spawn_blocking(wait).await.unwrap()
}
