//! What to host, where, and how.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

/// How many processes of a function run at once, if no other bound is given: what the template lets webhooks have, which wait
/// for merchants' servers most of the time, and some more. Each takes some 20 MB, and those that are not needed end.
pub const MAX_PROCESSES: usize = 64;

/// What to host, and how.
#[derive(Debug, Clone)]
pub struct Config {
    /// template.yaml.
    pub template: PathBuf,
    /// Where the functions' binaries are, each named as its CodeUri's last part, or `bootstrap` in a folder named so.
    pub bin_dir: PathBuf,
    /// Where everything is kept: the table, the queues, the mails. Made if missing.
    pub data_dir: PathBuf,
    /// The address all servers listen on.
    pub bind: IpAddr,
    /// The HTTP API's port; 0 takes any that is free.
    pub api_port: u16,
    /// The mailbox's port; the next free one if it is in use, 0 takes any.
    pub mail_port: u16,
    /// The AWS endpoint's port; 0 takes any that is free.
    pub aws_port: u16,
    /// The port of the simulator of TrueLayer; the next free one if it is in use, 0 takes any. It is started where the
    /// template's parameter TrueLayer switches TrueLayer on, unless there is a [`Config::truelayer_url`].
    pub truelayer_port: u16,
    /// What stands in for all of TrueLayer's hosts, in place of the simulator.
    pub truelayer_url: Option<Url>,
    /// The file with TrueLayer's credentials, which Secrets Manager answers; the simulator's own otherwise.
    pub truelayer_secret: Option<PathBuf>,
    /// Values for the template's parameters, in place of their defaults.
    pub parameters: BTreeMap<String, String>,
    /// Variables every function gets besides the template's.
    pub environment: BTreeMap<String, String>,
    /// How often every schedule runs, whatever its expression says; nothing means never.
    pub schedule_interval: Option<Duration>,
    /// How often expired items are removed; DynamoDB itself takes up to days.
    pub ttl_sweep_interval: Duration,
    /// The pause before a failed stream batch is tried again; it doubles with each failure.
    pub stream_retry_pause: Duration,
    /// The visibility timeout of every queue, in place of the template's; for tests that wait for redelivery.
    pub visibility_timeout: Option<Duration>,
    /// The most processes of each function that run at once, however many more the template allows.
    pub max_processes: usize,
    /// How long a process is kept that has nothing to do. One of each function stays.
    pub max_idle: Duration,
    /// How many mails a second SES takes: 1 in its sandbox, 14 is where production begins. Nothing limits nothing.
    pub mails_per_second: Option<usize>,
    /// A folder where it is written down which of their permissions functions make use of, one
    /// [`crate::PermissionRecord`] in JSON to a line, each once.
    pub permissions_dir: Option<PathBuf>,
    /// Keep log lines without showing them.
    pub quiet: bool,
    /// Answer `/`, `/docs`, `/openapi.yaml` and `/demo-shop` with pages of this machine, which are not there on AWS.
    pub start_page: bool,
}

impl Config {
    /// What `make run` uses: the documented ports, a schedule every 5 seconds.
    #[must_use]
    pub fn new(template: impl Into<PathBuf>, bin_dir: impl Into<PathBuf>, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            template: template.into(),
            bin_dir: bin_dir.into(),
            data_dir: data_dir.into(),
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            api_port: 3000,
            mail_port: 8025,
            aws_port: 0,
            truelayer_port: 9400,
            truelayer_url: None,
            truelayer_secret: None,
            parameters: BTreeMap::new(),
            environment: BTreeMap::new(),
            schedule_interval: Some(Duration::from_secs(5)),
            ttl_sweep_interval: Duration::from_secs(10),
            stream_retry_pause: Duration::from_millis(200),
            visibility_timeout: None,
            max_processes: MAX_PROCESSES,
            max_idle: Duration::from_secs(60),
            mails_per_second: None,
            permissions_dir: None,
            quiet: false,
            start_page: true,
        }
    }

    /// For tests, many in one process: free ports, no schedules (use [`Machine::invoke`]), no TTL sweeps (use
    /// [`Machine::sweep_ttl`]), short pauses, quiet, and no page that is not there on AWS.
    #[must_use]
    pub fn for_tests(template: impl Into<PathBuf>, bin_dir: impl Into<PathBuf>, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            api_port: 0,
            mail_port: 0,
            truelayer_port: 0,
            schedule_interval: None,
            ttl_sweep_interval: Duration::MAX,
            stream_retry_pause: Duration::from_millis(5),
            quiet: true,
            start_page: false,
            ..Self::new(template, bin_dir, data_dir)
        }
    }
}
