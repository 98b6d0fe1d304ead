//! What the IETF draft demands of a server that reads a request.

use http::Method;
use upload_protocol::{Algorithm, Command, Completes, Dialect, Refusal, Target};

use crate::support::{RESUMABLE, append, create, fault, request, resumable_append};

#[test]
fn upload_complete_alone_makes_a_request_one_that_can_be_resumed() {
    let asked = create(&[("Upload-Complete", "?1"), ("Content-Length", "5")]).unwrap();
    assert_eq!(asked.dialect, Dialect::Resumable { interop: None });
    assert_eq!((asked.completes, asked.content.length), (Completes::WithContent, Some(5)));
    let asked = create(&[("Upload-Complete", "?0"), ("Upload-Draft-Interop-Version", "8")]).unwrap();
    assert_eq!((asked.dialect, asked.completes), (RESUMABLE, Completes::Later));
    let put = request(Method::PUT, Target::Collection, &[("Upload-Complete", "?1")]);
    assert!(matches!(put, Ok(Command::Create(_))));
}

#[test]
fn a_plain_request_is_none_of_ours() {
    for lines in [&[][..], &[("Content-Type", "video/mp4")], &[("Upload-Complete", "1")]] {
        assert_eq!(create(lines), Err(Refusal::NotResumable));
    }
}

#[test]
fn an_upload_complete_of_another_kind_counts_as_absent() {
    for bad in ["1", "true", "?2", "\"?1\"", ""] {
        let lines = [("Upload-Draft-Interop-Version", "8"), ("Upload-Complete", bad)];
        assert_eq!(fault(create(&lines)), ("upload-complete", "required"), "{bad}");
        let lines = [("Upload-Offset", "0"), ("Upload-Complete", bad)];
        assert_eq!(fault(resumable_append(&lines)), ("upload-complete", "required"), "{bad}");
    }
}

#[test]
fn an_upload_length_of_another_kind_counts_as_absent() {
    for bad in ["-1", "1.0", "\"1\"", "?1", "1000000000000000"] {
        let asked = create(&[("Upload-Complete", "?0"), ("Upload-Length", bad)]).unwrap();
        assert_eq!(asked.declared, None, "{bad}");
    }
    let asked = create(&[("Upload-Complete", "?0"), ("Upload-Length", "100;unit=b")]).unwrap();
    assert_eq!(asked.declared, Some(100), "parameters do not matter");
}

#[test]
fn an_upload_offset_of_another_kind_counts_as_absent_and_is_asked_for() {
    for lines in [&[][..], &[("Upload-Offset", "-1")], &[("Upload-Offset", "1"), ("Upload-Offset", "1")]] {
        let lines = [&[("Upload-Complete", "?0")], lines].concat();
        assert_eq!(fault(resumable_append(&lines)), ("upload-offset", "required"));
    }
}

#[test]
fn an_append_is_read_with_all_it_says() {
    let asked = resumable_append(&[
        ("Upload-Complete", "?1"),
        ("Upload-Offset", "70"),
        ("Upload-Length", "100"),
        ("Content-Length", "30"),
    ]);
    let asked = asked.unwrap();
    assert_eq!((asked.dialect, asked.offset), (Dialect::Resumable { interop: None }, 70));
    assert_eq!((asked.declared, asked.content.length), (Some(100), Some(30)));
    assert_eq!(asked.completes, Completes::WithContent);
}

#[test]
fn an_append_needs_its_media_type() {
    let stated = [("Upload-Offset", "0"), ("Upload-Complete", "?1")];
    for media_type in ["application/octet-stream", "application/offset+octet-stream", "*/*"] {
        let lines = [&stated[..], &[("Content-Type", media_type)]].concat();
        assert_eq!(append(&lines), Err(Refusal::MediaType), "{media_type}");
    }
    assert_eq!(append(&stated), Err(Refusal::MediaType));
    assert_eq!(append(&[]), Err(Refusal::MediaType));
}

#[test]
fn state_and_cancellation_need_no_field_at_all() {
    assert_eq!(request(Method::HEAD, Target::Upload, &[]), Ok(Command::Offset { dialect: None }));
    assert_eq!(request(Method::DELETE, Target::Upload, &[]), Ok(Command::Cancel { dialect: None }));
    let stated = [("Upload-Draft-Interop-Version", "8")];
    assert_eq!(
        request(Method::HEAD, Target::Upload, &stated),
        Ok(Command::Offset { dialect: Some(RESUMABLE) })
    );
    assert_eq!(request(Method::HEAD, Target::Collection, &[]), Err(Refusal::Method(Target::Collection)));
}

#[test]
fn representation_metadata_tells_the_name_and_type_of_the_file() {
    let asked = create(&[
        ("Upload-Complete", "?0"),
        ("Content-Type", "Video/MP4; codecs=avc1"),
        ("Content-Disposition", "inline; filename=\"a b.mp4\""),
    ]);
    let asked = asked.unwrap();
    assert_eq!(asked.media_type.as_deref(), Some("video/mp4"));
    assert_eq!(asked.file_name.as_deref(), Some("a b.mp4"));
}

#[test]
fn digests_are_read_for_the_content_and_for_the_whole() {
    let digest = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:";
    let asked = create(&[
        ("Upload-Complete", "?1"),
        ("Repr-Digest", digest),
        ("Repr-Digest", "unixsum=:AAA=:, md5=:AAA=:"),
        ("Content-Digest", digest),
        ("Want-Repr-Digest", "sha-256=3, sha-512=10, md5=9, sha=1"),
    ]);
    let asked = asked.unwrap();
    assert_eq!(asked.representation.len(), 1, "algorithms nobody knows are left out");
    assert_eq!(asked.representation, asked.content.checksums);
    assert_eq!(upload_protocol::digest_field(&asked.representation).as_deref(), Some(digest));
    assert_eq!(asked.wanted, [Algorithm::Sha512, Algorithm::Sha256]);
}

#[test]
fn a_digest_that_cannot_be_read_is_refused_rather_than_skipped() {
    for bad in ["sha-256", "sha-256=LPJN", "sha-256=:YQ==:", "sha-256=(:YQ==:)", "=", "sha-256=:!:"] {
        let lines = [("Upload-Complete", "?1"), ("Repr-Digest", bad)];
        assert_eq!(fault(create(&lines)), ("repr-digest", "malformed"), "{bad}");
        let lines = [("Upload-Complete", "?1"), ("Upload-Offset", "0"), ("Content-Digest", bad)];
        assert_eq!(fault(resumable_append(&lines)), ("content-digest", "malformed"), "{bad}");
    }
}

#[test]
fn wishes_that_cannot_be_read_are_none() {
    for (wish, expected) in [
        ("sha-256=0, sha-512=1", vec![Algorithm::Sha512]),
        ("sha-256=11, sha-512=-1", vec![]),
        ("sha-256=high", vec![]),
        ("=", vec![]),
    ] {
        let asked = create(&[("Upload-Complete", "?1"), ("Want-Repr-Digest", wish)]).unwrap();
        assert_eq!(asked.wanted, expected, "{wish}");
    }
}

#[test]
fn a_length_beside_a_transfer_coding_is_refused() {
    let lines = [("Upload-Complete", "?1"), ("Content-Length", "5"), ("Transfer-Encoding", "chunked")];
    assert_eq!(fault(create(&lines)), ("content-length", "not_allowed"));
}
