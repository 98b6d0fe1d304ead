//! What tus 1.0.0 demands of a server that reads a request.

use http::Method;
use upload_protocol::{
    Algorithm, Checksum, Command, Completes, Concat, Dialect, Refusal, State, Target, check_concat,
};

use crate::support::{LIMITS, append, create, fault, now, request, tus_append, tus_create, upload};

#[test]
fn another_version_is_refused_before_anything_else_is_looked_at() {
    for version in ["0.2.2", "1.0", "1.0.0,0.2.2", "", "2.0.0"] {
        for (method, target) in [
            (Method::POST, Target::Collection),
            (Method::HEAD, Target::Upload),
            (Method::PATCH, Target::Upload),
            (Method::DELETE, Target::Upload),
            (Method::GET, Target::Upload),
        ] {
            let refused = request(method, target, &[("Tus-Resumable", version), ("Upload-Length", "junk")]);
            assert_eq!(refused, Err(Refusal::Version), "{version}");
        }
    }
    let twice = [("Tus-Resumable", "1.0.0"), ("Tus-Resumable", "1.0.0")];
    assert_eq!(request(Method::HEAD, Target::Upload, &twice), Err(Refusal::Version));
}

#[test]
fn a_request_of_tus_without_its_version_is_told_the_version() {
    let content = [("Content-Type", "application/offset+octet-stream"), ("Upload-Offset", "0")];
    assert_eq!(append(&content), Err(Refusal::Version));
    for line in [("Upload-Defer-Length", "1"), ("Upload-Metadata", "a"), ("Upload-Concat", "partial")] {
        assert_eq!(create(&[("Upload-Length", "1"), line]), Err(Refusal::Version));
    }
}

#[test]
fn options_is_answered_whatever_version_is_claimed() {
    for target in [Target::Collection, Target::Upload] {
        let asked = request(Method::OPTIONS, target, &[("Tus-Resumable", "0.2.2")]);
        assert_eq!(asked, Ok(Command::Options));
    }
}

#[test]
fn the_overriding_method_counts_and_the_actual_one_does_not() {
    let asked = |named| {
        let lines = [("Tus-Resumable", "1.0.0"), ("X-HTTP-Method-Override", named)];
        request(Method::POST, Target::Upload, &lines)
    };
    assert_eq!(asked("DELETE"), Ok(Command::Cancel { dialect: Some(Dialect::Tus) }));
    assert_eq!(asked("HEAD"), Ok(Command::Offset { dialect: Some(Dialect::Tus) }));
    assert_eq!(asked("PATCH"), Err(Refusal::MediaType), "read as an append, which needs its media type");
    assert_eq!(asked("patch"), Err(Refusal::Method(Target::Upload)), "methods have a case");
    assert_eq!(fault(asked("PA TCH")), ("x-http-method-override", "malformed"));
}

#[test]
fn the_method_is_overridden_in_tus_only() {
    let lines = [("X-HTTP-Method-Override", "DELETE"), ("Upload-Complete", "?1")];
    assert_eq!(request(Method::POST, Target::Upload, &lines), Err(Refusal::Method(Target::Upload)));
}

#[test]
fn an_append_is_read_with_all_it_says() {
    let asked = tus_append(&[("Upload-Offset", "70"), ("Content-Length", "30"), ("Upload-Length", "100")]);
    let asked = asked.unwrap();
    assert_eq!((asked.dialect, asked.offset, asked.declared), (Dialect::Tus, 70, Some(100)));
    assert_eq!((asked.content.length, asked.completes), (Some(30), Completes::AtLength));
    let streamed = tus_append(&[("Upload-Offset", "0"), ("Transfer-Encoding", "chunked")]).unwrap();
    assert_eq!(streamed.content.length, None);
}

#[test]
fn an_append_needs_its_media_type() {
    for media_type in ["application/octet-stream", "application/partial-upload", "video/mp4", ""] {
        let lines = [("Tus-Resumable", "1.0.0"), ("Upload-Offset", "0"), ("Content-Type", media_type)];
        assert_eq!(append(&lines), Err(Refusal::MediaType), "{media_type}");
    }
    let lines = [
        ("Tus-Resumable", "1.0.0"),
        ("Upload-Offset", "0"),
        ("Content-Type", "Application/Offset+octet-stream; a=b"),
    ];
    assert!(append(&lines).is_ok());
}

#[test]
fn an_offset_is_a_non_negative_integer_and_must_be_there() {
    assert_eq!(fault(tus_append(&[])), ("upload-offset", "required"));
    for bad in ["-1", "+1", "1.5", "one", "0x1", "1,1", "9223372036854775808"] {
        assert_eq!(fault(tus_append(&[("Upload-Offset", bad)])), ("upload-offset", "malformed"), "{bad}");
    }
    let twice = [("Upload-Offset", "1"), ("Upload-Offset", "1")];
    assert_eq!(fault(tus_append(&twice)), ("upload-offset", "repeated"));
}

#[test]
fn a_length_is_a_non_negative_integer_wherever_it_stands() {
    for bad in ["-1", "+1", "1.5", "many", ""] {
        let expected = ("upload-length", "malformed");
        assert_eq!(fault(tus_create(&[("Upload-Length", bad)])), expected, "{bad}");
        let lines = [("Upload-Offset", "0"), ("Upload-Length", bad)];
        assert_eq!(fault(tus_append(&lines)), expected, "{bad}");
    }
}

#[test]
fn a_creation_states_its_length_or_puts_it_off() {
    assert_eq!(tus_create(&[("Upload-Length", "100")]).unwrap().declared, Some(100));
    assert_eq!(tus_create(&[("Upload-Length", "0")]).unwrap().declared, Some(0));
    assert_eq!(tus_create(&[("Upload-Defer-Length", "1")]).unwrap().declared, None);
    assert_eq!(fault(tus_create(&[])), ("upload-length", "required"));
    let both = [("Upload-Length", "1"), ("Upload-Defer-Length", "1")];
    assert_eq!(fault(tus_create(&both)), ("upload-length", "not_allowed"));
    for bad in ["0", "2", "true", ""] {
        let lines = [("Upload-Defer-Length", bad)];
        assert_eq!(fault(tus_create(&lines)), ("upload-defer-length", "malformed"), "{bad}");
    }
}

#[test]
fn a_creation_is_a_post() {
    let lines = [("Tus-Resumable", "1.0.0"), ("Upload-Length", "1")];
    for method in [Method::PUT, Method::PATCH, Method::GET, Method::DELETE] {
        let refused = request(method, Target::Collection, &lines);
        assert_eq!(refused, Err(Refusal::Method(Target::Collection)));
    }
}

#[test]
fn a_creation_has_content_only_under_the_media_type_of_tus() {
    let with = |lines: &[(&'static str, &'static str)]| {
        tus_create(&[&[("Upload-Length", "100")], lines].concat()).map(|create| create.content.length)
    };
    let typed = ("Content-Type", "application/offset+octet-stream");
    assert_eq!(with(&[]), Ok(Some(0)));
    assert_eq!(with(&[("Content-Length", "0"), ("Content-Type", "text/plain")]), Ok(Some(0)));
    assert_eq!(with(&[typed, ("Content-Length", "5")]), Ok(Some(5)));
    assert_eq!(with(&[typed, ("Transfer-Encoding", "chunked")]), Ok(None));
    assert_eq!(with(&[("Content-Length", "5")]), Err(Refusal::MediaType));
    assert_eq!(with(&[("Transfer-Encoding", "chunked")]), Err(Refusal::MediaType));
}

#[test]
fn metadata_is_kept_as_it_was_sent_and_names_the_file() {
    let raw = "filename Li4vYS9iLm1wNA==,filetype VmlkZW8vTVA0,note 4pyT";
    let asked = tus_create(&[("Upload-Length", "1"), ("Upload-Metadata", raw)]).unwrap();
    assert_eq!(asked.metadata.as_ref().unwrap().raw(), raw);
    assert_eq!(asked.metadata.as_ref().unwrap().text("note"), Some("✓"));
    assert_eq!(asked.file_name.as_deref(), Some("b.mp4"));
    assert_eq!(asked.media_type.as_deref(), Some("video/mp4"));
    let bad = [("Upload-Length", "1"), ("Upload-Metadata", "a YQ==,a Yg==")];
    assert_eq!(fault(tus_create(&bad)), ("upload-metadata", "repeated"));
}

#[test]
fn a_checksum_is_an_algorithm_a_space_and_base64() {
    let read = |value| tus_append(&[("Upload-Offset", "0"), ("Upload-Checksum", value)]);
    let asked = read("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=").unwrap();
    let [checksum]: &[Checksum; 1] = asked.content.checksums.as_slice().try_into().unwrap();
    assert_eq!((checksum.algorithm(), checksum.digest().len()), (Algorithm::Sha1, 20));
    let sha256 = "sha256 LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    assert_eq!(read(sha256).unwrap().content.checksums.len(), 1);
    for bad in ["sha1", "sha1 ", "sha1 !", "sha1 YQ==", "sha1  Kq5sNclPz7QV2+lfQIuc6R7oRu0=", ""] {
        assert_eq!(fault(read(bad)), ("upload-checksum", "malformed"), "{bad}");
    }
    for unknown in ["md5 YQ==", "SHA1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "crc32 YQ=="] {
        assert_eq!(fault(read(unknown)), ("upload-checksum", "unsupported"), "{unknown}");
    }
}

#[test]
fn a_final_upload_has_parts_and_neither_length_nor_content() {
    let made_of = ("Upload-Concat", "final;/files/a /files/b");
    let asked = tus_create(&[made_of, ("Upload-Metadata", "a")]).unwrap();
    assert_eq!(asked.concat, Some(Concat::Final(vec!["/files/a".to_owned(), "/files/b".to_owned()])));
    assert_eq!(fault(tus_create(&[made_of, ("Upload-Length", "11")])), ("upload-length", "not_allowed"));
    assert_eq!(fault(tus_create(&[made_of, ("Upload-Defer-Length", "1")])), ("upload-length", "not_allowed"));
    let content = [made_of, ("Content-Type", "application/offset+octet-stream"), ("Content-Length", "1")];
    assert_eq!(fault(tus_create(&content)), ("content-type", "not_allowed"));
    let part = tus_create(&[("Upload-Concat", "partial"), ("Upload-Length", "5")]).unwrap();
    assert_eq!((part.concat, part.declared), (Some(Concat::Partial), Some(5)));
    assert_eq!(fault(tus_create(&[("Upload-Concat", "whole")])), ("upload-concat", "malformed"));
}

#[test]
fn the_length_of_a_final_upload_is_the_sum_of_its_complete_parts() {
    let part = |bytes| {
        let mut view = upload(bytes, Some(bytes));
        (view.state, view.concat) = (State::Complete, Some(Concat::Partial));
        view
    };
    assert_eq!(check_concat(&[part(5), part(6), part(5)], LIMITS, now()), Ok(16));
    assert_eq!(check_concat(&[part(600), part(401)], LIMITS, now()), Err(Refusal::TooLarge(LIMITS)));
    let mut unfinished = part(5);
    unfinished.state = State::Receiving;
    assert_eq!(check_concat(&[part(5), unfinished], LIMITS, now()), Err(Refusal::Unfinished));
    let mut whole = part(5);
    whole.concat = None;
    assert_eq!(check_concat(&[whole], LIMITS, now()), Err(Refusal::NotPartial));
    let mut expired = part(5);
    expired.expires_at = Some(now());
    assert!(matches!(check_concat(&[expired], LIMITS, now()), Err(Refusal::Gone(_))));
}
