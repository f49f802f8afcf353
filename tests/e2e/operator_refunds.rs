//! Payments and refunds that operators cancel, and refunds that they make: each once, with an act, as the console's pages show it.

use local::truelayer::Fault;
use models::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{Browser, World, text};

use crate::console_accounts::{run_shown, shown_command};
use crate::console_refunds::{acts, path};
use crate::operator::{Ran, answer, run, run_in};
use crate::truelayer::{BANK, at_the_bank, state, truelayer, with_merchant_account};
use crate::{refunds_at_provider, truelayer_operator, truelayer_refunds};

/// Every request about payments at TrueLayer.
const PAYMENTS: &str = "/v3/payments";

/// The amounts of a session's refunds, oldest first.
async fn refunds(world: &World, session: &Value) -> Vec<i64> {
    let refunds = world.get(&text(&session["id"])).await["refunds"].as_array().unwrap().clone();
    refunds.iter().map(|refund| refund["amount"].as_i64().unwrap()).collect()
}

async fn shown(browser: &Browser<'_>, path: &str) -> String {
    let page = browser.get(path).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    page.html
}

/// That an operator is recorded to have done it, for this reason.
fn assert_by_operator(act: &Value, reason: &Value) {
    assert_eq!(act["outcome"]["S"], "done", "{act}");
    assert!(!text(&act["who"]["M"]["operator"]["S"]).is_empty(), "{act}");
    assert_eq!(&act["reason"], reason, "{act}");
}

fn note(text: &str) -> Value {
    json!({ "M": { "other": { "S": text } } })
}

#[tokio::test]
async fn the_commands_that_pages_show_refund_and_cancel() {
    let world = World::with_console().await;
    let browser = world.sign_in(Role::Refund).await;
    // A part of it, as the checked form says.
    let session = world.paid_from_withheld_account().await;
    let form = format!("{}/refund", path(&session));
    let account =
        [("to", "account"), ("name", "Ada O'Neil"), ("sort_code", "11-22-33"), ("account_number", "87655678")];
    let typed = [("step", "check"), ("seen", "0"), ("amount", "1.50"), ("reason", "other"), ("note", "It's broken")];
    let check = browser.post(&form, &[&typed[..], &account].concat()).await;
    assert_eq!(check.status, StatusCode::OK, "{}", check.html);
    let words = shown_command(&check.html).await.join(" ");
    assert!(check.html.contains("ACCOUNT_NAME, SORT_CODE and ACCOUNT_NUMBER\ncounterfoil refunds create"), "{words}");
    for hidden in ["87655678", "112233", "11-22-33", "O'Neil"] {
        assert!(!words.contains(hidden), "{words}");
    }
    let made = run_shown(&world, &check.html).await;
    assert_eq!((&made["state"], &made["amount"]["amount_minor"]), (&json!("awaiting_payment"), &json!(150)), "{made}");
    assert!(text(&made["authorise_at"]).contains("/checkout/"), "{made}");
    // The rest, as the form says: the payer is asked for the account.
    let rest = run_shown(&world, &shown(&browser, &form).await).await;
    assert_eq!((&rest["state"], &rest["stays"]["amount_minor"]), (&json!("awaiting_details"), &json!(0)), "{rest}");
    assert!(text(&rest["refund_page"]).contains("/refunds/"), "{rest}");
    assert_eq!(refunds(&world, &session).await, [150, 250]);
    let made = acts(&world, "refund_made").await;
    assert_eq!(made.len(), 2);
    let first = made.iter().find(|act| act["change"]["M"]["from"]["S"] == "£4.00").unwrap();
    assert_by_operator(first, &note("It's broken"));
    assert_eq!(first["change"]["M"]["to"]["S"], "£2.50");
    // A refund, and a payment.
    let cancel = format!("/console/test/refunds/{}/cancel", text(&rest["refund_id"]));
    let page = shown(&browser, &cancel).await;
    for result in ["cancelled", "was_cancelled_before"] {
        assert_eq!(run_shown(&world, &page).await["result"], result);
    }
    assert_eq!(world.get(&text(&session["id"])).await["refundable_amount"], 250);
    let open = world.create().await;
    let page = shown(&browser, &format!("{}/cancel", path(&open))).await;
    for result in ["cancelled", "was_cancelled_before"] {
        assert_eq!(run_shown(&world, &page).await["result"], result);
    }
    assert_eq!(world.get(&text(&open["id"])).await["failure_reason"], "cancelled_by_merchant");
    for what in ["refund_cancelled", "payment_cancelled"] {
        let acts = acts(&world, what).await;
        assert_eq!(acts.len(), 1, "{what}");
        assert_by_operator(&acts[0], &note("Ordered twice"));
    }
}

#[tokio::test]
async fn a_repeat_makes_no_second_refund() {
    let world = World::start().await;
    let session = world.paid().await;
    let id = text(&session["id"]);
    let refund = async |more: &[&str]| {
        run(&world, &[&["refunds", "create", &id, "--reason", "returned"][..], more].concat()).await
    };
    let dry = refund(&["--amount", "1.00", "--dry-run"]).await;
    assert_eq!((dry.code, &dry.json["stays"]["amount_minor"]), (0, &json!(300)), "{}", dry.said);
    assert_eq!(dry.json["refunds_so_far"], 0);
    let unasked = refund(&["--amount", "1.00"]).await;
    assert!(unasked.code == 1 && unasked.said.contains("--refunds-so-far 0"), "{}", unasked.said);
    assert_eq!(refunds(&world, &session).await, [0; 0]);
    let once = ["--amount", "£1.00", "--refunds-so-far", "0"];
    let made = refund(&once).await;
    assert_eq!((made.code, &made.json["amount"]["amount_minor"]), (0, &json!(100)), "{}", made.said);
    assert_eq!(made.json["refunds_so_far"], 1, "with this one");
    for _ in 0..2 {
        let again = refund(&once).await;
        let said = "has had 1 refund, not 0 as --refunds-so-far says";
        assert!(again.code == 1 && again.said.contains(said), "{}", again.said);
    }
    let wrong =
        [("3.01", 1, "£3.00 left"), ("0", 2, "£3.00 is left"), ("1,5", 2, "£3.00 is left"), ("all", 2, "such as 3.00")];
    for (amount, code, said) in wrong {
        let wrong = refund(&["--amount", amount, "--refunds-so-far", "1"]).await;
        assert!(wrong.code == code && wrong.said.contains(said), "{amount}: {}", wrong.said);
    }
    let elsewhere = ["refunds", "create", &id, "--reason", "returned", "--account-from-env", "--refunds-so-far", "1"];
    let elsewhere = run_in(&world, &[("IBAN", "DE89370400440532013000")], &elsewhere).await;
    assert!(elsewhere.code == 1 && elsewhere.said.contains("leave out --account-from-env"), "{}", elsewhere.said);
    assert_eq!(refunds(&world, &session).await, [100]);
    assert_eq!(refund(&["--refunds-so-far", "1"]).await.code, 0);
    let nothing = refund(&["--refunds-so-far", "2"]).await;
    assert!(nothing.code == 1 && nothing.said.contains("as a whole"), "{}", nothing.said);
    assert_eq!(refunds(&world, &session).await, [100, 300]);
    let acts = acts(&world, "refund_made").await;
    assert_eq!(acts.len(), 2, "with each refund one, and none with what was refused");
    for act in &acts {
        assert_by_operator(act, &json!({ "S": "returned" }));
    }
}

/// The same command at once, as by two operators.
#[tokio::test]
async fn many_at_once_make_one_refund() {
    let world = World::start().await;
    let session = world.paid().await;
    let id = text(&session["id"]);
    let line = ["refunds", "create", &id, "--amount", "1", "--reason", "goodwill", "--refunds-so-far", "0"];
    let ran = futures_util::future::join_all((0..4).map(|_| run(&world, &line))).await;
    let (made, refused): (Vec<_>, Vec<_>) = ran.iter().partition(|ran| ran.code == 0);
    assert_eq!(made.len(), 1);
    // Whether the others counted before it was made or after, they say that it is there.
    let there = format!("refund {} is there already", text(&made[0].json["refund_id"]));
    for ran in refused {
        let is_said = ran.said.contains(&there) || ran.said.contains("has had 1 refund, not 0");
        assert!(ran.code == 1 && is_said, "{}", ran.said);
    }
    assert_eq!(refunds(&world, &session).await, [100]);
    assert_eq!(acts(&world, "refund_made").await.len(), 1);
}

#[tokio::test]
async fn what_can_not_be_cancelled_says_what_to_do() {
    let world = World::start().await;
    let paid = world.paid().await;
    let (id, reason) = (text(&paid["id"]), ["--reason", "duplicate"]);
    let cancel =
        async |of: &str, id: &str, more: &[&str]| run(&world, &[&[of, "cancel", id][..], &reason, more].concat()).await;
    let too_late = cancel("sessions", &id, &[]).await;
    assert!(too_late.code == 1 && too_late.said.contains("counterfoil refunds create"), "{}", too_late.said);
    let refund = world.refund(&paid, 100).await;
    let refund_id = text(&refund["id"]);
    let made = answer(&world, &["sessions", "show", &id]).await;
    let pays = text(&made["refunds"][0]["paid_by_session"]);
    let of_refund = cancel("sessions", &pays, &[]).await;
    let said = format!("counterfoil refunds cancel {refund_id}");
    assert!(of_refund.code == 1 && of_refund.said.contains(&said), "{}", of_refund.said);
    let dry = cancel("refunds", &refund_id, &["--dry-run"]).await;
    assert_eq!((dry.code, &dry.json["result"]), (0, &json!("would_be_cancelled")), "{}", dry.said);
    let merchant = world.refunder(&refund);
    merchant.choose_bank(1).await;
    merchant.decide(1, "approve").await;
    let sent = cancel("refunds", &refund_id, &[]).await;
    assert!(sent.code == 1 && sent.said.contains("it is sent"), "{}", sent.said);
    let open = world.create().await;
    let unpaid = ["refunds", "create", &text(&open["id"]), "--reason", "goodwill", "--refunds-so-far", "0"];
    let unpaid = run(&world, &unpaid).await;
    assert!(unpaid.code == 1 && unpaid.said.contains("only what is paid"), "{}", unpaid.said);
    for (of, said) in [("sessions", "there is no payment session "), ("refunds", "there is no refund ")] {
        let nobody = cancel(of, "00000000-0000-4000-8000-000000000000", &[]).await;
        assert!(nobody.code == 1 && nobody.said.contains(said), "{}", nobody.said);
    }
    // The id of the other kind.
    let refund_again = ["refunds", "create", &refund_id, "--reason", "goodwill", "--refunds-so-far", "0"];
    let conclude = ["refunds", "conclude", &id, "--not-there"];
    let its_session = format!("its payment session, {id}");
    let its_refunds = format!("`counterfoil sessions show {id}`");
    for (ran, said) in [
        (cancel("refunds", &id, &[]).await, &its_refunds),
        (cancel("sessions", &refund_id, &[]).await, &format!("`counterfoil refunds cancel {refund_id} --reason …`")),
        (run(&world, &refund_again).await, &its_session),
        (run(&world, &conclude).await, &its_refunds),
        (run(&world, &["erase", "session", &refund_id, "--yes"]).await, &its_session),
    ] {
        assert!(ran.code == 1 && ran.said.contains(said), "{said}: {}", ran.said);
    }
    for what in ["payment_cancelled", "refund_cancelled", "refund_made"] {
        assert_eq!(acts(&world, what).await, [Value::Null; 0], "{what}");
    }
}

#[tokio::test]
async fn what_may_be_paid_is_cancelled_with_its_banks_yes() {
    let world = World::start().await;
    for (decision, code) in [("", 0), ("approve", 1)] {
        let session = world.create().await;
        let payer = world.payer(&session);
        payer.identify().await;
        payer.choose("mock-consent", 1).await;
        let link = payer.link(1).await;
        if !decision.is_empty() {
            payer.consent(&link, decision).await;
        }
        let ran = run(&world, &["sessions", "cancel", &text(&session["id"]), "--reason", "duplicate"]).await;
        assert_eq!(ran.code, code, "{} {}", ran.said, ran.shown);
        let state = world.get(&text(&session["id"])).await["state"].clone();
        assert_eq!(state, if code == 0 { "failed" } else { "sent" });
    }
    assert_eq!(acts(&world, "payment_cancelled").await.len(), 1);
}

/// Cancels a payment at TrueLayer, by the stack's credentials.
async fn cancel_there(world: &World, session: &Value) -> Ran {
    let (id, url) = (text(&session["id"]), truelayer(world).url());
    let there = ["--secret-arn", truelayer_operator::SECRET, "--truelayer-url", url];
    run(world, &[&["sessions", "cancel", &id, "--reason", "duplicate"][..], &there].concat()).await
}

/// Its credentials are needed for what is at TrueLayer, and asked for.
#[tokio::test]
async fn what_is_at_truelayer_is_cancelled_there() {
    let world = World::with_truelayer().await;
    let session = at_the_bank(&world).await;
    let id = text(&session["id"]);
    for more in [&[] as &[&str], &["--dry-run"]] {
        let unable = run(&world, &[&["sessions", "cancel", &id, "--reason", "duplicate"][..], more].concat()).await;
        assert!(unable.code == 1 && unable.said.contains("--secret-arn"), "{}", unable.said);
        assert!(unable.said.contains("functions.env"), "{}", unable.said);
    }
    // TrueLayer is asked to cancel, and does not say that it did.
    let payment = truelayer(&world).payments().remove(0).id;
    truelayer(&world).fail_next(&format!("{PAYMENTS}/{payment}/actions/cancel"), Fault::Status(503));
    let silent = cancel_there(&world, &session).await;
    assert!(silent.code == 1 && silent.said.contains("there it may be. Run it again in a minute"), "{}", silent.said);
    assert_eq!(state(&world, &session).await, "awaiting_payment_consent");
    assert_eq!(cancel_there(&world, &session).await.code, 0);
    assert_eq!(world.get(&id).await["failure_reason"], "cancelled_by_merchant");
    assert_eq!(acts(&world, "payment_cancelled").await.len(), 1);
}

/// To another client TrueLayer says that there is no such payment, which says nothing about the payment.
#[tokio::test]
async fn what_truelayer_does_not_know_by_these_credentials_is_left_as_it_is() {
    let world = World::with_truelayer().await;
    let session = at_the_bank(&world).await;
    for (fault, said) in [(404, "TrueLayer knows no payment"), (403, "can't be asked"), (503, "can't be asked")] {
        truelayer(&world).fail_next(PAYMENTS, Fault::Status(fault));
        let refused = cancel_there(&world, &session).await;
        assert!(refused.code == 1 && refused.said.contains(said), "{fault}: {}", refused.said);
    }
    assert_eq!(state(&world, &session).await, "awaiting_payment_consent");
    // Its creation was not answered: the schedule repeats it, and nobody else.
    let unanswered = world.create().await;
    let payer = world.payer(&unanswered);
    payer.identify().await;
    truelayer(&world).fail_next(PAYMENTS, Fault::Status(503));
    payer.choose(BANK, 1).await;
    let early = cancel_there(&world, &unanswered).await;
    assert!(early.code == 1 && early.said.contains("in a minute"), "{}", early.said);
    assert_eq!(truelayer(&world).payments().len(), 1, "none is begun from here");
    assert_eq!(acts(&world, "payment_cancelled").await, [Value::Null; 0]);
}

/// What only the provider can send back is recorded, and the service asks for it.
#[tokio::test]
async fn a_refund_by_the_provider_is_asked_for_by_the_schedule() {
    let world = World::start().await;
    let session = refunds_at_provider::paid(&world).await;
    let id = text(&session["id"]);
    // The mock bank refuses what ends in 91.
    for (amount, seen, ends_as) in [("3.91", "0", "failed"), ("1.00", "1", "sent")] {
        let line = ["refunds", "create", &id, "--amount", amount, "--reason", "returned", "--refunds-so-far", seen];
        let made = run(&world, &line).await;
        assert_eq!((made.code, &made.json["to"]), (0, &json!("by_provider")), "{}", made.said);
        assert_eq!(made.json["state"], "awaiting_payment");
        assert!(made.said.contains("asked for it within two minutes"), "{}", made.said);
        let refund = json!({ "payment_session_id": id, "id": made.json["refund_id"] });
        for _ in 0..2 {
            if world.get_refund(&refund).await["state"] == "awaiting_payment" {
                refunds_at_provider::follow_up(&world, &refund).await;
            }
        }
        assert_eq!(world.get_refund(&refund).await["state"], ends_as, "{:#?}", world.machine.logs());
    }
    let nothing = ["refunds", "create", &id, "--amount", "3.01", "--reason", "returned", "--refunds-so-far", "2"];
    let nothing = run(&world, &nothing).await;
    assert!(nothing.code == 1 && nothing.said.contains("£3.00 left"), "{}", nothing.said);
}

/// It is given no credentials, so that none can be another client's.
#[tokio::test]
async fn truelayer_is_asked_for_no_refund_from_the_command_line() {
    let world = with_merchant_account().await;
    let session = truelayer_refunds::settled(&world).await;
    let id = text(&session["id"]);
    let line = ["refunds", "create", &id, "--amount", "1.50", "--reason", "returned", "--refunds-so-far", "0"];
    let there = ["--secret-arn", truelayer_operator::SECRET];
    assert_eq!(run(&world, &[&line[..], &there].concat()).await.code, 2);
    let made = run(&world, &line).await;
    assert_eq!((made.code, &made.json["to"]), (0, &json!("by_provider")), "{}", made.said);
    assert_eq!(truelayer(&world).payments()[0].refunded_minor, 0);
    let refund = json!({ "payment_session_id": id, "id": made.json["refund_id"] });
    refunds_at_provider::follow_up(&world, &refund).await;
    assert_eq!(truelayer(&world).payments()[0].refunded_minor, 150, "once, by the service");
    truelayer(&world).advance(std::time::Duration::from_secs(60));
    world.settled().await;
    assert_eq!(world.get_refund(&refund).await["state"], "sent", "{:#?}", world.machine.logs());
    assert_eq!(acts(&world, "refund_made").await.len(), 1);
}

/// What was left in the environment says by itself nothing about where money goes.
#[tokio::test]
async fn an_account_in_the_environment_is_used_where_that_is_asked_for() {
    let world = World::start().await;
    let session = world.paid_from_withheld_account().await;
    let id = text(&session["id"]);
    let uk = [("SORT_CODE", "11-22-33"), ("ACCOUNT_NUMBER", "87655678")];
    let iban = [("IBAN", "GB33BUKB20201555555555")];
    let refund = async |variables: &[(&str, &str)], more: &[&str]| {
        let line = ["refunds", "create", &id, "--amount", "1", "--reason", "returned"];
        run_in(&world, variables, &[&line[..], more].concat()).await
    };
    let unasked = refund(&uk, &["--dry-run"]).await;
    assert_eq!((unasked.code, &unasked.json["to"]), (0, &json!("asked_by_email")), "{}", unasked.said);
    let flag = "--account-from-env";
    let both = [&uk[..], &iban].concat();
    for (variables, said) in [(&[][..], "SORT_CODE and ACCOUNT_NUMBER, or IBAN"), (&both[..], "IBAN alone")] {
        let wrong = refund(variables, &[flag, "--dry-run"]).await;
        assert!(wrong.code == 1 && wrong.said.contains(said), "{}", wrong.said);
    }
    let made = refund(&uk, &[flag, "--refunds-so-far", "0"]).await;
    assert_eq!((made.code, &made.json["to"]), (0, &json!("given")), "{}", made.said);
    let refund = json!({ "payment_session_id": id, "id": made.json["refund_id"] });
    let pays = text(&world.get_refund(&refund).await["refund_payment_session_id"]);
    let paying = answer(&world, &["sessions", "show", &pays, "--personal"]).await;
    assert_eq!(paying["session"]["payee"]["account_number"], "87655678");
    assert!(!made.shown.contains("87655678") && !made.said.contains("87655678"), "{}", made.shown);
}
