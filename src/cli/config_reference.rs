//! `backprop config-reference`

use super::output;
use crate::config::{reference, registries};
use crate::error::Result;

/// Prints the reference of all keys.
pub(super) fn run() -> Result<()> {
    output::print(&reference(registries()))
}
