//! What every function starts with: settings from the environment, logs, the clock, and AWS clients.

mod aws;
mod correlation;
mod logs;
mod metrics;
mod settings;

use jiff::Timestamp;

pub use aws::{aws_config, aws_config_for};
pub use correlation::{correlated, correlation_id};
pub use logs::init_logs;
pub use metrics::{Metric, Metrics};
pub use settings::{SettingError, local_live_connector, local_loopback_webhooks, optional, required};

/// The time now, to the millisecond.
pub fn now() -> Timestamp {
    models::truncate_to_ms(Timestamp::now())
}
