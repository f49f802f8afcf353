//! Applications, as the operator makes and changes them.

use std::fs;

use serde_json::{Value, json};

use crate::machine::{Machine, text};

const PUBLIC: &str = include_str!("../../../local/demo-application.pem");
const PRIVATE: &str = include_str!("../../../tests/clients/demo-application.pem");

/// The demo's public key.
const DEMO: &str = "a7aba84786018bfa";
/// Others, of 2048 bits, made by `openssl genpkey -algorithm RSA`; the private keys are gone.
const OTHERS: [&str; 5] = [
    "-----BEGIN PUBLIC KEY-----\n\
     MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAjPROAHoz4UeRO9Wig5je\n\
     VrCaTv/OkMfkSr0pyTGtT9i1vDeVzXagtOvNG/58uW1xIlcEZ3VMH2gRCesPeAn5\n\
     HJYYsHiqgn9iRlh2ZHDdZeSd4NWjRkotz1kdMibulnU7K6j7lz846DJBMjFCKVj0\n\
     91N/h+GaD0YM2+s6RjSSdfhq3N+sq99fQf0jzhkXL/15OH59PMO70xnA7mrBe2SU\n\
     50TZiDokwSGh63lA5ypt+U7xUH3Tw4J64Tjzke5OtY7OzwsEzCb4qpzQ3mA55umD\n\
     8a9uADYvmdTaVLo1Ld1IHX8la/sO6jarnufWXXwnZ3weND4bH4JXaU7/02sxj3NX\n\
     nwIDAQAB\n\
     -----END PUBLIC KEY-----",
    "-----BEGIN PUBLIC KEY-----\n\
     MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAy23QI6C+ar68pqHnTZvs\n\
     8AkJs4Z3ztVLwI58TsMp3qLoaJKt59mLP3o5GL14D0SLU+cGj7VH4Ys1ROidD06T\n\
     brpAzQfbI2bj5A2VwSZEps2vPRCbT0ybt0PIUdn5yMVTkhL5wGGXeZfzZK46zetV\n\
     haRRIqhuZujGW8A+14OSxlqv6Ls9+YFrkOtTcLnibzlwgW5KrSBZltxkcKTw5ABO\n\
     ZvR49j8GBcTodTcJ2pAgY491LN/jqayHgZ8iCEFNIfGj53FBHfvFa1qg5pwCWqRx\n\
     L+n9YHCRuT+kGfFKYqi42qjyMvhd4bhUScJjH9ZdKPmCpNeagjDjcRqGkCHyEP4h\n\
     xQIDAQAB\n\
     -----END PUBLIC KEY-----",
    "-----BEGIN PUBLIC KEY-----\n\
     MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA00UHe2YmpJZzNw6Fjr9j\n\
     AoTNfKlkzefscvVD59AqyvwXzjucx5Py+fILKJgtpmXIam8KPrsyvRpyiPLJA3Xd\n\
     Dj66yteTqWeLQnd8ioXht5+qpYhBOi9khW4gemltTf4akRDV5rJz8DVKxP/tqIbC\n\
     BdHpmLhg1qnxlSiz6uKuBRzTYdpmLcvBOIbVgzIo9xedFfTVn9dnuiBXEtB6IHBr\n\
     Yt4RjfDrc1fVG6kWw67v+DihWa4c8RIW85uP4iV32eHTrvzfgdSSaXHs0RzDJBFG\n\
     LPTLJHnWUxBK57hd/X+H0amnYuJRwAq5z3w5p97BGDJvnjRt2mUM5/9d3+vz1jIg\n\
     iQIDAQAB\n\
     -----END PUBLIC KEY-----",
    "-----BEGIN PUBLIC KEY-----\n\
     MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1zml/VWxFp8B6Zk4yJIy\n\
     UV9pKk4LsQFH3MMZ2FmK7RMziyizcQDwrGw/9k912qT07qFcd6paI/SZIwfAtP8V\n\
     7U/btLwoFKhLShNMTV93TjH2qdGrqiR1bpOdNXGY1UV6hplpHnEccXjtGHZtTvWz\n\
     OXr9qGct+mSEzKmXYHXm6IdwCjJFbuudwwOj3M3yAzHE4/mIzmAcNyKVF0oD2Jrt\n\
     pjJWHehbnkX0j0fVVsyW0Ovj88ILE9pfYm6bK5AYc9UPAggaYrCj7iruSGwJtnVC\n\
     Spjqpi+zJ5Jxj0Ux7rdoHj8N044GtfPraKOjYghWOOM1MJ0WoDW8Z8SxcoCazoZz\n\
     XwIDAQAB\n\
     -----END PUBLIC KEY-----",
    "-----BEGIN PUBLIC KEY-----\n\
     MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA2oFJ8dhRu2cfz9l/77UE\n\
     i2K38nrIVp9ZVbNmzjYjPoHYlCT6IrbqIK8TfvM3OPr/eT29mc8LAVnRqo6DWpXP\n\
     TnmZ8BXkB+V4y8eQ+eoGrshzB43ZaI5mhHNYCE5CWGjr1hK2donxnvawiq6qEQ+V\n\
     j3wl4wF2tgETQH5gE+UUWh59mUmsYNCNnLwgWZm8TmdWZxREdO+t1ymqNxhe9Tqo\n\
     iu0w6tbTsYiHqLUbPUdxxhwDULUek+D/M7Zg+WCG0Vpjizyk3bd/VGKVKDUKyFwp\n\
     ojRgl/yJfVKbTn43EToXsBymjkVxImDO0IIz5ZOm4xGe+kS2CK2EZ+9wCHlJRp2U\n\
     GwIDAQAB\n\
     -----END PUBLIC KEY-----",
];

struct Keys {
    folder: tempfile::TempDir,
}

impl Keys {
    fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn start() -> (Machine, Keys, String) {
    let machine = Machine::start();
    machine.json(&["merchants", "create", "acme", "--name", "Acme Ltd"]);
    let issued = machine.json(&["keys", "issue", "acme", "--mode", "live"]);
    let key = issued.get("key_id").and_then(Value::as_str).unwrap().to_owned();
    (machine, Keys { folder: tempfile::tempdir().unwrap() }, key)
}

fn ids(shown: &Value) -> Vec<&str> {
    shown["public_keys"].as_array().unwrap().iter().map(|key| key["id"].as_str().unwrap()).collect()
}

fn urls(shown: &Value) -> Vec<&str> {
    shown["redirect_urls"].as_array().unwrap().iter().map(|url| url["url"].as_str().unwrap()).collect()
}

#[test]
fn an_application_from_first_to_last() {
    let (machine, keys, key) = start();
    let (demo, other) = (keys.file("demo.pem", PUBLIC), keys.file("other.pem", OTHERS[0]));
    let (shop, back) = ("https://shop.example/", "https://shop.example/back");
    let create = ["applications", "create", &key, "--public-key", &demo, "--redirect-url", back];
    let would_be = machine.dry(&create);
    let mut created = machine.json(&create);
    assert_eq!((ids(&would_be), ids(&created), urls(&created)), (vec![DEMO], vec![DEMO], vec![back]));
    let created_at = created["application"]["created_at"].take();
    let expected = json!({ "key_id": key, "mode": "live", "signed": true, "public_keys": 1, "redirect_urls": 1, "created_at": null });
    assert_eq!(created["application"], expected);
    assert!(machine.refused(&create).contains("already"));

    // Rotation: a second one, both, and then without the first.
    let add = ["applications", "keys", "add", &key, &other];
    assert_eq!(ids(&machine.dry(&add)).len(), 2);
    let both = machine.json(&add);
    assert_eq!((ids(&both).len(), ids(&both)[0]), (2, DEMO));
    assert_eq!(machine.json(&add), both, "again it is nothing new");
    let remove = ["applications", "keys", "remove", &key, DEMO];
    assert_eq!(ids(&machine.dry(&remove)), ids(&both)[1..]);
    let removed = machine.run(&remove);
    assert!(text(&removed.stderr).contains("30 seconds") && !text(&removed.stderr).contains("No public key"));
    assert!(machine.refused(&remove).contains(&format!("{key} has no public key {DEMO}")));
    let last = ids(&both)[1];
    assert!(
        text(&machine.run(&["applications", "keys", "remove", &key, last]).stderr).contains("No public key is left")
    );

    let change = ["applications", "urls", &key, "--add", shop, "--add", shop, "--remove", back];
    assert_eq!(urls(&machine.dry(&change)), [shop]);
    assert_eq!(urls(&machine.json(&change)), [shop]);
    assert_eq!(machine.json(&["applications", "signed", &key, "true"])["application"]["signed"], true);
    let shown = machine.json(&["applications", "show", &key]);
    assert_eq!((ids(&shown).len(), urls(&shown), &shown["application"]["created_at"]), (0, vec![shop], &created_at));
    let listed = machine.json(&["applications", "list", "acme"]);
    assert_eq!(listed, json!([shown["application"]]));
    assert_eq!(machine.json(&["verify"])["summary"]["items"], 3);

    assert_eq!(machine.dry(&["applications", "remove", &key])["status"], "would_be_removed");
    assert_eq!(machine.json(&["applications", "remove", &key])["status"], "removed");
    for command in [&["applications", "remove", &key][..], &["applications", "show", &key], &add, &remove, &change] {
        assert!(machine.refused(command).contains(&format!("{key} is no application")), "{command:?}");
    }
    assert_eq!(machine.json(&["applications", "list", "acme"]), json!([]));
    assert_eq!(ids(&machine.json(&create)), [DEMO], "it can be made again");
    assert_eq!(machine.json(&["verify"])["summary"]["items"], 3);
}

#[test]
fn what_is_no_public_key_is_refused_and_so_is_one_too_many() {
    let (machine, keys, key) = start();
    let other = "pk_live_acme_0123456789abcdef";
    assert!(machine.refused(&["applications", "create", other]).contains("there is no key"));
    assert!(machine.refused(&["applications", "create", "pk_test_nobody_1"]).contains("merchants list"));
    machine.json(&["applications", "create", &key]);
    for (name, content, said) in [
        ("private.pem", PRIVATE, "is a private key, which stays with the application"),
        ("weak.pem", WEAK, "must be an RSA key of 2048 to 8192 bits"),
        ("elliptic.pem", ELLIPTIC, "must be an RSA key of 2048 to 8192 bits"),
        ("empty.pem", "", "must be a public key in PEM"),
    ] {
        let output = machine.run(&["applications", "keys", "add", &key, &keys.file(name, content)]);
        let said_so = text(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(output.status.code() == Some(2) && said_so.contains(said), "{name}: {said_so}");
        assert!(!said_so.contains("MII"), "no key is shown");
    }
    let output = machine.run(&["applications", "keys", "add", &key, "nowhere.pem"]);
    assert!(output.status.code() == Some(2) && text(&output.stderr).contains("can't be read"), "{output:?}");
    for (n, pem) in OTHERS.iter().enumerate() {
        let shown = machine.json(&["applications", "keys", "add", &key, &keys.file("other.pem", pem)]);
        assert_eq!(ids(&shown).len(), n + 1);
    }
    let sixth = ["applications", "keys", "add", &key, &keys.file("demo.pem", PUBLIC)];
    assert!(machine.refused(&sixth).contains("5 public keys, which is the most"));
    let many: Vec<_> = (0..21).map(|n| format!("https://shop.example/{n}")).collect();
    let add = |count: usize| {
        let added = many.iter().take(count).flat_map(|url| ["--add", url]);
        ["applications", "urls", &key].into_iter().chain(added).collect::<Vec<_>>()
    };
    assert_eq!(urls(&machine.json(&add(20))).len(), 20);
    assert!(machine.refused(&add(21)).contains("20 URLs at the most"));
}

const WEAK: &str = "-----BEGIN PUBLIC KEY-----\n\
     MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCnalFts7bj9sf7e++p9FP+m1Jg\n\
     p3Q5+casrbdmlSBWzXO/11Iil6phD+tW8i4jHtWo3QV58/yU+bXUIdIYjpMRv7Cj\n\
     z4bxxc96UoqbeZWcVOuVFQRunasyZgjT7xnyOr5GLDojfJh6eWBRPuDVagVPEUKO\n\
     FMmcLCfgnuKFBU+yGwIDAQAB\n\
     -----END PUBLIC KEY-----";
const ELLIPTIC: &str = "-----BEGIN PUBLIC KEY-----\n\
     MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsRd/0t1fNwlzAhXFJqakZx7ysFD+\n\
     5eId4MmW73UxwGaRYsr/aa12B6aJK4io4ySkNICNTEP0bgGnxOPMoQueSw==\n\
     -----END PUBLIC KEY-----";
