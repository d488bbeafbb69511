//! The plan.
use std::collections::BTreeMap;
use super::address::Address;
/// A plan.
#[derive(Debug, Clone, Default)]
pub struct Plan { /// steps
    pub steps: BTreeMap<Address, ()> }
