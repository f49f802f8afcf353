//! Endpoints, good and bad, over plain HTTP.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::time::Duration;

use outbound::{
    Failure, Lookup, Method, RefusedUrl, Sender, TimeOuts, banked_signature, resolve_check, standard_signature,
};
use runtime::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::{LOCAL, USUAL, Untouched, answer, delivery, endpoint, failure, hasty_sender, secret, sender};

/// Writes and closes.
async fn write(mut stream: TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// Writes the beginning, then a little at a time, until the other side has had enough; how many bytes went out.
async fn drip(mut stream: TcpStream, beginning: &str, drop: &str) -> usize {
    let mut written = beginning.len();
    stream.write_all(beginning.as_bytes()).await.unwrap();
    let mut interval = tokio::time::interval(Duration::from_millis(20));
    loop {
        interval.tick().await;
        if stream.write_all(drop.as_bytes()).await.is_err() {
            return written;
        }
        written += drop.len();
    }
}

fn only_ok(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nok")
}

/// What a name resolves to, one answer after the other.
fn lookup_of(answers: Vec<Vec<IpAddr>>) -> Lookup {
    let answers = Mutex::new(VecDeque::from(answers));
    Lookup::by(move |_| {
        let next = answers.lock().unwrap().pop_front().expect("the name is looked up once more");
        async move { Ok(next) }
    })
}

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(93, 184, 215, 14));
const PRIVATE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

#[tokio::test]
async fn a_delivery_is_one_signed_post() {
    let (address, received) = endpoint(|stream| async { write(stream, &only_ok("200 OK")).await }).await;
    let mut delivery = delivery(&format!("http://{address}/hook?shop=1"));
    delivery.body = "{\"name\": \"Zoë\",\n \"a\": 1}".into();
    delivery.further_secrets = vec![secret(2)];
    let attempt = sender().send(&delivery).await;
    let headers = attempt.headers.clone();
    let answer = answer(attempt);
    assert_eq!((answer.status, answer.body_start.as_str()), (200, "ok"));

    let (request, ()) = received.await.unwrap();
    assert!(request.head.starts_with("POST /hook?shop=1 HTTP/1.1\r\n"), "{}", request.head);
    for (name, value) in &headers {
        assert_eq!(request.header(name), Some(value.as_str()), "{name}");
    }
    assert!(headers.iter().any(|(name, _)| *name == "banked-signature"), "{headers:?}");
    assert_eq!(request.body, delivery.body);
    for (name, expected) in [
        ("host", address.to_string()),
        ("content-type", "application/json".to_owned()),
        ("user-agent", format!("Counterfoil/{}", env!("CARGO_PKG_VERSION"))),
        ("webhook-id", "msg_1".to_owned()),
        ("webhook-timestamp", "1700000000".to_owned()),
        (
            "webhook-signature",
            standard_signature(&delivery.id, 1_700_000_000, &delivery.body, [&secret(1), &secret(2)]),
        ),
        ("banked-signature", banked_signature(1_700_000_000, &delivery.body, &secret(1))),
    ] {
        assert_eq!(request.header(name), Some(expected.as_str()), "{name}");
    }
    for name in ["accept-encoding", "authorization", "cookie", "referer"] {
        assert_eq!(request.header(name), None, "{name}");
    }
}

#[tokio::test]
async fn every_status_is_an_answer() {
    for (status, code) in [("200 OK", 200), ("204 No", 204), ("410 Gone", 410), ("500 Oops", 500), ("599 Odd", 599)] {
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        let (address, _received) = endpoint(|stream| async move { write(stream, &head).await }).await;
        let answer = answer(sender().send(&delivery(&format!("http://{address}/"))).await);
        assert_eq!((answer.status, answer.body_start.as_str()), (code, ""));
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let untouched = Untouched::new();
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let head =
            format!("HTTP/1.1 {status}\r\nlocation: http://{}/\r\ncontent-length: 2\r\n\r\nok", untouched.address());
        let (address, _received) = endpoint(|stream| async move { write(stream, &head).await }).await;
        let answer = answer(sender().send(&delivery(&format!("http://{address}/"))).await);
        assert_eq!(answer.status.to_string(), status[..3]);
    }
    untouched.assert();
}

#[tokio::test]
async fn who_never_answers_is_timed_out() {
    // It accepts the request, then waits for the other side to hang up.
    let (address, received) = endpoint(|mut stream| async move { stream.read(&mut [0]).await.unwrap_or(0) }).await;
    let attempt = hasty_sender().send(&delivery(&format!("http://{address}/"))).await;
    assert!((1_000..10_000).contains(&attempt.latency_ms), "{attempt:?}");
    assert_eq!(failure(attempt), Failure::TimedOut);
    assert_eq!(received.await.unwrap().1, 0);

    // It doesn't even accept the connection.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    assert_eq!(failure(hasty_sender().send(&delivery(&url)).await), Failure::TimedOut);
}

#[tokio::test]
async fn who_is_not_waited_for_is_given_up_sooner() {
    let soon = Duration::from_millis(300);
    let given_up = |attempt: outbound::DeliveryResult| {
        assert!((300..5_000).contains(&attempt.latency_ms), "{attempt:?}");
        assert_eq!(failure(attempt), Failure::NotAtOnce);
    };
    let (address, _received) = endpoint(|mut stream| async move { stream.read(&mut [0]).await.unwrap_or(0) }).await;
    given_up(sender().send_quickly(&delivery(&format!("http://{address}/")), soon).await);
    let (address, _received) =
        endpoint(|stream| async { drip(stream, "HTTP/1.1 200 OK\r\nx: ", "slowly").await }).await;
    given_up(sender().send_quickly(&delivery(&format!("http://{address}/")), soon).await);
    // Neither a handshake nor a look-up is waited for longer.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    given_up(sender().send_quickly(&delivery(&url), soon).await);
    let sender =
        Sender::with(USUAL, Lookup::by(|_| std::future::pending()), TimeOuts::default(), Clock::System).unwrap();
    given_up(sender.send_quickly(&delivery("http://shop.example.com/"), soon).await);
}

#[tokio::test]
async fn what_a_receiver_asks_for_is_read() {
    for (status, header, seconds) in [
        ("503 Busy", "Retry-After: 120", Some(120)),
        ("429 Slowly", "retry-after:7", Some(7)),
        ("404 No", "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT", Some(0)),
        ("500 Oops", "Retry-After: soon", None),
        ("200 OK", "X: y", None),
    ] {
        let head = format!("HTTP/1.1 {status}\r\n{header}\r\ncontent-length: 0\r\n\r\n");
        let (address, _received) = endpoint(|stream| async move { write(stream, &head).await }).await;
        let answer = answer(sender().send(&delivery(&format!("http://{address}/"))).await);
        assert_eq!(answer.retry_after, seconds.map(Duration::from_secs), "{header}");
    }
}

#[tokio::test]
async fn headers_that_drip_are_timed_out() {
    let (address, received) = endpoint(|stream| async { drip(stream, "HTTP/1.1 200 OK\r\nx: ", "slowly").await }).await;
    let attempt = hasty_sender().send(&delivery(&format!("http://{address}/"))).await;
    assert_eq!(failure(attempt), Failure::TimedOut);
    received.await.unwrap();
}

#[tokio::test]
async fn a_body_that_drips_is_cut_off_in_time() {
    let (address, received) =
        endpoint(|stream| async { drip(stream, "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nfirst", ".").await })
            .await;
    let started = Clock::System.instant();
    let attempt = sender().send(&delivery(&format!("http://{address}/"))).await;
    let elapsed = Clock::System.elapsed(started);
    assert!(elapsed < Duration::from_secs(5), "it is not read for the 15 s of an answer: {elapsed:?}");
    assert!(attempt.latency_ms < 1_000, "the latency is the status's: {attempt:?}");
    let answer = answer(attempt);
    assert_eq!(answer.status, 200);
    assert!(answer.body_start.starts_with("first"), "{answer:?}");
    received.await.unwrap();
}

#[tokio::test]
async fn of_a_long_body_the_beginning_is_kept() {
    let (address, _received) = endpoint(|mut stream| async move {
        let body = "0123456789".repeat(100_000);
        let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{body}").as_bytes()).await;
    })
    .await;
    let answer = answer(sender().send(&delivery(&format!("http://{address}/"))).await);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body_start, "0123456789".repeat(103)[..1024]);
}

#[tokio::test]
async fn a_body_without_end_is_hung_up_on() {
    let (address, received) = endpoint(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 500 Oops\r\n\r\n").await.unwrap();
        let mut written_bytes = 0;
        while stream.write_all(&[b'.'; 4096]).await.is_ok() {
            written_bytes += 4096;
        }
        written_bytes
    })
    .await;
    let started = Clock::System.instant();
    let answer = answer(sender().send(&delivery(&format!("http://{address}/"))).await);
    assert_eq!((answer.status, answer.body_start.len()), (500, 1024));
    let written_bytes = received.await.unwrap().1;
    assert!(Clock::System.elapsed(started) < Duration::from_secs(10), "it ended by the time-out");
    // What the kernel's buffers take counts as written.
    assert!(written_bytes < 32 * 1024 * 1024, "{written_bytes}");
}

#[tokio::test]
async fn a_body_that_breaks_off_takes_nothing_from_the_status() {
    for (text, kept) in [
        ("HTTP/1.1 202 Accepted\r\ncontent-length: 10\r\n\r\n", ""),
        ("HTTP/1.1 202 Accepted\r\ncontent-length: 10\r\n\r\nhalf", "half"),
        ("HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", "half"),
        ("HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\nnonsense", ""),
        ("HTTP/1.1 202 Accepted\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nhalf", "half"),
    ] {
        let (address, _received) = endpoint(|stream| async { write(stream, text).await }).await;
        let answer = answer(sender().send(&delivery(&format!("http://{address}/"))).await);
        assert_eq!((answer.status, answer.body_start.as_str()), (202, kept), "{text:?}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_off_earlier_is_no_answer() {
    for text in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n", "SSH-2.0-OpenSSH_9.9\r\n"] {
        let (address, _received) = endpoint(|stream| async { write(stream, text).await }).await;
        let attempt = sender().send(&delivery(&format!("http://{address}/"))).await;
        assert_eq!(failure(attempt), Failure::ConnectionFailed, "{text:?}");
    }
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_no_answer() {
    // Bound, so that nobody else takes it meanwhile.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let url = format!("http://{}/", socket.local_addr().unwrap());
    assert_eq!(failure(sender().send(&delivery(&url)).await), Failure::ConnectionFailed);
}

#[tokio::test]
async fn a_name_without_address_is_reported_as_that() {
    let url = delivery("http://shop.example.com/");
    let unknown = [Lookup::by(|_| async { Err(std::io::Error::other("no such name")) }), lookup_of(vec![vec![]])];
    for lookup in unknown {
        let sender = Sender::with(USUAL, lookup, TimeOuts::default(), Clock::System).unwrap();
        assert_eq!(failure(sender.send(&url).await), Failure::NameNotFound);
    }
    let hangs = Lookup::by(|_| std::future::pending());
    let sender = Sender::with(USUAL, hangs, TimeOuts { connect_ms: 100, answer_ms: 15_000 }, Clock::System).unwrap();
    let attempt = sender.send(&url).await;
    assert!(attempt.latency_ms < 5_000, "{attempt:?}");
    assert_eq!(failure(attempt), Failure::TimedOut);
}

#[tokio::test]
async fn a_host_in_figures_is_checked_before_each_send() {
    let untouched = Untouched::new();
    let port = untouched.address().port();
    let never = Lookup::by(|name| async move { panic!("{name} is looked up") });
    let sender = Sender::with(USUAL, never, TimeOuts::default(), Clock::System).unwrap();
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "[::1]", "localhost", "169.254.169.254"] {
        let attempt = sender.send(&delivery(&format!("http://{host}:{port}/"))).await;
        assert_eq!(failure(attempt), Failure::AddressNotAllowed, "{host}");
    }
    untouched.assert();
}

#[tokio::test]
async fn a_name_that_has_become_private_is_not_connected_to() {
    let untouched = Untouched::new();
    let url = format!("http://shop.example.com:{}/", untouched.address().port());
    let lookup = lookup_of(vec![vec![PUBLIC], vec![HERE], vec![PRIVATE, HERE]]);
    assert_eq!(resolve_check(&url.parse().unwrap(), USUAL, &lookup).await, Ok::<(), RefusedUrl>(()));
    let sender = Sender::with(USUAL, lookup, TimeOuts::default(), Clock::System).unwrap();
    assert_eq!(failure(sender.send(&delivery(&url)).await), Failure::AddressNotAllowed);
    assert_eq!(failure(sender.send(&delivery(&url)).await), Failure::AddressNotAllowed);
    untouched.assert();
}

/// It may have been registered by an earlier release.
#[tokio::test]
async fn a_blocked_port_is_not_connected_to() {
    let never = Lookup::by(|name| async move { panic!("{name} is looked up") });
    let sender = Sender::with(LOCAL, never, TimeOuts::default(), Clock::System).unwrap();
    for host in ["127.0.0.1:0", "127.0.0.1:25", "shop.example.com:6667"] {
        let attempt = sender.send(&delivery(&format!("http://{host}/"))).await;
        assert_eq!(failure(attempt), Failure::PortNotAllowed, "{host}");
    }
}

/// Here this machine stands for the public internet, as nothing but this machine can be connected to in a test.
#[tokio::test]
async fn each_delivery_looks_up_its_name_and_connects_again() {
    let (address, received) = endpoint(|mut stream| async move {
        // Kept open: the next delivery could use it.
        stream.write_all(only_ok("200 OK").as_bytes()).await.unwrap();
        stream.read(&mut [0]).await.unwrap_or(0)
    })
    .await;
    let delivery = delivery(&format!("http://shop.example.com:{}/", address.port()));
    let lookup = lookup_of(vec![vec![PRIVATE, HERE], vec![PRIVATE]]);
    let sender = Sender::with(LOCAL, lookup, TimeOuts::default(), Clock::System).unwrap();
    assert_eq!(answer(sender.send(&delivery).await).status, 200, "the public one of both is connected to");
    assert_eq!(failure(sender.send(&delivery).await), Failure::AddressNotAllowed);
    let (request, more_bytes) = received.await.unwrap();
    assert_eq!(request.header("host"), Some(format!("shop.example.com:{}", address.port()).as_str()));
    assert_eq!(more_bytes, 0, "the connection is closed after its answer");
}

#[tokio::test]
async fn what_is_wanted_whole_comes_whole_in_time_and_within_a_limit() {
    let post = async |address: SocketAddr| {
        let url = format!("http://{address}/token").parse().unwrap();
        hasty_sender().post_whole(&url, &[("x-a", "1".to_owned())], "a=1".to_owned()).await
    };
    let (address, received) = endpoint(|stream| async { write(stream, &only_ok("400 Bad Request")).await }).await;
    assert_eq!(post(address).await, Ok((400, b"ok".to_vec())));
    let (request, ()) = received.await.unwrap();
    assert!(request.head.starts_with("POST /token HTTP/1.1\r\n"), "{}", request.head);
    assert_eq!((request.header("x-a"), request.body.as_slice()), (Some("1"), &b"a=1"[..]));

    let (address, _) = endpoint(|stream| drip(stream, "HTTP/1.1 200 OK\r\n\r\n", "a")).await;
    assert_eq!(post(address).await, Err(Failure::TimedOut));
    let endless = |stream| async { drip(stream, "HTTP/1.1 200 OK\r\n\r\n", &"a".repeat(65_536)).await };
    let (address, _) = endpoint(endless).await;
    assert_eq!(post(address).await, Err(Failure::ConnectionFailed));

    let untouched = Untouched::new();
    let url = format!("http://{}/", untouched.address()).parse().unwrap();
    let usual = Sender::new(USUAL, Clock::System).unwrap();
    assert_eq!(usual.get_whole(&url).await, Err(Failure::AddressNotAllowed));
    assert_eq!(usual.post_whole(&url, &[], String::new()).await, Err(Failure::AddressNotAllowed));
    untouched.assert();
}

#[tokio::test]
async fn an_answer_may_be_as_long_as_its_caller_says() {
    for (max_bytes, expected) in [(2, Ok(b"ok".to_vec())), (1, Err(Failure::ConnectionFailed))] {
        let (address, _) = endpoint(|stream| async { write(stream, &only_ok("200 OK")).await }).await;
        let url = format!("http://{address}/").parse().unwrap();
        let answer = sender().call(Method::GET, &url, &[], None, max_bytes).await;
        assert_eq!(answer.map(|answer| answer.body), expected, "{max_bytes}");
    }
}

#[tokio::test]
async fn a_call_is_the_request_that_it_is_given() {
    let requests =
        [(Method::GET, None), (Method::POST, None), (Method::POST, Some(r#"{"a": 1}"#)), (Method::PUT, Some(""))];
    for (method, body) in requests {
        let (address, received) = endpoint(|stream| async { write(stream, &only_ok("409 Conflict")).await }).await;
        let url = format!("http://{address}/v1/things?a=b").parse().unwrap();
        let headers = [("authorization", "Bearer quiet".to_owned()), ("x-a", "1".to_owned())];
        let answer = sender().call(method.clone(), &url, &headers, body.map(str::to_owned), 2).await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (409, &b"ok"[..]));
        let (request, ()) = received.await.unwrap();
        assert!(request.head.starts_with(&format!("{method} /v1/things?a=b HTTP/1.1\r\n")), "{}", request.head);
        assert_eq!((request.header("authorization"), request.header("x-a")), (Some("Bearer quiet"), Some("1")));
        let body = body.unwrap_or_default();
        assert_eq!(request.body, body.as_bytes());
        // Servers may refuse a request that is to do something and says no length (RFC 9110, 8.6 and 15.5.12).
        let length = (method != Method::GET).then(|| body.len().to_string());
        assert_eq!(request.header("content-length"), length.as_deref(), "{method} {body}");
        assert_eq!(request.head.matches("content-length").count(), usize::from(length.is_some()));
    }
    let untouched = Untouched::new();
    let url = format!("http://{}/", untouched.address()).parse().unwrap();
    let usual = Sender::new(USUAL, Clock::System).unwrap();
    assert_eq!(usual.call(Method::GET, &url, &[], None, 2).await, Err(Failure::AddressNotAllowed));
    let broken = [("x-a", "1\r\nx-b: 2".to_owned())];
    assert_eq!(sender().call(Method::GET, &url, &broken, None, 2).await, Err(Failure::ConnectionFailed));
    untouched.assert();
}
