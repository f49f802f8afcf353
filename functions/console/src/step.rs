//! The steps of a form that is checked before anything is done.

use serde::Deserialize;

/// Which button was pressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Step {
    /// Show what will be done, to be checked.
    #[default]
    Check,
    /// Let it be changed.
    Edit,
    /// Do it.
    Confirm,
}
