//! What a request needs to be allowed to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::faults::Service;
use crate::names;

/// One action on one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) action: String,
    /// Its ARN; `*` where the action is on none.
    pub(crate) resource: String,
    /// The partition keys that the request names.
    pub(crate) leading_keys: Vec<String>,
    /// The address that a mail is from.
    pub(crate) from_address: Option<String>,
}

impl Access {
    fn new(action: &str, resource: String) -> Self {
        Self { action: action.to_owned(), resource, leading_keys: Vec::new(), from_address: None }
    }
}

/// All that a request needs. `hash_keys` has the name of each table's partition key.
pub(crate) fn accesses(
    service: Service,
    operation: &str,
    body: &Value,
    hash_keys: &BTreeMap<String, String>,
) -> Vec<Access> {
    match service {
        Service::DynamoDb => of_tables(operation, body, hash_keys),
        Service::Sqs => of_queue(operation, body),
        Service::Ses => of_mail(body),
        Service::SecretsManager => of_secret(operation, body),
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

/// The partition key that an item or a key has.
fn partition(item: &Value, hash_key: Option<&String>) -> Option<String> {
    Some(text(item.get(hash_key?)?, "S")?.to_owned())
}

/// The partition key that a query names: the first value of its condition.
pub(crate) fn queried(request: &Value) -> Option<&str> {
    let condition = text(request, "KeyConditionExpression")?;
    let placeholder = condition.split([' ', '=']).find(|word| word.starts_with(':'))?;
    text(request.get("ExpressionAttributeValues")?.get(placeholder)?, "S")
}

/// A transaction needs what its parts need, each with the keys of all of them. A batch is an action of its own.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html>
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html>
fn of_tables(operation: &str, body: &Value, hash_keys: &BTreeMap<String, String>) -> Vec<Access> {
    let of = |action: &str, table: &str, keys: Vec<String>| {
        let mut resource = names::table_arn(table);
        if let Some(index) = text(body, "IndexName") {
            resource.push_str(&format!("/index/{index}"));
        }
        Access { leading_keys: keys, ..Access::new(&format!("dynamodb:{action}"), resource) }
    };
    if let Some(parts) = body.get("TransactItems").and_then(Value::as_array) {
        let mut actions = BTreeSet::new();
        let mut keys: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (kind, part) in parts.iter().filter_map(Value::as_object).flatten() {
            let Some(table) = text(part, "TableName") else { continue };
            let action = match kind.as_str() {
                "Put" => "PutItem",
                "Update" => "UpdateItem",
                "Delete" => "DeleteItem",
                "ConditionCheck" => "ConditionCheckItem",
                "Get" => "GetItem",
                // For DynamoDB to refuse.
                _ => continue,
            };
            actions.insert((table, action));
            let item = part.get("Key").or_else(|| part.get("Item"));
            keys.entry(table).or_default().extend(item.and_then(|item| partition(item, hash_keys.get(table))));
        }
        let of_part = |(table, action): (&str, &str)| of(action, table, keys.get(table).cloned().unwrap_or_default());
        return actions.into_iter().map(of_part).collect();
    }
    if let Some(tables) = body.get("RequestItems").and_then(Value::as_object) {
        let of_table = |(table, requests): (&String, &Value)| {
            let items = items_of_batch(requests);
            let keys = items.into_iter().filter_map(|item| partition(item, hash_keys.get(table)));
            of(operation, table, keys.collect())
        };
        return tables.iter().map(of_table).collect();
    }
    let Some(table) = text(body, "TableName") else {
        return vec![Access::new(&format!("dynamodb:{operation}"), "*".to_owned())];
    };
    let item = body.get("Key").or_else(|| body.get("Item"));
    let key = item.and_then(|item| partition(item, hash_keys.get(table)));
    let key = key.or_else(|| queried(body).map(str::to_owned));
    vec![of(operation, table, key.into_iter().collect())]
}

/// The keys and items of a batch's part for one table.
fn items_of_batch(requests: &Value) -> Vec<&Value> {
    if let Some(keys) = requests.get("Keys").and_then(Value::as_array) {
        return keys.iter().collect();
    }
    let writes = requests.as_array().into_iter().flatten().filter_map(Value::as_object);
    writes.flat_map(|write| write.values()).filter_map(|write| write.get("Key").or_else(|| write.get("Item"))).collect()
}

/// A batch is the same action as a single one.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html>
fn of_queue(operation: &str, body: &Value) -> Vec<Access> {
    let name = text(body, "QueueUrl").and_then(|url| url.rsplit('/').next()).or_else(|| text(body, "QueueName"));
    let resource = name.map_or("*".to_owned(), names::queue_arn);
    vec![Access::new(&format!("sqs:{}", operation.trim_end_matches("Batch")), resource)]
}

/// A mail is sent by an identity and, if it names one, a configuration set: it needs both.
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html>
fn of_mail(body: &Value) -> Vec<Access> {
    let from = text(body, "FromEmailAddress").unwrap_or("");
    let address = from.trim_end_matches('>').rsplit('<').next().unwrap_or(from).to_owned();
    let of = |resource: String| Access {
        from_address: Some(address.clone()),
        ..Access::new("ses:SendEmail", names::ses_arn(&resource))
    };
    let set = text(body, "ConfigurationSetName").map(|set| format!("configuration-set/{set}"));
    std::iter::once(format!("identity/{address}")).chain(set).map(of).collect()
}

/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html>
fn of_secret(operation: &str, body: &Value) -> Vec<Access> {
    vec![Access::new(&format!("secretsmanager:{operation}"), text(body, "SecretId").unwrap_or("*").to_owned())]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn needs(operation: &str, body: Value) -> Vec<(String, String, Vec<String>)> {
        let hash_keys = BTreeMap::from([("t".to_owned(), "pk".to_owned())]);
        let needs = accesses(Service::DynamoDb, operation, &body, &hash_keys).into_iter();
        needs
            .map(|access| {
                let resource = access.resource.rsplit(':').next().unwrap().to_owned();
                (access.action, resource, access.leading_keys)
            })
            .collect()
    }

    fn need(action: &str, resource: &str, keys: &[&str]) -> (String, String, Vec<String>) {
        (format!("dynamodb:{action}"), resource.to_owned(), keys.iter().map(|key| (*key).to_owned()).collect())
    }

    #[test]
    fn a_transaction_needs_what_its_parts_need_with_all_keys() {
        let put = json!({ "Put": { "TableName": "t", "Item": { "pk": { "S": "A#1" } } } });
        let update = json!({ "Update": { "TableName": "t", "Key": { "pk": { "S": "B#1" } } } });
        let check = json!({ "ConditionCheck": { "TableName": "t", "Key": { "pk": { "S": "C#1" } } } });
        let keys = ["A#1", "B#1", "C#1", "A#1"];
        assert_eq!(
            needs("TransactWriteItems", json!({ "TransactItems": [put, update, check, put] })),
            ["ConditionCheckItem", "PutItem", "UpdateItem"].map(|action| need(action, "table/t", &keys)),
        );
        let get = json!({ "Get": { "TableName": "t", "Key": { "pk": { "S": "A#1" } } } });
        let needed = needs("TransactGetItems", json!({ "TransactItems": [get] }));
        assert_eq!(needed, [need("GetItem", "table/t", &["A#1"])]);
    }

    #[test]
    fn queries_and_batches_name_their_keys_and_scans_none() {
        let mut query = json!({
            "TableName": "t",
            "KeyConditionExpression": "pk = :pk AND sk = :sk",
            "ExpressionAttributeValues": { ":sk": { "S": "x" }, ":pk": { "S": "A#1" } },
        });
        assert_eq!(needs("Query", query.clone()), [need("Query", "table/t", &["A#1"])]);
        query["IndexName"] = json!("i");
        assert_eq!(needs("Query", query), [need("Query", "table/t/index/i", &["A#1"])]);
        assert_eq!(needs("Scan", json!({ "TableName": "t" })), [need("Scan", "table/t", &[])]);
        let writes = json!([
            { "PutRequest": { "Item": { "pk": { "S": "A#1" } } } },
            { "DeleteRequest": { "Key": { "pk": { "S": "B#1" } } } },
        ]);
        let needed = needs("BatchWriteItem", json!({ "RequestItems": { "t": writes } }));
        assert_eq!(needed, [need("BatchWriteItem", "table/t", &["A#1", "B#1"])]);
        let keys = json!({ "Keys": [{ "pk": { "S": "A#1" } }] });
        let needed = needs("BatchGetItem", json!({ "RequestItems": { "t": keys } }));
        assert_eq!(needed, [need("BatchGetItem", "table/t", &["A#1"])]);
    }

    #[test]
    fn a_mail_needs_its_identity_and_its_configuration_set() {
        let body = json!({ "FromEmailAddress": "Shop <shop@example.com>", "ConfigurationSetName": "set" });
        let needed = accesses(Service::Ses, "SendEmail", &body, &BTreeMap::new());
        assert!(needed[0].resource.ends_with(":identity/shop@example.com"), "{needed:?}");
        assert!(needed[1].resource.ends_with(":configuration-set/set"), "{needed:?}");
        assert_eq!(needed[1].from_address.as_deref(), Some("shop@example.com"));
    }

    #[test]
    fn a_secret_is_read_by_its_arn() {
        let body = json!({ "SecretId": names::TRUELAYER_SECRET_ARN });
        let needed = accesses(Service::SecretsManager, "GetSecretValue", &body, &BTreeMap::new());
        let arn = names::TRUELAYER_SECRET_ARN.to_owned();
        assert_eq!(needed, [Access::new("secretsmanager:GetSecretValue", arn)]);
    }

    #[test]
    fn a_batch_of_messages_is_the_action_of_one() {
        let body = json!({ "QueueUrl": "http://127.0.0.1:1/000000000000/q" });
        let needed = accesses(Service::Sqs, "SendMessageBatch", &body, &BTreeMap::new());
        assert_eq!(needed, [Access::new("sqs:SendMessage", names::queue_arn("q"))]);
    }
}
