//! Token endpoints that do not answer, or only in part.

use super::*;

/// Starts a provider that runs `deed` for every request. Also returns the number of requests.
async fn odd<F>(deed: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> (Server, Arc<Mutex<usize>>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::at(format!("http://{}", listener.local_addr().unwrap()));
    let count = Arc::new(Mutex::new(0));
    let counted = count.clone();
    rocket::tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut read = Vec::new();
            while !String::from_utf8_lossy(&read).contains("code=the-code") {
                if socket.read_buf(&mut read).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            *counted.lock().unwrap() += 1;
            rocket::tokio::spawn(deed(socket));
        }
    });
    (server, count)
}

async fn oddly_exchanged(server: &Server) -> ErrorKind {
    let entry = oauth2_entry(server, "");
    engine().exchange(&entry, &flow(&entry), &Secret::new("the-code")).await.unwrap_err().kind()
}

#[rocket::async_test]
async fn tr_09_a_provider_that_falls_silent() {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";
    let forever = || std::future::pending::<()>();
    let at_once = odd(move |socket| async move {
        forever().await;
        drop(socket);
    });
    let after_headers = odd(move |mut socket| async move {
        let _ = socket.write_all(HEAD).await;
        forever().await;
    });
    let drips = odd(|mut socket| async move {
        let _ = socket.write_all(HEAD).await;
        while socket.write_all(b" ").await.is_ok() {
            rocket::tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let (one, two, three) = rocket::tokio::join!(at_once, after_headers, drips);
    let began = std::time::Instant::now();
    let ends =
        rocket::tokio::join!(oddly_exchanged(&one.0), oddly_exchanged(&two.0), oddly_exchanged(&three.0));
    assert_eq!(ends, (ErrorKind::ProviderTimeout, ErrorKind::ProviderTimeout, ErrorKind::ProviderTimeout));
    // The timeout is ten seconds for everything, and there is no second try. A slow machine may add some seconds.
    assert!((9..30).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert!([one.1, two.1, three.1].iter().all(|count| *count.lock().unwrap() == 1));
}

#[rocket::async_test]
async fn tr_08_answers_without_an_end() {
    let chunk = || [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
    for head in [
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n",
        "HTTP/1.1 400 No\r\ncontent-length: 1073741824\r\n\r\n",
    ] {
        let written = Arc::new(Mutex::new(0));
        let counted = written.clone();
        let (server, _) = odd(move |mut socket| {
            let counted = counted.clone();
            async move {
                let _ = socket.write_all(head.as_bytes()).await;
                while socket.write_all(&chunk()).await.is_ok() {
                    *counted.lock().unwrap() += 0x10000;
                }
            }
        })
        .await;
        assert_eq!(oddly_exchanged(&server).await, ErrorKind::BadProviderAnswer);
        // Generous, because the kernel's buffers accept more than we read.
        assert!(*written.lock().unwrap() < 64 << 20, "hung up on at the cap");
    }
}

#[rocket::async_test]
async fn tr_19_what_is_sent_is_not_sent_again() {
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{",
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 9\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ntransfer-encoding: chunked\r\n\r\n9\r\n\x0b",
    ] {
        let (server, count) = odd(move |mut socket| async move {
            let _ = socket.write_all(answer.as_bytes()).await;
        })
        .await;
        assert_eq!(oddly_exchanged(&server).await, ErrorKind::ProviderUnreachable);
        assert_eq!(*count.lock().unwrap(), 1, "{answer}");
    }
}

#[rocket::async_test]
async fn a_provider_that_does_not_listen_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let server = Server::at(at);
    let entry = oauth2_entry(&server, "");
    let error = engine().exchange(&entry, &flow(&entry), &Secret::new("c")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderUnreachable);
}
