//! What template.yaml must say, and what it must not.

use std::collections::{BTreeMap, BTreeSet};

use tests::workspace;

fn template() -> String {
    std::fs::read_to_string(workspace().join("template.yaml")).unwrap()
}

/// (method, path) of every route.
fn routes() -> BTreeSet<(String, String)> {
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
    let routes = template.lines().filter(|line| line.contains("Type: HttpApi")).filter_map(route);
    // What comes by a greedy route is told apart by `api`.
    routes.filter(|(_, path)| !path.contains("{proxy+}")).collect()
}

#[test]
fn no_variable_that_only_local_may_set() {
    for forbidden in ["LOCAL_LIVE_CONNECTOR", "LOCAL_LOOPBACK_WEBHOOKS", "AWS_ENDPOINT_URL"] {
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

#[test]
fn every_path_with_a_405_is_a_route_and_the_other_way_round() {
    // What `api` says: `("/path", "GET, POST"),`
    let source = std::fs::read_to_string(workspace().join("shared/api/src/routes.rs")).unwrap();
    let table = source.split_once("const ROUTES").unwrap().1.split_once("];").unwrap().0;
    let mut told = BTreeSet::new();
    for line in table.lines().filter(|line| line.trim_start().starts_with("(\"")) {
        let parts: Vec<_> = line.split('"').collect();
        for method in parts[3].split(", ") {
            told.insert((method.to_owned(), parts[1].to_owned()));
        }
    }
    let routed: BTreeSet<_> = routes()
        .into_iter()
        .map(|(method, path)| (method, path.strip_suffix('/').map_or(path.clone(), str::to_owned)))
        .map(|(method, path)| {
            let step = path.starts_with("/checkout/{id}/");
            (method, if step { "/checkout/{id}/{step}".to_owned() } else { path })
        })
        .collect();
    assert_eq!(told, routed);
    assert!(routed.len() > 10, "{routed:?}");
}

#[test]
fn pages_and_tokens_are_throttled_more_tightly() {
    let template = template();
    let settings = template.split_once("RouteSettings:").unwrap().1.split_once("TokenFunction:").unwrap().0;
    for (method, path) in routes() {
        if !path.contains("/v2/") {
            assert!(settings.contains(&format!("\"{method} {path}\"")), "{method} {path} has no limit of its own");
        }
    }
}
