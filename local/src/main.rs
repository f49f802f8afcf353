//! `local`: runs template.yaml on this machine, in the foreground.

use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use local::truelayer::TrueLayerHandle;
use local::{Config, Machine, demo};
use url::Url;

/// Hosts on this machine what template.yaml declares. Stop it with Ctrl-C; it goes on where it stopped.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// What to host
    #[arg(long, default_value = "template.yaml")]
    template: PathBuf,
    /// Where the functions' binaries are
    #[arg(long, default_value = "target/debug")]
    bin_dir: PathBuf,
    /// The HTTP API's port
    #[arg(long, env = "PORT", default_value_t = 3000)]
    port: u16,
    /// The mailbox's port; the next free one if it is in use
    #[arg(long, env = "MAIL_PORT", default_value_t = 8025)]
    mail_port: u16,
    /// The port of the endpoint for DynamoDB, SQS, SES and Secrets Manager; 0 takes any that is free
    #[arg(long, env = "AWS_PORT", default_value_t = 0)]
    aws_port: u16,
    /// The port of the simulator of TrueLayer, where it is switched on; the next free one if it is in use
    #[arg(long, env = "TRUELAYER_PORT", default_value_t = 9400)]
    truelayer_port: u16,
    /// What stands in for TrueLayer, in place of the simulator
    #[arg(long, env = "TRUELAYER_URL")]
    truelayer_url: Option<Url>,
    /// The file with TrueLayer's credentials; without it, those that the simulator makes
    #[arg(long, env = "TRUELAYER_SECRET_FILE")]
    truelayer_secret_file: Option<PathBuf>,
    /// Where everything is kept
    #[arg(long, env = "DATA_DIR", default_value = ".local")]
    data_dir: PathBuf,
    /// The address to listen on; anyone who can reach it can do everything
    #[arg(long, env = "BIND", default_value = "127.0.0.1")]
    bind: IpAddr,
    /// How often schedules run, in milliseconds, whatever the template says
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u64).range(1..))]
    schedule_interval_ms: u64,
    /// How many mails a second SES takes, as an account's rate allows; without it any number
    #[arg(long)]
    mails_per_second: Option<usize>,
    /// The most processes of one function at a time. Below it, each has as many as the template allows
    /// (ReservedConcurrentExecutions, a queue's MaximumConcurrency, or else Lambda's 1000), started when none is idle
    #[arg(long, env = "MAX_PROCESSES", default_value_t = local::MAX_PROCESSES, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1000))]
    max_processes: usize,
    /// Have requests of Fintecture's format signed, by the demo merchant's application
    #[arg(long)]
    signed: bool,
    /// A variable for every function; may be repeated. AWS_ENDPOINT_URL, or AWS_ENDPOINT_URL_DYNAMODB, _SQS or _SESV2, puts
    /// something of yours, such as a proxy, between functions and the AWS endpoint
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = pair)]
    environment: Vec<(String, String)>,
    /// A value for a parameter of the template; may be repeated
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("must be NAME=VALUE".to_owned()),
    }
}

impl From<Options> for Config {
    fn from(options: Options) -> Self {
        Self {
            bind: options.bind,
            api_port: options.port,
            mail_port: options.mail_port,
            aws_port: options.aws_port,
            truelayer_port: options.truelayer_port,
            truelayer_url: options.truelayer_url,
            truelayer_secret: options.truelayer_secret_file,
            parameters: options.parameters.into_iter().collect(),
            environment: options.environment.into_iter().collect(),
            max_processes: options.max_processes,
            mails_per_second: options.mails_per_second,
            schedule_interval: Some(Duration::from_millis(options.schedule_interval_ms)),
            ..Self::new(options.template, options.bin_dir, options.data_dir)
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let signed = options.signed;
    let has_console = options.parameters.iter().any(|(name, value)| name == "Console" && value == "on");
    // Its deliveries would only fail where functions may not call this machine.
    let has_shop = options.environment.iter().any(|(name, _)| name == local::LOOPBACK_WEBHOOKS);
    let machine = tokio::select! {
        machine = Machine::start(options.into()) => machine,
        () = asked_to_stop() => return ExitCode::SUCCESS,
    };
    let machine = match machine {
        Ok(machine) => machine,
        Err(error) => {
            eprintln!("local: {error}");
            return ExitCode::FAILURE;
        }
    };
    if let Err(error) = demo::seed(machine.aws_url(), machine.table_name(), signed).await {
        eprintln!("local: the demo merchant could not be written: {error}");
        machine.stop().await;
        return ExitCode::FAILURE;
    }
    if has_shop && let Err(error) = demo::open_shop(machine.aws_url(), machine.table_name(), machine.api_url()).await {
        eprintln!("local: the demo shop's webhook endpoint could not be written: {error}");
        machine.stop().await;
        return ExitCode::FAILURE;
    }
    let invited = if has_console { Some(demo::invite(machine.aws_url(), machine.table_name()).await) } else { None };
    let console = match invited.transpose() {
        Ok(path) => path,
        Err(error) => {
            eprintln!("local: the demo merchant's owner could not be invited: {error}");
            machine.stop().await;
            return ExitCode::FAILURE;
        }
    };
    // Where `counterfoil` finds a machine that runs here, and people its pages.
    for (name, url) in [("endpoint", machine.aws_url()), ("url", machine.api_url())] {
        let file = machine.data_dir().join(name);
        if let Err(error) = std::fs::write(&file, url) {
            eprintln!("local: {} could not be written: {error}", file.display());
        }
    }
    // What `make watch` and `make sam-…` give to functions, while this machine runs.
    let variables = machine.data_dir().join("functions.env");
    if let Err(error) = std::fs::write(&variables, outside_environment(&machine)) {
        eprintln!("local: {} could not be written: {error}", variables.display());
    }
    // Nobody may be reading any more; that is no reason to stop.
    let _ = writeln!(std::io::stdout(), "{}", welcome(&machine, console.as_deref()));
    asked_to_stop().await;
    eprintln!("local | stopping");
    let _ = std::fs::remove_file(&variables);
    machine.stop().await;
    ExitCode::SUCCESS
}

/// `NAME=value` lines. Pages are this machine's: it is here, wherever the function runs.
fn outside_environment(machine: &Machine) -> String {
    let mut environment = machine.outside_environment();
    let pages = environment.entry("PUBLIC_BASE_URL".to_owned()).or_default();
    if pages.is_empty() {
        machine.api_url().clone_into(pages);
    }
    environment.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

/// `console` is the path of a link that signs in the demo merchant's owner, where there is a console.
fn welcome(machine: &Machine, console: Option<&str>) -> String {
    let console = console.map(|path| format!("  console       {}{path}\n", machine.api_url())).unwrap_or_default();
    let simulated = |handle: &TrueLayerHandle| format!("  TrueLayer     {}  (simulated)\n", handle.url());
    let truelayer = machine.truelayer().map(simulated).unwrap_or_default();
    let (api, aws, mail) = (machine.api_url(), machine.aws_url(), machine.mail_url());
    let curl = demo::curl(api);
    let (table, data) = (machine.table_name(), machine.data_dir().display());
    format!(
        "ready

  start page    {api}/
  HTTP API      {api}
  mails         {mail}
  AWS endpoint  {aws}  (DynamoDB, SQS, SES, Secrets Manager; table {table})
  data          {data}
{truelayer}{console}
Create a payment session as the demo merchant:

  {curl}
"
    )
}

/// Resolves at Ctrl-C or SIGTERM.
async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
