//! Where the workspace's files are.

use std::path::{Path, PathBuf};

/// The workspace's folder.
pub(crate) fn workspace() -> &'static Path {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    bench.parent().unwrap_or(bench)
}

/// A folder in it, as an option's default.
pub(crate) fn default_folder(path: &str) -> PathBuf {
    workspace().join(path)
}
