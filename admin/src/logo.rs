//! A shop's logo out of a file: a picture that is whole, runs nothing and loads nothing, in whatever program it is opened.

mod png;
mod svg;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use models::{InvalidLogo, Logo};
use thiserror::Error;

/// More than any logo needs before it is cleaned; what reads it takes some times as much memory.
const MAX_FILE_BYTES: u64 = 512 * 1024;

/// Why a file is no logo, and what to do; reads on after its name.
#[derive(Debug, Error)]
pub(crate) enum LogoRefused {
    #[error("can't be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("is neither an SVG nor a PNG: export the logo as one of them")]
    UnknownKind,
    #[error("has more than {MAX_FILE_BYTES} bytes: export a smaller picture, of which {max} are left when it is cleaned", max = Logo::MAX_BYTES)]
    FileTooLarge,
    #[error("has {0} bytes when it is cleaned, and a page bears {max}: simplify its paths, or export it as a smaller PNG", max = Logo::MAX_BYTES)]
    TooLarge(usize),

    #[error("is not in UTF-8: save it as plain SVG in UTF-8")]
    NotUtf8,
    #[error("declares entities, as Illustrator's own SVGs do: export it as plain SVG")]
    Entities,
    #[error("is no sound SVG: {0}")]
    Unsound(String),
    #[error(
        "names SVG's elements with a prefix, or nothing of SVG at all: begin it with <svg xmlns=\"http://www.w3.org/2000/svg\""
    )]
    NoNamespace,
    #[error("has no viewBox, so that no page can scale it: add viewBox=\"0 0 <width> <height>\" to <svg>")]
    NoViewBox,
    #[error(
        "refers to {0}, and a logo loads nothing, not even a picture inside of it: draw it with paths, or export it as a PNG"
    )]
    Loads(String),
    #[error("uses {0}(…), which might load something: draw it without that, or export it as a PNG")]
    UnknownFunction(String),
    #[error("moves, and who pays should not have to look away: export a picture that stands still")]
    Moves,

    #[error("is no whole PNG: {0}; export it again")]
    Broken(String),
    #[error("has {width} × {height} pixels, and at most {max} × {max} are allowed: export it smaller", max = png::MAX_PIXELS)]
    TooManyPixels { width: u32, height: u32 },
}

/// Reads a logo and cleans it.
pub(crate) fn read_logo(path: &Path) -> Result<Logo, LogoRefused> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_FILE_BYTES) {
        return Err(LogoRefused::FileTooLarge);
    }
    cleaned(&bytes)
}

fn cleaned(bytes: &[u8]) -> Result<Logo, LogoRefused> {
    let cleaned = if bytes.starts_with(png::SIGNATURE) {
        png::cleaned(bytes)?
    } else if contains(bytes, b"<svg") || contains(bytes, b":svg") {
        svg::cleaned(bytes)?.into_bytes()
    } else {
        return Err(LogoRefused::UnknownKind);
    };
    Logo::try_from(cleaned).map_err(|refused| match refused {
        InvalidLogo::TooLarge(length) => LogoRefused::TooLarge(length),
        InvalidLogo::UnknownKind => LogoRefused::UnknownKind,
    })
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use models::LogoKind;

    use super::*;

    #[test]
    fn a_logo_is_read_from_a_file_of_either_kind() {
        let folder = tempfile::tempdir().unwrap();
        let read = |name: &str, bytes: &[u8]| {
            std::fs::write(folder.path().join(name), bytes).unwrap();
            read_logo(&folder.path().join(name))
        };
        let svg = format!("<svg {}><path d='M0 0h9v9z'/></svg>", svg::tests::ROOT);
        assert_eq!(read("candle.svg", svg.as_bytes()).unwrap().kind(), LogoKind::Svg);
        // What it is called makes no difference.
        let png = png::tests::png(8, 8);
        assert_eq!(read("candle.svg", &png).unwrap().kind(), LogoKind::Png);
        for other in [&b""[..], b"GIF89a", b"\xff\xd8\xff\xe0", b"<html></html>", b"\x89PNG", b"\x88PNG\r\n\x1a\n"] {
            assert!(matches!(read("other", other), Err(LogoRefused::UnknownKind)), "{other:?}");
        }
        assert!(matches!(read_logo(&folder.path().join("none")), Err(LogoRefused::Unreadable(_))));
        assert!(matches!(read_logo(folder.path()), Err(LogoRefused::Unreadable(_))));
        let long = format!("<svg {}><path d='M0 0{}'/></svg>", svg::tests::ROOT, "h1".repeat(9000));
        let refused = read("long.svg", long.as_bytes()).unwrap_err();
        assert!(matches!(refused, LogoRefused::TooLarge(18_000..)), "{refused}");
        assert!(matches!(read("huge.svg", &vec![b' '; 600_000]), Err(LogoRefused::FileTooLarge)));
    }
}
