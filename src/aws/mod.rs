//! Knows AWS, not Kubernetes: looking, writing, and what its errors mean.
//!
//! * [`account`]: one handle per identity and region; checks that credentials lead where they should.
//! * [`calls`]: counts what is asked of AWS.
//! * [`credentials`]: why there are none.
//! * [`inventory`]: what AWS looks like; looks are shared by all environments of an account and region.
//! * [`provider`]: the AWS half of a resource kind.
//! * [`engine`]: observes an environment and carries out plans, through the one ownership gate.
//! * [`eyes`]: AWS as the command line sees it; cannot write.
//! * [`error`]: the one table from AWS error codes to classes.
//! * [`region_facts`]: what the region offers, read once a day.
//! * [`surroundings`]: what stands around an environment in its VPC.
//! * [`limits`]: token buckets for the APIs that AWS throttles hardest.

pub mod account;
pub mod calls;
mod credentials;
pub mod engine;
pub mod error;
pub mod eyes;
pub mod inventory;
pub mod limits;
pub mod locate;
pub mod provider;
pub mod region_facts;
pub mod surroundings;
