//! What an operator may set about the listening side, with the limits that hold for every client.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tcp_listener::BUFFER_BYTES;

use crate::framing::FramingLimits;

/// A chunk-size line with its extensions (RFC 9112 §7.1.1) is never longer in honest traffic.
const CHUNK_LINE_BYTES: usize = 256;

/// The listener, its workers and the limits that every connection is held to.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct EdgeConfig {
    /// Address and port that is listened on; port 0 takes a free one. Default `127.0.0.1:8080`.
    pub bind: String,
    /// Worker threads; a connection stays on one. Default 2. More than there are cores only adds switching.
    pub workers: usize,
    /// How long requests under way may go on after a drain began, seconds. Default 10; what is left then is cut.
    pub drain_secs: u64,
    /// How long a connection may stay open between two requests, seconds. Default 75. Above nine tenths of
    /// `max_connections` it is one second, so that idle clients do not keep others out.
    pub keep_alive_secs: u64,
    /// How long a client may take for the head of a request, and for the TLS handshake, milliseconds. Default 10000;
    /// too low cuts slow mobile clients, too high lets slow senders hold connections.
    pub header_timeout_ms: u64,
    /// A client that takes nothing of its answer for so long is cut, milliseconds. Default 60000.
    pub send_timeout_ms: u64,
    /// Bytes that a client may send ahead of what was read (`SO_RCVBUF`), 16384 to 67108864; by default as many as the system sees fit. A
    /// bound slows clients that are far away: each gets that much in a round trip.
    pub receive_buffer_bytes: Option<usize>,
    /// Connections open at once; more are closed as soon as they are accepted. Default 10000. Each takes a file descriptor,
    /// and a proxied one takes two.
    pub max_connections: usize,
    /// Connections open at once from one client address; 0 (the default) sets no bound. Leave it at 0 behind another proxy.
    pub max_connections_per_address: usize,
    /// Requests on one connection before it is closed; 0 (the default) sets no bound.
    pub max_requests_per_connection: u64,
    /// Bytes of a request head: request line and all fields. Default 65536; more is answered 431.
    pub max_head_bytes: usize,
    /// Bytes of one field line. Default 16384; more is answered 431.
    pub max_field_bytes: usize,
    /// Field lines in a head, and in a trailer section. Default 100; more is answered 431.
    pub max_fields: usize,
    /// Bytes of the request target. Default 8192; more is answered 414.
    pub max_target_bytes: usize,
    /// Bytes of a trailer section. Default 8192.
    pub max_trailer_bytes: usize,
    /// Whether answers that lie ready may be written past the HTTP library. Default true; false sends every request the long way,
    /// which answers the same at more expense.
    pub answer_at_once: bool,
    /// Whether a connection without TLS may begin with HTTP/2 (prior knowledge, RFC 9113 §3.3). Default false.
    pub cleartext_http2: bool,
    /// Certificate and key; none (the default) serves cleartext.
    pub tls: Option<TlsConfig>,
    /// Limits of HTTP/2.
    pub http2: Http2Config,
}

/// Files of the certificate that is shown to clients; both are read again on a reload.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM file with the certificate chain, the server's own first.
    pub certificate: PathBuf,
    /// PEM file with the private key of the first certificate.
    pub private_key: PathBuf,
}

/// What an HTTP/2 client may do on one connection.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http2Config {
    /// Whether HTTP/2 is offered in the TLS handshake. Default true.
    pub enabled: bool,
    /// Streams open at once. Default 128.
    pub max_concurrent_streams: u32,
    /// Bytes of a decoded field section, names and values with 32 bytes for each field (RFC 9113 §6.5.2). Default 65536.
    pub max_header_list_bytes: u32,
    /// Streams that a client reset before they were looked at; one more closes the connection (rapid reset). Default 20.
    pub max_reset_streams: usize,
    /// Streams that had to be reset for the client's errors; one more closes the connection. Default 128.
    pub max_faulty_streams: usize,
    /// Bytes of a request body that a client may send ahead on one stream. Default 1 MiB; bounds memory with the next.
    pub stream_window_bytes: u32,
    /// Bytes of request bodies that a client may send ahead on one connection. Default 4 MiB.
    pub connection_window_bytes: u32,
    /// Bytes of an answer that are kept for one stream whose client is slow. Default 256 KiB.
    pub max_send_buffer_bytes: usize,
    /// A ping goes out after so much silence, seconds; 0 sends none. Default 30.
    pub keep_alive_interval_secs: u64,
    /// The connection is closed when a ping is not answered for so long, seconds. Default 20.
    pub keep_alive_timeout_secs: u64,
}

impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            bind: "127.0.0.1:8080".to_owned(),
            workers: 2,
            drain_secs: 10,
            keep_alive_secs: 75,
            header_timeout_ms: 10_000,
            send_timeout_ms: 60_000,
            receive_buffer_bytes: None,
            max_connections: 10_000,
            max_connections_per_address: 0,
            max_requests_per_connection: 0,
            max_head_bytes: 64 * 1024,
            max_field_bytes: 16 * 1024,
            max_fields: 100,
            max_target_bytes: 8 * 1024,
            max_trailer_bytes: 8 * 1024,
            answer_at_once: true,
            cleartext_http2: false,
            tls: None,
            http2: Http2Config::default(),
        }
    }
}

impl Default for Http2Config {
    fn default() -> Self {
        Self {
            enabled: true,
            max_concurrent_streams: 128,
            max_header_list_bytes: 64 * 1024,
            max_reset_streams: 20,
            max_faulty_streams: 128,
            stream_window_bytes: 1024 * 1024,
            connection_window_bytes: 4 * 1024 * 1024,
            max_send_buffer_bytes: 256 * 1024,
            keep_alive_interval_secs: 30,
            keep_alive_timeout_secs: 20,
        }
    }
}

impl EdgeConfig {
    /// Every fault of this section as `key: what is wrong`; empty when it is sound.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.bind.parse::<std::net::SocketAddr>().is_err() {
            faults.push("bind: must be an address and a port, as 127.0.0.1:8080".to_owned());
        }
        let mut within = |key: &str, value: u64, least: u64, most: u64| {
            if value < least || value > most {
                faults.push(format!("{key}: must be from {least} to {most}"));
            }
        };
        within("workers", self.workers as u64, 1, 256);
        within("drain_secs", self.drain_secs, 0, 3600);
        within("keep_alive_secs", self.keep_alive_secs, 1, 3600);
        within("header_timeout_ms", self.header_timeout_ms, 10, 600_000);
        within("send_timeout_ms", self.send_timeout_ms, 10, 3_600_000);
        if let Some(bytes) = self.receive_buffer_bytes {
            let (least, most) = (BUFFER_BYTES.start(), BUFFER_BYTES.end());
            within("receive_buffer_bytes", bytes as u64, *least as u64, *most as u64);
        }
        within("max_connections", self.max_connections as u64, 1, 1_000_000);
        within("max_head_bytes", self.max_head_bytes as u64, 1024, 1024 * 1024);
        within("max_field_bytes", self.max_field_bytes as u64, 256, self.max_head_bytes as u64);
        within("max_fields", self.max_fields as u64, 8, 10_000);
        within("max_target_bytes", self.max_target_bytes as u64, 64, self.max_head_bytes as u64);
        within("max_trailer_bytes", self.max_trailer_bytes as u64, 0, 1024 * 1024);
        self.http2.faults_into(&mut within);
        faults
    }

    pub(crate) fn framing_limits(&self) -> FramingLimits {
        FramingLimits {
            target_bytes: self.max_target_bytes,
            head_bytes: self.max_head_bytes,
            field_bytes: self.max_field_bytes,
            fields: self.max_fields,
            chunk_line_bytes: CHUNK_LINE_BYTES,
            trailer_bytes: self.max_trailer_bytes,
            trailers: self.max_fields,
        }
    }

    pub(crate) fn drain_for(&self) -> Duration {
        Duration::from_secs(self.drain_secs)
    }
}

impl Http2Config {
    fn faults_into(&self, within: &mut impl FnMut(&str, u64, u64, u64)) {
        let window_most = u64::from(u32::MAX >> 1);
        within("http2.max_concurrent_streams", self.max_concurrent_streams.into(), 1, 10_000);
        within("http2.max_header_list_bytes", self.max_header_list_bytes.into(), 1024, 1024 * 1024);
        within("http2.max_reset_streams", self.max_reset_streams as u64, 1, 10_000);
        within("http2.max_faulty_streams", self.max_faulty_streams as u64, 1, 10_000);
        within("http2.stream_window_bytes", self.stream_window_bytes.into(), 65_535, window_most);
        within("http2.connection_window_bytes", self.connection_window_bytes.into(), 65_535, window_most);
        within("http2.max_send_buffer_bytes", self.max_send_buffer_bytes as u64, 16_384, 64 * 1024 * 1024);
        within("http2.keep_alive_interval_secs", self.keep_alive_interval_secs, 0, 3600);
        within("http2.keep_alive_timeout_secs", self.keep_alive_timeout_secs, 1, 3600);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_sound() {
        assert!(EdgeConfig::default().faults().is_empty());
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        let config = EdgeConfig {
            bind: "localhost".to_owned(),
            workers: 0,
            http2: Http2Config { stream_window_bytes: 1, ..Http2Config::default() },
            ..EdgeConfig::default()
        };
        let faults = config.faults();
        assert_eq!(faults.len(), 3, "{faults:?}");
        for key in ["bind: ", "workers: ", "http2.stream_window_bytes: "] {
            assert!(faults.iter().any(|fault| fault.starts_with(key)), "{faults:?}");
        }
    }
}
