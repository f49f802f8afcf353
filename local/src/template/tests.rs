//! All of the template together: the fixture of tests, the product's own, and mistakes in either.

use std::collections::{BTreeMap, BTreeSet};

use super::functions::RecursiveLoop;
use super::*;

const TEMPLATE: &str = include_str!("../../tests/template.yaml");

fn resolve(text: &str) -> Result<Stack, TemplateError> {
    resolve_with(text, &[])
}

fn resolve_with(text: &str, parameters: &[(&str, &str)]) -> Result<Stack, TemplateError> {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let site = Site { aws_url: "http://aws", api_url: "http://api", parameters: &parameters };
    Template::parse(text)?.resolve(&site)
}

#[test]
fn reads_what_it_declares() {
    let stack = resolve(TEMPLATE).unwrap();
    let function = |id: &str| stack.functions.iter().find(|function| function.id == id).unwrap();
    let api = function("ApiFunction");
    assert_eq!((api.binary.as_str(), api.timeout_ms, api.memory_mb), ("fixture", 1000, 256));
    assert_eq!(api.environment["GREETING"], "hello, eu-west-2");
    assert_eq!(api.environment["TABLE_NAME"], "local-Table", "from Globals");
    assert_eq!(api.environment["QUEUE_URL"], "http://aws/000000000000/local-Queue");
    assert_eq!(function("SlowFunction").events.routes[0].to_string(), "ANY /slow/{action}");
    let stream = &function("StreamFunction").events.streams[0];
    assert_eq!((stream.table.as_str(), stream.batch_size, stream.max_retries), ("local-Table", 10, Some(2)));
    assert_eq!(stream.failure_queue.as_deref(), Some("local-StreamFailures"));
    assert_eq!(stream.parallelization_factor, 1);
    assert!(stream.from_start && stream.bisect && stream.partial_failures && stream.filters.len() == 1);
    assert_eq!(function("QueueFunction").events.queues[0].queue, "local-Queue");
    assert_eq!(stack.tables[0].ttl_attribute.as_deref(), Some("ttl"));
    let queue = stack.queues.iter().find(|queue| queue.name == "local-Queue").unwrap();
    assert_eq!((queue.visibility_timeout_ms, queue.retention_ms), (30_000, 345_600_000));
    assert_eq!(queue.redrive, Some(Redrive { dead_letters: "local-DeadLetters".to_owned(), max_receives: 2 }));
}

#[test]
fn reads_the_services_own_template() {
    let stack = resolve(include_str!("../../../template.yaml")).unwrap();
    let tables: Vec<&str> = stack.tables.iter().map(|table| table.name.as_str()).collect();
    assert!(stack.functions.len() >= 9 && tables == ["local-AuditTable", "local-Table"], "{tables:?}");
}

#[test]
fn no_value_leaves_out_a_property_or_an_element() {
    let own = include_str!("../../../template.yaml");
    let indexes = |parameters: &[(&str, &str)]| -> Vec<String> {
        let stack = resolve_with(own, parameters).unwrap();
        let table = stack.tables.iter().find(|table| table.name == "local-Table").unwrap();
        let indexes = table.creation["GlobalSecondaryIndexes"].as_array().unwrap();
        indexes.iter().map(|index| index["IndexName"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(indexes(&[]), ["lists", "due", "final"]);
    assert_eq!(indexes(&[("OldListIndex", "kept")]), ["lists", "list", "due", "final"]);

    let greeting = "!Sub \"${Greeting}, ${AWS::Region}\"";
    let with = |greeting_of_api: &str| {
        let conditions = "Conditions:\n  Greets: !Not [!Equals [!Ref Greeting, silence]]\nGlobals:";
        TEMPLATE.replacen("Globals:", conditions, 1).replace(greeting, greeting_of_api)
    };
    for (value, parameters) in [
        ("!Ref AWS::NoValue", &[][..]),
        ("!If [Greets, !Sub \"${Greeting}\", !Ref AWS::NoValue]", &[("Greeting", "silence")]),
    ] {
        let stack = resolve_with(&with(value), parameters).unwrap();
        let api = stack.functions.iter().find(|function| function.id == "ApiFunction").unwrap();
        assert_eq!(api.environment.get("GREETING"), None, "{value}");
    }
    let error = resolve(&with("!Sub [\"${greeting}\", { greeting: !Ref AWS::NoValue }]")).map(|_| ()).unwrap_err();
    assert!(error.problem.contains("AWS::NoValue"), "{error}");
}

#[test]
fn a_public_base_url_is_what_is_given_or_the_domain_or_nothing() {
    let address = |parameters: &[(&str, &str)]| {
        let stack = resolve_with(include_str!("../../../template.yaml"), parameters).unwrap();
        let of = |id: &str| {
            stack.functions.iter().find(|function| function.id == id).unwrap().environment["PUBLIC_BASE_URL"].clone()
        };
        assert_eq!(of("CreateFunction"), of("RefundFunction"));
        of("CreateFunction")
    };
    let domain =
        [("DomainName", "pay.example.com"), ("CertificateArn", "arn:aws:acm:eu-west-2:000000000000:certificate/1")];
    let [name, certificate] = domain;
    assert_eq!(address(&[]), "");
    assert_eq!(address(&domain), "https://pay.example.com");
    assert_eq!(address(&[("PublicBaseUrl", "https://shop.example.com")]), "https://shop.example.com");
    let both = [name, certificate, ("PublicBaseUrl", "https://shop.example.com")];
    assert_eq!(address(&both), "https://shop.example.com");
}

#[test]
fn a_parameter_is_what_cloudformation_accepts() {
    let own = include_str!("../../../template.yaml");
    let uuid = "5b1a2a0e-3c1f-4c62-9d0b-2f1a7e6c1d2e";
    let account = format!("acme:GBP={uuid},acme:EUR={uuid}");
    // The first two are defaults, which are others here.
    for (name, value) in [
        ("Formats", "banked"),
        ("TrueLayerSecretArn", ""),
        ("Formats", "yorlet,fintecture"),
        ("MaxAmountMinor", "400"),
        ("MaxAmountMinor", "GBP:5000,EUR:100"),
        ("OidcGroups", "admins=acme:own,support=acme:refund"),
        ("TrueLayerMerchantAccounts", account.as_str()),
        ("PersonalDataMonths", "1"),
        ("PersonalDataMonths", "240"),
        ("LogRetentionDays", "30"),
    ] {
        let resolved = resolve_with(own, &[(name, value)]).map(|_| ());
        assert_eq!(resolved, Ok(()), "{name}={value}");
    }
    for (name, value, problem) in [
        ("Formats", "bankd", "`bankd` does not match its AllowedPattern `(banked|yorlet|fintecture)("),
        // All of it, not a part.
        ("Formats", "banked,yorlet,", "AllowedPattern"),
        ("Formats", "banked\n", "AllowedPattern"),
        ("Formats", "", "AllowedPattern"),
        ("OidcIssuer", "see https://id.example.com", "AllowedPattern"),
        ("MaxAmountMinor", "abc", "AllowedPattern"),
        ("MaxAmountMinor", "EUR:100", "AllowedPattern"),
        ("TrueLayer", "on", "`on` is not among its AllowedValues"),
        ("PersonalDataMonths", "many", "`many` is no number"),
        ("PersonalDataMonths", "NaN", "`NaN` is no number"),
        ("PersonalDataMonths", "0", "`0` is below its MinValue 1"),
        ("PersonalDataMonths", "241", "`241` is above its MaxValue 240"),
        ("LogRetentionDays", "31", "AllowedValues"),
    ] {
        let error = resolve_with(own, &[(name, value)]).map(|_| ()).unwrap_err();
        assert_eq!((error.resource.as_str(), error.property.as_str()), ("Parameters", name), "{value}: {error}");
        assert!(error.problem.contains(problem), "{name}={value}: {error}");
    }
}

#[test]
fn truelayers_secret_is_for_the_functions_that_pay_and_only_where_it_is_switched_on() {
    let secret = "arn:aws:secretsmanager:eu-west-2:000000000000:secret:truelayer-AbCdEf";
    let of = |parameters: &[(&str, &str)], is: fn(&Function) -> bool| -> Vec<String> {
        let stack = resolve_with(include_str!("../../../template.yaml"), parameters).unwrap();
        stack.functions.iter().filter(|function| is(function)).map(|function| function.id.clone()).collect()
    };
    let reads = |function: &Function| {
        let arn = function.environment.get("TRUELAYER_SECRET_ARN");
        let mut reading = function.policies.iter().filter(|own| own.actions == ["secretsmanager:GetSecretValue"]);
        reading.any(|own| arn.is_some_and(|arn| own.resources == [arn.as_str()]))
    };
    let is_given = |function: &Function| function.environment.contains_key("TRUELAYER_SECRET_ARN");
    let paying =
        ["Cancel", "Checkout", "Console", "Expire", "ProviderEvents", "Refund"].map(|id| format!("{id}Function"));
    let on = [("TrueLayer", "live"), ("TrueLayerSecretArn", secret)];
    assert_eq!((of(&on, reads), of(&on, is_given)), (paying.to_vec(), paying.to_vec()));
    assert_eq!(of(&[], reads), [""; 0]);
    // Who creates sessions asks whether live ones can be paid.
    let asks = of(&on, |function| function.environment.get("TRUELAYER").is_some_and(|value| value == "live"));
    assert_eq!(asks.len(), paying.len() + 1, "{asks:?}");
    assert!(asks.contains(&"CreateFunction".to_owned()));
}

#[test]
fn what_has_a_condition_is_there_when_it_holds() {
    let conditions = "Conditions:
  Greets: !Not [!Equals [!Ref Greeting, silence]]
  Quiet: !And [!Not [!Condition Greets], !Or [!Equals [1, 2], { Condition: Always }]]
  Always: !Equals [a, a]
Globals:";
    let text = TEMPLATE
        .replacen("Globals:", conditions, 1)
        .replace("\n  Letters: { Type: AWS::SQS::Queue }", "\n  Letters: { Type: AWS::SQS::Queue, Condition: Quiet }")
        .replace("!Sub \"${Greeting}, ${AWS::Region}\"", "!If [Quiet, quiet, !If [Greets, greets, none]]");
    let seen = |parameters: &[(&str, &str)]| {
        let stack = resolve_with(&text, parameters).unwrap();
        let api = stack.functions.iter().find(|function| function.id == "ApiFunction").unwrap();
        let letters = stack.queues.iter().any(|queue| queue.name == "local-Letters");
        (api.environment["GREETING"].clone(), letters)
    };
    assert_eq!(seen(&[]), ("greets".to_owned(), false));
    assert_eq!(seen(&[("Greeting", "silence")]), ("quiet".to_owned(), true));

    for (right, wrong, resource, property, problem) in [
        ("[Quiet, quiet,", "[Quite, quiet,", "ApiFunction", "Properties.Environment.Variables.GREETING", "`Quite`"),
        ("[Quiet, quiet,", "[Quiet, !Ref Quiet,", "ApiFunction", "Properties.Environment.Variables.GREETING", "Quiet"),
        ("[Quiet, quiet,", "[quiet,", "ApiFunction", "Properties.Environment.Variables.GREETING", "two values"),
        ("Condition: Quiet }", "Condition: Quite }", "Letters", "Condition", "`Quite`"),
        ("[!Equals [1, 2],", "[!Equal [1, 2],", "Conditions", "Quiet", "Equals"),
        ("Always: !Equals [a, a]", "Always: !Condition Quiet", "Conditions", "Quiet", "itself"),
        ("Always: !Equals [a, a]", "Always: !Condition Never", "Conditions", "Always", "`Never`"),
    ] {
        assert_eq!(text.matches(right).count(), 1, "{right} is not there once");
        let error = resolve(&text.replace(right, wrong)).map(|_| ()).unwrap_err();
        assert_eq!((error.resource.as_str(), error.property.as_str()), (resource, property), "{wrong}: {error}");
        assert!(error.problem.contains(problem), "{wrong}: {error}");
    }
}

/// Lambda counts how often a chain of messages comes back to a function, and stops it after 16 times, unless the
/// function says otherwise. A chain goes on through queues, not through a table's stream.
#[test]
fn exactly_the_functions_whose_messages_may_come_back_to_them_allow_loops() {
    let allowing = |text: &str| {
        let stack = resolve(text).unwrap();
        let allow = stack.functions.iter().filter(|one| one.recursive_loop == RecursiveLoop::Allow);
        let allow: BTreeSet<String> = allow.map(|one| one.id.clone()).collect();
        (in_loops(&stack), allow)
    };
    let (loops, allow) = allowing(include_str!("../../../template.yaml"));
    assert_eq!(
        loops, allow,
        "on the left those that may be called again by what they send: they need `RecursiveLoop: Allow`"
    );
    assert!(loops.contains("WebhookFunction"), "{loops:?}");

    assert_eq!(allowing(TEMPLATE), (BTreeSet::new(), BTreeSet::new()));
    // To its own queue; and through another function.
    let send = |function: &str, to: &str, behaviour: &str| {
        let policy = format!(
            "Policies: [{{ Version: \"2012-10-17\", Statement: [{{ Sid: S, Effect: Allow, Action: \"sqs:*\", Resource: !GetAtt {to}.Arn }}] }}]"
        );
        let own = format!("{behaviour} }} }}\n");
        assert_eq!(TEMPLATE.matches(&own).count(), 1, "{function}");
        TEMPLATE.replace(&own, &format!("{own}      {policy}\n"))
    };
    let own = send("QueueFunction", "Queue", "BEHAVIOUR: queue");
    assert_eq!(allowing(&own).0, BTreeSet::from(["QueueFunction".to_owned()]));
    let elsewhere = send("QueueFunction", "Letters", "BEHAVIOUR: queue");
    assert_eq!(allowing(&elsewhere).0, BTreeSet::new());
    let other = "\n  OtherFunction:\n    Type: AWS::Serverless::Function\n    Properties:\n      RecursiveLoop: Allow\n      \
        Policies: [{ Version: \"2012-10-17\", Statement: [{ Sid: S, Effect: Allow, Action: \"sqs:SendMessage\", Resource: [!GetAtt Queue.Arn] }] }]\n      \
        Events: { Letters: { Type: SQS, Properties: { Queue: !GetAtt Letters.Arn } } }\n  HttpApi:\n";
    let through = elsewhere.replacen("\n  HttpApi:\n", other, 1);
    let (loops, allow) = allowing(&through);
    assert_eq!(loops, BTreeSet::from(["OtherFunction".to_owned(), "QueueFunction".to_owned()]));
    assert_eq!(allow, BTreeSet::from(["OtherFunction".to_owned()]));
}

/// The functions that a message which they send may come back to, through other functions' messages too.
fn in_loops(stack: &Stack) -> BTreeSet<String> {
    let like = |pattern: &String, text: &str| wildmatch::WildMatch::new(pattern).matches(text);
    let sends = |from: &Function, queue: &str| {
        from.policies.iter().any(|statement| {
            statement.actions.iter().any(|action| like(action, "sqs:SendMessage"))
                && statement.resources.iter().any(|resource| like(resource, &names::queue_arn(queue)))
        })
    };
    let calls = |from: &Function| -> BTreeSet<&str> {
        let called = |to: &&Function| to.events.queues.iter().any(|event| sends(from, &event.queue));
        stack.functions.iter().filter(called).map(|to| to.id.as_str()).collect()
    };
    let called: BTreeMap<&str, BTreeSet<&str>> =
        stack.functions.iter().map(|from| (from.id.as_str(), calls(from))).collect();
    let comes_back = |start: &str| {
        let (mut reached, mut next) = (BTreeSet::new(), vec![start]);
        while let Some(function) = next.pop() {
            next.extend(called[function].iter().filter(|to| reached.insert(**to)));
        }
        reached.contains(start)
    };
    called.keys().filter(|id| comes_back(id)).map(|id| (*id).to_owned()).collect()
}

/// Each mistake names its resource and property.
#[test]
fn mistakes_are_named() {
    for (right, wrong, resource, property, problem) in [
        (
            "QUEUE_URL: !Ref Queue } }\n      Events",
            "QUEUE_URL: !Ref Queu } }\n      Events",
            "ApiFunction",
            "Properties.Environment.Variables.QUEUE_URL",
            "`Queu`",
        ),
        ("${Greeting}", "${Greting}", "ApiFunction", "Properties.Environment.Variables.GREETING", "`Greting`"),
        ("${Greeting}", "${HttpApi.ApiEndpoint}", "ApiFunction", "Properties.Environment.Variables.GREETING", "circle"),
        (
            "!GetAtt Queue.Arn",
            "!GetAtt Queue.Name",
            "QueueFunction",
            "Properties.Events.Queue.Properties.Queue",
            "`Name`",
        ),
        ("!GetAtt Queue.Arn", "!Ref Queue", "QueueFunction", "Properties.Events.Queue.Properties.Queue", "!GetAtt"),
        ("Type: Schedule", "Type: Cognito", "ScheduleFunction", "Properties.Events.EveryMinute.Type", "Cognito"),
        (
            "BatchSize: 10, Fun",
            "BatchSize: 11, Fun",
            "QueueFunction",
            "Properties.Events.Queue.Properties.BatchSize",
            "10",
        ),
        ("BatchSize: 10, Fun", "BatchSze: 10, Fun", "QueueFunction", "Properties.Events.Queue.Properties", "BatchSze"),
        (
            "BisectBatchOnFunctionError: true\n",
            "ParallelizationFactor: 11\n",
            "StreamFunction",
            "Properties.Events.Stream.Properties.ParallelizationFactor",
            "10",
        ),
        (
            "[\"SESSION\"]",
            "[{\"suffix\":\"S\"}]",
            "StreamFunction",
            "Properties.Events.Stream.Properties.FilterCriteria.Filters.0.Pattern",
            "equality",
        ),
        (
            "      StreamSpecification: { StreamViewType: NEW_AND_OLD_IMAGES }\n",
            "",
            "StreamFunction",
            "Properties.Events.Stream",
            "has none",
        ),
        ("\"GET /echo/{id}\":", "\"GET /ecko/{id}\":", "HttpApi", "Properties.RouteSettings", "GET /ecko/{id}"),
        ("Path: /broken", "Path: \"/do/{action}\"", "BrokenFunction", "Properties.Events", "twice"),
        ("VisibilityTimeout: 30", "VisibilityTimeout: 4", "QueueFunction", "Properties.Timeout", "VisibilityTimeout"),
        (
            "Timeout: 900\n",
            "Timeout: 900\n      EventInvokeConfig: { MaximumRetryAttempts: 3 }\n",
            "SlowFunction",
            "Properties.EventInvokeConfig.MaximumRetryAttempts",
            "0 to 2",
        ),
        (
            "Timeout: 900\n",
            "Timeout: 900\n      EventInvokeConfig: { MaximumEventAgeInSeconds: 59 }\n",
            "SlowFunction",
            "Properties.EventInvokeConfig.MaximumEventAgeInSeconds",
            "60",
        ),
        ("VisibilityTimeout: 30", "VisibilityTimeot: 30", "Queue", "Properties", "VisibilityTimeot"),
        ("{ Type: String, Default: hello }", "{ Type: String }", "Parameters", "Greeting", "default"),
        ("Default: hello }", "Default: hello, MinLength: 1 }", "Parameters", "Greeting", "MinLength"),
        (
            "Default: hello }",
            "Default: hello, AllowedPattern: \"(\" }",
            "Parameters",
            "Greeting.AllowedPattern",
            "without closing",
        ),
        (
            "  Letters: { Type: AWS::SQS::Queue }",
            "  Letters: { Type: AWS::RDS::DBInstance }",
            "Letters",
            "Type",
            "AWS::RDS",
        ),
        ("!GetAtt HttpApi.ApiEndpoint", "!ImportValue x", "Outputs", "Url.Value", "ImportValue"),
        ("Mail, Effect: Allow", "Mail, Effect: Deny", "WriterFunction", "Properties.Policies.Mail.Effect", "Allow"),
        ("Sid: Mail", "Sid: Send", "WriterFunction", "Properties.Policies.Send", "another"),
        ("StringEquals", "StringLike", "WriterFunction", "Properties.Policies.Mail.Condition", "StringLike"),
        ("Action: ses:SendEmail", "NotAction: ses:SendEmail", "WriterFunction", "Properties.Policies", "NotAction"),
    ] {
        assert_eq!(TEMPLATE.matches(right).count(), 1, "{right} is not there once");
        let text = TEMPLATE.replace(right, wrong);
        let error = resolve(&text).map(|_| ()).unwrap_err();
        assert_eq!((error.resource.as_str(), error.property.as_str()), (resource, property), "{wrong}: {error}");
        assert!(error.problem.contains(problem), "{wrong}: {error}");
    }
}
