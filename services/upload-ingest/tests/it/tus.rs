//! Uploads that may be interrupted, in tus 1.0 and in the draft of the IETF: one resource, two dialects.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, RequestBuilder};
use serde_json::Value as Json;

use crate::harness::{Answer, TestApp, media, number, sha256};

const PHOTO: &str = "friends-9x16-derived.jpg";
const CLIP: &str = "bigbuckbunny.mp4";

/// A client of tus.
struct Tus<'a> {
    app: &'a TestApp,
    token: String,
}

impl<'a> Tus<'a> {
    fn new(app: &'a TestApp, subject: &str) -> Self {
        Self { app, token: app.token(subject, &[]) }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.app.request(method, path, Some(&self.token)).header("tus-resumable", "1.0.0")
    }

    async fn create(&self, fields: &[(&str, &str)]) -> Answer {
        let request =
            fields.iter().fold(self.request(Method::POST, "/v1/uploads"), |request, (name, value)| {
                request.header(*name, *value)
            });
        self.app.send(request).await
    }

    async fn created(&self, length: usize) -> String {
        let answer = self.create(&[("upload-length", &length.to_string())]).await.expect(201);
        answer.header("location").to_owned()
    }

    fn patch(&self, path: &str, offset: usize, bytes: &[u8]) -> RequestBuilder {
        self.request(Method::PATCH, path)
            .header("upload-offset", offset)
            .header("content-type", "application/offset+octet-stream")
            .body(bytes.to_vec())
    }

    async fn append(&self, path: &str, offset: usize, bytes: &[u8]) -> Answer {
        self.app.send(self.patch(path, offset, bytes)).await
    }

    async fn offset(&self, path: &str) -> usize {
        let answer = self.app.send(self.request(Method::HEAD, path)).await.expect(200);
        answer.header("upload-offset").parse().unwrap()
    }
}

async fn asset(app: &TestApp, token: &str, answer: &Answer) -> Json {
    app.get(answer.header("content-location"), Some(token)).await.expect(200).json()
}

#[tokio::test]
async fn an_upload_in_pieces_becomes_what_was_sent() {
    let app = TestApp::start().await;
    let tus = Tus::new(&app, "ada");
    let clip = media(CLIP);
    let metadata = format!("title {},filename {}", STANDARD.encode("Bunny"), STANDARD.encode("b.mp4"));
    let created = tus
        .create(&[("upload-length", &clip.len().to_string()), ("upload-metadata", &metadata)])
        .await
        .expect(201);
    let path = created.header("location").to_owned();
    let mut offset = 0;
    for piece in clip.chunks(300_000) {
        let answer = tus.append(&path, offset, piece).await.expect(204);
        offset += piece.len();
        assert_eq!(answer.header("upload-offset"), offset.to_string());
        let head = app.send(tus.request(Method::HEAD, &path)).await.expect(200);
        assert_eq!(head.header("upload-offset"), offset.to_string());
        assert_eq!(head.header("upload-metadata"), metadata);
        if offset == clip.len() {
            let asset = asset(&app, &tus.token, &answer).await;
            assert_eq!(asset["sha256"], sha256(&clip));
            assert_eq!(asset["title"], "Bunny");
        }
    }
    assert_eq!(number(&app.db, "SELECT count(*) AS number FROM upload WHERE state = 'linked'").await, 1);
    app.stop().await;
}

#[tokio::test]
async fn an_upload_begun_in_tus_is_finished_in_the_draft_and_the_other_way_round() {
    let app = TestApp::start().await;
    let tus = Tus::new(&app, "ada");
    let clip = media(CLIP);
    let (first, rest) = clip.split_at(400_000);
    let path = tus.created(clip.len()).await;
    tus.append(&path, 0, first).await.expect(204);
    let draft = |method: Method, path: &str| {
        app.request(method, path, Some(&tus.token)).header("upload-draft-interop-version", "8")
    };
    let head = app.send(draft(Method::HEAD, &path)).await.expect(204);
    assert_eq!((head.header("upload-offset"), head.header("upload-complete")), ("400000", "?0"));
    let request = draft(Method::PATCH, &path)
        .header("upload-offset", "400000")
        .header("upload-complete", "?1")
        .header("content-type", "application/partial-upload")
        .body(rest.to_vec());
    let ended = app.send(request).await.expect(204);
    assert_eq!(ended.header("upload-complete"), "?1");
    assert_eq!(asset(&app, &tus.token, &ended).await["sha256"], sha256(&clip));

    let request = draft(Method::POST, "/v1/uploads")
        .header("upload-complete", "?0")
        .header("upload-length", clip.len())
        .body(first.to_vec());
    let path = app.send(request).await.expect(201).header("location").to_owned();
    assert_eq!(tus.offset(&path).await, first.len());
    let ended = tus.append(&path, first.len(), rest).await.expect(204);
    assert_eq!(asset(&app, &tus.token, &ended).await["sha256"], sha256(&clip));
    app.stop().await;
}

#[tokio::test]
async fn the_draft_needs_no_more_than_one_request() {
    let app = TestApp::start().await;
    let token = app.token("ada", &[]);
    let photo = media(PHOTO);
    let request = app
        .request(Method::POST, "/v1/uploads?title=One&visibility=public", Some(&token))
        .header("upload-complete", "?1")
        .body(photo.clone());
    let answer = app.send(request).await.expect(201);
    assert_eq!(answer.header("upload-complete"), "?1");
    let asset = asset(&app, &token, &answer).await;
    assert_eq!(
        (asset["sha256"].as_str(), asset["title"].as_str()),
        (Some(sha256(&photo).as_str()), Some("One"))
    );
    app.stop().await;
}

#[tokio::test]
async fn a_wrong_offset_changes_nothing() {
    let app = TestApp::start().await;
    let tus = Tus::new(&app, "ada");
    let clip = media(CLIP);
    let path = tus.created(clip.len()).await;
    tus.append(&path, 0, &clip[..1000]).await.expect(204);
    for wrong in [0, 999, 1001, 5000] {
        let refused = tus.append(&path, wrong, &clip[wrong..wrong + 10]).await;
        refused.expect_problem(409, "mismatching_upload_offset");
        assert_eq!(refused.json()["expected-offset"], 1000);
        assert_eq!(refused.header("tus-resumable"), "1.0.0");
    }
    assert_eq!(tus.offset(&path).await, 1000);
    app.stop().await;
}

#[tokio::test]
async fn content_that_is_not_taken_ends_the_upload_and_leaves_nothing() {
    let app = TestApp::start().await;
    let tus = Tus::new(&app, "ada");
    let path = tus.created(3_000_000).await;
    tus.append(&path, 0, &[b'x'; 200_000]).await.expect_problem(415, "content_refused");
    let gone = app.send(tus.request(Method::HEAD, &path)).await;
    assert_eq!(gone.status, 410);
    let shown = app.get(&path, Some(&tus.token)).await.expect(200).json();
    assert_eq!(
        (shown["state"].as_str(), shown["error"]["code"].as_str()),
        (Some("rejected"), Some("content_refused"))
    );
    // Cut at its end: all bytes are there, and they are not a whole video.
    let mut clip = media(CLIP);
    clip.truncate(clip.len() - 5000);
    let path = tus.created(clip.len()).await;
    tus.append(&path, 0, &clip).await.expect_problem(422, "content_damaged");
    app.assert_store_is_empty();
    app.stop().await;
}

#[tokio::test]
async fn a_checksum_that_does_not_match_leaves_the_offset_where_it_was() {
    let app = TestApp::start().await;
    let tus = Tus::new(&app, "ada");
    let clip = media(CLIP);
    let path = tus.created(clip.len()).await;
    tus.append(&path, 0, &clip[..1000]).await.expect(204);
    let checksum = |bytes: &[u8]| {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
        format!("sha1 {}", STANDARD.encode(digest))
    };
    let piece = &clip[1000..500_000];
    let wrong = tus.patch(&path, 1000, piece).header("upload-checksum", checksum(b"other"));
    app.send(wrong).await.expect_problem(460, "checksum_mismatch");
    // Damaged where it shows: still only this request is refused.
    let other = tus.created(clip.len()).await;
    let damaged = tus.patch(&other, 0, &[b'x'; 5000]).header("upload-checksum", checksum(&clip[..5000]));
    app.send(damaged).await.expect_problem(415, "content_refused");
    assert_eq!(tus.offset(&other).await, 0);
    assert_eq!(tus.offset(&path).await, 1000);
    let right = tus.patch(&path, 1000, piece).header("upload-checksum", checksum(piece));
    app.send(right).await.expect(204);
    let ended = tus.append(&path, 500_000, &clip[500_000..]).await.expect(204);
    assert_eq!(asset(&app, &tus.token, &ended).await["sha256"], sha256(&clip));
    app.stop().await;
}

#[tokio::test]
async fn parts_are_put_together() {
    let app = TestApp::start().await;
    let tus = Tus::new(&app, "ada");
    let clip = media(CLIP);
    let mut parts = Vec::new();
    for piece in clip.chunks(400_000) {
        let created = tus
            .create(&[("upload-length", &piece.len().to_string()), ("upload-concat", "partial")])
            .await
            .expect(201);
        parts.push(created.header("location").to_owned());
        tus.append(created.header("location"), 0, piece).await.expect(204);
    }
    let whole = tus.create(&[("upload-concat", &format!("final;{}", parts.join(" ")))]).await.expect(201);
    assert_eq!(asset(&app, &tus.token, &whole).await["sha256"], sha256(&clip));
    tus.append(whole.header("location"), 0, b"x").await.expect_problem(403, "final_upload");
    // A part of somebody else's is not there.
    let other = Tus::new(&app, "bob");
    let stolen = other.create(&[("upload-concat", &format!("final;{}", parts.join(" ")))]).await;
    stolen.expect_problem(404, "not_found");
    app.stop().await;
}

#[tokio::test]
async fn a_length_may_be_said_later_and_only_once() {
    let app = TestApp::start().await;
    let tus = Tus::new(&app, "ada");
    let photo = media(PHOTO);
    let created = tus.create(&[("upload-defer-length", "1")]).await.expect(201);
    let path = created.header("location").to_owned();
    tus.append(&path, 0, &photo[..1000]).await.expect(204);
    let late = tus.patch(&path, 1000, &photo[1000..2000]).header("upload-length", photo.len());
    app.send(late).await.expect(204);
    let other = tus.patch(&path, 2000, &photo[2000..3000]).header("upload-length", photo.len() + 1);
    app.send(other).await.expect_problem(400, "inconsistent_upload_length");
    let ended = tus.append(&path, 2000, &photo[2000..]).await.expect(204);
    assert_eq!(asset(&app, &tus.token, &ended).await["sha256"], sha256(&photo));
    app.stop().await;
}

#[tokio::test]
async fn a_cancelled_upload_is_gone_with_its_bytes() {
    let app = TestApp::start().await;
    let tus = Tus::new(&app, "ada");
    let path = tus.created(100_000).await;
    tus.append(&path, 0, &media(PHOTO)[..50_000]).await.expect(204);
    app.send(Tus::new(&app, "bob").request(Method::DELETE, &path)).await.expect_problem(404, "not_found");
    app.send(tus.request(Method::DELETE, &path)).await.expect(204);
    assert_eq!(app.send(tus.request(Method::HEAD, &path)).await.status, 410);
    app.assert_store_is_empty();
    app.stop().await;
}

#[tokio::test]
async fn what_can_be_done_is_told_to_anybody() {
    let app = TestApp::start().await;
    let answer = app.send(app.request(Method::OPTIONS, "/v1/uploads", None)).await.expect(204);
    assert_eq!(answer.header("tus-version"), "1.0.0");
    for extension in [
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "checksum",
        "expiration",
        "termination",
        "concatenation",
    ] {
        assert!(answer.header("tus-extension").split(',').any(|known| known == extension), "{extension}");
    }
    app.stop().await;
}

/// U-B1: a request that hangs does not keep its client from going on.
#[tokio::test]
async fn a_client_that_comes_back_takes_over_from_its_own_dead_request() {
    let app = TestApp::start().await;
    let tus = Tus::new(&app, "ada");
    let clip = media(CLIP);
    let path = tus.created(clip.len()).await;
    let (feed, pieces) = tokio::sync::mpsc::channel::<Result<bytes::Bytes, std::io::Error>>(4);
    feed.send(Ok(bytes::Bytes::copy_from_slice(&clip[..300_000]))).await.unwrap();
    let stream =
        futures_util::stream::unfold(pieces, async |mut pieces| Some((pieces.recv().await?, pieces)));
    let hanging = tus
        .request(Method::PATCH, &path)
        .header("upload-offset", 0)
        .header("content-type", "application/offset+octet-stream")
        .body(reqwest::Body::wrap_stream(stream));
    let hanging = tokio::spawn(hanging.send());
    app.wait_for_metric("upload_taken_bytes_total{service=\"upload-ingest\"} 300000").await;
    let offset = tus.offset(&path).await;
    assert_eq!(offset, 300_000, "what has arrived counts");
    let ended = tus.append(&path, offset, &clip[offset..]).await.expect(204);
    assert_eq!(asset(&app, &tus.token, &ended).await["sha256"], sha256(&clip));
    assert_eq!(hanging.await.unwrap().unwrap().status(), 409);
    drop(feed);
    app.stop().await;
}

/// U-D5: who was fenced off changes nothing, in the database and in the store.
#[tokio::test]
async fn another_replica_takes_over_and_the_first_is_refused() {
    let app = TestApp::with("[ingest]\ncheckpoint_ms = 100").await;
    let other = app.replica("").await;
    let (tus, there) = (Tus::new(&app, "ada"), Tus { app: &other, token: app.token("ada", &[]) });
    let clip = media(CLIP);
    let path = tus.created(clip.len()).await;
    let (feed, pieces) = tokio::sync::mpsc::channel::<Result<bytes::Bytes, std::io::Error>>(4);
    let stream =
        futures_util::stream::unfold(pieces, async |mut pieces| Some((pieces.recv().await?, pieces)));
    let first = tus
        .request(Method::PATCH, &path)
        .header("upload-offset", 0)
        .header("content-type", "application/offset+octet-stream")
        .body(reqwest::Body::wrap_stream(stream));
    let first = tokio::spawn(first.send());
    feed.send(Ok(bytes::Bytes::copy_from_slice(&clip[..300_000]))).await.unwrap();
    app.wait_for_metric("uploads_receiving{service=\"upload-ingest\"} 1").await;
    // The other replica cannot ask it to stop: it goes on from what is durable.
    let offset = there.offset(&path).await;
    let ended = there.append(&path, offset, &clip[offset..]).await.expect(204);
    feed.send(Ok(bytes::Bytes::from(vec![b'!'; 600_000]))).await.unwrap();
    drop(feed);
    let refused = first.await.unwrap().unwrap();
    assert!(matches!(refused.status().as_u16(), 409 | 400), "{}", refused.status());
    let asset = asset(&other, &there.token, &ended).await;
    let back = other.get(asset["original_url"].as_str().unwrap(), Some(&there.token)).await.expect(200);
    assert_eq!(sha256(&back.body), sha256(&clip));
    other.stop().await;
    app.stop().await;
}

/// U-C1: the piece that goes over is not taken, and what is there without it is not the whole.
#[tokio::test]
async fn more_than_was_said_or_may_be_is_never_cut_down_to_a_whole() {
    let app = TestApp::with("[ingest]\nmax_video_bytes = 300000\nmax_image_bytes = 300000").await;
    let tus = Tus::new(&app, "ada");
    let clip = media(CLIP);
    let chunked = |bytes: &[u8]| {
        let pieces: Vec<_> =
            bytes.chunks(70_001).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
        reqwest::Body::wrap_stream(futures_util::stream::iter(pieces))
    };
    let unsaid = app
        .request(Method::POST, "/v1/uploads", Some(&tus.token))
        .header("upload-complete", "?1")
        .body(chunked(&clip));
    app.send(unsaid).await.expect_problem(413, "upload_too_large");
    for concat in [None, Some("partial")] {
        let mut fields = vec![("upload-length", "200000")];
        fields.extend(concat.map(|concat| ("upload-concat", concat)));
        let path = tus.create(&fields).await.expect(201).header("location").to_owned();
        let more = tus
            .request(Method::PATCH, &path)
            .header("upload-offset", 0)
            .header("content-type", "application/offset+octet-stream")
            .body(chunked(&clip[..250_000]));
        app.send(more).await.expect_problem(400, "inconsistent_upload_length");
        assert_eq!(app.send(tus.request(Method::HEAD, &path)).await.status, 410);
    }
    assert_eq!(number(&app.db, "SELECT count(*) AS number FROM asset").await, 0);
    app.assert_store_is_empty();
    app.stop().await;
}

#[tokio::test]
async fn what_is_refused_at_its_creation_leaves_no_upload() {
    let app =
        TestApp::with("[ingest]\nmax_receiving = 1\nquota_bytes = 1000000\nmax_open_per_owner = 2").await;
    let tus = Tus::new(&app, "ada");
    let long = format!("title {}", STANDARD.encode("x".repeat(5000)));
    let refused = tus.create(&[("upload-length", "10"), ("upload-metadata", &long)]).await;
    assert_eq!(refused.expect_problem(400, "invalid_parameter"), ["Upload-Metadata"]);
    let only_sha512 = app
        .request(Method::POST, "/v1/uploads", Some(&tus.token))
        .header("upload-complete", "?0")
        .header("repr-digest", format!("sha-512=:{}:", STANDARD.encode([0; 64])));
    assert_eq!(app.send(only_sha512).await.expect_problem(400, "invalid_parameter"), ["Repr-Digest"]);
    let (feed, pieces) = tokio::sync::mpsc::channel::<Result<bytes::Bytes, std::io::Error>>(4);
    let stream =
        futures_util::stream::unfold(pieces, async |mut pieces| Some((pieces.recv().await?, pieces)));
    let slow =
        app.request(Method::PUT, "/v1/videos", Some(&tus.token)).body(reqwest::Body::wrap_stream(stream));
    let slow = tokio::spawn(slow.send());
    app.wait_for_metric("uploads_receiving{service=\"upload-ingest\"} 1").await;
    let full = app
        .request(Method::POST, "/v1/uploads", Some(&tus.token))
        .header("upload-complete", "?1")
        .body(media(PHOTO));
    app.send(full).await.expect_problem(503, "unavailable");
    assert_eq!(number(&app.db, "SELECT count(*) AS number FROM upload").await, 0);
    drop(feed);
    slow.await.unwrap().unwrap();
    // What is under way counts, before a byte of it has come.
    tus.created(600_000).await;
    tus.create(&[("upload-length", "600000")]).await.expect_problem(403, "quota_exceeded");
    tus.created(1000).await;
    tus.create(&[("upload-length", "1000")]).await.expect_problem(429, "too_many_uploads");
    app.stop().await;
}
