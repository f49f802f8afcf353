//! Which IP addresses are public.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is not public in IPv4: IANA's special-purpose registry where it isn't globally reachable, and multicast.
/// <https://www.iana.org/assignments/iana-ipv4-special-registry/>
const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),  // this network, RFC 791; Linux takes 0.0.0.0 for itself
    (Ipv4Addr::new(10, 0, 0, 0), 8), // private, RFC 1918
    (Ipv4Addr::new(100, 64, 0, 0), 10), // shared by carriers' customers, RFC 6598
    (Ipv4Addr::new(127, 0, 0, 0), 8), // loopback, RFC 1122
    (Ipv4Addr::new(169, 254, 0, 0), 16), // link-local, RFC 3927; AWS's metadata and credentials
    (Ipv4Addr::new(172, 16, 0, 0), 12), // private, RFC 1918
    (Ipv4Addr::new(192, 0, 0, 0), 24), // IETF protocol assignments, RFC 6890
    (Ipv4Addr::new(192, 0, 2, 0), 24), // documentation, RFC 5737
    (Ipv4Addr::new(192, 88, 99, 0), 24), // 6to4 relays, withdrawn by RFC 7526
    (Ipv4Addr::new(192, 168, 0, 0), 16), // private, RFC 1918
    (Ipv4Addr::new(198, 18, 0, 0), 15), // benchmarks, RFC 2544
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation, RFC 5737
    (Ipv4Addr::new(203, 0, 113, 0), 24), // documentation, RFC 5737
    (Ipv4Addr::new(224, 0, 0, 0), 4), // multicast, RFC 5771
    (Ipv4Addr::new(240, 0, 0, 0), 4), // reserved, RFC 1112; limited broadcast, RFC 919
];

/// The only part of IPv6 that is given out for the public's addresses, RFC 4291 and
/// <https://www.iana.org/assignments/ipv6-address-space/>. Whatever is outside of it is not public: loopback, unique
/// local `fc00::/7` with AWS's metadata `fd00:ec2::254` (RFC 4193), link-local `fe80::/10` (RFC 4291), site-local
/// `fec0::/10` (RFC 3879), multicast `ff00::/8` (RFC 4291), discard-only `100::/64` (RFC 6666), segment identifiers
/// `5f00::/16` (RFC 9602), NAT64 for local use `64:ff9b:1::/48` (RFC 8215), and what nobody has been given yet.
const GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What is not public within [`GLOBAL_UNICAST`].
/// <https://www.iana.org/assignments/iana-ipv6-special-registry/>
const SPECIAL_V6: [(Ipv6Addr, u32); 3] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // IETF protocol assignments, RFC 2928; Teredo, RFC 4380
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation, RFC 3849
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation, RFC 9637
];

/// Whether an address is anybody's on the public internet, rather than one that leads back to us or to a network that
/// only we are in.
///
/// Everything in IANA's special-purpose registries (RFC 6890) that isn't globally reachable is not public, neither is
/// multicast, nor IPv6 outside of what is given out. An IPv6 address that stands for an IPv4 address is judged as that.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Whether an address is this machine itself, in either family or as IPv4 in IPv6.
pub(crate) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let shares_prefix =
        |&(first, length): &(Ipv4Addr, u32)| (first.to_bits() ^ address.to_bits()) >> (32 - length) == 0;
    !SPECIAL_V4.iter().any(shares_prefix)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let shares_prefix =
        |&(first, length): &(Ipv6Addr, u32)| (first.to_bits() ^ address.to_bits()) >> (128 - length) == 0;
    match embedded_v4(address) {
        Some(embedded) => is_public_v4(embedded),
        None => shares_prefix(&GLOBAL_UNICAST) && !SPECIAL_V6.iter().any(shares_prefix),
    }
}

/// The IPv4 address to which an IPv6 address may lead.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] // mapped, RFC 4291, section 2.5.5.2
        | [0, 0, 0, 0, 0, 0, high, low] // compatible, RFC 4291, section 2.5.5.1; :: and ::1 count as 0.0.0.0 and 0.0.0.1
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] // NAT64, RFC 6052
        | [0x2002, high, low, ..] // 6to4, RFC 3056
            => Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
