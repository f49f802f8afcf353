//! CargoLambda.toml, by which `cargo lambda watch` finds a request's function, says what template.yaml says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use tests::{World, workspace};

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
const FILE: &str = "CargoLambda.toml";
/// Set to write the file again.
const UPDATE: &str = "UPDATE_ROUTER";

/// The file that stands for the template's routes: for each path of it, the function of each method.
fn router(world: &World) -> String {
    let binaries: BTreeMap<_, _> = world.machine.functions().collect();
    let mut router = format!(
        "# For `make watch`, from template.yaml; {UPDATE}=1 cargo test --package tests --test e2e router writes it again.\n\
         [watch]\nrouter = [\n"
    );
    // cargo-lambda's router knows no route for what no other takes.
    let others = ["/", "/{other+}"].map(str::to_owned);
    for path in world.machine.route_paths().chain(others).collect::<BTreeSet<_>>() {
        // A path that only this one takes: no literal is `-`, and none has as many segments.
        let example: Vec<_> = path
            .split('/')
            .map(|segment| {
                if segment.ends_with("+}") {
                    "-/-/-/-/-/-/-/-"
                } else if segment.starts_with('{') {
                    "-"
                } else {
                    segment
                }
            })
            .collect();
        let mut methods: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for method in METHODS {
            let function = world.machine.function_for(method, &example.join("/")).unwrap();
            methods.entry(binaries[function]).or_default().push(method);
        }
        let pattern = match path.split_once("{").filter(|_| path.ends_with("+}")) {
            Some((start, name)) => format!("{start}{{*{}", name.replace('+', "")),
            None => path,
        };
        for (binary, methods) in methods {
            writeln!(router, "  {{ path = {pattern:?}, methods = {methods:?}, function = {binary:?} }},").unwrap();
        }
    }
    router + "]\n"
}

#[tokio::test]
async fn every_route_of_the_template_and_no_other() {
    let world = World::start().await;
    let (file, expected) = (workspace().join(FILE), router(&world));
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&file, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (found_lines, expected_lines) = (lines(&found), lines(&expected));
    let missing: Vec<_> = expected_lines.difference(&found_lines).collect();
    let surplus: Vec<_> = found_lines.difference(&expected_lines).collect();
    assert_eq!(
        found, expected,
        "{FILE}: missing {missing:#?}, too many {surplus:#?}; set {UPDATE}=1 to write it again"
    );
}
