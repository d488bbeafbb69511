//! Client tokens: what lets a creation be sent again without making a second thing.
//!
//! AWS on this: <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::model::{owner::UID_TAG, resource::Wanted};

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

/// The token that follows `token` when AWS answered it with `stale`, which is gone. Anybody who starts again from the first token comes to the
/// same one.
pub fn next_token(token: &str, stale: &str) -> String {
    hexadecimal(&format!("{token}\n{stale}"))
}

/// 40 characters; AWS takes up to 64.
fn hexadecimal(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(20).fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}
