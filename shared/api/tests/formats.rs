//! What holds for every wire format.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

const NAMES: [&str; 3] = ["banked", "yorlet", "fintecture"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let nested = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    nested.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

#[test]
fn no_function_names_a_format() {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions");
    let sources = sources(&functions);
    assert!(sources.len() > 30, "{} files of functions", sources.len());
    for path in sources {
        let text = fs::read_to_string(&path).unwrap().to_lowercase();
        let named = NAMES.iter().find(|name| text.contains(*name));
        assert_eq!(named, None, "{}", path.display());
    }
}
