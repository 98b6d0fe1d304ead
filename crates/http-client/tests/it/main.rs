//! Rules of a call, checked against a small server that answers from a script.

#![expect(clippy::unwrap_used, reason = "a helper that fails has failed the test")]

mod calls;
mod deadlines;
mod propagation;

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with one request.
#[derive(Clone, Debug)]
enum Act {
    /// Answers with this status line's rest, these header lines and this body.
    Answer(&'static str, &'static str, String),
    /// Closes the connection without a word.
    HangUp,
    /// Never answers.
    Stall,
}

fn answer(status: &'static str, body: &str) -> Act {
    Act::Answer(status, "", body.to_owned())
}

/// A server that takes its acts in order, the last one for ever.
struct Script {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Script {
    async fn play(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        // Ends with the test's runtime.
        drop(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                drop(tokio::spawn(serve(stream, Arc::clone(&record), acts.clone())));
            }
        }));
        Self { url, seen }
    }

    /// The heads of the requests so far.
    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// One request a connection keeps the script simple.
async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Vec<String>>>, acts: Vec<Act>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let index = {
        let mut seen = seen.lock().unwrap();
        seen.push(String::from_utf8_lossy(&head).to_lowercase());
        seen.len() - 1
    };
    match acts.get(index).or(acts.last()) {
        Some(Act::Answer(status, headers, body)) => {
            let length = body.len();
            let text = format!(
                "HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
            );
            let _ = stream.write_all(text.as_bytes()).await;
        }
        Some(Act::HangUp) | None => {}
        Some(Act::Stall) => std::future::pending().await,
    }
}
