use rocket::local::asynchronous::Client;
use rocket_dance::testing::{FakeProvider, sign_in};

#[rocket::async_test]
async fn index_shows_the_name() {
    let fake = FakeProvider::new();
    let client = Client::tracked(fake.stand_in(super::rocket(), "github")).await.unwrap();
    sign_in(&client, "github").await;
    assert_eq!(client.get("/").dispatch().await.into_string().await.unwrap(), "You are @ada on GitHub");
}
