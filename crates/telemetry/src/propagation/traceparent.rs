//! The `traceparent` field (W3C Trace Context level 2, section 3.2).

use opentelemetry::trace::{SpanId, TraceId};

/// Flag: the sender records this trace.
pub(super) const SAMPLED: u8 = 0x01;
/// Flag: the last seven bytes of the trace id are random.
pub(super) const RANDOM: u8 = 0x02;

/// A well-formed `traceparent`.
#[derive(Clone, Copy, Debug)]
pub(super) struct TraceParent {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    /// Only the flags of level 2.
    pub(super) flags: u8,
}

impl TraceParent {
    /// `version-traceid-parentid-flags` in lower-case hex of fixed widths. Version `ff` does not exist; a version above
    /// `00` may be longer, after another dash; ids of zeros are none.
    pub(super) fn parse(mut value: &[u8]) -> Option<Self> {
        while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
            value = rest;
        }
        let mut parts = value.splitn(5, |byte| *byte == b'-');
        let version = hex(parts.next()?, 2)?;
        let trace_id = hex(parts.next()?, 32)?;
        let span_id = hex(parts.next()?, 16)?;
        let flags = hex(parts.next()?, 2)?;
        let more = parts.next();
        if version == 0xff || (version == 0 && more.is_some()) || trace_id == 0 || span_id == 0 {
            return None;
        }
        Some(Self {
            trace_id: TraceId::from(trace_id),
            span_id: SpanId::from(u64::try_from(span_id).ok()?),
            flags: u8::try_from(flags).ok()? & (SAMPLED | RANDOM),
        })
    }
}

fn hex(digits: &[u8], width: usize) -> Option<u128> {
    if digits.len() != width {
        return None;
    }
    digits.iter().try_fold(0, |number: u128, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

/// The field in version `00`, the one there is.
pub(super) fn format_traceparent(trace_id: TraceId, span_id: SpanId, flags: u8) -> String {
    let mut text = String::with_capacity(55);
    text.push_str("00-");
    push_hex(&mut text, &trace_id.to_bytes());
    text.push('-');
    push_hex(&mut text, &span_id.to_bytes());
    text.push('-');
    push_hex(&mut text, &[flags]);
    text
}

/// Without the formatting machinery, which costs more than the rest of a forwarded request's trace context.
pub(super) fn push_hex(text: &mut String, bytes: &[u8]) {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0x0f));
    }
}

#[cfg(test)]
pub(super) mod examples {
    pub(crate) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    pub(crate) const PARENT: &str = "00f067aa0ba902b7";

    /// Values that no recipient may take for a parent.
    pub(crate) fn malformed() -> Vec<String> {
        vec![
            String::new(),
            format!("ff-{TRACE}-{PARENT}-01"),
            format!("0-{TRACE}-{PARENT}-01"),
            format!("000-{TRACE}-{PARENT}-01"),
            format!("00-{TRACE}-{PARENT}-01-more"),
            format!("00-{TRACE}-{PARENT}-01-"),
            format!("00-{TRACE}-{PARENT}-1"),
            format!("00-{TRACE}-{PARENT}-001"),
            format!("00-{TRACE}-{PARENT}"),
            format!("00-{}-{PARENT}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}a-{PARENT}-01"),
            format!("00-{TRACE}-{PARENT}a-01"),
            format!("00-{TRACE}-{PARENT}-+1"),
            format!("0x-{TRACE}-{PARENT}-01"),
            format!("00-{TRACE}-{PARENT}-01,00-{TRACE}-{PARENT}-01"),
        ]
    }
}
