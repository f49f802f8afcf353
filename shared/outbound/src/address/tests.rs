use proptest::prelude::*;

use super::*;

fn public(text: &str) -> bool {
    is_public(text.parse().expect(text))
}

/// Each range's first and last address.
const NOT_PUBLIC: [(&str, &str); 31] = [
    ("0.0.0.0", "0.255.255.255"),
    ("10.0.0.0", "10.255.255.255"),
    ("100.64.0.0", "100.127.255.255"),
    ("127.0.0.0", "127.255.255.255"),
    ("169.254.0.0", "169.254.255.255"),
    ("172.16.0.0", "172.31.255.255"),
    ("192.0.0.0", "192.0.0.255"),
    ("192.0.2.0", "192.0.2.255"),
    ("192.88.99.0", "192.88.99.255"),
    ("192.168.0.0", "192.168.255.255"),
    ("198.18.0.0", "198.19.255.255"),
    ("198.51.100.0", "198.51.100.255"),
    ("203.0.113.0", "203.0.113.255"),
    ("224.0.0.0", "239.255.255.255"),
    ("240.0.0.0", "255.255.255.255"),
    ("::", "::1"),
    ("::ffff:10.0.0.0", "::ffff:10.255.255.255"),
    ("::ffff:0:0:0", "::ffff:0:ffff:ffff"), // IPv4-translated, RFC 2765
    ("64:ff9b::10.0.0.0", "64:ff9b::10.255.255.255"),
    ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
    ("100::", "100::ffff:ffff:ffff:ffff"),
    ("100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff"), // dummy prefix, RFC 9780
    ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2002:a00::", "2002:aff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
];

/// The public neighbours of those ranges. Where two ranges touch, or nothing around is given out, there is none.
const PUBLIC: [&str; 43] = [
    "1.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.0.1.255",
    "192.0.3.0",
    "192.88.98.255",
    "192.88.100.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "::ffff:9.255.255.255",
    "::ffff:11.0.0.0",
    "64:ff9b::9.255.255.255",
    "64:ff9b::11.0.0.0",
    "2000::",
    "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:200::",
    "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:db9::",
    "2002:9ff:ffff:ffff:ffff:ffff:ffff:ffff",
    "2002:b00::",
    "2003::",
    "2606:4700:4700::1111",
    "2a05:d018::1",
    "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "3fff:1000::",
    "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
];

#[test]
fn each_range_ends_where_its_rfc_says() {
    for (first, last) in NOT_PUBLIC {
        assert!(!public(first), "{first}");
        assert!(!public(last), "{last}");
    }
    for address in PUBLIC {
        assert!(public(address), "{address}");
    }
}

#[test]
fn what_is_not_given_out_is_not_public() {
    for address in ["1::", "63::", "65::", "200::1", "1fff:ffff::", "4000::", "5eff::", "5f01::", "fbff::", "fe7f::"] {
        assert!(!public(address), "{address}");
    }
}

#[test]
fn the_metadata_of_aws_is_not_public() {
    for address in [
        "169.254.169.254", // instances
        "169.254.170.2",   // credentials of containers
        "169.254.100.1",   // Lambda's own link-local addresses
        "fd00:ec2::254",
        "::169.254.169.254",
        "::ffff:169.254.169.254",
        "::ffff:0:169.254.169.254",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::169.254.169.254",
        "2002:a9fe:a9fe::1",
        "2001:0:a9fe:a9fe::1",
    ] {
        assert!(!public(address), "{address}");
    }
}

#[test]
fn loopback_is_this_machine_only() {
    for address in ["127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"] {
        assert!(is_loopback(address.parse().unwrap()), "{address}");
    }
    for address in ["0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "169.254.169.254", "::2", "1.1.1.1"] {
        assert!(!is_loopback(address.parse().unwrap()), "{address}");
    }
}

/// The same rule, written another way.
fn public_by_octets(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127 | 224..=255, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    )
}

/// Random addresses, every other one at a range's edge.
fn addresses() -> impl Strategy<Value = Ipv4Addr> {
    let edges: Vec<u32> = SPECIAL_V4.iter().map(|(first, _)| first.to_bits()).collect();
    let near_an_edge = (proptest::sample::select(edges), 0..=24_u32, -1..=1_i32)
        .prop_map(|(edge, bits, step)| (edge + (1 << bits)).wrapping_add_signed(step));
    prop_oneof![any::<u32>(), near_an_edge].prop_map(Ipv4Addr::from_bits)
}

proptest! {
    #[test]
    fn the_table_is_the_rule(address in addresses()) {
        prop_assert_eq!(is_public(address.into()), public_by_octets(address));
    }

    #[test]
    fn ipv4_in_ipv6_is_judged_as_ipv4(address in addresses(), rest in any::<[u16; 5]>()) {
        let expected = is_public(address.into());
        let [a, b, c, d] = address.octets();
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let [r, s, t, u, v] = rest;
        for embedding in [
            Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
            Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, r, s, t, u, v),
        ] {
            prop_assert_eq!(is_public(embedding.into()), expected, "{}", embedding);
        }
    }

    #[test]
    fn outside_of_2000_only_embedded_ipv4_is_public(bits in any::<u128>()) {
        let address = Ipv6Addr::from_bits(bits);
        if !(0x2000..0x4000).contains(&address.segments()[0]) && embedded_v4(address).is_none() {
            prop_assert!(!is_public(address.into()));
        }
    }
}
