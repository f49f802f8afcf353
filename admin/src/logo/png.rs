//! PNGs: decoded to see that they are whole, and stripped of what is not the picture.

use std::io::Cursor;

use png::{Decoder, DecodingError, Limits};

use super::LogoRefused;

/// How every PNG begins (PNG, third edition, 5.2).
pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// In width and in height.
pub(super) const MAX_PIXELS: u32 = 1024;

/// The chunks that are the picture and its colours (PNG, third edition, 11.2 and 11.3). Others say who made it, where and when, or
/// make it move.
const KEPT: [&[u8]; 8] = [b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sRGB", b"gAMA", b"cHRM"];

impl From<DecodingError> for LogoRefused {
    fn from(error: DecodingError) -> Self {
        Self::Broken(error.to_string())
    }
}

/// The picture alone, if it is whole.
pub(super) fn cleaned(bytes: &[u8]) -> Result<Vec<u8>, LogoRefused> {
    let limits = Limits { bytes: 32 << 20 };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
    let header = decoder.read_header_info()?;
    let (width, height) = (header.width, header.height);
    if width > MAX_PIXELS || height > MAX_PIXELS {
        return Err(LogoRefused::TooManyPixels { width, height });
    }
    let mut reader = decoder.read_info()?;
    let size = reader.output_buffer_size().ok_or_else(|| LogoRefused::Broken("it has no size".to_owned()))?;
    reader.next_frame(&mut vec![0; size])?;
    reader.finish()?;
    stripped(bytes).ok_or_else(|| LogoRefused::Broken("it has no end".to_owned()))
}

/// The chunks that are kept, and nothing behind the end.
fn stripped(bytes: &[u8]) -> Option<Vec<u8>> {
    let (signature, mut rest) = bytes.split_at_checked(SIGNATURE.len())?;
    let mut kept = signature.to_vec();
    loop {
        // Length, type, data, checksum (PNG, third edition, 5.3).
        let length = u32::from_be_bytes(*rest.first_chunk()?);
        let (chunk, after) = rest.split_at_checked(usize::try_from(length).ok()?.checked_add(12)?)?;
        let name = chunk.get(4..8)?;
        if KEPT.contains(&name) {
            kept.extend_from_slice(chunk);
        }
        if name == b"IEND" {
            return Some(kept);
        }
        rest = after;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::contains;
    use super::*;

    /// A picture of this size.
    pub(in super::super) fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.add_text_chunk("Author".to_owned(), "Ada".to_owned()).unwrap();
        let mut writer = encoder.write_header().unwrap();
        let pixels = vec![7; usize::try_from(width * height * 4).unwrap()];
        writer.write_image_data(&pixels).unwrap();
        writer.finish().unwrap();
        bytes
    }

    fn pixels(bytes: &[u8]) -> Vec<u8> {
        let mut reader = Decoder::new(Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        pixels
    }

    #[test]
    fn a_picture_is_kept_and_what_is_said_about_it_is_not() {
        let whole = png(16, 8);
        let cleaned_picture = cleaned(&whole).unwrap();
        assert!(contains(&whole, b"Ada") && !contains(&cleaned_picture, b"Ada"));
        assert_eq!(pixels(&cleaned_picture), pixels(&whole));
        assert_eq!(cleaned(&cleaned_picture).unwrap(), cleaned_picture);
        let with_more = [&whole[..], b"<script>alert(1)</script>"].concat();
        assert_eq!(cleaned(&with_more).unwrap(), cleaned_picture);
    }

    #[test]
    fn a_picture_is_whole_or_refused() {
        let whole = png(16, 8);
        for end in SIGNATURE.len()..whole.len() {
            assert!(matches!(cleaned(&whole[..end]), Err(LogoRefused::Broken(_))), "{end} of {}", whole.len());
        }
        // The header and the picture: the data of each is checked by its sum.
        for at in [18, whole.len() - 20] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert!(matches!(cleaned(&damaged), Err(LogoRefused::Broken(_))), "{at}");
        }
    }

    #[test]
    fn a_picture_is_no_larger_than_it_may_be() {
        assert!(cleaned(&png(1024, 1024)).is_ok());
        for (width, height) in [(1025, 1), (1, 1025), (4000, 3000)] {
            let refused = cleaned(&png(width, height)).unwrap_err();
            assert!(refused.to_string().contains(&format!("{width} × {height}")), "{refused}");
        }
        // Of gigabytes, as its header says.
        let mut bomb = png(1, 1);
        bomb[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
        assert!(cleaned(&bomb).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(at in 0..80_usize, byte in any::<u8>(), tail in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut bytes = png(3, 2);
            if let Some(there) = bytes.get_mut(at) {
                *there = byte;
            }
            let _ = cleaned(&bytes);
            let _ = cleaned(&[SIGNATURE, &tail].concat());
        }
    }
}
