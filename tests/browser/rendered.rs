//! Pages and mails as other tests rendered them: every state, in every language, with names and amounts that are hard to lay out.

use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use url::Url;

use crate::browser::{Browser, Screen};
use crate::inspector::Inspector;

/// How many browsers share the work.
const BROWSERS: usize = 2;

/// How the names of pages end that are written in the language of most; the others differ in texts alone.
const ENGLISH: &str = "_en-GB";

/// Where other tests write down what they rendered.
pub(crate) fn folder() -> PathBuf {
    std::env::var_os("PAGES_DIR").expect("PAGES_DIR is where pages were written to; see the Makefile").into()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "`make unit` runs it, once other tests have written down what they rendered"]
async fn every_rendered_page_can_be_read_by_everyone() {
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|ending| ending == "html")).collect();
    files.sort();
    assert!(files.len() > 300, "{} pages", files.len());
    let size = files.len().div_ceil(BROWSERS);
    let inspections = files.chunks(size).map(inspect);
    let faults: Vec<String> = join_all(inspections).await.concat();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// What is wrong with these pages; nothing where no browser is installed.
async fn inspect(files: &[PathBuf]) -> Vec<String> {
    let Some(browser) = Browser::start_scripted(Screen::PHONE).await else { return Vec::new() };
    let mut inspector = Inspector::new(browser).await;
    for file in files {
        inspector.browser.open(address(file).as_str()).await;
        let name = file.file_stem().unwrap().to_string_lossy();
        if name.starts_with("mail_") {
            inspector.read_mail(&name).await;
        } else if name.ends_with(ENGLISH) {
            inspector.read_in_all(&name).await;
        } else {
            inspector.read_in_few(&name).await;
        }
    }
    inspector.faults
}

/// A file as a browser opens it.
pub(crate) fn address(file: &Path) -> Url {
    Url::from_file_path(file.canonicalize().unwrap()).unwrap()
}
