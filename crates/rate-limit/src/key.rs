//! What requests are counted under.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The key of one count. Kinds never meet: no principal can be named so that it spends an address's quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key<'a> {
    /// Somebody an issuer vouches for. Two issuers may use the same subject for different people.
    Principal {
        /// Who vouches (`iss`).
        issuer: &'a str,
        /// For whom (`sub`).
        subject: &'a str,
    },
    /// A client address.
    Address(AddressKey),
    /// Anything else, such as a tenant.
    Other(&'a str),
}

impl Key<'_> {
    /// The key of a client address; see [`AddressKey`].
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        Self::Address(AddressKey::new(address))
    }
}

/// The part of an address that one client cannot choose: an IPv4 address, or the first 64 bits of an IPv6 address.
///
/// IPv4 addresses inside IPv6 (`::ffff:0:0/96`, and `64:ff9b::/96` of RFC 6052) count as what they are; by their /64
/// all of IPv4 would be one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressKey(Prefix);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Prefix {
    V4(Ipv4Addr),
    V6([u16; 4]),
}

impl AddressKey {
    /// The key of `address`.
    #[must_use]
    pub fn new(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(address) => Prefix::V4(address),
            IpAddr::V6(address) => match address.segments() {
                [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                    Prefix::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
                }
                [a, b, c, d, ..] => Prefix::V6([a, b, c, d]),
            },
        })
    }
}

impl fmt::Display for AddressKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Prefix::V4(address) => write!(f, "{address}"),
            Prefix::V6([a, b, c, d]) => write!(f, "{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> String {
        AddressKey::new(text.parse().unwrap()).to_string()
    }

    #[test]
    fn an_ipv6_client_is_its_64() {
        assert_eq!(key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(key("2001:db8:1:2:ffff::1"), key("2001:db8:1:2::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    }

    #[test]
    fn an_ipv4_client_is_its_address_however_it_is_written() {
        assert_eq!(key("192.0.2.1"), "192.0.2.1");
        assert_eq!(key("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(key("64:ff9b::192.0.2.1"), "192.0.2.1");
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_eq!(key("::1"), "::/64");
    }
}
