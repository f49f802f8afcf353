//! German.

use super::{Texts, english};

pub(crate) const TEXTS: Texts = english::TEXTS;
