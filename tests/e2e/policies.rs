//! The policies in deploy/ allow what deploying and operating need, and nothing of another stack.

use std::collections::BTreeSet;

use serde_json::Value;
use tests::workspace;

const DEPLOYING: &str = "deploy/deploying.json";
const OPERATING: &str = "deploy/operating.json";

/// What a policy allows: actions on resources, both as patterns.
struct Policy(Vec<(Vec<String>, Vec<String>)>);

impl Policy {
    /// As it is for the stack `counterfoil-dev`.
    fn read(path: &str) -> Self {
        let text = std::fs::read_to_string(workspace().join(path)).unwrap();
        let text = text.replace("REGION", "eu-west-2").replace("ACCOUNT", "123456789012");
        let policy: Value = serde_json::from_str(&text.replace("STACK", "counterfoil-dev")).unwrap();
        assert_eq!(policy["Version"], "2012-10-17");
        let statements = policy["Statement"].as_array().unwrap().iter().map(|statement| {
            assert_eq!(statement["Effect"], "Allow", "{statement}");
            (texts(&statement["Action"]), texts(&statement["Resource"]))
        });
        Self(statements.collect())
    }

    fn allows(&self, action: &str, resource: &str) -> bool {
        let any = |patterns: &[String], text: &str| patterns.iter().any(|pattern| matches(pattern, text));
        self.0.iter().any(|(actions, resources)| any(actions, action) && any(resources, resource))
    }

    fn allows_somewhere(&self, action: &str) -> bool {
        self.0.iter().any(|(actions, _)| actions.iter().any(|pattern| matches(pattern, action)))
    }
}

/// One text, or several.
fn texts(value: &Value) -> Vec<String> {
    value.as_array().map_or_else(|| vec![tests::text(value)], |values| values.iter().map(tests::text).collect())
}

/// IAM's `*`, the only wildcard that is used here.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text
            .strip_prefix(start)
            .is_some_and(|text| (0..=text.len()).any(|at| text.get(at..).is_some_and(|text| matches(rest, text)))),
    }
}

/// The type of each resource, with those that SAM makes of functions and their events: (logical id, type).
fn resources() -> BTreeSet<(String, String)> {
    let template = std::fs::read_to_string(workspace().join("template.yaml")).unwrap();
    let section = template.split_once("\nResources:\n").unwrap().1.split_once("\nOutputs:\n").unwrap().0;
    let (mut found, mut id) = (BTreeSet::new(), String::new());
    for line in section.lines() {
        if let Some(name) = line.strip_prefix("  ").and_then(|line| line.strip_suffix(':'))
            && name.chars().all(|letter| letter.is_ascii_alphanumeric())
        {
            name.clone_into(&mut id);
        }
        let mut add = |kind: &str| found.insert((id.clone(), kind.to_owned()));
        if let Some(kind) = line.strip_prefix("    Type: ") {
            add(kind);
        } else if let Some((_, kind)) = line.split_once("Type: ") {
            // An event, or something of a property's own that is none.
            let kind = kind.split([',', ' ']).next().unwrap_or_default();
            match kind {
                "SQS" | "DynamoDB" => add("AWS::Lambda::EventSourceMapping"),
                "Schedule" | "EventBridgeRule" => add("AWS::Events::Rule"),
                _ => false,
            };
        } else if line.trim_start().starts_with("EventInvokeConfig:") {
            add("AWS::Lambda::EventInvokeConfig");
        } else if line.trim_start().starts_with("RecursiveLoop:") {
            add("recursion");
        }
    }
    found
}

/// What CloudFormation calls to make, change, read and remove a resource of a type: permissions of the handlers in
/// <https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html>, of what we set.
fn needed(id: &str, kind: &str) -> Vec<(&'static str, &'static str, String)> {
    let of = |service: &'static str, actions: &'static str, resource: &str| {
        (service, actions, resource.replace("NAME", &format!("counterfoil-dev-{id}-1ABC")))
    };
    let lambda = "arn:aws:lambda:eu-west-2:123456789012:function:NAME";
    match kind {
        "AWS::Serverless::Function" => vec![
            of(
                "lambda",
                "CreateFunction GetFunction UpdateFunctionCode UpdateFunctionConfiguration DeleteFunction \
                    TagResource UntagResource ListTags AddPermission RemovePermission GetPolicy",
                lambda,
            ),
            of(
                "iam",
                "CreateRole GetRole DeleteRole PutRolePolicy GetRolePolicy DeleteRolePolicy TagRole \
                    ListRolePolicies ListAttachedRolePolicies AttachRolePolicy DetachRolePolicy PassRole \
                    UpdateAssumeRolePolicy",
                "arn:aws:iam::123456789012:role/NAME",
            ),
            of("s3", "GetObject PutObject", "arn:aws:s3:::aws-sam-cli-managed-default-samclisourcebucket-1a/x"),
        ],
        "AWS::Lambda::EventSourceMapping" => vec![of(
            "lambda",
            "CreateEventSourceMapping GetEventSourceMapping UpdateEventSourceMapping \
                    DeleteEventSourceMapping TagResource UntagResource ListTags",
            "arn:aws:lambda:eu-west-2:123456789012:event-source-mapping:1",
        )],
        "AWS::Lambda::EventInvokeConfig" => vec![of(
            "lambda",
            "PutFunctionEventInvokeConfig GetFunctionEventInvokeConfig UpdateFunctionEventInvokeConfig \
                    DeleteFunctionEventInvokeConfig",
            lambda,
        )],
        "recursion" => vec![of("lambda", "PutFunctionRecursionConfig GetFunctionRecursionConfig", lambda)],
        "AWS::Events::Rule" => vec![of(
            "events",
            "PutRule DescribeRule DeleteRule PutTargets RemoveTargets ListTargetsByRule TagResource",
            "arn:aws:events:eu-west-2:123456789012:rule/NAME",
        )],
        "AWS::Serverless::HttpApi" => vec![
            of("apigateway", "POST GET", "arn:aws:apigateway:eu-west-2::/apis"),
            of("apigateway", "PUT PATCH GET DELETE", "arn:aws:apigateway:eu-west-2::/apis/1a"),
            of("apigateway", "POST PATCH GET DELETE", "arn:aws:apigateway:eu-west-2::/apis/1a/stages/$default"),
            of("logs", "CreateLogDelivery UpdateLogDelivery DeleteLogDelivery PutResourcePolicy", "*"),
        ],
        "AWS::ApiGatewayV2::DomainName" => vec![
            of("apigateway", "POST", "arn:aws:apigateway:eu-west-2::/domainnames"),
            of("apigateway", "GET PATCH DELETE", "arn:aws:apigateway:eu-west-2::/domainnames/pay.example.com"),
        ],
        "AWS::ApiGatewayV2::ApiMapping" => vec![of(
            "apigateway",
            "POST GET PATCH DELETE",
            "arn:aws:apigateway:eu-west-2::/domainnames/pay.example.com/apimappings",
        )],
        "AWS::DynamoDB::Table" => vec![of(
            "dynamodb",
            "CreateTable DescribeTable UpdateTable DeleteTable DescribeTimeToLive UpdateTimeToLive \
                    DescribeContinuousBackups UpdateContinuousBackups TagResource UntagResource ListTagsOfResource",
            "arn:aws:dynamodb:eu-west-2:123456789012:table/NAME",
        )],
        "AWS::SQS::Queue" => vec![of(
            "sqs",
            "CreateQueue GetQueueUrl GetQueueAttributes SetQueueAttributes DeleteQueue TagQueue UntagQueue \
                    ListQueueTags",
            "arn:aws:sqs:eu-west-2:123456789012:NAME",
        )],
        "AWS::SES::ConfigurationSet" => vec![of(
            "ses",
            "CreateConfigurationSet GetConfigurationSet PutConfigurationSetSuppressionOptions \
                    PutConfigurationSetReputationOptions DeleteConfigurationSet TagResource",
            "arn:aws:ses:eu-west-2:123456789012:configuration-set/NAME",
        )],
        "AWS::SES::ConfigurationSetEventDestination" => vec![of(
            "ses",
            "CreateConfigurationSetEventDestination GetConfigurationSetEventDestinations \
                    UpdateConfigurationSetEventDestination DeleteConfigurationSetEventDestination",
            "arn:aws:ses:eu-west-2:123456789012:configuration-set/NAME",
        )],
        "AWS::Logs::LogGroup" => vec![
            of(
                "logs",
                "CreateLogGroup PutRetentionPolicy DeleteRetentionPolicy DeleteLogGroup TagResource \
                    ListTagsForResource",
                "arn:aws:logs:eu-west-2:123456789012:log-group:/counterfoil/counterfoil-dev/functions:*",
            ),
            of("logs", "DescribeLogGroups", "*"),
        ],
        "AWS::Logs::MetricFilter" => vec![of(
            "logs",
            "PutMetricFilter DescribeMetricFilters DeleteMetricFilter",
            "arn:aws:logs:eu-west-2:123456789012:log-group:/counterfoil/counterfoil-dev/access:*",
        )],
        "AWS::SNS::Topic" => vec![of(
            "sns",
            "CreateTopic GetTopicAttributes SetTopicAttributes DeleteTopic TagResource ListTagsForResource \
                    ListSubscriptionsByTopic",
            "arn:aws:sns:eu-west-2:123456789012:NAME",
        )],
        "AWS::SNS::Subscription" => vec![
            of("sns", "Subscribe", "arn:aws:sns:eu-west-2:123456789012:counterfoil-dev-AlarmTopic-1ABC"),
            of("sns", "GetSubscriptionAttributes SetSubscriptionAttributes Unsubscribe", "*"),
        ],
        "AWS::CloudWatch::Alarm" => vec![of(
            "cloudwatch",
            "PutMetricAlarm DescribeAlarms DeleteAlarms TagResource ListTagsForResource",
            "arn:aws:cloudwatch:eu-west-2:123456789012:alarm:NAME",
        )],
        "AWS::CloudWatch::Dashboard" => vec![of(
            "cloudwatch",
            "PutDashboard GetDashboard DeleteDashboards",
            "arn:aws:cloudwatch::123456789012:dashboard/NAME",
        )],
        other => panic!("say here what deploying a resource of type {other} needs"),
    }
}

#[test]
fn who_deploys_may_do_what_each_resource_of_the_template_needs() {
    let policy = Policy::read(DEPLOYING);
    let resources = resources();
    let kinds: BTreeSet<_> = resources.iter().map(|(_, kind)| kind.as_str()).collect();
    assert!(kinds.contains("AWS::Lambda::EventSourceMapping") && kinds.contains("AWS::Events::Rule"), "{kinds:?}");
    for (id, kind) in &resources {
        for (service, actions, resource) in needed(id, kind) {
            for action in actions.split_whitespace() {
                assert!(
                    policy.allows(&format!("{service}:{action}"), &resource),
                    "{kind}: {service}:{action} on {resource}"
                );
            }
        }
    }
}

#[test]
fn nothing_is_allowed_of_another_stack() {
    for path in [DEPLOYING, OPERATING] {
        let policy = Policy::read(path);
        for (action, resource) in [
            ("dynamodb:DeleteTable", "dynamodb:eu-west-2:123456789012:table/NAME"),
            ("dynamodb:UpdateTable", "dynamodb:eu-west-2:123456789012:table/NAME"),
            ("sqs:GetQueueAttributes", "sqs:eu-west-2:123456789012:NAME"),
            ("lambda:GetFunctionConcurrency", "lambda:eu-west-2:123456789012:function:NAME"),
            ("events:DescribeRule", "events:eu-west-2:123456789012:rule/NAME"),
            ("cloudformation:ListStackResources", "cloudformation:eu-west-2:123456789012:stack/STACK/1"),
        ] {
            let of = |stack: &str| {
                let name = format!("{stack}-It-1ABC");
                policy.allows(action, &format!("arn:aws:{}", resource.replace("NAME", &name).replace("STACK", stack)))
            };
            assert!(of("counterfoil-dev"), "{path}: {action}");
            assert!(!of("counterfoil-prod") && !of("counterfoil-dev2"), "{path}: {action} is allowed of other stacks");
        }
        for (actions, resources) in &policy.0 {
            for action in actions {
                let (_, name) = action.split_once(':').unwrap();
                assert!(name.trim_end_matches('*').len() > 2, "{path}: {action} is too wide for {resources:?}");
            }
        }
    }
}

/// What fits a role's inline policies, the placeholders filled in: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
#[test]
fn a_role_has_room_for_both() {
    let size = |path: &str| {
        let text = std::fs::read_to_string(workspace().join(path)).unwrap();
        let text = text
            .replace("REGION", "ap-southeast-2")
            .replace("ACCOUNT", "123456789012")
            .replace("STACK", &"s".repeat(25));
        text.chars().filter(|letter| !letter.is_whitespace()).count()
    };
    assert!(size(DEPLOYING) + size(OPERATING) <= 10_240, "{} and {}", size(DEPLOYING), size(OPERATING));
}

/// Each command of the AWS CLI on the operator's pages: (service, command).
fn commands() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for page in ["docs/operating.md", "docs/personal-data.md"] {
        let text = std::fs::read_to_string(workspace().join(page)).unwrap();
        let words: Vec<_> = text.split_whitespace().map(|word| word.trim_start_matches(['`', '$', '(', '"'])).collect();
        for window in words.windows(3) {
            if let ["aws", service, command] = window {
                let plain = |word: &str| word.trim_end_matches(['`', ',', '.', ';', ':', ')', '"']).to_owned();
                found.insert((plain(service), plain(command)));
            }
        }
    }
    found
}

#[test]
fn the_runbooks_commands_are_allowed() {
    /// Done once for an account, or for what is no stack's, by somebody else.
    const OF_THE_ACCOUNT: [&str; 3] = ["put-account-details", "request-service-quota-increase", "cp"];
    let policies = [Policy::read(DEPLOYING), Policy::read(OPERATING)];
    let commands = commands();
    assert!(commands.len() > 40, "{commands:?}");
    for (service, command) in commands {
        if OF_THE_ACCOUNT.contains(&command.as_str()) {
            continue;
        }
        let action = match (service.as_str(), command.as_str()) {
            ("dynamodb", "wait") => "dynamodb:DescribeTable".to_owned(),
            ("cloudformation", "wait") => "cloudformation:DescribeStacks".to_owned(),
            ("apigatewayv2", "delete-route-settings") => "apigateway:DELETE".to_owned(),
            ("sesv2", command) => format!("ses:{}", pascal(command)),
            ("service-quotas", command) => format!("servicequotas:{}", pascal(command)),
            (service, command) => format!("{service}:{}", pascal(command)),
        };
        assert!(policies.iter().any(|policy| policy.allows_somewhere(&action)), "aws {service} {command}: {action}");
    }
}

fn pascal(command: &str) -> String {
    let capital = |word: &str| word.get(..1).unwrap_or_default().to_uppercase() + word.get(1..).unwrap_or_default();
    command.split('-').map(capital).collect()
}

/// What `counterfoil` called, by the operation's name, is allowed to who operates the stack.
pub(crate) fn assert_operating_allows(operations: impl IntoIterator<Item = String>) {
    let policy = Policy::read(OPERATING);
    for operation in operations {
        // A transaction needs what its parts need: any that the store has.
        let actions = match operation.as_str() {
            "TransactWriteItems" => {
                vec!["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem"]
            }
            "TransactGetItems" => vec!["dynamodb:GetItem"],
            _ => Vec::new(),
        };
        let one = [
            format!("dynamodb:{operation}"),
            format!("sqs:{}", operation.trim_end_matches("Batch")),
            format!("secretsmanager:{operation}"),
        ];
        let allowed = if actions.is_empty() {
            one.iter().any(|action| policy.allows_somewhere(action))
        } else {
            actions.iter().all(|action| policy.allows_somewhere(action))
        };
        assert!(allowed, "{OPERATING} does not allow {operation}, which counterfoil calls");
    }
}
