//! The public port in words.

use http_edge::{EdgeConfig, Http2Config};

use super::{Clauses, counted};

/// Up to five lines: encryption, HTTP/2, connections, patience, sizes.
pub(super) fn explain(http: &EdgeConfig) -> Vec<String> {
    let usual = EdgeConfig::default();
    let mut lines = Vec::new();
    if let Some(tls) = &http.tls {
        lines.push(format!(
            "speaks TLS with the certificate in {} and the key in {}; {}",
            tls.certificate.display(),
            tls.private_key.display(),
            if http.http2.enabled { "HTTP/2 and HTTP/1.1" } else { "HTTP/1.1 only" }
        ));
    } else if http.cleartext_http2 {
        lines.push("speaks HTTP/2 without TLS to clients that begin with it".to_owned());
    }
    if (http.tls.is_some() && http.http2.enabled) || http.cleartext_http2 {
        lines.extend(http2(&http.http2, &usual.http2));
    }
    lines.extend(connections(http, &usual));
    lines.extend(patience(http, &usual));
    lines.extend(sizes(http, &usual));
    lines
}

fn http2(limits: &Http2Config, usual: &Http2Config) -> Option<String> {
    let mut said = Clauses::new("each HTTP/2 connection".to_owned());
    said.unless(&limits.max_concurrent_streams, &usual.max_concurrent_streams, |most| {
        format!("{} at once", counted(*most, "stream"))
    });
    said.unless(&limits.max_header_list_bytes, &usual.max_header_list_bytes, |most| {
        format!("fields to {most} bytes")
    });
    said.unless(&limits.max_reset_streams, &usual.max_reset_streams, |most| {
        format!("closed after {} of streams nobody has looked at", counted(*most, "reset"))
    });
    said.unless(&limits.max_faulty_streams, &usual.max_faulty_streams, |most| {
        format!("closed after {}", counted(*most, "faulty stream"))
    });
    said.unless(&limits.stream_window_bytes, &usual.stream_window_bytes, |bytes| {
        format!("{bytes} bytes ahead on a stream")
    });
    said.unless(&limits.connection_window_bytes, &usual.connection_window_bytes, |bytes| {
        format!("{bytes} bytes ahead in all")
    });
    said.unless(&limits.max_send_buffer_bytes, &usual.max_send_buffer_bytes, |bytes| {
        format!("{bytes} bytes kept for a slow stream")
    });
    let pings = |limits: &Http2Config| (limits.keep_alive_interval_secs, limits.keep_alive_timeout_secs);
    said.unless(&pings(limits), &pings(usual), |(interval, timeout)| match interval {
        0 => "no pings".to_owned(),
        interval => format!("a ping every {interval} s, answered within {timeout} s"),
    });
    said.more()
}

fn connections(http: &EdgeConfig, usual: &EdgeConfig) -> Option<String> {
    let mut said = Clauses::new("connections".to_owned());
    said.unless(&http.max_connections, &usual.max_connections, |most| format!("at most {most}"));
    said.unless(&http.max_connections_per_address, &usual.max_connections_per_address, |most| {
        format!("at most {most} from one address")
    });
    said.unless(&http.max_requests_per_connection, &usual.max_requests_per_connection, |most| {
        format!("closed after {}", counted(*most, "request"))
    });
    if let Some(bytes) = http.receive_buffer_bytes {
        said.say(format!("{bytes} bytes taken ahead"));
    }
    said.more()
}

fn patience(http: &EdgeConfig, usual: &EdgeConfig) -> Option<String> {
    let mut said = Clauses::new("waits".to_owned());
    said.unless(&http.header_timeout_ms, &usual.header_timeout_ms, |ms| {
        format!("{ms} ms for a request's head")
    });
    said.unless(&http.keep_alive_secs, &usual.keep_alive_secs, |secs| {
        format!("{secs} s between two requests")
    });
    said.unless(&http.send_timeout_ms, &usual.send_timeout_ms, |ms| {
        format!("{ms} ms for a client that takes nothing")
    });
    said.more()
}

fn sizes(http: &EdgeConfig, usual: &EdgeConfig) -> Option<String> {
    let mut said = Clauses::new("request heads".to_owned());
    let bounds = [
        (http.max_target_bytes, usual.max_target_bytes, "bytes of target"),
        (http.max_head_bytes, usual.max_head_bytes, "bytes in all"),
        (http.max_field_bytes, usual.max_field_bytes, "bytes in a field"),
        (http.max_fields, usual.max_fields, "fields"),
        (http.max_trailer_bytes, usual.max_trailer_bytes, "bytes of trailers"),
    ];
    for (most, usual, what) in bounds {
        said.unless(&most, &usual, |most| format!("{most} {what}"));
    }
    said.more()
}
