//! What all pages and mails share: the layout and its style sheet ([`Shell`]), how they are answered ([`page`]) and at which paths
//! ([`moved`]), what could not be done ([`Problem`]), forms ([`read_form`], [`AccountFields`]), and languages ([`Language`]): texts, and how amounts
//! and times are written ([`Facts`]).

mod account_form;
mod canonical;
mod compression;
mod facts;
mod form;
mod language;
mod money;
mod problem;
mod problem_page;
mod qr;
mod response;
mod shell;
mod style;
mod texts;
mod time;
mod weights;

pub use account_form::{AccountErrors, AccountFields};
pub use canonical::moved;
pub use compression::Compression;
pub use facts::{Facts, Html};
pub use form::read_form;
pub use language::Language;
pub use problem::{Problem, ProblemTexts};
pub use problem_page::Back;
pub use qr::{QrCorrection, qr_code, qr_code_at};
pub use response::{Answer, Forms, page, see_other};
pub use shell::{Face, Shell};
pub use style::{BASE_STYLE, CONSOLE_STYLE};
pub use texts::{CheckoutTexts, CommonTexts, MailTexts, MethodTexts, ProblemsTexts, RefundTexts, Texts, TransferTexts};
pub use time::Zone;
pub use weights::weighted;
