//! KMS keys as manifests and AWS spell them.

/// The id of a key, which is what two spellings of it (id, ARN) have in common. An alias cannot be compared without asking KMS.
pub fn id(key: &str) -> Option<String> {
    let id = key.rsplit_once(":key/").map_or(key, |(_, id)| id);
    (!id.contains("alias/")).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_by_id_and_by_arn_and_an_alias_is_not_compared() {
        let plain = "1234abcd-12ab-34cd-56ef-1234567890ab";
        assert_eq!(id(&format!("arn:aws:kms:eu-west-1:111122223333:key/{plain}")), id(plain));
        assert_eq!(id("alias/packages"), None);
        assert_eq!(id("arn:aws:kms:eu-west-1:111122223333:alias/packages"), None);
    }
}
