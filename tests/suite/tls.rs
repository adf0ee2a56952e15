//! Providers over TLS: without a valid certificate no request is sent.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rocket::http::Status;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::harness::{Refusal, TestApp, TestRequest, assert_refused};

/// A key and a self-signed certificate for `localhost`.
pub(crate) const PEM: &[u8] = include_bytes!("../fixtures/localhost.pem");

fn certificate(pem: &[u8]) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem).expect("a certificate")
}

/// A server with the key and the certificate in `pem`: its port, and the requests that arrived through TLS.
pub(crate) fn serve(pem: &[u8]) -> (u16, Arc<Mutex<Vec<String>>>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate(pem)], PrivateKeyDer::from_pem_slice(pem).expect("a key"))
        .expect("its key");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let (config, all) = (Arc::new(config), heard.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let server = ServerConnection::new(config.clone()).expect("a connection");
            let mut stream = StreamOwned::new(server, stream);
            let mut buffer = [0; 4096];
            let said = match stream.read(&mut buffer) {
                Ok(read) => String::from_utf8_lossy(&buffer[..read]).into_owned(),
                Err(error) => format!("refused: {error}"),
            };
            all.lock().expect("the list").push(said);
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        }
    });
    (port, heard)
}

#[rocket::async_test]
async fn tr_14_a_certificate_without_a_trusted_issuer() {
    let (port, heard) = serve(PEM);
    let issuer = format!("https://localhost:{port}");
    let app = TestApp::launch_with(|figment| figment.merge(("oauth.op.issuer", issuer))).await;
    let mut ada = app.browser();
    let unreachable = Refusal::new(Status::ServiceUnavailable, "provider_unreachable");
    assert_refused(&mut ada, &TestRequest::get("/login/op"), unreachable).await;
    assert_eq!(ada.flows(), []);
    app.browser().sign_in("op2").await;
    // The server records it in another task.
    test_support::wait_until("the refused handshake", || !heard.lock().expect("the list").is_empty()).await;
    let said = heard.lock().expect("the list").clone();
    assert!(!said.is_empty() && said.iter().all(|said| said.starts_with("refused: ")), "{said:?}");

    // The control: a client that trusts the certificate can connect.
    let mut roots = RootCertStore::empty();
    roots.add(certificate(PEM)).expect("a root");
    let config = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    let client = ClientConnection::new(Arc::new(config), name).expect("a connection");
    let mut stream = StreamOwned::new(client, TcpStream::connect(("127.0.0.1", port)).expect("the server"));
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("sent");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 404");
}
