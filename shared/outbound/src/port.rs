//! Which ports may not be called.

/// The ports that the Fetch standard calls bad: 0, which is none, and those of protocols whose servers would read a request
/// as commands of their own: mail, shells, IRC. Browsers call none of them, so nobody serves HTTP there.
/// <https://fetch.spec.whatwg.org/#port-blocking>
const BLOCKED: [u16; 83] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531,
    532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060,
    5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
];

/// Whether nothing may be sent to this port.
pub(crate) fn is_blocked(port: u16) -> bool {
    BLOCKED.contains(&port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_there_once() {
        assert!(BLOCKED.is_sorted_by(|one, next| one < next));
        for port in [80, 443, 3000, 8000, 8080, 8443, 65_535] {
            assert!(!is_blocked(port), "{port}");
        }
    }
}
