//! Which addresses may be called: the public internet, what a workflow allows beyond it, and some never.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a workflow file allows beyond the public internet.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Allow {
    hosts: Vec<String>,
    ranges: Vec<Range>,
}

/// Addresses that agree in their first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    first: IpAddr,
    bits: u8,
}

/// Why an address may not be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forbidden {
    /// Whatever a workflow says: machines tell secrets about themselves there, or nobody in particular is there.
    Never,
    /// Unless a workflow allows it.
    Private,
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Never => "is one that is never called (link-local, metadata, multicast or nobody's)",
            Self::Private => "is not on the public internet, and `allow` does not name it",
        })
    }
}

impl Allow {
    /// From the entries of a workflow file: hosts, addresses and CIDRs.
    ///
    /// # Errors
    /// The entry that is none of these.
    pub fn read<'e>(entries: impl IntoIterator<Item = &'e str>) -> Result<Self, String> {
        let mut allow = Self::default();
        for entry in entries {
            let text = entry.trim().to_lowercase();
            match Range::read(&text) {
                Some(range) => allow.ranges.push(range),
                None if is_host(&text) => allow.hosts.push(text),
                None => return Err(entry.to_owned()),
            }
        }
        allow.hosts.sort();
        allow.ranges.sort();
        Ok(allow)
    }

    /// Whether this host is named.
    pub fn names(&self, host: &str) -> bool {
        self.hosts.iter().any(|named| named.eq_ignore_ascii_case(host.trim_end_matches('.')))
    }

    /// Whether this address may be called on behalf of `host`.
    ///
    /// # Errors
    /// Why it may not.
    pub fn check(&self, host: &str, address: IpAddr) -> Result<(), Forbidden> {
        let inner = inner(address);
        match kind(inner) {
            None => Ok(()),
            Some(Forbidden::Private) if self.names(host) || self.holds(inner) => Ok(()),
            Some(forbidden) => Err(forbidden),
        }
    }

    /// Whether one of the ranges holds it.
    pub fn holds(&self, address: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.holds(inner(address)))
    }
}

impl Range {
    fn read(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let first: IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
        let most = if first.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { first, bits })
    }

    fn holds(&self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let shift = u32::from(32_u8.saturating_sub(self.bits));
                first.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let shift = u32::from(128_u8.saturating_sub(self.bits));
                first.to_bits().checked_shr(shift) == address.to_bits().checked_shr(shift)
            }
            _ => false,
        }
    }
}

/// Letters, digits, dashes and dots; what a name server can know.
fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    text.len() <= 253 && text.split('.').all(is_label) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// The IPv4 address that an IPv6 one stands for, if it does: what is really called.
fn inner(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    let last = |high: u16, low: u16| {
        let bits = (u32::from(high) << 16) | u32::from(low);
        IpAddr::V4(Ipv4Addr::from_bits(bits))
    };
    match six.segments() {
        // Mapped, and translated by NAT64.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => last(high, low),
        // The old compatible form; `::` and `::1` are themselves.
        [0, 0, 0, 0, 0, 0, high, low] if (high, low) > (0, 1) => last(high, low),
        // 6to4.
        [0x2002, high, low, ..] => last(high, low),
        _ => address,
    }
}

fn kind(address: IpAddr) -> Option<Forbidden> {
    match address {
        IpAddr::V4(address) => kind_of_four(address),
        IpAddr::V6(address) => kind_of_six(address),
    }
}

/// By the registry of special addresses, <https://www.iana.org/assignments/iana-ipv4-special-registry>, and where clouds tell a machine
/// about itself.
fn kind_of_four(address: Ipv4Addr) -> Option<Forbidden> {
    match address.octets() {
        [0, ..] | [169, 254, ..] | [224..=255, ..] => Some(Forbidden::Never),
        // The metadata of Alibaba Cloud, Oracle Cloud and Azure.
        [100, 100, 100, 200] | [192, 0, 0, 192] | [168, 63, 129, 16] => Some(Forbidden::Never),
        [10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Some(Forbidden::Private),
        [192, 0, 0 | 2, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] => {
            Some(Forbidden::Private)
        }
        _ => None,
    }
}

/// Only what is given out as public unicast (2000::/3) is the public internet.
fn kind_of_six(address: Ipv6Addr) -> Option<Forbidden> {
    match address.segments() {
        // Amazon's and Google's metadata.
        [0xfd00, 0xec2, ..] | [0xfd20, 0xce, ..] => Some(Forbidden::Never),
        [0, 0, 0, 0, 0, 0, 0, 1] | [0xfc00..=0xfdff, ..] => Some(Forbidden::Private),
        // Teredo, addresses for documentation, and local NAT64.
        [0x2001, 0, ..] => Some(Forbidden::Never),
        [0x2001, 0xdb8, ..] | [0x64, 0xff9b, 1, ..] => Some(Forbidden::Private),
        [0x2000..=0x3fff, ..] => None,
        _ => Some(Forbidden::Never),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(allow: &Allow, host: &str, address: &str) -> &'static str {
        match allow.check(host, address.parse().unwrap()) {
            Ok(()) => "yes",
            Err(Forbidden::Private) => "private",
            Err(Forbidden::Never) => "never",
        }
    }

    #[test]
    fn only_the_public_internet_is_called() {
        let nothing = Allow::default();
        for (address, expected) in [
            ("93.184.216.34", "yes"),
            ("8.8.8.8", "yes"),
            ("100.63.255.255", "yes"),
            ("172.32.0.1", "yes"),
            ("2606:4700::1", "yes"),
            ("127.0.0.1", "private"),
            ("127.9.9.9", "private"),
            ("10.0.0.1", "private"),
            ("172.16.0.1", "private"),
            ("192.168.1.1", "private"),
            ("100.64.0.1", "private"),
            ("100.127.255.255", "private"),
            ("::1", "private"),
            ("fd7a:115c:a1e0::1", "private"),
            ("::ffff:127.0.0.1", "private"),
            ("64:ff9b::a00:1", "private"),
            ("2002:7f00:1::", "private"),
            ("::a00:1", "private"),
            ("169.254.169.254", "never"),
            ("::ffff:169.254.169.254", "never"),
            ("64:ff9b::a9fe:a9fe", "never"),
            ("fd00:ec2::254", "never"),
            ("fe80::1", "never"),
            ("100.100.100.200", "never"),
            ("168.63.129.16", "never"),
            ("0.0.0.0", "never"),
            ("::", "never"),
            ("255.255.255.255", "never"),
            ("224.0.0.1", "never"),
            ("ff02::1", "never"),
            ("2001::1", "never"),
        ] {
            assert_eq!(told(&nothing, "host.example", address), expected, "{address}");
        }
    }

    #[test]
    fn what_is_allowed_may_be_private_and_never_what_is_never_called() {
        let allow = Allow::read(["ci.example.com", "10.1.0.0/16", "fd7a:115c:a1e0::/48", "127.0.0.1"]).unwrap();
        for (host, address, expected) in [
            ("ci.example.com", "192.168.1.1", "yes"),
            ("CI.example.com.", "100.64.0.1", "yes"),
            ("ci.example.com", "169.254.169.254", "never"),
            ("evil.ci.example.com", "192.168.1.1", "private"),
            ("other", "10.1.255.1", "yes"),
            ("other", "10.2.0.1", "private"),
            ("other", "127.0.0.1", "yes"),
            ("other", "127.0.0.2", "private"),
            ("other", "::ffff:10.1.2.3", "yes"),
            ("other", "fd7a:115c:a1e0::5", "yes"),
            ("other", "fd7a:115c:a1e1::5", "private"),
        ] {
            assert_eq!(told(&allow, host, address), expected, "{host} {address}");
        }
        let everything = Allow::read(["0.0.0.0/0", "::/0"]).unwrap();
        assert_eq!(told(&everything, "h", "169.254.169.254"), "never");
        assert_eq!(told(&everything, "h", "10.0.0.1"), "yes");
        for wrong in ["", "a b", "10.0.0.0/33", "10.0.0/8", "http://ci", "*.example.com", "-x"] {
            assert!(Allow::read([wrong]).is_err(), "{wrong}");
        }
    }
}
