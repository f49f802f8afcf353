//! What every function starts with: settings from the environment, logs, time, randomness, and AWS clients.

mod aws;
mod clock;
mod correlation;
mod logs;
mod metrics;
mod random;
mod settings;

pub use aws::{aws_config, aws_config_for, sdk_cause};
pub use clock::{Clock, VirtualClock};
pub use correlation::{act_with_key, acting_key, correlated, correlation_id};
pub use logs::init_logs;
pub use metrics::{Metric, Metrics};
pub use random::Random;
pub use settings::{
    SettingError, console_is_on, live_payments, local_live_connector, local_loopback_webhooks, optional, required,
};
