//! The page that shows the mails kept: a list, each mail with its parts, and its file.

use askama::Template;
use hyper::{Method, StatusCode};
use tokio::net::TcpListener;

use crate::http::{self, Answer, Call};
use crate::mails::{Mail, Mails};
use crate::tasks::Tasks;

/// No page here takes a body.
const MAX_BODY_BYTES: usize = 1024;
/// The list shows the newest; the folder has them all.
const MAX_LISTED: usize = 200;

/// Our own styles, and mails framed from here; a mail itself may not run scripts or load anything.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'";
const MAIL_POLICY: &str =
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";

#[derive(Template)]
#[template(path = "mailbox.html")]
struct ListPage {
    mails: Vec<Mail>,
    total: usize,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct MailPage {
    mail: Mail,
}

/// Serves the mailbox until the machine stops.
pub(crate) fn serve(listener: TcpListener, mails: Mails, tasks: &Tasks) {
    let reading = tasks.clone();
    http::serve(listener, tasks, MAX_BODY_BYTES, http::plain_too_large, move |call| {
        let (mails, reading) = (mails.clone(), reading.clone());
        async move { Ok(reading.blocking(move || handle(&call, &mails)).await) }
    });
}

fn handle(call: &Call, mails: &Mails) -> Answer {
    if !matches!(call.method, Method::GET | Method::HEAD) {
        return http::text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n");
    }
    let found = match call.segments().as_slice() {
        [""] => match mails.newest(MAX_LISTED) {
            Ok((mails, total)) => Some(http::page(&ListPage { mails, total }, PAGE_POLICY)),
            Err(error) => Some(http::text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n"))),
        },
        ["mails", id] => match id.strip_suffix(".eml") {
            Some(id) => mails.raw(id).map(|eml| http::answer(StatusCode::OK, "message/rfc822", eml)),
            None => mails.get(id).map(|mail| http::page(&MailPage { mail }, PAGE_POLICY)),
        },
        ["mails", id, "html"] => mails.get(id).and_then(|mail| mail.html).map(|html| {
            let mut answer = http::answer(StatusCode::OK, "text/html; charset=utf-8", html);
            http::set_header(&mut answer, "content-security-policy", MAIL_POLICY);
            answer
        }),
        _ => None,
    };
    found.unwrap_or_else(|| http::text(StatusCode::NOT_FOUND, "There is no such page.\n"))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use hyper::HeaderMap;

    use super::*;

    async fn get(mails: &Mails, path: &str) -> (StatusCode, HeaderMap, String) {
        let call = Call {
            method: Method::GET,
            uri: path.parse().unwrap(),
            headers: HeaderMap::new(),
            body: hyper::body::Bytes::new(),
            peer: "127.0.0.1:1".parse().unwrap(),
        };
        let (head, body) = handle(&call, mails).into_parts();
        (head.status, head.headers, String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn shows_mails_and_escapes_them() {
        let folder = tempfile::tempdir().unwrap();
        let mails = Mails::open(folder.path().to_owned()).unwrap();
        assert!(get(&mails, "/").await.2.contains("No mails yet"));
        let eml =
            "From: a@b.c\r\nTo: d@e.f\r\nSubject: <script>x</script>\r\nContent-Type: text/html\r\n\r\n<p>Hi</p>\r\n";
        let id = mails.keep(eml.as_bytes()).unwrap();

        let (status, headers, list) = get(&mails, "/").await;
        assert_eq!(status, 200);
        assert!(
            list.contains("d@e.f") && list.contains(&format!("/mails/{id}")) && !list.contains("<script>"),
            "{list}"
        );
        assert_eq!(headers["content-security-policy"], PAGE_POLICY);

        let (_, _, page) = get(&mails, &format!("/mails/{id}")).await;
        assert!(page.contains("sandbox") && page.contains(&format!("/mails/{id}/html")) && !page.contains("<script>"));
        let (_, headers, html) = get(&mails, &format!("/mails/{id}/html")).await;
        assert_eq!(html.trim(), "<p>Hi</p>");
        assert_eq!(headers["content-security-policy"], MAIL_POLICY);
        assert_eq!(get(&mails, &format!("/mails/{id}.eml")).await.2, eml);
        assert_eq!(get(&mails, "/mails/none").await.0, 404);
    }
}
