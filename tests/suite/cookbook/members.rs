use rocket::Request;
use rocket_dance::{AuthorizedLogin, Client, NextStep, Result, Signals};

struct OnlyMembers;

#[rocket::async_trait]
impl Signals for OnlyMembers {
    async fn authorized(&self, _: &Request<'_>, _: &mut AuthorizedLogin, client: &Client) -> Result<NextStep> {
        let membership = client.get("user/memberships/orgs/our-org").send().await?;
        Ok(match membership.status().is_success() {
            true => NextStep::Continue,
            false => NextStep::Refuse("Only members of our organization may sign in.".into()),
        })
    }
}
