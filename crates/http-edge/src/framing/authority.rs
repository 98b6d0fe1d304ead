//! The one grammar of a host with a port, for `Host`, an absolute-form target and HTTP/2's `:authority`.

use std::net::Ipv6Addr;

use super::bytes::is_reg_name;

/// The longest name the domain name system knows, in bytes.
const NAME_BYTES: usize = 255;

/// Whether `authority` is a host with an optional port and nothing else (RFC 9110 §7.2, RFC 9113 §8.3.1).
///
/// A host is an IPv6 address in brackets or a name of letters, digits, `-`, `_`, `~` and dots, of at most 255 bytes
/// with no empty label (one dot at the end may stand); an IPv4 address is such a name. A port is 1 to 65535 without
/// leading zeros. Refused are so: the empty host, userinfo, a path, a list, percent-encoding, an IPv6 zone, an empty
/// port.
pub fn check_authority(authority: &[u8]) -> bool {
    let rest = match authority.strip_prefix(b"[") {
        Some(bracketed) => {
            let Some(end) = memchr::memchr(b']', bracketed) else { return false };
            let Some((address, rest)) = bracketed.split_at_checked(end) else { return false };
            if !is_ipv6(address) {
                return false;
            }
            rest.strip_prefix(b"]").unwrap_or_default()
        }
        None => {
            let end = authority.iter().position(|&byte| !is_reg_name(byte)).unwrap_or(authority.len());
            let Some((name, rest)) = authority.split_at_checked(end) else { return false };
            if !is_name(name) {
                return false;
            }
            rest
        }
    };
    match rest.split_first() {
        None => true,
        Some((b':', port)) => is_port(port),
        Some(_) => false,
    }
}

fn is_ipv6(address: &[u8]) -> bool {
    str::from_utf8(address).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

fn is_name(name: &[u8]) -> bool {
    let labels = name.strip_suffix(b".").unwrap_or(name);
    let mut before = b'.';
    let no_empty_label = labels.iter().all(|&byte| {
        let empty = byte == b'.' && before == b'.';
        before = byte;
        !empty
    });
    no_empty_label && before != b'.' && name.len() <= NAME_BYTES
}

fn is_port(port: &[u8]) -> bool {
    if port.len() > 5 || port.first().is_none_or(|&first| first == b'0') {
        return false;
    }
    let value = port
        .iter()
        .try_fold(0_u32, |value, &byte| byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0')));
    value.is_some_and(|value| value <= 65_535)
}
