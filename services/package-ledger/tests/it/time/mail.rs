//! Mail, received by a server that speaks SMTP (RFC 5321).

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use chrono::TimeDelta;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{code, customer, instant, one, stored, wait_for, waiting};
use crate::harness::Harness;

/// What a server was handed.
#[derive(Clone, Debug, Default)]
struct Mail {
    from: String,
    to: String,
    data: String,
}

impl Mail {
    /// A header field, unfolded and decoded.
    fn header(&self, name: &str) -> String {
        let head = self.data.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
        let prefix = format!("{name}: ");
        let line = head
            .lines()
            .find_map(|line| line.strip_prefix(&prefix))
            .unwrap_or_else(|| panic!("{name} in {head}"));
        let words: Vec<String> = line.split(' ').map(decoded).collect();
        // White space between encoded words is not part of the text (RFC 2047, 6.2).
        line.split(' ').zip(&words).enumerate().fold(String::new(), |mut text, (index, (raw, word))| {
            let before = index.checked_sub(1).and_then(|before| line.split(' ').nth(before));
            let is_joined = raw.starts_with("=?") && before.is_some_and(|before| before.ends_with("?="));
            if index > 0 && !is_joined {
                text.push(' ');
            }
            text + word
        })
    }

    /// The text, decoded.
    fn text(&self) -> String {
        let body = self.data.split_once("\r\n\r\n").unwrap().1;
        match self.header("Content-Transfer-Encoding").as_str() {
            "quoted-printable" => quoted_printable(&body.replace("=\r\n", "")),
            "base64" => base64_text(&body.replace("\r\n", "")),
            _ => body.to_owned(),
        }
    }
}

fn base64_text(text: &str) -> String {
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(text).unwrap()).unwrap()
}

fn quoted_printable(text: &str) -> String {
    let (mut bytes, mut left) = (Vec::new(), text.bytes());
    while let Some(byte) = left.next() {
        if byte == b'=' {
            let hex = [left.next().unwrap(), left.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// An encoded word (RFC 2047), or any other.
fn decoded(word: &str) -> String {
    let Some(encoded) = word.strip_prefix("=?utf-8?").and_then(|rest| rest.strip_suffix("?=")) else {
        return word.to_owned();
    };
    match encoded.split_once('?').unwrap() {
        ("b", text) => base64_text(text),
        (_, text) => quoted_printable(&text.replace('_', " ")),
    }
}

/// Takes mail; the first `deferred` it asks to be handed over later, though it has read them.
#[derive(Clone, Default)]
struct Server {
    mails: Arc<Mutex<Vec<Mail>>>,
    deferred: Arc<Mutex<usize>>,
}

impl Server {
    async fn start(deferred: usize) -> (Self, String) {
        let server = Self { deferred: Arc::new(Mutex::new(deferred)), ..Self::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let shared = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(shared.clone().serve(stream));
            }
        });
        (server, url)
    }

    async fn serve(self, stream: TcpStream) {
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader);
        let mut mail = Mail::default();
        writer.write_all(b"220 mail.example.org ESMTP\r\n").await.unwrap();
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let answer = match line.trim_end().split([' ', ':']).next().unwrap().to_uppercase().as_str() {
                "EHLO" => "250-mail.example.org\r\n250 8BITMIME\r\n",
                "MAIL" => {
                    mail.from = line;
                    "250 OK\r\n"
                }
                "RCPT" => {
                    mail.to = line;
                    "250 OK\r\n"
                }
                "DATA" => {
                    writer.write_all(b"354 go on\r\n").await.unwrap();
                    mail.data = data(&mut lines).await;
                    self.mails.lock().unwrap().push(std::mem::take(&mut mail));
                    let mut deferred = self.deferred.lock().unwrap();
                    let is_deferred = *deferred > 0;
                    *deferred = deferred.saturating_sub(1);
                    if is_deferred { "451 later, please\r\n" } else { "250 taken\r\n" }
                }
                "QUIT" => {
                    let _ = writer.write_all(b"221 bye\r\n").await;
                    return;
                }
                _ => "250 OK\r\n",
            };
            writer.write_all(answer.as_bytes()).await.unwrap();
        }
    }
}

/// Everything up to the line with a dot, without the dots that were stuffed.
async fn data(lines: &mut BufReader<tokio::net::tcp::OwnedReadHalf>) -> String {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        assert_ne!(lines.read_line(&mut line).await.unwrap(), 0);
        if line == ".\r\n" {
            return text;
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}

fn settings(url: &str) -> String {
    format!(
        "[messages]\nsender = \"smtp\"\nsmtp_url = \"{url}\"\nmail_from = \"Recepción <desk@example.org>\""
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_gets_mail_in_its_language_with_the_code() {
    let (server, url) = Server::start(0).await;
    let harness = Harness::with(&settings(&url)).await;
    harness.clock.set(instant("2026-11-02T15:00:00Z"));
    let mut conn = harness.db.connect().await;
    let ana = customer(&mut conn, 30, "es", &["email"]).await;
    let package = stored(&mut conn, ana, harness.clock.now()).await;
    let code = code(&harness, &mut conn, package, ana).await;
    let id = waiting(&mut conn, package, ana, "ready", "email", harness.clock.now()).await;
    wait_for(&mut conn, "SELECT status FROM package", "notified").await;
    let mails = server.mails.lock().unwrap().clone();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert!(
        mail.from.contains("<desk@example.org>") && mail.to.contains(&format!("<{}>", ana.email())),
        "{mail:?}"
    );
    assert_eq!(mail.header("Message-ID"), format!("<{id}@example.org>"));
    assert_eq!(mail.header("Subject"), "Su paquete está listo (9912345678)");
    assert_eq!(mail.header("Content-Language"), "es");
    let text = mail.text();
    assert!(text.contains("Hola Ana Pérez: ya puede recoger su paquete") && text.contains(&code), "{text}");
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_that_is_deferred_is_handed_over_again_under_the_same_id() {
    let (server, url) = Server::start(1).await;
    let harness = Harness::with(&settings(&url)).await;
    harness.clock.set(instant("2026-11-02T15:00:00Z"));
    let mut conn = harness.db.connect().await;
    let ana = customer(&mut conn, 31, "en", &["email", "sms"]).await;
    let package = stored(&mut conn, ana, harness.clock.now()).await;
    let mail = waiting(&mut conn, package, ana, "announced", "email", harness.clock.now()).await;
    let status =
        format!("SELECT concat_ws(' ', status, attempts, error_code) FROM notification WHERE id = '{mail}'");
    wait_for(&mut conn, &status, "pending 1 smtp_deferred").await;
    harness.clock.advance(TimeDelta::seconds(60));
    wait_for(&mut conn, &status, "sent 2").await;
    let ids: Vec<String> =
        server.mails.lock().unwrap().iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!(ids, [format!("<{mail}@example.org>"), format!("<{mail}@example.org>")]);
    // Nobody carries text messages here.
    let sms = waiting(&mut conn, package, ana, "announced", "sms", harness.clock.now()).await;
    let status = format!("SELECT concat_ws(' ', status, error_code) FROM notification WHERE id = '{sms}'");
    wait_for(&mut conn, &status, "failed no_route").await;
    assert_eq!(one(&mut conn, "SELECT count(*) FROM notification").await, "2");
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_tried_later() {
    let nobody = test_harness::free_port();
    let harness = Harness::with(&settings(&format!("smtp://127.0.0.1:{nobody}"))).await;
    harness.clock.set(instant("2026-11-02T15:00:00Z"));
    let mut conn = harness.db.connect().await;
    let ana = customer(&mut conn, 32, "en", &["email"]).await;
    let package = stored(&mut conn, ana, harness.clock.now()).await;
    waiting(&mut conn, package, ana, "announced", "email", harness.clock.now()).await;
    let status = "SELECT concat_ws(' ', status, attempts, error_code) FROM notification";
    wait_for(&mut conn, status, "pending 1 unreachable").await;
    harness.stop().await;
}
