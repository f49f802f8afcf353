//! The people who work in the console, and what each may do.

mod add;
mod link;
mod list;
mod person;

pub(crate) use add::add;
pub(crate) use list::show;
pub(crate) use person::{change, show as show_person};

use models::{EmailAddress, Role};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::frame::Frame;

/// What is encoded of an address in a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'@').remove(b'.').remove(b'-').remove(b'_');

/// Where a person's page is.
fn path_of(frame: &Frame<'_>, email: &EmailAddress) -> String {
    format!("{}/people/{}", frame.root(), utf8_percent_encode(email.as_str(), SEGMENT))
}

/// A role to be chosen.
struct RoleChoice {
    role: Role,
    is_chosen: bool,
}

fn roles(chosen: Option<Role>) -> [RoleChoice; 4] {
    Role::ALL.map(|role| RoleChoice { role, is_chosen: chosen == Some(role) })
}
