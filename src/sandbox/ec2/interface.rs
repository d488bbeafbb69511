//! Network interfaces, also those that other services make. (Being written.)

use super::State;
use crate::sandbox::clock::Instant;
use crate::sandbox::wire::Refusal;

impl State {
    /// Makes a network interface.
    ///
    /// # Errors
    /// The subnet or a group does not exist, or the subnet is full.
    #[expect(clippy::too_many_arguments, reason = "one caller per service, each says all of it")]
    pub fn create_interface(
        &mut self,
        _id: String,
        _subnet_id: &str,
        _groups: &[String],
        _description: &str,
        _requester_managed: bool,
        _interface_type: &str,
        _now: Instant,
    ) -> Result<(), Refusal> {
        Ok(())
    }

    /// The interface is gone from `at` on.
    pub fn release_interface(&mut self, _id: &str, _at: Instant) {}
}
