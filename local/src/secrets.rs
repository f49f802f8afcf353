//! Secrets Manager's GetSecretValue: there is one secret, whatever it is called.
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::http::{self, Answer};

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetSecretValue {
    secret_id: String,
}

/// Answers a request.
pub(crate) fn handle(secret: Option<&str>, operation: &str, body: &[u8]) -> Answer {
    if operation != "GetSecretValue" {
        let problem = format!("`local` knows no {operation}");
        return error(StatusCode::BAD_REQUEST, "UnknownOperationException", &problem);
    }
    let Ok(GetSecretValue { secret_id }) = serde_json::from_slice(body) else {
        return error(StatusCode::BAD_REQUEST, "InvalidRequestException", "SecretId is missing.");
    };
    let Some(secret) = secret else {
        let problem = "Secrets Manager can't find the specified secret.";
        return error(StatusCode::BAD_REQUEST, "ResourceNotFoundException", problem);
    };
    let answer = json!({
        "ARN": secret_id,
        "Name": secret_id.rsplit(':').next(),
        "SecretString": secret,
        "VersionId": Uuid::nil(),
        "VersionStages": ["AWSCURRENT"],
        "CreatedDate": 1_767_225_600.0,
    });
    http::json(StatusCode::OK, CONTENT_TYPE, &answer)
}

/// An answer that is an error, in Secrets Manager's wire format.
pub(crate) fn error(status: StatusCode, kind: &str, message: &str) -> Answer {
    http::json(status, CONTENT_TYPE, &json!({ "__type": kind, "Message": message }))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::Value;

    use super::*;

    async fn ask(secret: Option<&str>, operation: &str, body: &str) -> (u16, Value) {
        let (head, body) = handle(secret, operation, body.as_bytes()).into_parts();
        (head.status.as_u16(), serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap())
    }

    #[tokio::test]
    async fn the_secret_is_answered_to_those_who_ask_for_one() {
        let by_id = json!({ "SecretId": "arn:aws:secretsmanager:r:a:secret:s-AbCdEf" }).to_string();
        let (status, answer) = ask(Some("hush"), "GetSecretValue", &by_id).await;
        assert_eq!((status, &answer["SecretString"], &answer["Name"]), (200, &json!("hush"), &json!("s-AbCdEf")));
        for (secret, operation, body, kind) in [
            (None, "GetSecretValue", by_id.as_str(), "ResourceNotFoundException"),
            (Some("hush"), "GetSecretValue", "{}", "InvalidRequestException"),
            (Some("hush"), "DeleteSecret", by_id.as_str(), "UnknownOperationException"),
        ] {
            let (status, answer) = ask(secret, operation, body).await;
            assert_eq!((status, &answer["__type"]), (400, &json!(kind)), "{answer}");
        }
    }
}
