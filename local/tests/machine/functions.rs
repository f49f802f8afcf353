//! Requests through routes, real processes and back.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use crate::support::{PATIENCE, Proxy, bin_dir, config, dynamodb, get, http, lines, machine, s, template};
use local::{Effect, Fault, InvokeError, Machine, StartError};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn a_request_reaches_its_function_and_the_answer_comes_back() {
    let (machine, _folder) = machine().await;
    let url = format!("{}/echo/a%20b?x=1&x=2", machine.api_url());
    let answer = http("POST", &url, &[("content-type", "application/json"), ("cookie", "a=1")], r#"{"n":1}"#).await;
    assert_eq!((answer.status, answer.headers["content-type"].to_str().unwrap()), (200, "application/json"));
    let event = &answer.json()["event"];
    assert_eq!(event["routeKey"], "POST /echo/{id}");
    assert_eq!(event["pathParameters"], json!({"id": "a b"}));
    assert_eq!(event["queryStringParameters"], json!({"x": "1,2"}));
    assert_eq!((&event["body"], &event["cookies"]), (&json!(r#"{"n":1}"#), &json!(["a=1"])));
    let host = machine.api_url().strip_prefix("http://").unwrap();
    assert_eq!(event["requestContext"]["domainName"], host);
    assert_eq!(event["headers"]["x-forwarded-port"], host.rsplit(':').next().unwrap());
    machine.stop().await;
}

#[tokio::test]
async fn what_api_gateway_answers_itself() {
    let (machine, _folder) = machine().await;
    let api = machine.api_url();
    let answer =
        |answer: crate::support::Answer| (answer.status, answer.json()["message"].as_str().unwrap().to_owned());
    let message = |status: u16, text: &str| (status, text.to_owned());
    assert_eq!(answer(get(&format!("{api}/nowhere")).await), message(404, "Not Found"));
    assert_eq!(answer(get(&format!("{api}/echo/1/")).await), message(404, "Not Found"), "a slash too many");
    let error = message(500, "Internal Server Error");
    assert_eq!(answer(get(&format!("{api}/do/fail")).await), error);
    assert_eq!(answer(get(&format!("{api}/do/exit")).await), error);
    assert_eq!(answer(get(&format!("{api}/do/nonsense")).await), error);
    assert_eq!(answer(get(&format!("{api}/broken")).await), error);
    assert_eq!(answer(get(&format!("{api}/do/hang")).await), message(503, "Service Unavailable"));
    let large = vec![b'x'; 10 * 1024 * 1024 + 1];
    let large = http("POST", &format!("{api}/echo/1"), &[], large).await;
    assert_eq!(answer(large), message(413, "Request Entity Too Large"));
    // Whatever happened to its processes, the function goes on.
    assert_eq!(get(&format!("{api}/echo/1")).await.status, 200);
    assert!(lines(&machine, "ApiFunction").contains(&"last words".to_owned()));
    machine.stop().await;
}

#[tokio::test]
async fn a_request_that_names_no_host_is_refused_and_a_whole_url_names_its_own() {
    let (machine, _folder) = machine().await;
    let address = machine.api_url().strip_prefix("http://").unwrap();
    let ask = async |lines: &str| {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("GET {lines}\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    for lines in [
        "/echo/1 HTTP/1.1",
        "/echo/1 HTTP/1.1\r\nHost:",
        "/echo/1 HTTP/1.1\r\nHost: a b",
        "/echo/1 HTTP/1.1\r\nHost: a/b",
        "/echo/1 HTTP/1.1\r\nHost: a\r\nHost: b",
        "http://a.example/echo/1 HTTP/1.1",
        "http://user@a.example/echo/1 HTTP/1.1\r\nHost: a.example",
    ] {
        let answer = ask(lines).await;
        assert!(
            answer.starts_with("HTTP/1.1 400 ") && answer.ends_with(r#"{"message":"Bad Request"}"#),
            "{lines}: {answer}"
        );
    }
    let answer = ask("http://a.example:81/echo/1?x=2 HTTP/1.1\r\nHost: b.example").await;
    let event = &serde_json::from_str::<Value>(answer.rsplit("\r\n").next().unwrap()).unwrap()["event"];
    assert_eq!(
        (&event["requestContext"]["domainName"], &event["headers"]["host"]),
        (&json!("a.example:81"), &json!("a.example:81"))
    );
    assert_eq!((&event["rawPath"], &event["rawQueryString"]), (&json!("/echo/1"), &json!("x=2")));
    machine.stop().await;
}

#[tokio::test]
async fn a_process_is_used_again_and_works_on_one_event_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let machine = Machine::start(local::Config { max_processes: 2, ..config(&folder) }).await.unwrap();
    let pid = || async { get(&format!("{}/do/pid", machine.api_url())).await.json() };
    let first = pid().await;
    assert_eq!(pid().await, first);
    // Four at once: two processes, each used twice.
    let (a, b, c, d) = tokio::join!(pid(), pid(), pid(), pid());
    let pids: BTreeSet<String> = [a, b, c, d].iter().map(Value::to_string).collect();
    assert_eq!(pids.len(), 2);
    assert!(pids.contains(&first.to_string()));
    assert_eq!(machine.process_count("ApiFunction"), 2);
    machine.stop().await;
}

/// What waits takes a process of its own, as on AWS; what is quick shares those that are there.
#[tokio::test]
async fn as_many_processes_run_as_the_template_allows_within_the_bound() {
    let folder = tempfile::tempdir().unwrap();
    let notes = folder.path().join("notes");
    let mut config =
        local::Config { max_processes: 12, max_idle: std::time::Duration::from_millis(100), ..config(&folder) };
    config.environment.insert("NOTES".to_owned(), notes.display().to_string());
    let machine = std::sync::Arc::new(Machine::start(config).await.unwrap());
    let hang = |function: &'static str| {
        let machine = std::sync::Arc::clone(&machine);
        tokio::spawn(async move { machine.invoke(function, &json!({"rawPath": "/slow/hang"})).await })
    };
    let hanging = || std::fs::read_to_string(&notes).unwrap_or_default().lines().count();
    let waiting: Vec<_> = (0..13).map(|_| hang("SlowFunction")).collect();
    machine.until(PATIENCE, |_| (hanging() == 12).then_some(())).await.expect("twelve at once");
    assert_eq!(machine.process_count("SlowFunction"), 12);
    let waiting: Vec<_> = waiting.into_iter().chain((0..5).map(|_| hang("ReservedFunction"))).collect();
    machine.until(PATIENCE, |_| (hanging() == 15).then_some(())).await.expect("three more");
    assert_eq!(machine.process_count("ReservedFunction"), 3);

    let quick = (0..12).map(|_| {
        let url = format!("{}/echo/1", machine.api_url());
        tokio::spawn(async move { get(&url).await.status })
    });
    for answered in quick.collect::<Vec<_>>() {
        assert_eq!(answered.await.unwrap(), 200);
    }
    assert!(machine.process_count("ApiFunction") < 12, "{}", machine.process_count("ApiFunction"));
    // What nobody needs any more ends, but for one.
    machine.until(PATIENCE, |machine| (machine.process_count("ApiFunction") == 1).then_some(())).await.unwrap();
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn invocations_end_as_lambda_says() {
    let (machine, _folder) = machine().await;
    let act = |action: &str| {
        let (machine, event) = (&machine, json!({ "rawPath": format!("/do/{action}") }));
        async move { machine.invoke("ApiFunction", &event).await }
    };
    assert!(act("pid").await.unwrap().is_u64());
    let failed = act("fail").await.unwrap_err();
    assert_eq!(failed.document()["errorMessage"], "failed as asked");
    assert_eq!(act("exit").await, Err(InvokeError::Exited { how: "exited with exit status 3".to_owned() }));
    assert_eq!(act("hang").await, Err(InvokeError::TimedOut { timeout_ms: 1000 }));
    assert_eq!(machine.process_count("ApiFunction"), 0, "the one that hung was killed");
    let unknown = machine.invoke("Nobody", &json!({})).await;
    assert_eq!(unknown, Err(InvokeError::Unknown { function: "Nobody".to_owned() }));
    machine.stop().await;
}

#[tokio::test]
async fn a_function_sees_lambdas_environment_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&folder);
    config.parameters.insert("Greeting".to_owned(), "good day".to_owned());
    config.environment.insert("ONLY_HERE".to_owned(), "yes".to_owned());
    let machine = Machine::start(config).await.unwrap();
    let environment = machine.invoke("ApiFunction", &json!({"rawPath": "/do/environment"})).await.unwrap();
    for (name, value) in [
        ("GREETING", "good day, eu-west-2"),
        ("TABLE_NAME", "local-Table"),
        ("ONLY_HERE", "yes"),
        ("AWS_REGION", "eu-west-2"),
        ("AWS_LAMBDA_FUNCTION_NAME", "ApiFunction"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_ENDPOINT_URL", machine.aws_url()),
        ("QUEUE_URL", &machine.queue_url("Queue")),
    ] {
        assert_eq!(environment[name], value, "{name}");
    }
    assert_eq!(environment.get("CARGO_MANIFEST_DIR"), None);
    machine.stop().await;
}

#[tokio::test]
async fn a_proxy_can_stand_between_functions_and_each_aws_service() {
    let to = Arc::new(Mutex::new(String::new()));
    let (all, table) = (Proxy::start(Arc::clone(&to)).await, Proxy::start(Arc::clone(&to)).await);
    let write = async |environment: &[(&str, &str)], event: Value| {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(&folder);
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        config.environment.extend(environment);
        let machine = Machine::start(config).await.unwrap();
        machine.aws_url().clone_into(&mut to.lock().unwrap());
        let output = machine.invoke("WriterFunction", &event).await.unwrap().as_str().unwrap().to_owned();
        let calls = machine.meter().counts().calls.into_keys().filter(|(function, _)| function == "WriterFunction");
        let calls: Vec<_> = calls.map(|(_, operation)| operation).collect();
        machine.stop().await;
        (output, calls, all.passed(), table.passed())
    };
    let done = |operation: &str| ("ok".to_owned(), vec![operation.to_owned()]);
    let none: [String; 0] = [];
    let (put, send) = (json!({ "put": "SESSION#1" }), json!({ "send": "x" }));

    let for_all = ("AWS_ENDPOINT_URL", all.url.as_str());
    let (output, calls, by_all, _) = write(&[for_all], put.clone()).await;
    assert_eq!(((output, calls), by_all), (done("PutItem"), vec!["PutItem".to_owned()]));
    let (output, calls, by_all, _) = write(&[for_all], json!({ "mail": "a@example.com" })).await;
    assert_eq!(((output, calls), by_all.len()), (done("SendEmail"), 1));
    // Whose call it is, is known behind a proxy too: a function may do no more.
    let (output, ..) = write(&[for_all], json!({ "put": "secret" })).await;
    assert!(output.contains("AccessDenied"), "{output}");

    // A service's own wins over that of all, and is no other's.
    let for_table = ("AWS_ENDPOINT_URL_DYNAMODB", table.url.as_str());
    let (output, calls, by_all, by_table) = write(&[for_all, for_table], put.clone()).await;
    assert_eq!(((output, calls), by_all, by_table), (done("PutItem"), none.to_vec(), vec!["PutItem".to_owned()]));
    let (output, calls, by_all, by_table) = write(&[for_table], send.clone()).await;
    assert_eq!(((output, calls), by_all, by_table), (done("SendMessage"), none.to_vec(), none.to_vec()));
    for (name, event, operation) in [
        ("AWS_ENDPOINT_URL_SQS", send, "SendMessage"),
        ("AWS_ENDPOINT_URL_SESV2", json!({ "mail": "a@example.com" }), "SendEmail"),
    ] {
        let (output, calls, by_all, _) = write(&[(name, all.url.as_str())], event).await;
        assert_eq!(((output, calls), by_all.len()), (done(operation), 1), "{name}");
    }
}

#[tokio::test]
async fn calls_are_counted_by_function() {
    let (machine, _folder) = machine().await;
    for pk in ["a", "b"] {
        assert_eq!(machine.invoke("WriterFunction", &json!({ "put": pk })).await.unwrap(), "ok");
    }
    assert_eq!(machine.invoke("WriterFunction", &json!({"mail": "a@example.com"})).await.unwrap(), "ok");
    assert_eq!(machine.meter().calls("WriterFunction", "PutItem"), 2);
    assert_eq!(machine.meter().calls("WriterFunction", "SendEmail"), 1);
    assert_eq!(machine.meter().calls("-", "PutItem"), 0);
    assert_eq!(machine.mails()[0].to, ["a@example.com"]);
    let page = get(machine.mail_url()).await;
    assert!(page.text().contains("a@example.com"));
    machine.stop().await;
}

#[tokio::test]
async fn a_dropped_answer_makes_the_sdk_meet_its_own_write() {
    let (machine, _folder) = machine().await;
    machine.faults().add(Fault::new("PutItem", Effect::DropAnswer).prefix("SESSION#").function("WriterFunction"));
    let other = machine.invoke("WriterFunction", &json!({"put": "OTHER#1"})).await.unwrap();
    assert_eq!(other, "ok", "another prefix");
    let output = machine.invoke("WriterFunction", &json!({"put": "SESSION#1"})).await.unwrap();
    assert!(output.as_str().unwrap().contains("ConditionalCheckFailed"), "{output}");
    assert_eq!(machine.meter().calls("WriterFunction", "PutItem"), 3);
    assert_eq!(machine.faults().waiting(), []);
    machine.stop().await;
}

#[tokio::test]
async fn refusals_reach_the_sdk_as_the_services_own() {
    let (machine, _folder) = machine().await;
    for (event, operation, effect, expected) in [
        (json!({"put": "a"}), "PutItem", Effect::TransactionConflict, "TransactionConflict"),
        (json!({"put": "b"}), "PutItem", Effect::Throttled, "ProvisionedThroughputExceeded"),
        (json!({"put": "c"}), "PutItem", Effect::ServerError, "InternalServerError"),
        (json!({"send": "d"}), "SendMessage", Effect::Throttled, "RequestThrottled"),
        (json!({"mail": "e@example.com"}), "SendEmail", Effect::Throttled, "TooManyRequests"),
    ] {
        // More than the SDK repeats.
        machine.faults().add(Fault::new(operation, effect).times(5));
        let output = machine.invoke("WriterFunction", &event).await.unwrap();
        assert!(output.as_str().unwrap().contains(expected), "{effect:?}: {output}");
        machine.faults().clear();
        assert_eq!(machine.invoke("WriterFunction", &event).await.unwrap(), "ok", "nothing was done");
    }
    machine.stop().await;
}

#[tokio::test]
async fn a_process_is_killed_before_or_after_a_call() {
    let (machine, _folder) = machine().await;
    let killed = Err(InvokeError::Exited { how: "exited with signal: 9".to_owned() });
    machine.faults().add(Fault::new("PutItem", Effect::KillBefore));
    assert_eq!(machine.invoke("WriterFunction", &json!({"put": "a"})).await, killed);
    let item = dynamodb(&machine).get_item().table_name("local-Table").key("pk", s("a")).key("sk", s("SESSION"));
    assert_eq!(item.send().await.unwrap().item(), None, "killed before");
    machine.faults().add(Fault::new("PutItem", Effect::KillAfter));
    assert_eq!(machine.invoke("WriterFunction", &json!({"put": "a"})).await, killed);
    let again = machine.invoke("WriterFunction", &json!({"put": "a"})).await.unwrap();
    assert!(again.as_str().unwrap().contains("ConditionalCheckFailed"), "killed after: {again}");
    machine.stop().await;
}

#[tokio::test]
async fn faults_can_be_set_over_http() {
    let (machine, _folder) = machine().await;
    let url = format!("{}/_local/faults", machine.aws_url());
    let fault = json!({"operation": "PutItem", "effect": "server_error", "times": 9, "every_attempt": true});
    assert_eq!(http("POST", &url, &[], fault.to_string()).await.status, 201);
    let output = machine.invoke("WriterFunction", &json!({"put": "a"})).await.unwrap();
    assert!(output.as_str().unwrap().contains("InternalServerError"), "{output}");
    assert_eq!(http("DELETE", &url, &[], "").await.status, 204);
    assert_eq!(machine.invoke("WriterFunction", &json!({"put": "a"})).await.unwrap(), "ok");
    machine.stop().await;
}

async fn start_error(config: local::Config) -> String {
    Machine::start(config).await.err().unwrap().to_string()
}

#[tokio::test]
async fn what_cannot_start_says_why_in_one_line() {
    let (machine, folder) = machine().await;
    let port = machine.api_url().rsplit(':').next().unwrap().parse().unwrap();
    let in_use = start_error(config(&folder)).await;
    assert!(in_use.contains("in use by another `local`"), "{in_use}");

    let fresh = tempfile::tempdir().unwrap();
    let occupied = start_error(local::Config { api_port: port, ..config(&fresh) }).await;
    assert!(occupied.contains(&port.to_string()) && occupied.contains("--port"), "{occupied}");
    // The mailbox just takes the next one.
    let mail_port = machine.mail_url().rsplit(':').next().unwrap().parse().unwrap();
    let neighbour = Machine::start(local::Config { mail_port, ..config(&fresh) }).await.unwrap();
    assert_ne!(neighbour.mail_url(), machine.mail_url());
    neighbour.stop().await;

    let missing = start_error(local::Config { bin_dir: folder.path().to_owned(), ..config(&fresh) }).await;
    assert!(missing.contains("fixture") && missing.contains("make debug"), "{missing}");
    let file = fresh.path().join("file");
    std::fs::write(&file, "").unwrap();
    let unusable = start_error(local::Config { data_dir: file, ..config(&fresh) }).await;
    assert!(unusable.contains("--data-dir"), "{unusable}");
    let none = start_error(local::Config::for_tests("no-such.yaml", bin_dir(), fresh.path().join("x"))).await;
    assert!(none.contains("no-such.yaml"), "{none}");
    for message in [in_use, occupied, missing, unusable, none] {
        assert_eq!(message.lines().count(), 1, "{message}");
    }

    machine.stop().await;
    Machine::start(config(&folder)).await.unwrap().stop().await;
    assert!(matches!(
        Machine::start(local::Config::for_tests(template(), "/none", fresh.path())).await,
        Err(StartError::MissingBinary { .. })
    ));
}

#[tokio::test]
async fn schedules_run_at_the_interval_and_never_twice_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let interval = Some(std::time::Duration::from_millis(5));
    let machine = Machine::start(local::Config { schedule_interval: interval, ..config(&folder) }).await.unwrap();
    let lines = machine
        .until(PATIENCE, |machine| {
            let lines = lines(machine, "ScheduleFunction");
            (lines.len() >= 6).then_some(lines)
        })
        .await
        .unwrap();
    for pair in lines.chunks_exact(2) {
        assert_eq!(pair, ["tick \"Scheduled Event\"", "tock"]);
    }
    machine.stop().await;
}
