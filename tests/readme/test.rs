use rocket::local::asynchronous::Client;
use rocket_dance::testing::{FakeProvider, sign_in};

#[rocket::async_test]
async fn the_index_knows_who_i_am() {
    let fake = FakeProvider::start().await;
    let client = Client::tracked(fake.stand_in(super::rocket(), "github")).await.unwrap();
    sign_in(&client, "github").await;
    assert_eq!(client.get("/").dispatch().await.into_string().await.unwrap(), "You are @ada on GitHub");
}
