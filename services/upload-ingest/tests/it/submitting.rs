//! Uploads that come whole in one request.

use futures_util::StreamExt as _;
use reqwest::Method;

use crate::harness::{Answer, TestApp, form, media, number, sha256, stable};

const PHOTO: &str = "friends-9x16-derived.jpg";
const CLIP: &str = "bigbuckbunny.mp4";

async fn post_form(app: &TestApp, path: &str, token: &str, title: Option<&str>, bytes: Vec<u8>) -> Answer {
    let (content_type, body) = form(title, "a.bin", bytes);
    app.send(app.request(Method::POST, path, Some(token)).header("content-type", content_type).body(body))
        .await
}

#[tokio::test]
async fn a_video_comes_in_by_multipart_and_is_answered_with_its_digest_while_it_is_processed() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let clip = media(CLIP);
    let answer =
        post_form(&app, "/v1/videos/upload", &token, Some(" My dance "), clip.clone()).await.expect(201);
    let asset = answer.json();
    assert_eq!(
        stable(&asset),
        serde_json::json!({"kind": "video", "status": "processing", "title": "My dance", "visibility": "private",
            "content_type": "video/mp4", "bytes": clip.len(), "version": 1})
    );
    assert_eq!(asset["sha256"], sha256(&clip));
    assert_eq!(answer.header("location"), format!("/v1/videos/{}", asset["id"].as_str().unwrap()));
    assert!(answer.header("repr-digest").starts_with("sha-256=:"));
    let read = app.get(answer.header("location"), Some(&token)).await.expect(200);
    assert_eq!(read.json()["sha256"], asset["sha256"]);
    app.stop().await;
}

#[tokio::test]
async fn what_is_stored_is_what_was_sent_byte_for_byte() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    for (kind, file) in [("images", PHOTO), ("images", "chelsea.png"), ("videos", CLIP)] {
        let sent = media(file);
        let asset = app.upload(kind, &token, file).await;
        let url = asset["original_url"].as_str().unwrap();
        let back = app.get(url, Some(&token)).await.expect(200);
        assert_eq!(sha256(&back.body), sha256(&sent), "{file}");
        assert_eq!(back.header("content-type"), asset["content_type"].as_str().unwrap());
    }
    app.stop().await;
}

/// U-A6, U-D4: row, object, stages and message in one commit, and none besides.
#[tokio::test]
async fn an_upload_is_one_commit() {
    // Nothing else commits meanwhile; a session tells its counts at the latest when it ends.
    let quiet = "[ingest]\nbackground = false";
    let app = TestApp::with(quiet).await;
    let commits_of = async |uploads: usize, multipart: bool| {
        let before = app.commits().await;
        let replica = app.replica(quiet).await;
        let token = replica.token("ada", &[]);
        for _ in 0..uploads {
            match multipart {
                true => {
                    post_form(&replica, "/v1/videos/upload", &token, Some("t"), media(CLIP)).await.expect(201)
                }
                false => replica.put("images", &token, "?title=t", media(PHOTO)).await.expect(201),
            };
        }
        replica.stop().await;
        app.commits().await - before
    };
    for multipart in [false, true] {
        let (one, three) = (commits_of(1, multipart).await, commits_of(3, multipart).await);
        assert_eq!(three - one, 2, "of two uploads more; multipart: {multipart}");
    }
}

#[tokio::test]
async fn a_wrong_type_is_refused_after_its_first_bytes_whatever_it_is_called() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let mut zip = b"PK\x03\x04".to_vec();
    zip.resize(3 * 1024 * 1024, 7);
    let playlist = b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:1/a.ts\nfile:///etc/passwd\n".to_vec();
    for (what, bytes) in [("zip", zip), ("playlist", playlist), ("photo", media(PHOTO))] {
        let answer = app.put("videos", &token, "", bytes).await;
        answer.expect_problem(415, "content_refused");
        assert!(answer.json()["detail"].as_str().unwrap().contains("MP4"), "{what}: {}", answer.text());
    }
    app.put("images", &token, "", Vec::new()).await.expect_problem(422, "content_damaged");
    assert_eq!(number(&app.db, "SELECT count(*) AS number FROM asset").await, 0);
    app.assert_store_is_empty();
    app.stop().await;
}

/// U-D2: what is read of a body before it is refused.
#[tokio::test]
async fn no_more_than_64_kib_are_taken_of_a_body_of_the_wrong_type() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let sent = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&sent);
    let (go_on, mut answered) = tokio::sync::mpsc::channel::<()>(1);
    // Sixteen pieces of 4 KiB, then nothing more until the answer is there: it must come of those.
    let pieces = futures_util::stream::iter(0..16)
        .map(move |_| {
            counted.fetch_add(4096, std::sync::atomic::Ordering::SeqCst);
            Ok::<_, std::io::Error>(bytes::Bytes::from(vec![b'x'; 4096]))
        })
        .chain(futures_util::stream::once(async move {
            answered.recv().await;
            Err(std::io::Error::other("answered"))
        }));
    let request =
        app.request(Method::PUT, "/v1/videos", Some(&token)).body(reqwest::Body::wrap_stream(pieces));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 415);
    assert!(sent.load(std::sync::atomic::Ordering::SeqCst) <= 64 * 1024);
    drop(go_on);
    app.stop().await;
}

#[tokio::test]
async fn a_video_that_ends_early_is_damaged_and_nothing_of_it_is_kept() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let mut clip = media(CLIP);
    clip.truncate(clip.len() - 1000);
    app.put("videos", &token, "", clip.clone()).await.expect_problem(422, "content_damaged");
    post_form(&app, "/v1/videos/upload", &token, None, clip).await.expect_problem(422, "content_damaged");
    assert_eq!(number(&app.db, "SELECT count(*) AS number FROM asset").await, 0);
    app.assert_store_is_empty();
    app.stop().await;
}

#[tokio::test]
async fn a_digest_that_the_client_announced_must_match() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let photo = media(PHOTO);
    let send = async |digest: &str| {
        let request = app.request(Method::PUT, "/v1/images", Some(&token));
        app.send(request.header("repr-digest", digest).body(photo.clone())).await
    };
    send("sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:")
        .await
        .expect_problem(422, "digest_mismatch");
    send("sha-256=nonsense").await.expect_problem(400, "invalid_parameter");
    app.assert_store_is_empty();
    let right = app.put("images", &token, "", photo.clone()).await.expect(201);
    send(right.header("repr-digest")).await.expect(201);
    app.stop().await;
}

#[tokio::test]
async fn bad_input_is_named_with_its_place() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let photo = || media(PHOTO);
    let pointers = app.put("images", &token, "?title=%07&visibility=all&x=1", photo()).await;
    assert_eq!(pointers.expect_problem(400, "invalid_parameter"), ["?title", "?visibility", "?x"]);
    let long = "ä".repeat(201);
    let refused = post_form(&app, "/v1/images", &token, Some(&long), photo()).await;
    assert_eq!(refused.expect_problem(422, "validation_failed"), ["/title"]);
    let (content_type, _) = form(None, "a", Vec::new());
    let empty = b"--a-boundary-of-the-tests--\r\n".to_vec();
    let request = app.request(Method::POST, "/v1/images", Some(&token)).header("content-type", content_type);
    assert_eq!(app.send(request.body(empty)).await.expect_problem(422, "validation_failed"), ["/file"]);
    let request =
        app.request(Method::POST, "/v1/images", Some(&token)).header("content-type", "application/json");
    app.send(request.body("{}")).await.expect_problem(415, "unsupported_media_type");
    app.put("images", "nonsense", "", photo()).await.expect_problem(401, "unauthenticated");
    let anonymous = app.request(Method::PUT, "/v1/images", None).body(photo());
    app.send(anonymous).await.expect_problem(401, "unauthenticated");
    app.assert_store_is_empty();
    app.stop().await;
}

#[tokio::test]
async fn one_idempotency_key_makes_one_asset() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let send = async |bytes: Vec<u8>| {
        let request = app.request(Method::PUT, "/v1/images", Some(&token)).header("idempotency-key", "once");
        app.send(request.body(bytes)).await
    };
    let first = send(media(PHOTO)).await.expect(201);
    let again = send(media(PHOTO)).await.expect(201);
    assert_eq!(first.body, again.body);
    assert_eq!(again.header("idempotency-replayed"), "true");
    send(media("chelsea.png")).await.expect_problem(422, "idempotency_key_reused");
    assert_eq!(number(&app.db, "SELECT count(*) AS number FROM asset").await, 1);
    assert_eq!(app.objects_in_store(), 1, "what came twice is kept once");
    app.stop().await;
}

#[tokio::test]
async fn sizes_and_quotas_have_an_end() {
    let app = TestApp::with("[ingest]\nmax_image_bytes = 300000\nquota_bytes = 700000").await;
    let token = app.token("ada", &[]);
    app.put("images", &token, "", media("picosdeeuropa-9x16-derived.jpg"))
        .await
        .expect_problem(413, "payload_too_large");
    for _ in 0..2 {
        app.upload("images", &token, PHOTO).await;
    }
    let refused = app.put("images", &token, "", media(PHOTO)).await;
    refused.expect_problem(403, "quota_exceeded");
    app.upload("images", &app.token("bob", &[]), PHOTO).await;
    assert_eq!(app.objects_in_store(), 3, "what is over the quota is not kept");
    app.stop().await;
}

#[tokio::test]
async fn who_finds_no_place_is_told_when_to_come_again() {
    let app = TestApp::with("[ingest]\nmax_receiving = 1").await;
    let token = app.token("ada", &[]);
    let (feed, pieces) = tokio::sync::mpsc::channel::<Result<bytes::Bytes, std::io::Error>>(4);
    let photo = media(PHOTO);
    feed.send(Ok(bytes::Bytes::copy_from_slice(&photo[..1000]))).await.unwrap();
    let stream =
        futures_util::stream::unfold(pieces, async |mut pieces| Some((pieces.recv().await?, pieces)));
    let request =
        app.request(Method::PUT, "/v1/images", Some(&token)).body(reqwest::Body::wrap_stream(stream));
    let slow = tokio::spawn(request.send());
    app.wait_for_metric("uploads_receiving{service=\"upload-ingest\"} 1").await;
    let refused = app.put("images", &token, "", photo.clone()).await;
    refused.expect_problem(503, "unavailable");
    assert_eq!(refused.header("retry-after"), "2");
    feed.send(Ok(bytes::Bytes::copy_from_slice(&photo[1000..]))).await.unwrap();
    drop(feed);
    assert_eq!(slow.await.unwrap().unwrap().status(), 201);
    app.upload("images", &token, PHOTO).await;
    app.stop().await;
}

/// U-D7, H-D7: the parts are named, and they add up.
#[tokio::test]
async fn the_answer_says_where_the_time_went() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let answer = app.put("videos", &token, "", media(CLIP)).await.expect(201);
    let part = |name: &str| answer.part(name).unwrap_or_else(|| panic!("no {name} in {:?}", answer.headers));
    assert!(part("outbox") < part("db"), "{:?}", answer.headers);
    // The sum of all there are is checked for every answer; these have to be among them, and the client was waited for.
    let sum: f64 = ["recv", "write", "sync", "db", "pool", "app"].into_iter().map(part).sum();
    assert!(sum <= part("total") * 1.05 && part("recv") > 0.0, "{:?}", answer.headers);
    app.stop().await;
}
