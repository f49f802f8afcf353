//! The HTTP API: requests become events of the functions their routes belong to, as API Gateway makes them.

mod event;
mod host;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::functions::{Functions, InvokeError};
use crate::http::{self, Answer, Call};
use crate::routes::Routes;
use crate::start_page::StartPage;
use crate::tasks::Tasks;

/// API Gateway's limits: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
const INTEGRATION_TIMEOUT_MS: u64 = 30_000;

/// Serves the API until the machine stops, and before it this machine's own pages, if it has them.
pub(crate) fn serve(
    listener: TcpListener,
    port: u16,
    routes: Arc<Routes>,
    functions: Arc<Functions>,
    start_page: Option<Arc<StartPage>>,
    tasks: &Tasks,
) {
    let too_large = || message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    http::serve(listener, tasks, MAX_BODY_BYTES, too_large, move |call| {
        let (routes, functions, start_page) = (Arc::clone(&routes), Arc::clone(&functions), start_page.clone());
        async move { Ok(handle(&call, port, &routes, &functions, start_page.as_deref()).await) }
    });
}

async fn handle(
    call: &Call,
    port: u16,
    routes: &Routes,
    functions: &Functions,
    start_page: Option<&StartPage>,
) -> Answer {
    let Some(host) = host::host(call) else { return message(StatusCode::BAD_REQUEST, "Bad Request") };
    if let Some(start_page) = start_page
        && let Some(answer) = start_page.answer(call, host).await
    {
        return answer;
    }
    let Some(route) = routes.find(call.method.as_str(), call.uri.path()) else {
        return message(StatusCode::NOT_FOUND, "Not Found");
    };
    let request_id = request_id();
    let event = event::event(call, host, &route, port, &request_id, Timestamp::now());
    let invocation = functions.invoke(route.function, event.to_string().into());
    let output = tokio::time::timeout(Duration::from_millis(INTEGRATION_TIMEOUT_MS), invocation).await;
    let mut answer = match output {
        Ok(Ok(output)) => event::answer(&output, call.method == Method::HEAD)
            .unwrap_or_else(|| message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")),
        Ok(Err(InvokeError::TimedOut { .. })) | Err(_) => {
            message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
        }
        Ok(Err(InvokeError::Function { .. } | InvokeError::Exited { .. } | InvokeError::Unknown { .. })) => {
            message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        }
    };
    http::set_header(&mut answer, "apigw-requestid", &request_id);
    answer
}

/// As API Gateway's are: 16 characters, `JKJaXmPLvHcESHA=`.
fn request_id() -> String {
    let [bytes @ .., _, _, _, _, _] = Uuid::new_v4().into_bytes();
    STANDARD.encode(bytes)
}

fn message(status: StatusCode, text: &str) -> Answer {
    http::json(status, "application/json", &json!({ "message": text }))
}
