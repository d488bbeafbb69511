//! IAM as a caller sees it, call by call.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::clock::Instant;
use super::super::policy::{Document, Kind};
use super::super::wire::{Call, Caller, Refusal, Reply, Service};
use super::super::world::{Delays, Settings, World};
use super::handle;

const ACCOUNT: &str = "111122223333";
const SAGEMAKER: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;
const READ: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;

/// An account whose root calls IAM.
struct Account {
    world: World,
    now: Instant,
}

impl Account {
    fn new() -> Self {
        Self::with(Delays::none())
    }

    fn with(delays: Delays) -> Self {
        Self { world: World::new(Settings::with_delays(delays)), now: Duration::from_hours(498_713) }
    }

    fn call(&mut self, operation: &str, params: Value) -> Reply {
        let caller = Caller { account: ACCOUNT.into(), arn: format!("arn:aws:iam::{ACCOUNT}:root"), role_name: None };
        let call = Call {
            service: Service::Iam,
            account: ACCOUNT.into(),
            region: "us-east-1".into(),
            operation: operation.into(),
            params,
            caller,
            now: self.now,
        };
        handle(&mut self.world, &call)
    }

    fn ok(&mut self, operation: &str, params: Value) -> Value {
        self.call(operation, params).unwrap_or_else(|refusal| panic!("{operation}: {refusal:?}"))
    }

    fn refused(&mut self, operation: &str, params: Value) -> (String, String) {
        let Refusal { code, message, .. } = self.call(operation, params).expect_err(operation);
        (code, message)
    }

    fn code(&mut self, operation: &str, params: Value) -> String {
        self.refused(operation, params).0
    }

    fn role(&mut self, name: &str) -> Value {
        let params = json!({"RoleName": name, "AssumeRolePolicyDocument": SAGEMAKER});
        self.ok("CreateRole", params)["Role"].clone()
    }

    fn policy(&mut self, name: &str) -> String {
        let made = self.ok("CreatePolicy", json!({"PolicyName": name, "PolicyDocument": READ}));
        made["Policy"]["Arn"].as_str().unwrap().to_owned()
    }

    /// The trust policy of a role as it is given back.
    fn trust(&mut self, name: &str) -> Value {
        let role = self.ok("GetRole", json!({"RoleName": name}));
        decoded(&role["Role"]["AssumeRolePolicyDocument"])
    }
}

fn decoded(document: &Value) -> Value {
    let text = percent_encoding::percent_decode_str(document.as_str().unwrap()).decode_utf8().unwrap();
    serde_json::from_str(&text).unwrap()
}

fn trusting(principal: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"},
    ]})
    .to_string()
}

#[test]
fn a_created_role_is_given_back_whole() {
    let mut account = Account::new();
    let made = account.ok(
        "CreateRole",
        json!({
            "RoleName": "notebook", "Path": "/cloister/", "AssumeRolePolicyDocument": SAGEMAKER,
            "Description": "runs notebooks", "MaxSessionDuration": "7200",
            "PermissionsBoundary": "arn:aws:iam::aws:policy/PowerUserAccess",
            "Tags": [{"Key": "team", "Value": "red"}],
        }),
    );
    let id = made["Role"]["RoleId"].as_str().unwrap();
    assert!(id.starts_with("AROA") && id.len() == 21);
    let got = account.ok("GetRole", json!({"RoleName": "notebook"}))["Role"].clone();
    assert_eq!(got["Arn"], "arn:aws:iam::111122223333:role/cloister/notebook");
    assert_eq!(got["Path"], "/cloister/");
    assert_eq!(got["CreateDate"], "2026-11-22T17:00:00Z");
    assert_eq!(got["Description"], "runs notebooks");
    assert_eq!(got["MaxSessionDuration"], 7200);
    assert_eq!(got["PermissionsBoundary"]["PermissionsBoundaryArn"], "arn:aws:iam::aws:policy/PowerUserAccess");
    assert_eq!(got["Tags"], json!([{"Key": "team", "Value": "red"}]));
    assert_eq!(got["RoleLastUsed"], json!({}));
    let document = got["AssumeRolePolicyDocument"].as_str().unwrap();
    assert!(document.starts_with("%7B%22Version%22%3A%222012-10-17%22%2C"), "{document}");
    let listed = account.ok("ListRoles", json!({"PathPrefix": "/cloister/"}))["Roles"][0].clone();
    assert_eq!(listed["RoleName"], "notebook");
    assert!(listed.get("Tags").is_none() && listed.get("PermissionsBoundary").is_none());
    assert_eq!(account.ok("ListRoles", json!({"PathPrefix": "/other/"}))["Roles"], json!([]));
}

#[test]
fn names_are_unique_in_any_case() {
    let mut account = Account::new();
    account.role("Notebook");
    let params = json!({"RoleName": "notebook", "AssumeRolePolicyDocument": SAGEMAKER});
    let expected = ("EntityAlreadyExists".into(), "Role with name notebook already exists.".into());
    assert_eq!(account.refused("CreateRole", params), expected);
    account.policy("Read");
    assert_eq!(
        account.code("CreatePolicy", json!({"PolicyName": "READ", "PolicyDocument": READ})),
        "EntityAlreadyExists"
    );
}

#[test]
fn all_broken_constraints_come_in_one_error() {
    let mut account = Account::new();
    let (code, message) =
        account.refused("CreateRole", json!({"RoleName": "x".repeat(65), "MaxSessionDuration": "60"}));
    assert_eq!(code, "ValidationError");
    assert!(message.starts_with("3 validation errors detected: Value 'xxx"), "{message}");
    assert!(
        message
            .contains("at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64; ")
    );
    assert!(
        message.contains(
            "Value null at 'assumeRolePolicyDocument' failed to satisfy constraint: Member must not be null; "
        )
    );
    assert!(message.ends_with(
        "Value '60' at 'maxSessionDuration' failed to satisfy constraint: Member must have value greater than or equal to 3600"
    ));
    let (code, message) = account.refused("GetRole", json!({"RoleName": "a/b"}));
    assert_eq!(code, "ValidationError");
    assert_eq!(
        message,
        "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
    );
}

#[test]
fn documents_and_descriptions_take_latin_letters_only() {
    let mut account = Account::new();
    account.role("r");
    let document = READ.replace("s3:GetObject", "s3:日本");
    let (code, message) =
        account.refused("PutRolePolicy", json!({"RoleName": "r", "PolicyName": "p", "PolicyDocument": document}));
    assert_eq!(code, "ValidationError");
    assert_eq!(
        message,
        "The specified value for policyDocument is invalid. It must contain only printable ASCII characters."
    );
    assert_eq!(account.code("UpdateRole", json!({"RoleName": "r", "Description": "한국어"})), "ValidationError");
    account.ok("UpdateRole", json!({"RoleName": "r", "Description": "für Übungen"}));
}

#[test]
fn tag_keys_are_the_same_in_any_case_and_limited_to_fifty() {
    let mut account = Account::new();
    account.role("r");
    account.ok(
        "TagRole",
        json!({"RoleName": "r", "Tags": [{"Key": "Team", "Value": "red"}, {"Key": "環境", "Value": ""}]}),
    );
    account.ok("TagRole", json!({"RoleName": "r", "Tags": [{"Key": "team", "Value": "blue"}]}));
    let tags = account.ok("ListRoleTags", json!({"RoleName": "r"}));
    assert_eq!(tags["Tags"], json!([{"Key": "team", "Value": "blue"}, {"Key": "環境", "Value": ""}]));
    assert_eq!(tags["IsTruncated"], false);
    let twice = json!({"RoleName": "r", "Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]});
    assert_eq!(account.code("TagRole", twice), "InvalidInput");
    let many: Vec<_> = (0..49).map(|n| json!({"Key": format!("k{n}"), "Value": "v"})).collect();
    assert_eq!(account.code("TagRole", json!({"RoleName": "r", "Tags": many})), "LimitExceeded");
    let broken = json!({"RoleName": "r", "Tags": [{"Key": "a?b", "Value": "v"}]});
    assert!(account.refused("TagRole", broken).1.contains("at 'tags.1.member.key' failed to satisfy"));
    account.ok("UntagRole", json!({"RoleName": "r", "TagKeys": ["TEAM", "absent"]}));
    assert_eq!(account.ok("ListRoleTags", json!({"RoleName": "r"}))["Tags"], json!([{"Key": "環境", "Value": ""}]));
}

#[test]
fn a_role_with_policies_cannot_be_deleted() {
    let mut account = Account::new();
    account.role("r");
    account.ok("PutRolePolicy", json!({"RoleName": "r", "PolicyName": "p", "PolicyDocument": READ}));
    account.ok("AttachRolePolicy", json!({"RoleName": "r", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}));
    let conflict = |message: &str| ("DeleteConflict".to_owned(), message.to_owned());
    let name = || json!({"RoleName": "r"});
    assert_eq!(
        account.refused("DeleteRole", name()),
        conflict("Cannot delete entity, must detach all policies first.")
    );
    account.ok("DetachRolePolicy", json!({"RoleName": "r", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}));
    assert_eq!(account.refused("DeleteRole", name()), conflict("Cannot delete entity, must delete policies first."));
    account.ok("DeleteRolePolicy", json!({"RoleName": "r", "PolicyName": "p"}));
    account.ok("DeleteRole", name());
    let gone = ("NoSuchEntity".into(), "The role with name r cannot be found.".into());
    assert_eq!(account.refused("GetRole", name()), gone);
}

#[test]
fn inline_policies_are_given_back_as_they_were_written() {
    let mut account = Account::new();
    account.role("r");
    let spaced = READ.replace(',', " ,\n ");
    account.ok("PutRolePolicy", json!({"RoleName": "r", "PolicyName": "p", "PolicyDocument": spaced}));
    let got = account.ok("GetRolePolicy", json!({"RoleName": "r", "PolicyName": "p"}));
    let text = percent_encoding::percent_decode_str(got["PolicyDocument"].as_str().unwrap()).decode_utf8().unwrap();
    assert_eq!(text, spaced);
    assert_eq!(account.ok("ListRolePolicies", json!({"RoleName": "r"}))["PolicyNames"], json!(["p"]));
    assert_eq!(account.code("GetRolePolicy", json!({"RoleName": "r", "PolicyName": "q"})), "NoSuchEntity");
    assert_eq!(account.code("DeleteRolePolicy", json!({"RoleName": "r", "PolicyName": "q"})), "NoSuchEntity");
}

/// A valid identity policy of exactly so many characters that count.
fn document_of(size: usize) -> String {
    let around = READ.replace("\"*\"", "\"arn:aws:s3:::\"");
    READ.replace("\"*\"", &format!("\"arn:aws:s3:::{}\"", "x".repeat(size - around.len())))
}

#[test]
fn inline_policies_share_10240_characters_without_white_space() {
    let mut account = Account::new();
    account.role("r");
    let mut put = |name: &str, document: String| {
        account.call("PutRolePolicy", json!({"RoleName": "r", "PolicyName": name, "PolicyDocument": document}))
    };
    put("one", document_of(10_000) + &" ".repeat(5_000)).unwrap();
    let refusal = put("two", document_of(241)).unwrap_err();
    assert_eq!(refusal.code, "LimitExceeded");
    assert_eq!(refusal.message, "Maximum policy size of 10240 bytes exceeded for role r");
    put("two", document_of(240)).unwrap();
    put("one", document_of(9_000)).unwrap();
}

#[test]
fn trust_and_managed_policies_have_their_own_sizes() {
    let mut account = Account::new();
    account.ok("CreatePolicy", json!({"PolicyName": "fits", "PolicyDocument": document_of(6144)}));
    let (code, message) =
        account.refused("CreatePolicy", json!({"PolicyName": "big", "PolicyDocument": document_of(6145)}));
    assert_eq!((code.as_str(), message.as_str()), ("LimitExceeded", "Cannot exceed quota for PolicySize: 6144"));
    let padded = format!("{SAGEMAKER}{}", " ".repeat(2049 - SAGEMAKER.len()));
    let (code, message) = account.refused("CreateRole", json!({"RoleName": "r", "AssumeRolePolicyDocument": padded}));
    assert_eq!((code.as_str(), message.as_str()), ("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048"));
}

#[test]
fn malformed_documents_are_refused_with_the_reason() {
    let mut account = Account::new();
    account.role("r");
    let (code, message) =
        account.refused("PutRolePolicy", json!({"RoleName": "r", "PolicyName": "p", "PolicyDocument": SAGEMAKER}));
    assert_eq!(code, "MalformedPolicyDocument");
    assert_eq!(message, "Policy document should not specify a principal.");
    let (code, message) = account.refused("UpdateAssumeRolePolicy", json!({"RoleName": "r", "PolicyDocument": READ}));
    assert_eq!((code.as_str(), message.as_str()), ("MalformedPolicyDocument", "Missing required field Principal"));
}

#[test]
fn an_unknown_principal_is_refused() {
    let mut account = Account::new();
    let missing = "arn:aws:iam::111122223333:role/missing";
    let (code, message) =
        account.refused("CreateRole", json!({"RoleName": "r", "AssumeRolePolicyDocument": trusting(missing)}));
    assert_eq!(code, "MalformedPolicyDocument");
    assert_eq!(message, format!("Invalid principal in policy: \"AWS\":\"{missing}\""));
    let service = SAGEMAKER.replace("sagemaker.amazonaws.com", "sagemaker");
    let (_, message) = account.refused("CreateRole", json!({"RoleName": "r", "AssumeRolePolicyDocument": service}));
    assert_eq!(message, "Invalid principal in policy: \"SERVICE\":\"sagemaker\"");
}

#[test]
fn a_principal_shows_as_arn_while_it_lives_and_as_id_afterwards() {
    let mut account = Account::new();
    let id = account.role("taker")["RoleId"].as_str().unwrap().to_owned();
    let arn = "arn:aws:iam::111122223333:role/taker";
    account.ok("CreateRole", json!({"RoleName": "taken", "AssumeRolePolicyDocument": trusting(arn)}));
    assert_eq!(account.trust("taken")["Statement"][0]["Principal"]["AWS"], arn);
    account.ok("DeleteRole", json!({"RoleName": "taker"}));
    assert_eq!(account.trust("taken")["Statement"][0]["Principal"]["AWS"], id);
    account.role("taker");
    assert_eq!(account.trust("taken")["Statement"][0]["Principal"]["AWS"], id, "somebody else has the name now");
    account.ok("UpdateAssumeRolePolicy", json!({"RoleName": "taken", "PolicyDocument": trusting(arn)}));
    assert_eq!(account.trust("taken")["Statement"][0]["Principal"]["AWS"], arn);
    assert_eq!(
        account.code("UpdateAssumeRolePolicy", json!({"RoleName": "taken", "PolicyDocument": trusting(&id)})),
        "MalformedPolicyDocument"
    );
}

#[test]
fn principals_of_other_accounts_and_users_are_stored_by_id_as_well() {
    let mut account = Account::new();
    account.ok("CreateUser", json!({"UserName": "ada", "Path": "/staff/"}));
    let arn = "arn:aws:iam::111122223333:user/staff/ada";
    account.ok("CreateRole", json!({"RoleName": "r", "AssumeRolePolicyDocument": trusting(arn)}));
    assert_eq!(account.trust("r")["Statement"][0]["Principal"]["AWS"], arn);
    account.ok("DeleteUser", json!({"UserName": "ada"}));
    let shown = account.trust("r")["Statement"][0]["Principal"]["AWS"].as_str().unwrap().to_owned();
    assert!(shown.starts_with("AIDA"), "{shown}");
    account.ok("UpdateAssumeRolePolicy", json!({"RoleName": "r", "PolicyDocument": trusting("444455556666")}));
    assert_eq!(account.trust("r")["Statement"][0]["Principal"]["AWS"], "arn:aws:iam::444455556666:root");
}

#[test]
fn a_new_role_is_neither_a_principal_nor_trusting_until_the_word_has_spread() {
    let delays = Delays { iam_propagation: Duration::from_secs(10), ..Delays::none() };
    let mut account = Account::with(delays);
    account.role("taker");
    let arn = "arn:aws:iam::111122223333:role/taker";
    let create = || json!({"RoleName": "taken", "AssumeRolePolicyDocument": trusting(arn)});
    assert_eq!(account.code("CreateRole", create()), "MalformedPolicyDocument");
    let trusts = |account: &mut Account| {
        let now = account.now;
        account.world.account(ACCOUNT).iam.role_by_arn(arn).unwrap().trusts_service("sagemaker.amazonaws.com", now)
    };
    assert!(!trusts(&mut account));
    account.now += Duration::from_secs(10);
    assert!(trusts(&mut account));
    account.ok("CreateRole", create());
    let other = SAGEMAKER.replace("sagemaker", "ec2");
    account.ok("UpdateAssumeRolePolicy", json!({"RoleName": "taker", "PolicyDocument": other}));
    assert!(trusts(&mut account), "the old trust policy is still in force");
    account.now += Duration::from_secs(10);
    assert!(!trusts(&mut account));
}

#[test]
fn a_managed_policy_has_five_versions_at_most() {
    let mut account = Account::new();
    let arn = account.policy("read");
    let version = || json!({"PolicyArn": arn, "PolicyDocument": READ, "SetAsDefault": "true"});
    for number in 2..=5 {
        let made = account.ok("CreatePolicyVersion", version());
        assert_eq!(made["PolicyVersion"]["VersionId"], format!("v{number}"));
    }
    let (code, message) = account.refused("CreatePolicyVersion", version());
    assert_eq!(code, "LimitExceeded");
    assert!(message.starts_with("A managed policy can have up to 5 versions."));
    assert_eq!(
        account.refused("DeletePolicyVersion", json!({"PolicyArn": arn, "VersionId": "v5"})),
        ("DeleteConflict".into(), "Cannot delete the default version of a policy.".into())
    );
    account.ok("DeletePolicyVersion", json!({"PolicyArn": arn, "VersionId": "v1"}));
    assert_eq!(account.ok("CreatePolicyVersion", version())["PolicyVersion"]["VersionId"], "v6");
    let listed = account.ok("ListPolicyVersions", json!({"PolicyArn": arn}));
    let ids: Vec<_> =
        listed["Versions"].as_array().unwrap().iter().map(|version| version["VersionId"].clone()).collect();
    assert_eq!(ids, ["v6", "v5", "v4", "v3", "v2"]);
    account.ok("SetDefaultPolicyVersion", json!({"PolicyArn": arn, "VersionId": "v2"}));
    assert_eq!(account.ok("GetPolicy", json!({"PolicyArn": arn}))["Policy"]["DefaultVersionId"], "v2");
    assert_eq!(account.code("GetPolicyVersion", json!({"PolicyArn": arn, "VersionId": "v1"})), "NoSuchEntity");
    let got = account.ok("GetPolicyVersion", json!({"PolicyArn": arn, "VersionId": "v2"}));
    assert_eq!(decoded(&got["PolicyVersion"]["Document"])["Version"], "2012-10-17");
}

#[test]
fn a_policy_in_use_or_with_versions_cannot_be_deleted() {
    let mut account = Account::new();
    account.role("r");
    let arn = account.policy("read");
    account.ok("AttachRolePolicy", json!({"RoleName": "r", "PolicyArn": arn}));
    account.ok("AttachRolePolicy", json!({"RoleName": "r", "PolicyArn": arn}));
    let params = || json!({"PolicyArn": arn});
    let in_use = ("DeleteConflict".to_owned(), "Cannot delete a policy attached to entities.".to_owned());
    assert_eq!(account.refused("DeletePolicy", params()), in_use);
    assert_eq!(account.ok("GetPolicy", params())["Policy"]["AttachmentCount"], 1);
    let entities = account.ok("ListEntitiesForPolicy", params());
    assert_eq!(entities["PolicyRoles"][0]["RoleName"], "r");
    account.ok("DetachRolePolicy", json!({"RoleName": "r", "PolicyArn": arn}));
    assert_eq!(account.code("DetachRolePolicy", json!({"RoleName": "r", "PolicyArn": arn})), "NoSuchEntity");
    account.ok("PutRolePermissionsBoundary", json!({"RoleName": "r", "PermissionsBoundary": arn}));
    assert_eq!(account.refused("DeletePolicy", params()), in_use);
    assert_eq!(account.ok("GetPolicy", params())["Policy"]["PermissionsBoundaryUsageCount"], 1);
    account.ok("DeleteRolePermissionsBoundary", json!({"RoleName": "r"}));
    assert_eq!(account.code("DeleteRolePermissionsBoundary", json!({"RoleName": "r"})), "NoSuchEntity");
    account.ok("CreatePolicyVersion", json!({"PolicyArn": arn, "PolicyDocument": READ}));
    assert_eq!(account.code("DeletePolicy", params()), "DeleteConflict");
    account.ok("DeletePolicyVersion", json!({"PolicyArn": arn, "VersionId": "v2"}));
    account.ok("DeletePolicy", params());
    assert_eq!(account.refused("GetPolicy", params()), ("NoSuchEntity".into(), format!("Policy {arn} was not found.")));
}

#[test]
fn policies_that_do_not_exist_cannot_be_attached() {
    let mut account = Account::new();
    account.role("r");
    let arn = "arn:aws:iam::aws:policy/NoSuchAccess";
    assert_eq!(
        account.refused("AttachRolePolicy", json!({"RoleName": "r", "PolicyArn": arn})),
        ("NoSuchEntity".into(), format!("Policy {arn} does not exist or is not attachable."))
    );
    assert_eq!(
        account.refused("PutRolePermissionsBoundary", json!({"RoleName": "r", "PermissionsBoundary": arn})),
        ("NoSuchEntity".into(), format!("Scope ARN: {arn} does not exist or is not attachable."))
    );
    let role = "arn:aws:iam::111122223333:role/r";
    assert_eq!(account.code("AttachRolePolicy", json!({"RoleName": "r", "PolicyArn": role})), "InvalidInput");
}

#[test]
fn a_role_takes_ten_managed_policies() {
    let mut account = Account::new();
    account.role("r");
    for number in 0..11 {
        let arn = account.policy(&format!("p{number}"));
        let reply = account.call("AttachRolePolicy", json!({"RoleName": "r", "PolicyArn": arn}));
        match reply {
            Ok(_) => assert!(number < 10),
            Err(refusal) => {
                assert_eq!((number, refusal.code.as_str()), (10, "LimitExceeded"));
                assert_eq!(refusal.message, "Cannot exceed quota for PoliciesPerRole: 10");
            }
        }
    }
    let page = account.ok("ListAttachedRolePolicies", json!({"RoleName": "r", "MaxItems": "7"}));
    assert_eq!(page["AttachedPolicies"].as_array().unwrap().len(), 7);
    let rest =
        account.ok("ListAttachedRolePolicies", json!({"RoleName": "r", "MaxItems": "7", "Marker": page["Marker"]}));
    assert_eq!(rest["AttachedPolicies"].as_array().unwrap().len(), 3);
    assert_eq!(rest["IsTruncated"], false);
}

#[test]
fn policies_of_aws_can_be_read_and_not_changed() {
    let mut account = Account::new();
    for name in
        ["AdministratorAccess", "AmazonS3ReadOnlyAccess", "AmazonSageMakerFullAccess", "PowerUserAccess", "AWSDenyAll"]
    {
        let arn = format!("arn:aws:iam::aws:policy/{name}");
        let got = account.ok("GetPolicyVersion", json!({"PolicyArn": arn, "VersionId": "v1"}));
        let document = decoded(&got["PolicyVersion"]["Document"]).to_string();
        Document::parse(&document, Kind::Identity).unwrap();
        assert_eq!(account.code("DeletePolicy", json!({"PolicyArn": arn})), "AccessDenied");
    }
    let all = account.ok("ListPolicies", json!({"Scope": "AWS"}));
    assert!(all["Policies"].as_array().unwrap().len() > 5);
    assert_eq!(account.ok("ListPolicies", json!({"Scope": "Local"}))["Policies"], json!([]));
    assert_eq!(account.ok("ListPolicies", json!({"OnlyAttached": "true"}))["Policies"], json!([]));
}

#[test]
fn the_whole_account_is_read_in_pages() {
    let mut account = Account::new();
    for number in 0..3 {
        account.role(&format!("r{number}"));
    }
    let arn = account.policy("read");
    account.ok("AttachRolePolicy", json!({"RoleName": "r1", "PolicyArn": arn}));
    account.ok("AttachRolePolicy", json!({"RoleName": "r1", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}));
    account.ok("PutRolePolicy", json!({"RoleName": "r1", "PolicyName": "p", "PolicyDocument": READ}));
    account.ok("TagRole", json!({"RoleName": "r1", "Tags": [{"Key": "a", "Value": "b"}]}));
    account.ok("PutRolePermissionsBoundary", json!({"RoleName": "r1", "PermissionsBoundary": arn}));
    let mut roles = Vec::new();
    let mut policies = Vec::new();
    let mut marker = Value::Null;
    loop {
        let page = account.ok("GetAccountAuthorizationDetails", json!({"MaxItems": "2", "Marker": marker}));
        roles.extend(page["RoleDetailList"].as_array().unwrap().clone());
        policies.extend(page["Policies"].as_array().unwrap().clone());
        if page["IsTruncated"] == false {
            break;
        }
        marker = page["Marker"].clone();
    }
    assert_eq!(roles.len(), 3);
    let role = &roles[1];
    assert_eq!(role["RolePolicyList"][0]["PolicyName"], "p");
    assert_eq!(decoded(&role["RolePolicyList"][0]["PolicyDocument"])["Version"], "2012-10-17");
    assert_eq!(role["AttachedManagedPolicies"].as_array().unwrap().len(), 2);
    assert_eq!(role["Tags"], json!([{"Key": "a", "Value": "b"}]));
    assert_eq!(role["PermissionsBoundary"]["PermissionsBoundaryArn"], arn);
    assert!(role.get("Description").is_none());
    assert_eq!(policies.len(), 2);
    assert_eq!(policies[0]["PolicyVersionList"][0]["VersionId"], "v1");
    let only = account.ok("GetAccountAuthorizationDetails", json!({"Filter": ["LocalManagedPolicy"]}));
    assert_eq!(only["RoleDetailList"], json!([]));
    assert_eq!(only["Policies"].as_array().unwrap().len(), 1);
    assert_eq!(account.code("GetAccountAuthorizationDetails", json!({"Filter": ["Everything"]})), "ValidationError");
}

#[test]
fn users_exist_to_be_named() {
    let mut account = Account::new();
    account.ok("CreateUser", json!({"UserName": "ada"}));
    assert_eq!(account.code("CreateUser", json!({"UserName": "ADA"})), "EntityAlreadyExists");
    assert_eq!(account.ok("GetUser", json!({"UserName": "ada"}))["User"]["Arn"], "arn:aws:iam::111122223333:user/ada");
    assert_eq!(account.ok("GetUser", json!({}))["User"]["Arn"], "arn:aws:iam::111122223333:root");
    assert_eq!(account.ok("ListUsers", json!({}))["Users"].as_array().unwrap().len(), 1);
    account.ok("DeleteUser", json!({"UserName": "ada"}));
    assert_eq!(account.code("GetUser", json!({"UserName": "ada"})), "NoSuchEntity");
}

#[test]
fn service_linked_roles_are_not_for_everybody() {
    let mut account = Account::new();
    let path = "/aws-service-role/sagemaker.amazonaws.com/";
    let params = json!({"RoleName": "linked", "Path": path, "AssumeRolePolicyDocument": SAGEMAKER});
    assert_eq!(account.code("CreateRole", params), "InvalidInput");
    account.role("linked");
    account.world.account(ACCOUNT).iam.role_mut("linked").unwrap().path = path.into();
    assert_eq!(account.code("DeleteRole", json!({"RoleName": "linked"})), "UnmodifiableEntity");
}

#[test]
fn a_service_linked_role_is_made_and_ended_for_its_service_and_not_changed() {
    let mut account = Account::new();
    let service = json!({"AWSServiceName": "sagemaker.amazonaws.com"});
    let role = account.ok("CreateServiceLinkedRole", service.clone());
    let name = role["Role"]["RoleName"].as_str().unwrap().to_owned();
    assert_eq!(role["Role"]["Path"], "/aws-service-role/sagemaker.amazonaws.com/");
    assert_eq!(account.code("CreateServiceLinkedRole", service), "InvalidInput");
    assert_eq!(account.code("CreateServiceLinkedRole", json!({"AWSServiceName": "tea.example.com"})), "InvalidInput");
    let named = json!({"RoleName": name});
    assert_eq!(account.code("DeleteRole", named.clone()), "UnmodifiableEntity");
    let task = account.ok("DeleteServiceLinkedRole", named.clone());
    assert_eq!(account.ok("GetServiceLinkedRoleDeletionStatus", task)["Status"], "SUCCEEDED");
    assert_eq!(account.code("GetRole", named), "NoSuchEntity");
    account.role("own");
    assert_eq!(account.code("DeleteServiceLinkedRole", json!({"RoleName": "own"})), "NoSuchEntity");
}

#[test]
fn a_role_in_an_instance_profile_cannot_go() {
    let mut account = Account::new();
    account.role("worker");
    let profile = json!({"InstanceProfileName": "machines"});
    let both = json!({"InstanceProfileName": "machines", "RoleName": "worker"});
    assert_eq!(account.code("AddRoleToInstanceProfile", both.clone()), "NoSuchEntity");
    account.ok("CreateInstanceProfile", profile.clone());
    assert_eq!(
        account.code("CreateInstanceProfile", json!({"InstanceProfileName": "Machines"})),
        "EntityAlreadyExists"
    );
    account.ok("AddRoleToInstanceProfile", both.clone());
    assert_eq!(account.code("AddRoleToInstanceProfile", both.clone()), "LimitExceeded");
    let shown = account.ok("GetInstanceProfile", profile.clone());
    assert_eq!(shown["InstanceProfile"]["Roles"][0]["RoleName"], "worker");
    let details = account.ok("GetAccountAuthorizationDetails", json!({"Filter": ["Role"]}));
    assert_eq!(details["RoleDetailList"][0]["InstanceProfileList"][0]["InstanceProfileName"], "machines");
    assert_eq!(account.code("DeleteRole", json!({"RoleName": "worker"})), "DeleteConflict");
    assert_eq!(account.code("DeleteInstanceProfile", profile.clone()), "DeleteConflict");
    account.ok("RemoveRoleFromInstanceProfile", both.clone());
    assert_eq!(account.code("RemoveRoleFromInstanceProfile", both), "NoSuchEntity");
    account.ok("DeleteRole", json!({"RoleName": "worker"}));
    account.ok("DeleteInstanceProfile", profile);
    assert_eq!(account.ok("ListInstanceProfiles", json!({}))["InstanceProfiles"], json!([]));
}

#[test]
fn operations_that_are_not_simulated_say_so() {
    assert_eq!(Account::new().code("CreateGroup", json!({})), "InvalidAction");
}
