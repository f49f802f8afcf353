//! SVGs: cleaned by a library made for it, and then read once more to see that nothing is left that loads something or moves.
//!
//! A page shows a logo as an image, in which a browser runs and loads nothing by itself; but a logo may be opened, saved and
//! put elsewhere.

use xml::reader::{EventReader, XmlEvent};

use super::LogoRefused;

const NAMESPACE: &str = "http://www.w3.org/2000/svg";

/// Functions of SVG's attributes and of CSS that load nothing; `url(…)` is checked.
const HARMLESS: &[&str] = &[
    "blur",
    "brightness",
    "calc",
    "circle",
    "clamp",
    "color",
    "color-mix",
    "contrast",
    "drop-shadow",
    "ellipse",
    "first-child",
    "grayscale",
    "hsl",
    "hsla",
    "hue-rotate",
    "hwb",
    "inset",
    "invert",
    "is",
    "lab",
    "lch",
    "linear-gradient",
    "matrix",
    "max",
    "media",
    "min",
    "not",
    "nth-child",
    "nth-last-child",
    "nth-of-type",
    "oklab",
    "oklch",
    "opacity",
    "path",
    "polygon",
    "radial-gradient",
    "rgb",
    "rgba",
    "rotate",
    "saturate",
    "scale",
    "scalex",
    "scaley",
    "sepia",
    "skewx",
    "skewy",
    "supports",
    "translate",
    "translatex",
    "translatey",
    "var",
    "where",
];

/// Elements that show what they refer to.
const REFERRING: [&str; 3] = ["feImage", "image", "use"];

/// Elements that change the picture by time.
const MOVING: [&str; 5] = ["animate", "animateColor", "animateMotion", "animateTransform", "set"];

/// The picture alone, from its root element on.
pub(super) fn cleaned(bytes: &[u8]) -> Result<String, LogoRefused> {
    let given = std::str::from_utf8(bytes).map_err(|_| LogoRefused::NotUtf8)?;
    if given.contains("<!ENTITY") {
        return Err(LogoRefused::Entities);
    }
    let mut filtered = Vec::new();
    svg_hush::Filter::new().filter(given.as_bytes(), &mut filtered).map_err(unsound)?;
    let filtered = String::from_utf8(filtered).map_err(|_| LogoRefused::NotUtf8)?;
    let root = filtered.find("<svg").and_then(|start| filtered.get(start..)).ok_or(LogoRefused::NoNamespace)?;
    let picture = root.trim_end().to_owned();
    check(&picture)?;
    Ok(picture)
}

fn unsound(error: impl std::error::Error) -> LogoRefused {
    // The innermost says where it is.
    let innermost = std::iter::successors(error.source(), |&error| error.source()).last();
    LogoRefused::Unsound(innermost.map_or_else(|| error.to_string(), ToString::to_string))
}

/// Whether it is a picture that can be scaled, stands still, and refers to nothing but itself.
fn check(picture: &str) -> Result<(), LogoRefused> {
    let (mut is_root, mut in_style) = (true, false);
    for event in EventReader::new(picture.as_bytes()) {
        match event.map_err(unsound)? {
            XmlEvent::StartElement { name, attributes, .. } => {
                if name.namespace.as_deref() != Some(NAMESPACE) {
                    return Err(LogoRefused::NoNamespace);
                }
                if is_root && !attributes.iter().any(|attribute| attribute.name.local_name == "viewBox") {
                    return Err(LogoRefused::NoViewBox);
                }
                if MOVING.contains(&name.local_name.as_str()) {
                    return Err(LogoRefused::Moves);
                }
                let href = attributes.iter().find(|attribute| attribute.name.local_name == "href");
                match href.map(|href| href.value.as_str()) {
                    Some(href) if href.starts_with('#') => {}
                    Some(href) => return Err(LogoRefused::Loads(href.to_owned())),
                    // It was one that no logo may have.
                    None if REFERRING.contains(&name.local_name.as_str()) => {
                        return Err(LogoRefused::Loads("a picture".to_owned()));
                    }
                    None => {}
                }
                attributes.iter().try_for_each(|attribute| check_style(&attribute.value))?;
                (is_root, in_style) = (false, name.local_name == "style");
            }
            XmlEvent::EndElement { .. } => in_style = false,
            XmlEvent::Characters(text) | XmlEvent::CData(text) if in_style => check_style(&text)?,
            XmlEvent::Characters(_)
            | XmlEvent::CData(_)
            | XmlEvent::Whitespace(_)
            | XmlEvent::Comment(_)
            | XmlEvent::StartDocument { .. }
            | XmlEvent::EndDocument
            | XmlEvent::ProcessingInstruction { .. }
            | XmlEvent::Doctype { .. } => {}
        }
    }
    Ok(())
}

/// Whether what CSS and attributes with functions say loads nothing. Whatever is not known to load nothing is refused.
fn check_style(text: &str) -> Result<(), LogoRefused> {
    let text = text.to_ascii_lowercase();
    if text.contains("@keyframes") || text.contains("animation") {
        return Err(LogoRefused::Moves);
    }
    if text.contains("@import") {
        return Err(LogoRefused::Loads("another style sheet".to_owned()));
    }
    for (at, _) in text.match_indices('(') {
        let (before, after) = text.split_at(at);
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_') || !c.is_ascii();
        let name = before.rsplit(|c| !is_name(c)).next().unwrap_or_default();
        let argument = after.trim_start_matches('(').trim_start();
        if name == "url" && !argument.starts_with(['#', ')']) {
            let url = argument.split(')').next().unwrap_or_default();
            return Err(LogoRefused::Loads(url.to_owned()));
        }
        if !name.is_empty() && name != "url" && !HARMLESS.contains(&name) {
            return Err(LogoRefused::UnknownFunction(name.to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What an SVG's root element has at the least.
    pub(in super::super) const ROOT: &str = r#"xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9""#;

    fn svg(content: &str) -> String {
        format!(r#"<svg {ROOT} xmlns:xlink="http://www.w3.org/1999/xlink">{content}</svg>"#)
    }

    fn cleaned_text(picture: &str) -> String {
        cleaned(picture.as_bytes()).unwrap_or_else(|refused| panic!("{picture}: {refused}"))
    }

    fn refused(picture: &str) -> String {
        cleaned(picture.as_bytes()).expect_err(picture).to_string()
    }

    #[test]
    fn a_picture_is_kept() {
        let content = r##"<defs><linearGradient id="g"><stop offset="0" stop-color="#fff"/></linearGradient></defs>
            <style>.a { fill: url(#g); opacity: 0.5 } @media (prefers-color-scheme: dark) { .a { fill: rgb(1, 2, 3) } }</style>
            <g transform="translate(1 2) rotate(45)"><path class="a" d="M0 0h9v9z"/></g><title>Bright Candles (Lancaster)</title>
            <use href="#g"/><use xlink:href="#g"/><text>Candles &amp; more</text>"##;
        let cleaned_picture = cleaned_text(&svg(content));
        for part in ["linearGradient", "url(#g)", "rgb(1, 2, 3)", "translate(1 2)", "M0 0h9v9z", "(Lancaster)", "&amp;"]
        {
            assert!(cleaned_picture.contains(part), "{part}: {cleaned_picture}");
        }
        assert_eq!(cleaned_picture.matches(r##"href="#g""##).count(), 2);
        assert!(
            cleaned_picture.starts_with("<svg ") && cleaned_picture.contains(r#"xmlns="http://www.w3.org/2000/svg""#)
        );
        assert!(cleaned_picture.ends_with("</svg>"));
    }

    #[test]
    fn what_programs_write_before_the_picture_goes() {
        for before in [
            "\u{feff}",
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n<!-- Created with Inkscape -->\n",
            "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd\">\n",
            "<?xml-stylesheet href=\"https://evil.example/a.css\"?>",
        ] {
            let cleaned_picture = cleaned_text(&format!("{before}{}", svg("<path d='M0 0h9'/>")));
            assert!(cleaned_picture.starts_with("<svg ") && !cleaned_picture.contains("evil"), "{cleaned_picture}");
        }
    }

    /// Whatever runs, or leads elsewhere, is taken out; the picture stays.
    #[test]
    fn what_runs_is_taken_out() {
        for hostile in [
            "<script>alert(1)</script>",
            "<script href='https://evil.example/a.js'/>",
            "<SCRIPT>alert(1)</SCRIPT>",
            "<x:script xmlns:x='http://www.w3.org/2000/svg'>alert(1)</x:script>",
            "<script xmlns='http://www.w3.org/1999/xhtml'>alert(1)</script>",
            "<g onload='alert(1)' onclick='alert(1)'/>",
            "<path d='M0 0' onmouseover='alert(1)'/>",
            "<g xlink:onload='alert(1)'/>",
            "<foreignObject><div xmlns='http://www.w3.org/1999/xhtml' onclick='alert(1)'>evil</div></foreignObject>",
            "<foreignObject><iframe xmlns='http://www.w3.org/1999/xhtml' src='https://evil.example'/></foreignObject>",
            "<a href='javascript:alert(1)'><path d='M0 0'/></a>",
            "<a href='https://evil.example'><path d='M0 0'/></a>",
            "<a xlink:href='&#x6a;avascript:alert(1)'><path d='M0 0'/></a>",
            "<handler type='application/ecmascript'>alert(1)</handler>",
            "<embed xmlns='http://www.w3.org/1999/xhtml' src='https://evil.example'/>",
            "<style>@import 'https://evil.example/a.css';</style>",
            "<style>@im\\port 'https://evil.example/a.css';</style>",
            "<!--<script>alert(1)</script>-->",
            "<?php alert(1) ?>",
        ] {
            let cleaned_picture = cleaned_text(&svg(&format!("{hostile}<path d='M1 2h3'/>")));
            for part in
                ["alert", "evil", "script", "onload", "onclick", "onmouse", "foreignObject", "import", "<?", "<!"]
            {
                assert!(!cleaned_picture.contains(part), "{part} of {hostile}: {cleaned_picture}");
            }
            assert!(cleaned_picture.contains("M1 2h3"), "{hostile}: {cleaned_picture}");
        }
    }

    /// Without it the picture would be another one, so it is refused rather than taken out.
    #[test]
    fn what_loads_is_refused() {
        for hostile in [
            "<image href='https://evil.example/a.png'/>",
            "<image xlink:href='//evil.example/a.png'/>",
            "<image href='a.png'/>",
            "<image href='data:image/png;base64,AAAA'/>",
            "<image href='data:image/svg+xml,&lt;svg onload=alert(1)>'/>",
            "<image href='javascript:alert(1)'/>",
            "<use href='https://evil.example/a.svg#a'/>",
            "<use xlink:href='/a.svg#a'/>",
            "<use href='data:image/svg+xml,x#a'/>",
            "<filter><feImage href='https://evil.example/a.png'/></filter>",
            "<linearGradient href='https://evil.example/a.svg#a'/>",
            "<path fill='url(https://evil.example/a.svg#a)' d='M0 0'/>",
            "<path style='fill: URL( \"https://evil.example/a.svg\" )' d='M0 0'/>",
            "<path mask='url(/a.svg#a)' d='M0 0'/>",
            "<style>path { fill: url(https://evil.example/a.svg) }</style>",
            "<style>@font-face { font-family: A; src: url(https://evil.example/a.woff2) }</style>",
        ] {
            let refused = refused(&svg(hostile));
            assert!(refused.starts_with("refers to "), "{hostile}: {refused}");
        }
        for (hostile, function) in [
            ("<style>svg { background: image-set('https://evil.example/a.png' 1x) }</style>", "image-set"),
            (
                "<style>svg { background: -webkit-image-set('https://evil.example/a.png' 1x) }</style>",
                "-webkit-image-set",
            ),
            ("<g style='background: image(\"https://evil.example/a.png\")'/>", "image"),
            ("<g style='background: src(\"https://evil.example/a.png\")'/>", "src"),
            ("<style>@font-face { src: local(Arial) }</style>", "local"),
            ("<style>g { width: expression(alert(1)) }</style>", "expression"),
        ] {
            assert!(refused(&svg(hostile)).starts_with(&format!("uses {function}(…)")), "{hostile}");
        }
    }

    #[test]
    fn entities_are_refused_before_they_are_resolved() {
        let bomb = format!(
            "<!DOCTYPE svg [<!ENTITY a \"{}\"><!ENTITY b \"{}\"><!ENTITY c \"{}\">]>{}",
            "a".repeat(1000),
            "&a;".repeat(1000),
            "&b;".repeat(1000),
            svg("<text>&c;</text>")
        );
        let secrets = format!("<!DOCTYPE svg [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>{}", svg("<text>&a;</text>"));
        let parameter = format!("<!DOCTYPE svg [<!ENTITY % a SYSTEM \"https://evil.example/a.dtd\"> %a;]>{}", svg(""));
        for hostile in [bomb, secrets, parameter] {
            assert!(refused(&hostile).starts_with("declares entities"), "{hostile}");
        }
        assert!(refused(&svg("<text>&unknown;</text>")).starts_with("is no sound SVG"));
    }

    #[test]
    fn a_picture_stands_still_and_can_be_scaled() {
        for moving in [
            "<path d='M0 0'><animate attributeName='d' to='M1 1'/></path>",
            "<g><animateTransform attributeName='transform' type='rotate'/></g>",
            "<g><set attributeName='x' to='1'/></g>",
            "<style>@keyframes a { to { opacity: 0 } } g { animation: a 1s infinite }</style>",
        ] {
            assert!(refused(&svg(moving)).starts_with("moves"), "{moving}");
        }
        let no_view_box = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>";
        assert!(refused(no_view_box).starts_with("has no viewBox"));
        for no_namespace in [
            "<svg viewBox='0 0 9 9'/>",
            "<s:svg xmlns:s='http://www.w3.org/2000/svg' viewBox='0 0 9 9'/>",
            "<html xmlns='http://www.w3.org/1999/xhtml'><svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'/></html>",
        ] {
            let refused = refused(no_namespace);
            assert!(refused.contains("xmlns=") || refused.contains("is no sound SVG"), "{no_namespace}: {refused}");
        }
        for unsound in ["<svg", "<svg>", "<svg></g>", "<svg/><svg/>", "<svg a=1/>"] {
            assert!(refused(unsound).starts_with("is no sound SVG"), "{unsound}");
        }
        assert!(matches!(cleaned(b"<svg>\xff</svg>"), Err(LogoRefused::NotUtf8)));
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_cleaned_stays_so(
            text in any::<String>(),
            parts in prop::collection::vec(
                "<(path|use|style|script|image)( (href|style|onload)='(#a|url\\(|https://e|[ -%(-;=?-~]{0,6})')?/?>|</(style|script)>|url\\(#a\\)|[ -~]{0,8}",
                0..6,
            ),
        ) {
            for text in [text, svg(&parts.concat())] {
                if let Ok(picture) = cleaned(text.as_bytes()) {
                    prop_assert!(!picture.contains("<script") && !picture.contains("onload"), "{}", picture);
                    prop_assert!(!picture.contains("href=\"https://e"), "{}", picture);
                    prop_assert!(!picture.contains("(https://e"), "{}", picture);
                    prop_assert!(cleaned(picture.as_bytes()).is_ok(), "{}", picture);
                }
            }
        }
    }
}
