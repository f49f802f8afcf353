//! What payers see of a merchant, as the operator says it.

use std::fs;

use serde_json::{Value, json};
use store::Shops;

use crate::machine::{Machine, refused, text, wrong_line};

const LOGO: &str = r##"<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><script>alert(1)</script><path d="M0 0h9v9z"/></svg>"##;

fn shop(machine: &Machine) -> Option<models::Shop> {
    machine.runtime.block_on(Shops::new(machine.table()).get(&"acme".parse().unwrap())).unwrap()
}

#[test]
fn a_shop_is_created_changed_and_shown() {
    let (machine, folder) = (Machine::start(), tempfile::tempdir().unwrap());
    let logo = folder.path().join("candle.svg");
    fs::write(&logo, LOGO).unwrap();
    let logo = logo.to_str().unwrap();
    let create = ["merchants", "create", "acme", "--name", "Acme Ltd"];
    let given = ["--display-name", "Bright Candles", "--support-email", "help@brightcandles.example"];
    let given = [&given[..], &["--support-url", "https://brightcandles.example/help", "--logo", logo]].concat();
    let given = [&given[..], &["--website", "https://brightcandles.example", "--colour", "#8A4B08"]].concat();
    let all = [&create[..], &given].concat();
    let would_be = machine.dry(&all);
    assert_eq!(shop(&machine), None);
    let created = machine.run(&all);
    assert!(
        created.status.success() && text(&created.stderr).contains("#8a4b08 is used on light pages"),
        "{created:?}"
    );
    let kept = shop(&machine).unwrap();
    let logo_bytes = kept.logo.as_ref().unwrap().bytes();
    assert!(text(logo_bytes).starts_with("<svg ") && !text(logo_bytes).contains("alert"), "{}", text(logo_bytes));
    let mut expected = json!({
        "id": "acme",
        "name": "Acme Ltd",
        "list_shards": 1,
        "display_name": "Bright Candles",
        "support_email": "help@brightcandles.example",
        "support_url": "https://brightcandles.example/help",
        "website": "https://brightcandles.example",
        "colour": "#8a4b08",
        "logo": { "kind": "SVG", "bytes": logo_bytes.len() },
    });
    assert_eq!(machine.json(&["merchants", "show", "acme"]), expected);
    assert_eq!(would_be, expected);
    assert!(machine.refused(&all).contains("already"));

    // What is given changes, what is empty goes, all else stays.
    let update = ["merchants", "update", "acme", "--website", "", "--logo", "", "--colour", "#ffd08a"];
    (expected["website"], expected["logo"], expected["colour"]) = (Value::Null, Value::Null, json!("#ffd08a"));
    assert_eq!(machine.dry(&update), expected);
    assert_eq!(shop(&machine), Some(kept));
    let updated = machine.run(&[&update[..], &["--output", "json"]].concat());
    assert!(text(&updated.stderr).contains("#ffd08a is used on dark pages"), "{updated:?}");
    assert_eq!(serde_json::from_slice::<Value>(&updated.stdout).unwrap(), expected);
    assert_eq!(machine.json(&["merchants", "show", "acme"]), expected);
    expected["display_name"] = json!("Dim Candles");
    assert_eq!(machine.json(&["merchants", "update", "acme", "--display-name", "Dim Candles"]), expected);
    assert_eq!(machine.json(&["verify"])["summary"]["items"], 2);
}

#[test]
fn a_shop_needs_a_name_and_a_merchant() {
    let machine = Machine::start();
    let email = ["--support-email", "help@brightcandles.example"];
    let create = [&["merchants", "create", "acme", "--name", "Acme Ltd"][..], &email].concat();
    assert!(machine.refused(&create).contains("--display-name"));
    assert!(machine.refused(&["merchants", "show", "acme"]).contains("merchants list"), "nothing was created");
    let update = ["merchants", "update", "acme", "--display-name", "Bright Candles"];
    assert!(machine.refused(&update).contains("merchants list"));
    assert_eq!(shop(&machine), None);
    machine.json(&["merchants", "create", "acme", "--name", "Acme Ltd"]);
    for dry in [&[][..], &["--dry-run"]] {
        let nameless = [&["merchants", "update", "acme"][..], &email, dry].concat();
        assert!(machine.refused(&nameless).contains("--display-name"));
    }
    assert!(wrong_line(&machine.run(&["merchants", "update", "acme"])).contains("nothing to change"));
    assert_eq!(machine.json(&update)["display_name"], "Bright Candles");
    assert_eq!(machine.json(&[&["merchants", "update", "acme"][..], &email].concat())["support_email"], email[1]);
}

#[test]
fn what_is_no_shop_is_refused_with_what_to_do() {
    let (machine, folder) = (Machine::start(), tempfile::tempdir().unwrap());
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let loading = LOGO.replace("<script>", "<image href=\"https://evil.example/a.png\"/><script>");
    for (flag, value, said) in [
        ("--display-name", "", "must be 1 to 140 characters"),
        ("--support-email", "help", "must be an e-mail address"),
        ("--support-url", "javascript:alert(1)", "must be an http or https URL"),
        ("--website", "brightcandles.example", "must be an http or https URL"),
        ("--colour", "brown", "such as #8a4b08"),
        ("--logo", "nowhere.svg", "can't be read"),
        ("--logo", &file("logo.gif", b"GIF89a"), "export the logo as one of them"),
        ("--logo", &file("loading.svg", loading.as_bytes()), "refers to /a.png"),
        ("--logo", &file("cut.png", b"\x89PNG\r\n\x1a\n\0\0"), "is no whole PNG"),
    ] {
        let output = machine.run(&["merchants", "update", "acme", flag, value]);
        assert_eq!(output.status.code(), Some(2), "{flag} {value}: {output:?}");
        assert!(text(&output.stderr).contains(said), "{flag} {value}: {}", text(&output.stderr));
    }
    assert!(refused(&machine.run(&["merchants", "update", "acme", "--logo", ""])).contains("merchants list"));
}
