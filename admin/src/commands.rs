//! What each command does.

pub(crate) mod accounts;
pub(crate) mod applications;
pub(crate) mod cancel;
pub(crate) mod completions;
pub(crate) mod console;
pub(crate) mod dead_letters;
pub(crate) mod erase;
pub(crate) mod keys;
pub(crate) mod listen;
pub(crate) mod mails;
pub(crate) mod merchants;
pub(crate) mod reconcile;
pub(crate) mod refunds;
pub(crate) mod republish;
pub(crate) mod sessions;
pub(crate) mod transfers;
pub(crate) mod truelayer;
pub(crate) mod verify;
pub(crate) mod webhooks;

use clap::CommandFactory;

use crate::cli::{Cli, Command, OfService};
use crate::failure::{Failure, Interrupted};
use crate::interrupt::unless_interrupted;
use crate::report::Report;
use crate::target::Service;

/// Does it; none of what has been shown already.
pub(crate) async fn run(cli: Cli) -> Result<Option<Report>, Failure> {
    let Cli { target, output, command, changes } = cli;
    let (target, interruption) = (&target, Interrupted::of(changes));
    match command {
        Command::Completions(command) => completions::run(&command, Cli::command()).map(|()| None),
        // It is of use before there is a service.
        Command::TrueLayer(command) => {
            unless_interrupted(interruption, truelayer::run(command, target)).await.map(Some)
        }
        // It has something to do after Ctrl-C.
        Command::Listen(command) => listen::run(command, target, output).await.map(|()| None),
        Command::OfService(command) => {
            let run = async {
                let service = Service::find(target).await?;
                let done = of_service(command, &service).await;
                done.map(|report| report.at(&service.location)).map_err(|failure| failure.at(&service.location))
            };
            unless_interrupted(interruption, run).await.map(Some)
        }
    }
}

async fn of_service(command: OfService, service: &Service) -> Result<Report, Failure> {
    match command {
        OfService::Merchants(command) => merchants::run(command, service).await,
        OfService::Keys(command) => keys::run(command, service).await,
        OfService::Applications(command) => applications::run(command, &service.table).await,
        OfService::Accounts(command) => accounts::run(command, service).await,
        OfService::Console(command) => console::run(command, service).await,
        OfService::Webhooks(command) => webhooks::run(command, service).await,
        OfService::Sessions(command) => sessions::run(command, service).await,
        OfService::Refunds(command) => refunds::run(command, service).await,
        OfService::Transfers(command) => transfers::run(command, &service.table).await,
        OfService::Mails(command) => mails::run(command, &service.table).await,
        OfService::DeadLetters(command) => dead_letters::run(command, service).await,
        OfService::Reconcile(command) => reconcile::run(command, service).await,
        OfService::Republish(command) => republish::run(command, &service.table).await,
        OfService::Verify(command) => verify::run(command, &service.table).await,
        OfService::Erase(command) => erase::run(command, service).await,
    }
}
