//! The page.

use askama::Template;
use lambda_http::http::StatusCode;
use models::{Act, ActChange, ActKind, CorrelationId};
use pages::{Answer, Shell, Zone};

use super::filter::{Typed, read};
use super::words;
use crate::days::Errors;
use crate::frame::Frame;
use crate::paths::root;
use crate::select::{SelectOption, options};
use crate::services::Services;

/// How many acts a page has.
const PAGE: usize = 50;

struct Row {
    at: String,
    who: String,
    what: &'static str,
    object: String,
    path: Option<String>,
    reason: String,
    change: Option<ActChange>,
    refused: String,
    correlation_id: Option<CorrelationId>,
}

#[derive(Template)]
#[template(path = "audit/list.html")]
struct ListPage<'a> {
    shell: &'a Shell<'a>,
    frame: &'a Frame<'a>,
    path: String,
    typed: Typed,
    errors: Errors,
    kinds: Vec<SelectOption>,
    rows: Vec<Row>,
    /// Older ones, if there may be any.
    older: Option<String>,
    export: String,
}

impl ListPage<'_> {
    fn is_wrong(&self, of: &str) -> bool {
        self.errors.iter().any(|(field, _)| *field == of)
    }
}

/// What was done, newest first.
pub(crate) async fn show(services: &Services, frame: &Frame<'_>, query: &str) -> Answer {
    let path = format!("{}/audit", frame.root());
    let (typed, filter) = read(query, frame.language);
    let (status, errors, found) = match filter {
        Ok(filter) => (StatusCode::OK, Vec::new(), Some(filter.find(services, frame.visitor, frame.mode, PAGE).await?)),
        Err(errors) => (StatusCode::BAD_REQUEST, errors, None),
    };
    let older = found.as_ref().and_then(|found| found.next.as_ref());
    let kinds = ActKind::ALL.iter().map(|kind| (kind.as_str(), words::kind(*kind, frame.language)));
    let page = ListPage {
        shell: &frame.shell(),
        frame,
        older: older.map(|key| format!("{path}?{}", typed.query(Some(key)))),
        export: format!("{path}/export"),
        kinds: options(&typed.what, kinds),
        rows: found.map(|found| found.acts.iter().map(|act| row(act, frame)).collect()).unwrap_or_default(),
        path,
        typed,
        errors,
    };
    frame.page(status, &page)
}

fn row(act: &Act, frame: &Frame<'_>) -> Row {
    let mode = act.mode.unwrap_or(frame.mode);
    Row {
        at: frame.language.date_and_time(act.at, Zone::London),
        who: crate::words::who_in_words(act, frame.language).to_owned(),
        what: words::what(act, frame.language),
        object: words::object(act, frame.language),
        path: words::path(act).map(|path| format!("{}/{path}", root(mode))),
        reason: words::reason(act, frame.language).to_owned(),
        change: act.change.clone(),
        refused: words::refused(act).to_owned(),
        correlation_id: act.correlation_id.clone(),
    }
}

#[cfg(test)]
mod tests {
    use models::{ActObject, Actor, Mode, OperatorName};
    use pages::Language;

    use super::*;
    use crate::acts;
    use crate::desk::{Desk, seen, words};

    #[tokio::test]
    async fn the_list_is_in_the_visitors_language() {
        let desk = Desk::new().await;
        let person = &desk.visitor.person;
        let mut act =
            acts::by(&desk.services, &person.merchant_id, &person.email, ActKind::ShopChanged, ActObject::Shop);
        act.who = Actor::Operator(samples::text(OperatorName::UNKNOWN));
        desk.services.acts.put(&act).await.unwrap();
        let mut frame = desk.frame(Mode::Test);
        frame.language = Language::Spanish;
        let (status, html) = seen(show(&desk.services, &frame, "").await);
        assert!(status == 200 && html.contains("<h1>Auditoría</h1>") && !html.contains("<h1>Audit</h1>"), "{html}");
        assert!(words(&html).contains("Un operador desconocido Tienda modificada La tienda"), "{html}");
        let found = seen(show(&desk.services, &frame, "who=un+operador+desconocido").await).1;
        assert!(words(&found).contains("Tienda modificada La tienda"), "{found}");
        let (status, html) = seen(show(&desk.services, &frame, "x=1").await);
        assert!(status == 400 && html.contains("La auditoría no se puede filtrar por «x»."), "{html}");
    }
}
