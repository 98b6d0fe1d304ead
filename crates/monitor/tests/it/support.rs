//! A server that tells metrics, and the binary.
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Output, Stdio};
use std::thread;

use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_aldia");

/// Answers each request with the next text; those that come after the last are broken off.
pub(crate) fn serve(content_type: &'static str, texts: Vec<String>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut texts = texts.into_iter();
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut line = String::new();
            while stream.read_line(&mut line).unwrap() > 2 {
                line.clear();
            }
            let Some(text) = texts.next() else { continue };
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
                text.len()
            );
            stream.get_mut().write_all(format!("{head}{text}").as_bytes()).unwrap();
        }
    });
    address
}

/// An address where nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 1))
}

/// `aldia monitor` with nothing but these arguments to go by.
pub(crate) fn monitor(arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.arg("monitor").args(arguments).stdin(Stdio::null());
    for name in ["ALDIA_MONITOR_POSTGRES", "ALDIA_MONITOR_REDIS", "STACK_STATE_DIR"] {
        command.env_remove(name);
    }
    command
}

/// Its only document. It must end with 0.
pub(crate) fn document(arguments: &[&str]) -> Value {
    let Output { status, stdout, stderr } = monitor(arguments).output().unwrap();
    assert!(status.success(), "{status}: {}", String::from_utf8_lossy(&stderr));
    serde_json::from_slice(&stdout).unwrap()
}

/// The codes of the problems of one service.
pub(crate) fn codes(document: &Value, service: &str) -> Vec<String> {
    let problems = document["problems"].as_array().unwrap().iter();
    let of = problems.filter(|problem| problem["service"] == service);
    of.map(|problem| problem["code"].as_str().unwrap().to_owned()).collect()
}
