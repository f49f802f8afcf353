//! What template.yaml must say, and what it must not.

use std::collections::{BTreeMap, BTreeSet};

use tests::workspace;

fn template() -> String {
    std::fs::read_to_string(workspace().join("template.yaml")).unwrap()
}

/// (method, path) of every route but `$default`.
pub(crate) fn all_routes() -> BTreeSet<(String, String)> {
    let template = template();
    let route = |line: &str| {
        let method = line.split_once("Method: ")?.1.split(',').next()?.trim().to_owned();
        let path = line.split_once("Path: ")?.1.split('}').next()?.trim().to_owned();
        // A path with a variable is quoted, and holds the brace that the line was cut at.
        let path = match line.split_once("Path: \"") {
            Some((_, quoted)) => quoted.split('"').next()?.to_owned(),
            None => path,
        };
        Some((method, path))
    };
    template.lines().filter(|line| line.contains("Type: HttpApi")).filter_map(route).collect()
}

#[test]
fn no_variable_that_only_local_may_set() {
    for forbidden in ["LOCAL_LIVE_CONNECTOR", "LOCAL_LOOPBACK_WEBHOOKS", "AWS_ENDPOINT_URL", "TRUELAYER_URL"] {
        assert!(!template().contains(forbidden), "{forbidden}");
    }
}

/// So that one set of variables is enough for functions that run elsewhere (`local::Machine::outside_environment`).
#[test]
fn a_variable_stands_for_the_same_in_every_function() {
    let mut variables = BTreeMap::new();
    for line in template().lines() {
        let Some((name, value)) = line.trim().split_once(": ") else { continue };
        if name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_') {
            let before = variables.insert(name.to_owned(), value.to_owned());
            assert!(before.as_ref().is_none_or(|before| before == value), "{name}: {before:?}, and {value}");
        }
    }
    assert!(variables.contains_key("TABLE_NAME"), "{variables:?}");
}

/// API Gateway does not serve HEAD by GET's route.
#[test]
fn whatever_can_be_got_can_be_headed_and_nothing_else() {
    let of = |wanted: &str| -> BTreeSet<_> {
        all_routes().into_iter().filter(|(method, _)| method == wanted).map(|(_, path)| path).collect()
    };
    assert_eq!(of("HEAD"), of("GET"));
    let template = template();
    let settings = template.split_once("RouteSettings:").unwrap().1.split_once("TokenFunction:").unwrap().0;
    let limits = |method: &str| -> BTreeMap<_, _> {
        let lines =
            settings.lines().filter_map(|line| line.trim().strip_prefix(&format!("\"{method} "))?.split_once("\": "));
        lines.collect()
    };
    assert_eq!(limits("HEAD"), limits("GET"));
    assert!(limits("HEAD").len() > 3);
}

/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>: 300 routes, and 300 integrations, of
/// which SAM makes one for each route; the second can't be raised.
#[test]
fn the_routes_are_within_api_gateways_quota() {
    let routes = all_routes().len() + 1;
    assert!(routes <= 300, "{routes} routes");
}

/// A section of the file, from its heading up to the next line that begins like `end`.
fn section(text: &str, heading: &str, end: &str) -> String {
    let rest = text.split_once(heading).unwrap_or_else(|| panic!("no {heading}")).1;
    rest.split_once(end).map_or(rest, |(section, _)| section).to_owned()
}

/// (name, default) of every parameter.
fn parameters() -> BTreeMap<String, String> {
    let (mut parameters, mut name) = (BTreeMap::new(), String::new());
    for line in section(&template(), "\nParameters:\n", "\nRules:").lines() {
        if let Some(parameter) = line.strip_prefix("  ").and_then(|line| line.strip_suffix(':'))
            && !parameter.starts_with(' ')
        {
            parameter.clone_into(&mut name);
        }
        if let Some(default) = line.trim().strip_prefix("Default: ") {
            parameters.insert(name.clone(), default.trim_matches('"').to_owned());
        }
    }
    parameters
}

#[test]
fn pages_and_tokens_have_limits_of_their_own_which_are_parameters() {
    let settings = section(&template(), "      RouteSettings:\n", "\n\n");
    let is_api = |path: &str| ["/v1/", "/v2/", "/api/v2/", "/pis/"].iter().any(|version| path.starts_with(version));
    for (method, path) in all_routes().into_iter().filter(|(_, path)| !is_api(path)) {
        // What tries a secret, or has a mail sent.
        let is_open = path.ends_with("token") || path.ends_with("{token}") || path == "/console/sign-in";
        let limits = if is_open { "Token" } else { "Page" };
        let expected = format!(
            "\"{method} {path}\": {{ ThrottlingBurstLimit: !Ref {limits}Burst, ThrottlingRateLimit: !Ref {limits}Rate }}"
        );
        assert!(settings.contains(&expected), "{method} {path} has not the limits of its kind");
    }
    for line in settings.lines().filter(|line| line.contains("Throttling")) {
        let (burst, rate) = (line.contains("BurstLimit: !Ref"), line.contains("RateLimit: !Ref"));
        assert!(burst && rate, "a limit that is no parameter: {line}");
    }
}

#[test]
fn the_operators_page_computes_with_the_figures_that_there_are() {
    let read = |path: &str| std::fs::read_to_string(workspace().join(path)).unwrap();
    let (page, cost, parameters) = (read("docs/operating.md"), read("docs/cost.md"), parameters());
    // The third column of figures: how many a payment.
    let a_payment = |charge: &str| {
        let line = cost.lines().find(|line| line.starts_with(&format!("| {charge} |"))).unwrap();
        line.split('|').nth(4).unwrap().trim().parse::<u32>().unwrap()
    };
    let (requests, invocations) = (a_payment("API Gateway, HTTP API"), a_payment("Lambda, requests"));
    let (writes, reads) = (a_payment("DynamoDB, writes"), a_payment("DynamoDB, reads"));
    for said in [
        format!(
            "{requests} requests\n(6 to pages), {invocations} invocations, {writes} write units and {reads} read units"
        ),
        format!("= {writes}: the table's own, the `lists` index's, the others'"),
        format!("**Lambda**: {} ms a payment", a_payment("Lambda, duration")),
        format!("10,000 requests a second: {requests} requests a payment\nmake that {} payments", 10_000 / requests),
    ] {
        assert!(page.contains(&said), "docs/operating.md does not say: {said}");
    }
    for limits in ["Page", "Api"] {
        let (rate, burst) = (&parameters[&format!("{limits}Rate")], &parameters[&format!("{limits}Burst")]);
        let row = page.lines().find(|line| line.starts_with(&format!("| `{limits}Rate`, `{limits}Burst` |"))).unwrap();
        assert!(row.contains(&format!("| {rate}, {burst} | 3")), "{row}");
        assert!(row.contains(&format!("| {rate} / 3 = {} |", rate.parse::<u32>().unwrap() / 3)), "{row}");
    }
}

#[test]
fn every_parameter_is_in_the_readme_with_its_default() {
    let readme = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let table = section(&readme, "| parameter | default |", "\n\n");
    for (name, default) in parameters() {
        let row = table.lines().find(|line| line.contains(&format!("`{name}`")));
        let row = row.unwrap_or_else(|| panic!("README.md has no parameter {name}"));
        assert!(default.is_empty() || row.contains(&format!("`{default}`")), "{name} is {default}: {row}");
    }
}

/// Lambda drops what is below INFO where logs are JSON, and there is nothing to see below it: what libraries say at `debug`
/// may hold requests.
#[test]
fn a_log_level_is_one_that_lambda_lets_through() {
    let levels = section(&template(), "\n  LogLevel:\n", "\n  PersonalDataMonths:");
    assert!(levels.contains("AllowedValues: [error, warn, info]\n"), "{levels}");
    assert!(
        !template().contains("ApplicationLogLevel"),
        "it would drop metrics, too: they have no level and count as INFO"
    );
}

#[test]
fn expire_has_a_core_and_no_second_try() {
    let expire = section(&template(), "\n  ExpireFunction:\n", "\n      Events:");
    assert!(expire.contains("MemorySize: 1769\n"), "{expire}");
    assert!(
        expire.contains("EventInvokeConfig: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 }\n"),
        "{expire}"
    );
}

#[test]
fn what_is_kept_is_kept_unless_a_stack_says_otherwise() {
    let template = template();
    assert_eq!(parameters()["KeepData"], "true");
    for (resource, policy) in [
        ("AuditTable", "Retain"),
        ("Table", "Retain"),
        ("LogGroup", "RetainExceptOnCreate"),
        ("AccessLogGroup", "RetainExceptOnCreate"),
    ] {
        let text = section(&template, &format!("\n  {resource}:\n"), "    Properties:");
        assert!(text.contains(&format!("DeletionPolicy: !If [KeepsData, {policy}, Delete]")), "{resource}: {text}");
        assert!(text.contains("UpdateReplacePolicy: !If [KeepsData, Retain, Delete]"), "{resource}: {text}");
    }
    assert_eq!(template.matches("DeletionProtectionEnabled: !If [KeepsData, true, false]").count(), 2);
    // Logs of two stacks don't meet, whatever their stage.
    for name in ["functions", "access"] {
        assert!(
            template.contains(&format!("LogGroupName: !Sub \"/counterfoil/${{AWS::StackName}}/{name}\"")),
            "{name}"
        );
    }
    let samconfig = std::fs::read_to_string(workspace().join("samconfig.toml")).unwrap();
    let (dev, prod) = samconfig.split_once("[prod.deploy.parameters]").unwrap();
    assert!(dev.contains("\"KeepData=false\"") && !prod.contains("KeepData"));
}
