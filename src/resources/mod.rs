//! The AWS resource kinds, one file each, all with the same headings in the same order: rows (what is looked at), state, desire, provider.
//!
//! [`providers`] is the only registration. Kinds do not import each other: what one takes from another is an [`Output`] of an address.
//!
//! [`Output`]: crate::model::resource::Output

use std::sync::Arc;

use crate::aws::provider::Provider;

mod ec2_tags;
pub mod vpc;

/// Every kind, in the order in which they are looked at: what others take inputs from comes first.
#[must_use]
pub fn providers() -> Vec<Arc<dyn Provider>> {
    vec![Arc::new(vpc::Vpc)]
}
