//! Minifies the style sheet.

use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), String> {
    let source = "templates/style.css";
    println!("cargo::rerun-if-changed={source}");
    let css = fs::read_to_string(source).map_err(|error| format!("{source}: {error}"))?;
    let minified = minifier::css::minify(&css).map_err(|error| format!("{source}: {error}"))?.to_string();
    let folder = env::var_os("OUT_DIR").map(PathBuf::from).ok_or("no OUT_DIR")?;
    fs::write(folder.join("style.css"), minified).map_err(|error| error.to_string())
}
