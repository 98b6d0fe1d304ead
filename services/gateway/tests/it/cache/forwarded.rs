//! An answer belongs to the request that the upstream saw, not to the one that the client wrote.

use tokio::net::TcpSocket;

use super::world::{Origin, World, is_hit, message};
use crate::harness::{catch_all, gateway, raw_upstream};
use crate::http::wire::{Message, Peer};

/// A gateway with a cache in front of an upstream that answers with what it saw of one field, and says that it did.
async fn echo(name: &'static str, fields: &'static str, rest: &str) -> World {
    let addr = raw_upstream(move |stream, _| async move {
        let mut peer = Peer::new(stream);
        while let Some(request) = peer.message().await {
            let saw = request.fields(name).join(", ");
            let head = format!("200\ncache-control: public, max-age=60\nvary: {name}\n{fields}");
            peer.send(message(&format!("{}\n\nsaw {saw}", head.trim_end()))).await;
        }
    })
    .await;
    let origin = Origin::start().await;
    World { gateway: gateway(&format!("[cache]\n{rest}{}", catch_all(addr, ""))), origin }
}

/// The same request from another address of this machine.
async fn from(address: &str, world: &World, fields: &str) -> Message {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
    let mut peer = Peer::new(socket.connect(world.gateway.addr).await.unwrap());
    peer.send(super::world::request("GET", "/a", fields)).await;
    peer.final_answer().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_went_no_further_selects_nothing() {
    let world = echo("accept-language", "", "").await;
    // The upstream does not see this one's language, and answers as if there were none.
    world.ask("GET", "/a", "accept-language: de\nconnection: accept-language\n").await;
    let answer = world.ask("GET", "/a", "accept-language: de\n").await;
    assert_eq!(answer.text(), "saw de", "{}", answer.head);
    let none = world.get("/a").await;
    assert_eq!(none.text(), "saw ", "{}", none.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_went_no_further_are_none() {
    let world = echo("authorization", "", "").await;
    world.ask("GET", "/a", "authorization: Basic YQ==\nconnection: authorization\n").await;
    let answer = world.ask("GET", "/a", "authorization: Basic YQ==\n").await;
    assert_eq!(answer.text(), "saw Basic YQ==", "{}", answer.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_depends_on_the_clients_address_is_not_given_to_another_address() {
    for name in ["x-forwarded-for", "forwarded"] {
        let world = echo(name, "", "").await;
        let first = from("127.0.0.2", &world, "").await;
        assert!(first.text().contains("127.0.0.2"), "{name}: {}", first.text());
        let second = from("127.0.0.3", &world, "").await;
        assert!(second.text().contains("127.0.0.3"), "{name}: {} was for another client", second.text());
        let claimed = from("127.0.0.3", &world, &format!("{name}: for=127.0.0.2\n")).await;
        assert!(claimed.text().contains("127.0.0.3"), "{name}: {}", claimed.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_depends_on_what_the_gateway_adds_is_not_shared_by_accident() {
    for name in ["x-request-id", "traceparent"] {
        let world = echo(name, "", "").await;
        let first = world.get("/a").await;
        let second = world.get("/a").await;
        assert!(!is_hit(&second) || first.text() == "saw ", "{name}: {} and {}", first.text(), second.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_believed_says_which_scheme_an_answer_is_of() {
    let world = echo("x-other", "", "[forwarded]\ntrusted = [\"127.0.0.0/8\"]\n").await;
    world.ask("GET", "/a", "x-forwarded-proto: http\n").await;
    let secure = world.ask("GET", "/a", "x-forwarded-proto: https\n").await;
    assert!(!is_hit(&secure), "an answer to http was given to https: {}", secure.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_believed_says_which_host_an_answer_is_of() {
    let world = echo("x-other", "", "[forwarded]\ntrusted = [\"127.0.0.0/8\"]\n").await;
    world.ask("GET", "/a", "x-forwarded-host: one.example\n").await;
    let other = world.ask("GET", "/a", "x-forwarded-host: two.example\n").await;
    assert!(!is_hit(&other), "an answer to one host was given to another: {}", other.head);
}
