//! Minifies the style sheets.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), String> {
    let folder = env::var_os("OUT_DIR").map(PathBuf::from).ok_or("no OUT_DIR")?;
    let base = minified("templates/base.css")?;
    write(&folder.join("style.css"), &format!("{base}{}", minified("templates/style.css")?))?;
    write(&folder.join("console.css"), &minified("templates/console.css")?)?;
    write(&folder.join("base.css"), &base)
}

fn minified(source: &str) -> Result<String, String> {
    println!("cargo::rerun-if-changed={source}");
    let css = fs::read_to_string(source).map_err(|error| format!("{source}: {error}"))?;
    Ok(minifier::css::minify(&css).map_err(|error| format!("{source}: {error}"))?.to_string())
}

fn write(path: &Path, css: &str) -> Result<(), String> {
    fs::write(path, css).map_err(|error| format!("{}: {error}", path.display()))
}
