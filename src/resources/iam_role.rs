//! The execution role of the notebooks: trust policy, inline and attached policies, permissions boundary.
//!
//! What somebody added to take rights away (a Deny, a quarantine policy, a boundary) is reported and stays; what
//! was added to give rights is removed. Description and session length are nobody's business here.
//!
//! AWS on this: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>,
//! <https://docs.aws.amazon.com/sagemaker/latest/dg/security-confused-deputy-prevention.html>.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;

use self::writes::{
    attach, delete_inline, detach, gone, put_boundary, put_inline, unless_boundary_is_missing, update_attached,
    update_inline, update_trust,
};
use super::{
    data_addresses, iam_account,
    iam_account::{IamAccount, RoleRow},
    install_permissions, point_tags,
    policy_documents::{self, within},
};
use crate::{
    aws::{
        error::{AwsError, from_sdk},
        provider::{Created, Item, Progress, Provider, Reader, Writer},
    },
    model::{
        access::PolicyInPlace,
        address::Kind,
        diff::{FieldDiff, TAGS, touches},
        environment::{BucketAccess, Environment, ExecutionRole, ManagedRole},
        owner::Tags,
        policy::{PolicyDocument, Statement},
        resource::{Context, Field, Finding, Management, Output, Phase, ResourceKind, Seen, Severity, State, Wanted},
        value::{Wish, bounded},
    },
};

mod writes;

/// The kind.
pub struct IamRole;

/// The name of our inline policy.
const INLINE: &str = "cloister";
/// The most characters of all inline policies of a role together.
const INLINE_LIMIT: usize = 10_240;
/// The most characters of a trust policy.
const TRUST_LIMIT: usize = 2_048;
/// How many policies can be attached unless the quota was raised.
const ATTACHED_LIMIT: usize = 10;

// --- rows ---------------------------------------------------------------------------------------------------------------------
// The rows are those of `iam_account`, which both IAM kinds look at.

// --- state --------------------------------------------------------------------------------------------------------------------

/// What a role looks like.
#[derive(Debug, Clone, Default)]
pub struct RoleState {
    trust_policy: Wish<PolicyDocument>,
    inline_policies: Wish<BTreeMap<String, PolicyDocument>>,
    attached_policies: Wish<BTreeSet<String>>,
    permissions_boundary: Wish<Option<String>>,
    /// What is left alone while the role lives, and what is in the way when it goes.
    aside: Aside,
    /// Everything that is in place, for the verdict on permissions.
    in_place: Vec<PolicyInPlace>,
}

/// What was seen and is not compared.
#[derive(Debug, Clone, Default)]
struct Aside {
    trust_denies: BTreeSet<Statement>,
    inline_denies: BTreeMap<String, BTreeSet<Statement>>,
    inline_policies: BTreeMap<String, PolicyDocument>,
    attached_policies: BTreeSet<String>,
    instance_profiles: Vec<String>,
    /// Its path, where it has one: what is ours has none, as its ARN is put together from its name.
    path: Option<String>,
}

impl State for RoleState {
    fn fields(&self) -> Vec<Field> {
        let Self { trust_policy, inline_policies, attached_policies, permissions_boundary, aside: _, in_place: _ } =
            self.clone();
        vec![
            Field::live("trustPolicy", trust_policy).severe(Severity::High),
            Field::live("inlinePolicies", inline_policies).severe(Severity::High),
            Field::live("attachedPolicies", attached_policies).severe(Severity::High),
            Field::live("permissionsBoundary", permissions_boundary).severe(Severity::High),
        ]
    }

    fn policies(&self) -> &[PolicyInPlace] {
        &self.in_place
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn unfit(&self) -> Option<String> {
        self.aside.path.as_ref().map(|path| format!("its path is {path}, wanted is /, and AWS cannot change it"))
    }
}

// --- desire -------------------------------------------------------------------------------------------------------------------

impl ResourceKind for IamRole {
    fn kind(&self) -> Kind {
        Kind::Role
    }

    fn desire(&self, environment: &Environment, _: Context<'_>) -> Vec<Wanted> {
        let address = data_addresses::role();
        let role = match &environment.role {
            ExecutionRole::Managed(role) => role,
            ExecutionRole::Existing { arn, .. } => {
                return vec![Wanted {
                    address,
                    management: Management::Existing(arn.clone()),
                    name: Some(iam_account::name_in(arn).to_owned()),
                    needs: Vec::new(),
                    tags: Tags::new(),
                    state: Arc::new(RoleState::default()),
                }];
            }
        };
        vec![Wanted {
            tags: environment.tags_of(&address),
            address,
            management: Management::Owned,
            name: Some(role.name.clone()),
            needs: Vec::new(),
            state: Arc::new(RoleState {
                trust_policy: Wish::Is(trust_policy()),
                inline_policies: Wish::Is(BTreeMap::from([(INLINE.to_owned(), inline_policy(environment, role))])),
                attached_policies: Wish::Is(role.managed_policies.clone()),
                // A boundary that nobody asked for stays and is reported.
                permissions_boundary: role.permissions_boundary.clone().map_or(Wish::Any, |arn| Wish::Is(Some(arn))),
                aside: Aside::default(),
                in_place: Vec::new(),
            }),
        }]
    }
}

/// Who may take the role. Without conditions: whether `SageMaker` says on whose behalf it asks is not certain for notebooks,
/// and a condition on a missing key would keep every notebook from starting.
fn trust_policy() -> PolicyDocument {
    let trust = Statement::allow("SageMaker", ["sts:AssumeRole"], ["*"]).by(["Service:sagemaker.amazonaws.com"]);
    PolicyDocument::new([trust.without_resource()])
}

fn inline_policy(environment: &Environment, role: &ManagedRole) -> PolicyDocument {
    let logs = format!(
        "arn:aws:logs:{}:{}:log-group:/aws/sagemaker/NotebookInstances*",
        environment.region, environment.account
    );
    let actions = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"];
    let mut statements = install_permissions::statements(environment);
    statements.push(Statement::allow("Logs", actions, [logs]));
    statements.extend(bucket_statements(&role.s3));
    statements.extend(role.statements.iter().cloned());
    PolicyDocument::new(statements)
}

fn bucket_statements(buckets: &[BucketAccess]) -> Vec<Statement> {
    let objects = |bucket: &BucketAccess| format!("arn:aws:s3:::{}/*", bucket.bucket);
    let mut statements = Vec::new();
    if !buckets.is_empty() {
        let arns = buckets.iter().map(|bucket| format!("arn:aws:s3:::{}", bucket.bucket));
        statements.push(Statement::allow("ListBuckets", ["s3:ListBucket", "s3:GetBucketLocation"], arns));
        statements.push(Statement::allow("ReadObjects", ["s3:GetObject"], buckets.iter().map(objects)));
    }
    let writable: Vec<_> = buckets.iter().filter(|bucket| bucket.write).map(objects).collect();
    if !writable.is_empty() {
        let actions = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"];
        statements.push(Statement::allow("WriteObjects", actions, writable));
    }
    statements
}

// --- provider -----------------------------------------------------------------------------------------------------------------

#[async_trait]
impl Provider for IamRole {
    async fn list(&self, reader: &Reader<'_>, wanted: &[Wanted]) -> Result<Vec<Item>, AwsError> {
        // An attachment of our policy shows in the role.
        let look = reader.look_after_writes_to::<IamAccount>(Kind::Policy, "").await?;
        let account = &look.rows;
        let mut items = Vec::new();
        for role in &account.roles {
            // Names of roles are unique whatever their case.
            let named =
                |wanted: &&Wanted| wanted.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&role.name));
            let wish = wanted.iter().find(named);
            let known = reader.concerns(wanted, &role.name) || reader.concerns(wanted, &role.arn);
            if wish.is_some() || known || reader.owner.address_of(&role.tags).is_some() {
                items.push(item(account, role, wish));
            }
        }
        Ok(items)
    }

    fn same_place(&self, wanted: &Wanted, item: &Item) -> bool {
        wanted.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&item.id))
    }

    /// A role is known by its name: under another one it is another role, and the earlier one is to go.
    fn may_be(&self, wanted: &Wanted, item: &Item) -> bool {
        self.same_place(wanted, item)
    }

    async fn create(&self, writer: &Writer<'_>, wanted: &Wanted) -> Result<Created, AwsError> {
        const OPERATION: &str = "iam:CreateRole";
        let (name, state) = (wanted.name.clone().unwrap_or_default(), wanted.state::<RoleState>());
        let trust = state.trust_policy.known().ok_or_else(|| AwsError::unresolved(OPERATION, "trustPolicy"))?;
        let policies = state.inline_policies.known().cloned().unwrap_or_default();
        within(OPERATION, "the trust policy", trust.size(), TRUST_LIMIT)?;
        within(OPERATION, "the inline policy", policies.values().map(PolicyDocument::size).sum(), INLINE_LIMIT)?;
        let create =
            writer.write(OPERATION)?.iam.create_role().role_name(&name).assume_role_policy_document(trust.to_json());
        let boundary = state.permissions_boundary.known().cloned().flatten();
        let create = create.set_permissions_boundary(boundary.clone());
        let create = create.set_tags(Some(iam_account::request_tags(&wanted.tags)));
        let created = create.send().await.map_err(from_sdk(OPERATION));
        let created = created.map_err(unless_boundary_is_missing(boundary.as_deref()))?;
        // If one of these fails, the next look finds the difference.
        for (policy, document) in &policies {
            put_inline(writer, &name, policy, document).await.ok();
        }
        for arn in state.attached_policies.known().into_iter().flatten() {
            attach(writer, &name, arn).await.ok();
        }
        let created_role = created.role.as_ref();
        let arn = created_role
            .map_or_else(|| format!("arn:aws:iam::{}:role/{name}", writer.read().account), |role| role.arn.clone());
        let unique_id = created_role.map(|role| role.role_id.clone()).unwrap_or_default();
        Ok(Created::id(name).with(Output::Arn, arn).with(Output::UniqueId, unique_id))
    }

    async fn update(
        &self,
        writer: &Writer<'_>,
        wanted: &Wanted,
        seen: &Seen,
        diffs: &[FieldDiff],
    ) -> Result<Progress, AwsError> {
        let (wish, found) = (wanted.state::<RoleState>(), seen.state::<RoleState>());
        // Limits first: nothing is opened while what narrows it is still missing.
        if let (true, Some(Some(arn))) = (touches(diffs, "permissionsBoundary"), wish.permissions_boundary.known()) {
            put_boundary(writer, &seen.id, arn).await?;
        }
        if let (true, Some(trust)) = (touches(diffs, "trustPolicy"), wish.trust_policy.known()) {
            update_trust(writer, &seen.id, trust, &found.aside.trust_denies).await?;
        }
        if touches(diffs, "inlinePolicies") {
            update_inline(writer, &seen.id, wish, found).await?;
        }
        if touches(diffs, "attachedPolicies") {
            update_attached(writer, &seen.id, wish, found).await?;
        }
        if touches(diffs, TAGS) {
            let tags = iam_account::request_tags(&point_tags::deviating(&wanted.tags, diffs));
            let tag = writer.write("iam:TagRole")?.iam.tag_role().role_name(&seen.id).set_tags(Some(tags));
            tag.send().await.map_err(from_sdk("iam:TagRole"))?;
        }
        Ok(Progress::Done)
    }

    async fn delete(&self, writer: &Writer<'_>, seen: &Seen) -> Result<Progress, AwsError> {
        const OPERATION: &str = "iam:DeleteRole";
        let RoleState { inline_policies, attached_policies, aside, .. } = seen.state::<RoleState>();
        if !aside.instance_profiles.is_empty() {
            let profiles = aside.instance_profiles.join(", ");
            return Err(AwsError::in_use(
                OPERATION,
                format!("role {} is in instance profiles that are not ours: {profiles}", seen.id),
            ));
        }
        // Together with the role everything goes that was added to it: there is nobody left whose rights it would limit.
        for arn in attached_policies.known().into_iter().flatten().chain(&aside.attached_policies) {
            detach(writer, &seen.id, arn).await?;
        }
        for name in inline_policies.known().into_iter().flat_map(BTreeMap::keys).chain(aside.inline_policies.keys()) {
            delete_inline(writer, &seen.id, name).await?;
        }
        let delete = writer.write(OPERATION)?.iam.delete_role().role_name(&seen.id);
        gone(delete.send().await.map_err(from_sdk(OPERATION)))?;
        Ok(Progress::Done)
    }

    async fn untag(&self, writer: &Writer<'_>, seen: &Seen, keys: &[String]) -> Result<(), AwsError> {
        // A role that is declared as existing goes by its ARN.
        let name = iam_account::name_in(&seen.id);
        let keys = point_tags::released(seen, keys);
        let untag = writer.write("iam:UntagRole")?.iam.untag_role().role_name(name).set_tag_keys(Some(keys));
        untag.send().await.map_err(from_sdk("iam:UntagRole"))?;
        Ok(())
    }
}

fn item(account: &IamAccount, role: &RoleRow, wanted: Option<&Wanted>) -> Item {
    let existing =
        wanted.is_some_and(|wanted| matches!(&wanted.management, Management::Existing(arn) if *arn == role.arn));
    // Of a role that is not ours, or not wanted any more, nothing is set aside: it is only shown, or deleted with all it has.
    let wish = wanted.filter(|wanted| wanted.management == Management::Owned).map(Wanted::state::<RoleState>);
    let (mut state, findings) = sift(account, role, wish);
    state.in_place = account.in_place(role);
    let outputs =
        [(Output::Id, role.name.clone()), (Output::Arn, role.arn.clone()), (Output::UniqueId, role.unique_id.clone())];
    Item {
        id: if existing { role.arn.clone() } else { role.name.clone() },
        address: None,
        tags: role.tags.clone(),
        phase: Phase::Ready,
        outputs: BTreeMap::from(outputs),
        findings,
        state: Arc::new(state),
    }
}

/// The path in a role's ARN, if it has one.
fn path_in(arn: &str) -> Option<&str> {
    let (_, place) = arn.split_once(":role")?;
    let end = place.rfind('/')?;
    (end > 0).then(|| &place[..=end])
}

/// Tell what is compared from what is left alone and reported.
fn sift(account: &IamAccount, role: &RoleRow, wish: Option<&RoleState>) -> (RoleState, Vec<Finding>) {
    let mut aside = Aside {
        instance_profiles: role.instance_profiles.clone(),
        path: path_in(&role.arn).map(ToOwned::to_owned),
        ..Aside::default()
    };
    let mut findings = Vec::new();
    let mut report =
        |field: String, observed: String| findings.push(Finding { field, observed, severity: Severity::Medium });
    let trust = policy_documents::read(&role.trust);
    let mut inline: BTreeMap<String, PolicyDocument> =
        role.inline.iter().map(|(name, text)| (name.clone(), policy_documents::read(text))).collect();
    let mut attached: BTreeSet<String> = role.attached.iter().cloned().collect();
    let Some(wish) = wish else {
        let state = RoleState {
            trust_policy: Wish::Is(trust),
            inline_policies: Wish::Is(inline),
            attached_policies: Wish::Is(attached),
            permissions_boundary: Wish::Is(role.boundary.clone()),
            aside,
            in_place: Vec::new(),
        };
        return (state, findings);
    };
    let sifted_trust = policy_documents::sift(Some(trust), wish.trust_policy.known());
    aside.trust_denies = sifted_trust.denies;
    let empty = BTreeMap::new();
    let wished = wish.inline_policies.known().unwrap_or(&empty);
    let (ours, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
        std::mem::take(&mut inline).into_iter().partition(|(name, _)| wished.contains_key(name));
    for (name, policy) in ours {
        let sifted = policy_documents::sift(Some(policy), wished.get(&name));
        inline.insert(name.clone(), sifted.policy.unwrap_or_else(|| PolicyDocument::new([])));
        aside.inline_denies.insert(name, sifted.denies);
    }
    for (name, policy) in others {
        let denying = iam_account::denies_only(&policy);
        if denying {
            let said = format!("only denies, added by somebody: {}", policy.summary_with_statement());
            report(format!("inlinePolicies[{name}]"), bounded(&said, 256));
        }
        if denying { &mut aside.inline_policies } else { &mut inline }.insert(name, policy);
    }
    let wished_policies = wish.attached_policies.known();
    attached.retain(|arn| {
        let keep = !wished_policies.is_some_and(|wished| wished.contains(arn)) && account.only_denies(arn);
        if keep {
            report(format!("attachedPolicies[{arn}]"), "only denies, attached by somebody".to_owned());
            aside.attached_policies.insert(arn.clone());
        }
        !keep
    });
    if let (Some(arn), Wish::Any) = (&role.boundary, &wish.permissions_boundary) {
        report("permissionsBoundary".to_owned(), format!("{arn}, set by somebody"));
    }
    findings.extend(policy_documents::findings("trustPolicy", &aside.trust_denies));
    for (name, denies) in &aside.inline_denies {
        findings.extend(policy_documents::findings(&format!("inlinePolicies[{name}]"), denies));
    }
    let state = RoleState {
        trust_policy: Wish::Is(sifted_trust.policy.unwrap_or_else(|| PolicyDocument::new([]))),
        inline_policies: Wish::Is(inline),
        attached_policies: Wish::Is(attached),
        permissions_boundary: Wish::Is(role.boundary.clone()),
        aside,
        in_place: Vec::new(),
    };
    (state, findings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::policy::Effect,
        resources::test_environment::{environment, facts, managed_role, outputs},
    };

    fn wanted(environment: &Environment) -> Wanted {
        let (outputs, facts) = (outputs(&[]), facts());
        IamRole.desire(environment, Context { outputs: &outputs, facts: &facts }).remove(0)
    }

    fn inline(environment: &Environment) -> PolicyDocument {
        wanted(environment).state::<RoleState>().inline_policies.known().unwrap()[INLINE].clone()
    }

    fn row(wanted: &Wanted) -> RoleRow {
        let state = wanted.state::<RoleState>();
        let inline = state.inline_policies.known().unwrap().iter();
        RoleRow {
            name: wanted.name.clone().unwrap(),
            arn: "arn:aws:iam::111122223333:role/r".into(),
            unique_id: "AROA1".into(),
            tags: wanted.tags.clone(),
            trust: state.trust_policy.known().unwrap().to_json().into(),
            inline: inline.map(|(name, policy)| (name.clone(), policy.to_json().into())).collect(),
            attached: Vec::new(),
            boundary: None,
            instance_profiles: Vec::new(),
        }
    }

    const NOTHING_ELSE: IamAccount =
        IamAccount { roles: Vec::new(), policies: Vec::new(), aws_policies: BTreeMap::new() };

    #[test]
    fn only_the_repository_that_is_installed_from_may_be_read() {
        let text = inline(&environment()).to_json().to_ascii_lowercase();
        assert!(text.contains("repository/test-artifact-domain/test-artifact-repository"), "{text}");
        assert!(!text.contains("pypi-store"), "an upstream that may be read is a way around the repository");
        assert!(text.contains(r#""sts:awsservicename":"codeartifact.amazonaws.com""#), "{text}");
    }

    #[test]
    fn no_action_and_no_resource_is_everything_but_the_bearer_token() {
        for statement in inline(&environment()).statements {
            assert_eq!(statement.effect, Effect::Allow);
            assert!(!statement.actions.patterns.iter().any(|action| action.as_str().contains('*')), "{statement:?}");
            let everything = statement.resources.unwrap().patterns.contains("*");
            assert_eq!(everything, statement.sid.as_deref() == Some("Bearer"));
        }
    }

    #[test]
    fn the_names_of_our_statements_are_kept_from_the_users() {
        use crate::model::environment::ROLE_SIDS;

        let policy = inline(&environment());
        let ours: BTreeSet<&str> = policy.statements.iter().filter_map(|statement| statement.sid.as_deref()).collect();
        assert_eq!(ours, BTreeSet::from(ROLE_SIDS));
    }

    #[test]
    fn a_bucket_that_is_read_is_not_written() {
        let mut environment = environment();
        managed_role(&mut environment).s3[0].write = false;
        let text = inline(&environment).to_json().to_ascii_lowercase();
        assert!(text.contains("s3:getobject") && !text.contains("s3:putobject"), "{text}");
    }

    #[test]
    fn a_role_without_packages_and_buckets_may_write_its_log() {
        let mut environment = environment();
        environment.packages.install = None;
        managed_role(&mut environment).s3.clear();
        let sids: Vec<_> = inline(&environment).statements.into_iter().filter_map(|statement| statement.sid).collect();
        assert_eq!(sids, ["Logs"]);
    }

    #[test]
    fn a_boundary_that_nobody_asked_for_is_reported_and_one_that_is_missing_differs() {
        let mut environment = environment();
        let free = wanted(&environment);
        let bounded = RoleRow { boundary: Some("arn:b".into()), ..row(&free) };
        let item_with = item(&NOTHING_ELSE, &bounded, Some(&free));
        assert_eq!(item_with.findings.len(), 1);
        assert_eq!(free.state::<RoleState>().permissions_boundary, Wish::Any);
        managed_role(&mut environment).permissions_boundary = Some("arn:b".into());
        let bound = wanted(&environment);
        let item_without = item(&NOTHING_ELSE, &row(&bound), Some(&bound));
        let state = item_without.state.as_any().downcast_ref::<RoleState>().unwrap();
        assert_ne!(state.permissions_boundary, bound.state::<RoleState>().permissions_boundary);
        assert!(item_without.findings.is_empty());
    }

    #[test]
    fn a_quarantine_is_set_aside_and_a_grant_is_compared() {
        let environment = environment();
        let wanted = wanted(&environment);
        let quarantine = "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3".to_owned();
        let grant = "arn:aws:iam::aws:policy/AdministratorAccess".to_owned();
        let touched = RoleRow { attached: vec![quarantine.clone(), grant.clone()], ..row(&wanted) };
        let (state, findings) = sift(&NOTHING_ELSE, &touched, Some(wanted.state()));
        assert_eq!(state.attached_policies, Wish::Is(BTreeSet::from([grant])));
        assert_eq!(state.aside.attached_policies, BTreeSet::from([quarantine]));
        assert_eq!(findings.len(), 1);
    }

    #[test]
    fn a_role_that_is_not_wanted_any_more_goes_with_everything() {
        let environment = environment();
        let quarantine = "arn:aws:iam::aws:policy/AWSDenyAll".to_owned();
        let touched = RoleRow { attached: vec![quarantine.clone()], ..row(&wanted(&environment)) };
        let (state, findings) = sift(&NOTHING_ELSE, &touched, None);
        assert_eq!(state.attached_policies, Wish::Is(BTreeSet::from([quarantine])));
        assert!(findings.is_empty());
    }

    #[test]
    fn an_existing_role_is_found_by_its_arn_and_nothing_is_asked_of_it() {
        let mut environment = environment();
        let arn = "arn:aws:iam::111122223333:role/service/General".to_owned();
        environment.role = ExecutionRole::Existing { arn: arn.clone(), attach_policy: false };
        let wanted = wanted(&environment);
        let row = RoleRow {
            name: "General".into(),
            arn: arn.clone(),
            ..row(&self::wanted(&crate::resources::test_environment::environment()))
        };
        assert_eq!(item(&NOTHING_ELSE, &row, Some(&wanted)).id, arn);
        assert!(wanted.state.fields().iter().all(|field| field.value == Wish::Any));
    }
}
