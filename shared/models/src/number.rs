//! Numbers out of text.

use std::str::FromStr;

/// A whole number from 0 on, spelled in the one way there is: decimal digits, without a sign and without zeros in front.
/// What stands for the same thing is then always the same text.
pub fn whole_number<T: FromStr>(text: &str) -> Option<T> {
    let one_way = text == "0" || !text.starts_with('0');
    if one_way && text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_is_spelled_in_one_way() {
        assert_eq!((whole_number::<u8>("0"), whole_number::<u8>("255")), (Some(0), Some(255)));
        for text in ["", "+1", "-1", "01", "00", "1.0", "1e2", " 1", "1 ", "256", "0x1", "١", "１"] {
            assert_eq!(whole_number::<u8>(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_so(text in "[-+ 0-9a-f.]{0,6}", number in any::<u64>()) {
            prop_assert_eq!(whole_number::<u64>(&number.to_string()), Some(number));
            if let Some(read) = whole_number::<u64>(&text) {
                prop_assert_eq!(read.to_string(), text);
            }
        }
    }
}
