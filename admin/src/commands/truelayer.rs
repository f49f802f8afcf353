//! Whether TrueLayer can be used as it is set up.

use clap::Subcommand;
use truelayer::{Checked, Environment, MerchantAccounts, RETURN_PATH, WEBHOOK_PATH};
use url::Url;

use crate::arguments::one_of;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::report::{Record, Report, field, word};
use crate::target::Target;

const BY_HAND_NOTE: &str =
    "Nobody outside can see what TrueLayer's Console lists: compare the lines `by_hand` with it yourself.";

#[derive(Debug, Subcommand)]
pub(crate) enum TrueLayer {
    /// Check what was set up at TrueLayer: it moves no money, and needs no deployment yet
    ///
    /// It gets an access token, has TrueLayer verify a signature, lists its banks for pounds, finds each merchant account, and fetches
    /// the keys by which its webhooks are signed. Each line says ok, or wrong and what to do, or by_hand and what to register in
    /// TrueLayer's Console. The exit code is 1 if something is wrong.
    Check {
        /// Which of TrueLayer's
        #[arg(long, env = "TRUELAYER", value_name = "ENVIRONMENT")]
        #[arg(value_parser = one_of([Environment::Sandbox, Environment::Live], Environment::as_str))]
        environment: Environment,
        /// Where payers open the checkout: the parameter PublicBaseUrl or DomainName, or the stack's output ApiUrl
        #[arg(long, env = "PUBLIC_BASE_URL", value_name = "URL", value_parser = base_url)]
        base_url: Url,
        /// The merchant accounts that payments go into, if there are any: the parameter TrueLayerMerchantAccounts
        #[arg(long, env = "TRUELAYER_MERCHANT_ACCOUNTS", value_name = "ACCOUNTS")]
        merchant_accounts: Option<MerchantAccounts>,
        #[command(flatten)]
        connection: Connection,
    },
}

pub(crate) async fn run(command: TrueLayer, target: &Target) -> Result<Report, Failure> {
    let TrueLayer::Check { environment, base_url, merchant_accounts, connection } = command;
    let config = match (&connection.secret_file, &connection.secret_arn) {
        (None, Some(_)) => Some(target.config().await?),
        (Some(_), _) | (None, None) => None,
    };
    let (config, location) = config.as_ref().map(|(config, location)| (config, location)).unzip();
    let opened = connection.open(environment, merchant_accounts.unwrap_or_default(), config).await;
    let truelayer = opened.map_err(|failure| match location {
        Some(location) => failure.at(location),
        None => failure,
    })?;
    Ok(report(truelayer.check().await, environment, &base_url))
}

fn report(checked: Vec<Checked>, environment: Environment, base_url: &Url) -> Report {
    let line = |what: &str, result: &str, detail: &str| {
        Record(vec![word("check", what), field("result", result), field("detail", detail)])
    };
    let is_good = base_url.scheme() == "https" || environment == Environment::Sandbox;
    let base = if is_good {
        line("base URL", "ok", base_url.as_str())
    } else {
        line(
            "base URL",
            "wrong",
            "live payers are sent back to https alone: give the address at which they open the checkout",
        )
    };
    let failed = !is_good || checked.iter().any(|checked| checked.outcome.is_err());
    let mut lines: Vec<_> = checked
        .iter()
        .map(|Checked { what, outcome }| match outcome {
            Ok(found) => line(what, "ok", found),
            Err(problem) => line(what, "wrong", problem),
        })
        .collect();
    let at = |path: &str| format!("{}{path}", base_url.as_str().trim_end_matches('/'));
    lines.extend([
        base,
        line("redirect URI", "by_hand", &at(RETURN_PATH)),
        line("webhook URI", "by_hand", &at(WEBHOOK_PATH)),
    ]);
    Report { failed, ..Report::many(lines) }.with_note(BY_HAND_NOTE)
}

/// An absolute URL without a query, under which our pages are.
fn base_url(text: &str) -> Result<Url, &'static str> {
    let is_base =
        |url: &Url| ["http", "https"].contains(&url.scheme()) && url.query().is_none() && url.fragment().is_none();
    text.parse().ok().filter(is_base).ok_or("must be a URL such as https://pay.example.com")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Output;

    fn checked(outcome: Result<&str, &str>) -> Vec<Checked> {
        vec![Checked { what: "token", outcome: outcome.map(str::to_owned).map_err(str::to_owned) }]
    }

    #[test]
    fn each_line_says_ok_or_what_to_do_and_both_addresses_are_named() {
        let base_url = base_url("https://pay.example.com/shop/").unwrap();
        let good = report(checked(Ok("there")), Environment::Live, &base_url);
        let expected = "\
CHECK         RESULT   DETAIL
token         ok       there
base URL      ok       https://pay.example.com/shop/
redirect URI  by_hand  https://pay.example.com/shop/providers/truelayer/return
webhook URI   by_hand  https://pay.example.com/shop/providers/truelayer/webhook
";
        assert_eq!((good.render(Output::Table).unwrap().as_str(), good.failed), (expected, false));
        let bad = report(checked(Err("refused. Copy it again")), Environment::Live, &base_url);
        let text = bad.render(Output::Table).unwrap();
        assert!(bad.failed && text.contains("token         wrong    refused. Copy it again\n"), "{text}");
    }

    #[test]
    fn live_payers_come_back_by_https_alone() {
        let base_url = base_url("http://127.0.0.1:3000").unwrap();
        assert!(report(checked(Ok("")), Environment::Live, &base_url).failed);
        assert!(!report(checked(Ok("")), Environment::Sandbox, &base_url).failed);
        for no_base in ["pay.example.com", "ftp://pay.example.com", "https://a.example/?a=b", "https://a.example/#a"] {
            assert!(super::base_url(no_base).is_err(), "{no_base}");
        }
    }
}
