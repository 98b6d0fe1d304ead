//! The server behind finds the ends of messages where the inspector found them, and refuses nothing that passed.

use std::cell::RefCell;
use std::convert::Infallible;

use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proptest::collection::vec;
use proptest::prelude::{prop_assert_eq, proptest};
use proptest::sample::select;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::{Inspector, Verdict};
use super::{small, splits};

/// Whether each request's body ended, in their order.
type Ended = Vec<bool>;

/// The bytes of `input` that pass, and the requests in them up to the first that closes the connection.
fn inspected(input: &[u8]) -> (&[u8], Ended) {
    let mut inspector = Inspector::new(small());
    let (mut passed, mut ended, mut open) = (0, Ended::new(), true);
    loop {
        match inspector.inspect(&input[passed..]) {
            Verdict::Head(bytes, facts) => {
                passed += bytes;
                if open {
                    ended.push(!facts.has_body);
                }
                if !facts.keep_alive && !facts.has_body {
                    return (&input[..passed], ended);
                }
                open = open && facts.keep_alive;
            }
            Verdict::Body(bytes) => {
                passed += bytes;
                if let Some(last) = ended.last_mut() {
                    *last = inspector.between_messages();
                }
                if inspector.between_messages() && !open {
                    return (&input[..passed], ended);
                }
            }
            Verdict::Incomplete | Verdict::Refuse(_) => return (&input[..passed], ended),
        }
    }
}

/// The requests that the server finds in `bytes`, and its first error.
async fn served(bytes: &[u8]) -> (Ended, Option<String>) {
    let ended = RefCell::new(Ended::new());
    let answer = async |request: Request<Incoming>| {
        let whole = request.into_body().collect().await.is_ok();
        ended.borrow_mut().push(whole);
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    };
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let connection =
        http1::Builder::new().half_close(true).serve_connection(TokioIo::new(server), service_fn(&answer));
    let exchange = async {
        client.write_all(bytes).await.unwrap();
        client.shutdown().await.unwrap();
        let mut answers = Vec::new();
        client.read_to_end(&mut answers).await.unwrap();
    };
    let (result, ()) = tokio::join!(connection, exchange);
    (ended.take(), result.err().map(|error| error.to_string()))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

/// What both say of `input`. The server may report an error only where a body was cut off.
fn both(runtime: &tokio::runtime::Runtime, input: &[u8]) -> (Ended, Ended, Option<String>) {
    let (passed, expected) = inspected(input);
    let (found, error) = runtime.block_on(served(passed));
    let cut = expected.last() == Some(&false);
    (expected, found, error.filter(|_| !cut))
}

#[test]
fn the_server_reads_every_message_of_the_tables_as_the_inspector_did() {
    let runtime = runtime();
    for message in splits::messages() {
        let (expected, found, error) = both(&runtime, &message);
        assert_eq!((found, error), (expected, None), "{}", message.escape_ascii());
    }
}

proptest! {
    #[test]
    fn the_server_finds_as_many_requests_as_passed(
        first in vec(select(splits::accepted()), 0..6),
        last in splits::mutated(),
    ) {
        let input = [first.concat(), last].concat();
        let (expected, found, error) = both(&runtime(), &input);
        prop_assert_eq!((found, error), (expected, None), "{}", input.escape_ascii());
    }
}
