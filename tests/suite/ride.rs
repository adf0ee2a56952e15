//! Whole sign-ins, from the button to the provider's API.

use rocket::http::Status;

use crate::app::{App, location};

#[rocket::async_test]
async fn a_signed_in_user_connects_and_calls() {
    let app = App::in_memory().await;
    assert_eq!(app.get("/me").await.status(), Status::SeeOther);
    app.sign_in_as(7).await;
    assert_eq!(app.get("/me").await.into_string().await.as_deref(), Some("7"));

    let page = app.get("/login/op?next=/guarded").await;
    assert_eq!(page.status(), Status::Ok, "a GET connects nothing");
    let begun = app.post("/login/op", &[("next", "/guarded")]).await;
    assert_eq!(begun.status(), Status::SeeOther);
    let callback = app.fake.authorize(&location(&begun)).await;
    let end = app.get(&crate::app::path_and_query(&callback)).await;
    assert_eq!(end.status(), Status::SeeOther, "{:?}", end.into_string().await);
    assert_eq!(location(&end), "/guarded");
    assert_eq!(app.get("/guarded").await.into_string().await.as_deref(), Some("ada"));
}
