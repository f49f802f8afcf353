//! What `store` and the queues need of DynamoDB and SQS, each rule a test with the page of AWS's documentation that it is
//! from. `cargo test` holds `local` to it; `make test-oracles` other implementations, and AWS itself
//! (docs/decisions/0013-fidelity.md).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

/// Lists a module's contracts, each with its page, and makes each a test against `local`.
macro_rules! contracts {
    ($fixture:ident: $($page:literal $name:ident,)*) => {
        pub(crate) const ALL: &[crate::Contract<crate::fixture::$fixture>] = &[$(crate::Contract {
            name: stringify!($name),
            page: $page,
            run: |fixture| Box::pin($name(fixture)),
        }),*];

        mod local {
            $(
                #[tokio::test]
                async fn $name() {
                    crate::on_local(super::$name).await;
                }
            )*
        }
    };
}

mod call;
mod conditions;
mod dead_letters;
mod fixture;
mod indexes;
mod keys;
mod messages;
mod oracles;
mod queries;
mod streams;
mod transactions;
mod updates;

use std::fmt;
use std::pin::Pin;

use crate::fixture::Fixture;

/// Where AWS documents what contracts are about, in the shorthand that they name pages by.
const BOOKS: [(&str, &str); 4] = [
    ("dynamodb:", "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"),
    ("dynamodb-api:", "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/"),
    ("sqs:", "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"),
    ("sqs-api:", "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/"),
];

/// One rule. It panics where it does not hold.
struct Contract<F> {
    name: &'static str,
    page: &'static str,
    run: fn(F) -> Pin<Box<dyn Future<Output = ()>>>,
}

impl<F> fmt::Display for Contract<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let book = BOOKS.iter().find_map(|(short, url)| Some((url, self.page.strip_prefix(short)?)));
        let (url, page) = book.expect("a page is in a book");
        write!(f, "{url}{page}.html")
    }
}

/// Holds `local` to a contract, with a machine of its own.
async fn on_local<F: Fixture, R: Future<Output = ()>>(contract: impl FnOnce(F) -> R) {
    let (fixture, machine) = F::on_local().await;
    contract(fixture).await;
    machine.stop().await;
}
