//! `wrk` and its output.

use std::process::Command;

/// The result of one run against one route.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub per_second: f64,
    /// In milliseconds.
    pub p50: f64,
    /// In milliseconds.
    pub p99: f64,
}

/// Loads `url` for `seconds` over `connections`.
pub fn run(url: &str, cookie: &str, connections: u32, seconds: u32) -> Run {
    let output = Command::new("wrk")
        .args([
            "-t1",
            &format!("-c{connections}"),
            "--latency",
            &format!("-d{seconds}s"),
            "-H",
            &format!("Cookie: {cookie}"),
            url,
        ])
        .output()
        .expect("wrk");
    let text = String::from_utf8_lossy(&output.stdout);
    read(&text).unwrap_or_else(|fault| panic!("{fault} at {url}:\n{text}"))
}

fn read(text: &str) -> Result<Run, &'static str> {
    if text.contains("Non-2xx or 3xx") || text.contains("Socket errors") {
        return Err("some requests failed");
    }
    let after = |label: &str| {
        let line = text.lines().map(str::trim).find_map(|line| line.strip_prefix(label));
        line.map(str::trim).ok_or("wrk's words are unknown")
    };
    Ok(Run {
        per_second: after("Requests/sec:")?.parse().map_err(|_| "no figure")?,
        p50: milliseconds(after("50%")?)?,
        p99: milliseconds(after("99%")?)?,
    })
}

fn milliseconds(text: &str) -> Result<f64, &'static str> {
    for (unit, factor) in [("us", 0.001), ("ms", 1.0), ("s", 1000.0)] {
        if let Some(Ok(figure)) = text.strip_suffix(unit).map(str::parse::<f64>) {
            return Ok(figure * factor);
        }
    }
    Err("no time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_wrk_prints() {
        let text =
            "  Latency Distribution\n     50%  370.00us\n     99%    2.45ms\nRequests/sec:  78647.12\n";
        let run = read(text).unwrap();
        assert_eq!((run.per_second, run.p50, run.p99), (78647.12, 0.37, 2.45));
        assert!(read(&format!("{text}  Non-2xx or 3xx responses: 7\n")).is_err());
    }
}
