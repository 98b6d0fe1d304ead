//! Upstreams that are not there, are slow, or break off.

use actix_web::{HttpRequest, web};
use test_harness::wait_until;
use tokio::io::AsyncWriteExt;

use crate::harness::{PATIENCE, gateway_to, problem_code, raw_upstream, read_head, upstream, upstream_at};

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_is_down_is_unavailable_and_back_at_once() {
    let port = test_harness::free_port();
    let gateway = gateway_to(format!("127.0.0.1:{port}").parse().unwrap(), "");
    let refused = gateway.get("/").send().await.unwrap();
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(problem_code(refused).await, (503, "upstream_unavailable".to_owned()));

    let _back = upstream_at(&format!("127.0.0.1:{port}"), |app| {
        app.default_service(web::to(async || "back"));
    });
    assert_eq!(gateway.get("/").send().await.unwrap().text().await.unwrap(), "back");
    let metrics = gateway.http.get(format!("http://{}/metrics", gateway.admin)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    for expected in [
        "gateway_upstream_duration_seconds_count{service=\"gateway\",upstream=\"u\",status_class=\"2xx\"} 1",
        "status_class=\"failed\"} 1",
        "gateway_upstream_connections{service=\"gateway\",upstream=\"u\",state=\"idle\"} 1",
        "gateway_rejections_total{service=\"gateway\",reason=\"upstream_unavailable\"} 1",
    ] {
        assert!(metrics.contains(expected), "{expected} is missing in\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_upstream_is_a_timeout() {
    let slow = upstream(|app| {
        app.default_service(web::to(async || {
            std::future::pending::<()>().await;
            "never"
        }));
    });
    let gateway = gateway_to(slow.addr, "timeout_ms = 150");
    assert_eq!(
        problem_code(gateway.get("/").send().await.unwrap()).await,
        (504, "gateway_timeout".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_sending_is_told_so() {
    let sink = upstream(|app| {
        app.default_service(web::to(async |body: web::Bytes| body.len().to_string()));
    });
    let gateway = gateway_to(sink.addr, "timeout_ms = 150");
    let answer = gateway.raw("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nabc").await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("request_stalled"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_and_a_closed_connection_are_a_bad_gateway() {
    for garbage in
        ["", "hello\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"]
    {
        let addr = raw_upstream(move |mut stream, _| async move {
            read_head(&mut stream).await;
            stream.write_all(garbage.as_bytes()).await.unwrap();
        })
        .await;
        let gateway = gateway_to(addr, "");
        let code = problem_code(gateway.post("/").body("x").send().await.unwrap()).await;
        assert_eq!(code, (502, "bad_gateway".to_owned()), "{garbage:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_cut_in_the_middle_is_never_made_complete() {
    for head in [
        "content-length: 1000\r\n\r\nhalf",
        "transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "transfer-encoding: chunked\r\n\r\n10\r\nhalf",
    ] {
        for accept in ["identity", "br", "gzip", "zstd"] {
            let addr = raw_upstream(move |mut stream, _| async move {
                read_head(&mut stream).await;
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{head}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            })
            .await;
            let gateway = gateway_to(addr, "");
            let answer = gateway.get("/").header("accept-encoding", accept).send().await;
            if let Ok(answer) = answer {
                assert_eq!(answer.status(), 200);
                assert!(answer.bytes().await.is_err(), "{head} {accept}");
            }
            let raw =
                gateway.raw(&format!("GET / HTTP/1.1\r\nhost: h\r\naccept-encoding: {accept}\r\n\r\n")).await;
            assert!(!raw.ends_with("0\r\n\r\n"), "{raw}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_stops_in_the_middle_is_cut() {
    let addr = raw_upstream(async |mut stream, _| {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf").await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let gateway = gateway_to(addr, "stream_idle_ms = 150");
    let answer = gateway.get("/").send().await.unwrap();
    assert!(answer.bytes().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_reused_and_one_that_was_just_closed_costs_nothing() {
    // Each connection serves one request and closes after the next one has been read, unanswered.
    let addr = raw_upstream(async |mut stream, number| {
        read_head(&mut stream).await;
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{number}");
        stream.write_all(answer.as_bytes()).await.unwrap();
        read_head(&mut stream).await;
    })
    .await;
    let gateway = gateway_to(addr, "");
    for expected in ["0", "1", "2"] {
        assert_eq!(gateway.get("/").send().await.unwrap().text().await.unwrap(), expected);
    }
    // What may have been done must not be done twice.
    let refused = gateway.post("/").body("x").send().await.unwrap();
    assert_eq!(problem_code(refused).await, (502, "bad_gateway".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_share_few_connections() {
    let service = upstream(|app| {
        app.default_service(web::to(async |request: HttpRequest| {
            request.peer_addr().unwrap().port().to_string()
        }));
    });
    let gateway = gateway_to(service.addr, "");
    let mut ports = std::collections::HashSet::new();
    for _ in 0..50 {
        ports.insert(gateway.get("/").send().await.unwrap().text().await.unwrap());
    }
    assert_eq!(ports.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_takes_its_upstream_exchange_along() {
    let (sender, left) = tokio::sync::watch::channel(false);
    let addr = raw_upstream(move |mut stream, _| {
        let sender = sender.clone();
        async move {
            read_head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
            // Without end, until the gateway closes.
            while stream.write_all(b"4\r\nmore\r\n").await.is_ok() {}
            sender.send_replace(true);
        }
    })
    .await;
    let gateway = gateway_to(addr, "");
    let mut answer = gateway.get("/").send().await.unwrap();
    answer.chunk().await.unwrap();
    drop(answer);
    wait_until("the upstream sees the end", PATIENCE, async || *left.borrow()).await;
}
