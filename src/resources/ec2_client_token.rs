//! Client tokens: what lets a creation be sent again without making a second thing.
//!
//! AWS on this: <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Mutex, MutexGuard, PoisonError},
};

use sha2::{Digest, Sha256};

use crate::{
    aws::error::AwsError,
    model::{
        owner::{OWN_TAG_KEYS, Tags, UID_TAG},
        port::ErrorClass,
        resource::Wanted,
    },
};

/// How many client tokens are kept in mind before all are forgotten.
const LIMIT: usize = 1000;

/// The token for creating `wanted` for the `attempt`th time.
///
/// It follows from what is asked for and for whom, so that a crash in between changes nothing. It covers every parameter: AWS refuses a
/// token that comes back with other parameters. It covers the attempt: AWS may answer a token of long ago with a thing that is gone.
pub fn client_token(wanted: &Wanted, attempt: u32) -> String {
    let owner = wanted.tags.get(UID_TAG).map_or("", String::as_str);
    let mut text = format!("{owner}\n{}\n{attempt}\n{:?}\n{:?}\n", wanted.address, wanted.name, wanted.tags);
    for field in wanted.state.fields() {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{}={:?}", field.name, field.value);
    }
    hexadecimal(&text)
}

/// The token that follows `token` when AWS answered it with `stale`, which is gone or not ours any more. Anybody who starts again from the first
/// token comes to the same one.
fn next_token(token: &str, stale: &str) -> String {
    hexadecimal(&format!("{token}\n{stale}"))
}

/// Whether a thing with these tags is the one that was made as `wanted`: AWS answers a token with what it made the first time, whatever became
/// of it since.
pub fn is_still(wanted: &Wanted, tags: &Tags) -> bool {
    let mut ours = wanted.tags.iter().filter(|(key, _)| OWN_TAG_KEYS.contains(&key.as_str()));
    ours.all(|(key, value)| tags.get(key) == Some(value))
}

/// What AWS answered to client tokens. Saves asking again with a token that is known to be used up: of some calls AWS takes so few that
/// otherwise nothing but such questions would be asked. Can be lost.
#[derive(Default)]
pub struct Answers(Mutex<State>);

#[derive(Default)]
struct State {
    /// The last answer to a token.
    given: BTreeMap<String, String>,
    /// The answers that are of no use, by token.
    stale: BTreeMap<String, String>,
}

impl Answers {
    /// The first token in the chain that begins with `token` which is not known to be used up.
    pub fn fresh(&self, mut token: String) -> String {
        let state = self.state();
        while let Some(id) = state.stale.get(&token) {
            token = next_token(&token, id);
        }
        token
    }

    /// AWS answered a token with this id. Whether it has done so before.
    pub fn again(&self, token: &str, id: &str) -> bool {
        let mut state = self.state();
        if state.given.len() >= LIMIT {
            state.given.clear();
        }
        state.given.insert(token.to_owned(), id.to_owned()).is_some_and(|earlier| earlier == id)
    }

    /// The answer to a token is of no use, for this reason. Nothing was written to it, and the next try asks for another one.
    pub fn used_up(&self, operation: &'static str, token: String, id: &str, why: &str) -> AwsError {
        let mut state = self.state();
        if state.stale.len() >= LIMIT {
            state.stale.clear();
        }
        state.stale.insert(token, id.to_owned());
        let message = format!("AWS answers with {id}, which {why}; the next try asks for another one");
        AwsError::new(ErrorClass::Waiting, operation, message)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 40 characters; AWS takes up to 64.
fn hexadecimal(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(20).fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}
