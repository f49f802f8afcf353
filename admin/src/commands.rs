//! What each command does.

pub(crate) mod accounts;
pub(crate) mod applications;
pub(crate) mod console;
pub(crate) mod dead_letters;
pub(crate) mod erase;
pub(crate) mod keys;
pub(crate) mod mails;
pub(crate) mod merchants;
pub(crate) mod republish;
pub(crate) mod sessions;
pub(crate) mod transfers;
pub(crate) mod verify;
pub(crate) mod webhooks;

use crate::cli::Command;
use crate::failure::Failure;
use crate::report::Report;
use crate::target::Service;

/// Does it.
pub(crate) async fn run(command: Command, service: &Service) -> Result<Report, Failure> {
    match command {
        Command::Merchants(command) => merchants::run(command, service).await,
        Command::Keys(command) => keys::run(command, service).await,
        Command::Applications(command) => applications::run(command, &service.table).await,
        Command::Accounts(command) => accounts::run(command, service).await,
        Command::Console(command) => console::run(command, service).await,
        Command::Webhooks(command) => webhooks::run(command, service).await,
        Command::Sessions(command) => sessions::run(command, &service.table).await,
        Command::Transfers(command) => transfers::run(command, &service.table).await,
        Command::Mails(command) => mails::run(command, &service.table).await,
        Command::DeadLetters(command) => dead_letters::run(command, service).await,
        Command::Republish(command) => republish::run(command, &service.table).await,
        Command::Verify(command) => verify::run(command, &service.table).await,
        Command::Erase(command) => erase::run(command, service).await,
    }
}
