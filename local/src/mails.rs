//! The mails kept: one .eml file each, complete or not there at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use mail_parser::{Address, MessageParser};
use uuid::Uuid;

/// One mail that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// SES's MessageId, which is the file's name without `.eml`.
    pub id: String,
    /// When SES accepted it.
    pub at: Timestamp,
    /// The addresses in From.
    pub from: String,
    /// The name in From.
    pub from_name: Option<String>,
    /// The addresses in Reply-To.
    pub reply_to: Vec<String>,
    /// The addresses in To, Cc and Bcc, in this order.
    pub to: Vec<String>,
    /// The Subject header; empty if there is none.
    pub subject: String,
    /// The text part, or the HTML part as text if there is no other.
    pub text: Option<String>,
    /// The HTML part; nothing if the mail has none of its own.
    pub html: Option<String>,
    /// The file.
    pub path: PathBuf,
}

/// The folder of mails.
#[derive(Debug, Clone)]
pub(crate) struct Mails {
    folder: PathBuf,
}

impl Mails {
    /// Opens the folder, making it if needed.
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Keeps a mail and returns its id. Once this returns, a kill of the process does not lose it.
    pub(crate) fn keep(&self, eml: &[u8]) -> io::Result<String> {
        // Version 7 ids sort by time.
        let id = Uuid::now_v7().to_string();
        let (temporary, path) = (self.folder.join(format!(".{id}.tmp")), self.path(&id));
        let mut file = File::create(&temporary)?;
        file.write_all(eml)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)?;
        File::open(&self.folder)?.sync_all()?;
        Ok(id)
    }

    /// All mails, newest first.
    pub(crate) fn list(&self) -> io::Result<Vec<Mail>> {
        Ok(self.newest(usize::MAX)?.0)
    }

    /// The newest mails, newest first, and how many there are in all. Only those are read.
    pub(crate) fn newest(&self, most: usize) -> io::Result<(Vec<Mail>, usize)> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "eml")
                && let Some(id) = path.file_stem().and_then(|stem| stem.to_str())
            {
                ids.push(id.to_owned());
            }
        }
        ids.sort_unstable_by(|a, b| b.cmp(a));
        Ok((ids.iter().take(most).filter_map(|id| self.get(id)).collect(), ids.len()))
    }

    /// One mail; nothing if there is none of this id.
    pub(crate) fn get(&self, id: &str) -> Option<Mail> {
        let at = sent_at(id)?;
        let path = self.path(id);
        read(&fs::read(&path).ok()?, id, at, path)
    }

    /// One mail's file as it is.
    pub(crate) fn raw(&self, id: &str) -> Option<Vec<u8>> {
        sent_at(id)?;
        fs::read(self.path(id)).ok()
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.eml"))
    }
}

/// The timestamp in an id. Also what keeps other files out of reach: only ids pass.
fn sent_at(id: &str) -> Option<Timestamp> {
    let id = Uuid::parse_str(id).ok().filter(|uuid| uuid.to_string() == id)?;
    let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
    Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanoseconds).ok()?).ok()
}

fn read(eml: &[u8], id: &str, at: Timestamp, path: PathBuf) -> Option<Mail> {
    let message = MessageParser::default().parse(eml)?;
    let recipients = [message.to(), message.cc(), message.bcc()].into_iter().flatten().flat_map(addresses).collect();
    let has_html = message.html_bodies().any(mail_parser::MessagePart::is_text_html);
    Some(Mail {
        id: id.to_owned(),
        at,
        from: message.from().map(addresses).unwrap_or_default().join(", "),
        from_name: message.from().and_then(Address::first).and_then(|from| from.name().map(str::to_owned)),
        reply_to: message.reply_to().map(addresses).unwrap_or_default(),
        to: recipients,
        subject: message.subject().unwrap_or_default().to_owned(),
        text: message.body_text(0).map(|text| text.into_owned()),
        html: if has_html { message.body_html(0).map(|html| html.into_owned()) } else { None },
        path,
    })
}

fn addresses(address: &Address<'_>) -> Vec<String> {
    address.iter().filter_map(|address| address.address().map(str::to_owned)).collect()
}

/// Whether a folder can hold files: makes it and writes one.
pub(crate) fn check_writable(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let probe = folder.join(".writable");
    File::create(&probe)?;
    fs::remove_file(&probe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_mails_and_lists_the_newest_first() {
        let folder = tempfile::tempdir().unwrap();
        let mails = Mails::open(folder.path().join("mails")).unwrap();
        let first = mails.keep(b"From: a@b.c\r\nTo: d@e.f\r\nCc: g@h.i\r\nSubject: One\r\n\r\nHello\r\n").unwrap();
        let second = mails.keep(b"Subject: Two\r\nContent-Type: text/html\r\n\r\n<p>Hi</p>\r\n").unwrap();
        let list = mails.list().unwrap();
        assert_eq!(list.iter().map(|mail| mail.id.clone()).collect::<Vec<_>>(), [second, first.clone()]);
        let [two, one] = list.as_slice() else { panic!("{list:?}") };
        assert_eq!((one.from.as_str(), one.subject.as_str(), &one.html), ("a@b.c", "One", &None));
        assert_eq!(one.to, ["d@e.f", "g@h.i"]);
        assert_eq!(one.text.as_deref().map(str::trim), Some("Hello"));
        assert_eq!(two.html.as_deref().map(str::trim), Some("<p>Hi</p>"));
        assert!((Timestamp::now().as_millisecond() - one.at.as_millisecond()).abs() < 60_000);
        assert!(mails.raw(&first).unwrap().starts_with(b"From: a@b.c"));
        assert_eq!(mails.newest(1).unwrap(), (vec![two.clone()], 2));
    }

    #[test]
    fn only_ids_of_mails_reach_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret.eml"), "x").unwrap();
        let mails = Mails::open(folder.path().join("mails")).unwrap();
        assert_eq!(mails.raw("../secret"), None);
        assert_eq!(mails.get("../secret"), None);
    }
}
