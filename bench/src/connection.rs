//! An HTTP client that costs nothing: one connection, one request at a time.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// One connection to a server.
pub struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

/// What a server has answered.
#[derive(Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub location: Option<String>,
    /// Names and values, separated by `=`.
    pub cookies: Vec<String>,
    pub body: String,
}

impl Connection {
    /// Connects to the server on `port`.
    pub fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Self { stream: BufReader::new(stream), host: format!("127.0.0.1:{port}") }
    }

    /// Requests `path` with the header `Cookie: cookie`, if there is one.
    pub fn get(&mut self, path: &str, cookie: &str) -> Answer {
        let cookie = if cookie.is_empty() { String::new() } else { format!("Cookie: {cookie}\r\n") };
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\nAccept: */*\r\n{cookie}\r\n", self.host))
    }

    /// Posts nothing to `path`.
    pub fn post(&mut self, path: &str) -> Answer {
        self.send(&format!("POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n", self.host))
    }

    fn send(&mut self, request: &str) -> Answer {
        self.stream.get_mut().write_all(request.as_bytes()).expect("a request is sent");
        let mut answer = Answer::default();
        let status = self.line();
        answer.status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        let mut length = 0;
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().expect("a length"),
                "location" => answer.location = Some(value.to_owned()),
                "set-cookie" => answer.cookies.extend(value.split(';').next().map(str::to_owned)),
                "transfer-encoding" => panic!("a body in chunks"),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("a body");
        answer.body = String::from_utf8_lossy(&body).into_owned();
        answer
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }
}

impl Answer {
    /// Returns the path and the query of the redirect, without the origin.
    pub fn target(&self) -> &str {
        let location = self.location.as_deref().unwrap_or_else(|| panic!("no redirect: {self:?}"));
        let after = location.split_once("://").map_or(location, |(_, rest)| rest);
        &after[after.find('/').expect("a path")..]
    }

    /// Returns the parameter `name` of the redirect, as it is written.
    pub fn parameter(&self, name: &str) -> &str {
        let query = self.target().split_once('?').map_or("", |(_, query)| query);
        let found = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }
}
