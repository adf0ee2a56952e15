//! The same in axum: a session guard with axum-login, and a redirect with oauth2 and PKCE. Its sessions are in memory, so that
//! it has no database to read; ours answer from the cache.

use std::collections::HashMap;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::{get, post};
use axum_login::{AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, UserId, login_required};
use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, ClientId, CsrfToken, EndpointNotSet, EndpointSet, PkceCodeChallenge, RedirectUrl, Scope,
};
use rocket::tokio;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

use crate::server::setting;

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet>;

#[derive(Debug, Clone)]
struct User {
    id: i64,
    hash: Vec<u8>,
}

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        &self.hash
    }
}

/// The users, in memory.
#[derive(Debug, Clone)]
struct Backend(HashMap<i64, User>);

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = i64;
    type Error = std::convert::Infallible;

    async fn authenticate(&self, id: i64) -> Result<Option<User>, Self::Error> {
        Ok(self.0.get(&id).cloned())
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<User>, Self::Error> {
        Ok(self.0.get(id).cloned())
    }
}

async fn sign_in(mut session: AuthSession<Backend>) -> StatusCode {
    let user = session.authenticate(1).await.expect("users").expect("a user");
    session.login(&user).await.expect("a session");
    StatusCode::NO_CONTENT
}

async fn redirect(State(client): State<Client>, session: Session) -> Redirect {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state) = client
        .authorize_url(CsrfToken::new_random)
        .add_scope(Scope::new("profile".into()))
        .set_pkce_challenge(challenge)
        .url();
    session.insert("flow", (state.secret(), verifier.secret())).await.expect("a session");
    Redirect::to(url.as_str())
}

/// Serves until it is killed. The driver sets `PORT` and `PROVIDER`.
pub async fn serve() {
    let (port, provider) = (setting("PORT"), setting("PROVIDER"));
    let client = BasicClient::new(ClientId::new("bench".into()))
        .set_auth_uri(AuthUrl::new(format!("{provider}/authorize")).expect("a URL"))
        .set_redirect_uri(RedirectUrl::new(format!("http://127.0.0.1:{port}/callback")).expect("a URL"));
    let backend = Backend(HashMap::from([(1, User { id: 1, hash: vec![7; 32] })]));
    let sessions = SessionManagerLayer::new(MemoryStore::default()).with_secure(false);
    let auth = AuthManagerLayerBuilder::new(backend, sessions).build();
    let app = Router::new()
        .route("/guarded", get(|| async { "hello" }))
        .route_layer(login_required!(Backend))
        .route("/bare", get(|| async { "hello" }))
        .route("/sign_in", post(sign_in))
        .route("/redirect", get(redirect))
        .with_state(client)
        .layer(auth);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.expect("a port");
    let ended = async {
        let mut signal =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).expect("signals");
        signal.recv().await;
    };
    tokio::select! {
        done = axum::serve(listener, app) => done.expect("a server"),
        () = ended => {}
    }
}
