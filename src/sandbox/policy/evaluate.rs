//! What documents say about a request: an explicit denial wins, without an allowance it is denied.

use super::pattern::{Context, Pattern, fits_action};
use super::{Document, Effect, Principal, Statement};

/// A request as policies see it.
#[derive(Debug, Clone, Default)]
pub struct AccessRequest {
    /// Who asks: the ARN of the session, user or account root, or the name of a service.
    pub principal_arn: String,
    /// The role behind a session.
    pub role_arn: Option<String>,
    /// For example `iam:CreateRole`.
    pub action: String,
    /// The ARN of what it is done to, or `*` if the action knows no resources.
    pub resource: String,
    /// Condition keys and their values.
    pub context: Context,
}

/// What documents say; with the `Sid` of the statement that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allow(Option<String>),
    /// A statement denies it.
    ExplicitDeny(Option<String>),
    /// No statement speaks of it.
    ImplicitDeny,
}

impl Decision {
    /// Whether it is [`Decision::Allow`].
    #[must_use]
    pub fn is_allow(&self) -> bool {
        matches!(self, Self::Allow(_))
    }

    /// Whether it is [`Decision::ExplicitDeny`].
    #[must_use]
    pub fn is_explicit_deny(&self) -> bool {
        matches!(self, Self::ExplicitDeny(_))
    }
}

/// What the documents together say about a request.
#[must_use]
pub fn evaluate(documents: &[Document], request: &AccessRequest) -> Decision {
    decide(documents, request, Delegation::Counts)
}

/// Whether the documents allow it to the principal itself (or to anyone), not just to its whole account. Only then is
/// a resource's policy enough without one of the principal's own.
#[must_use]
pub fn grants_by_name(documents: &[Document], request: &AccessRequest) -> bool {
    decide(documents, request, Delegation::DoesNotCount).is_allow()
}

/// Whether naming an account means everybody in it. In a denial it always does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delegation {
    Counts,
    DoesNotCount,
}

fn decide(documents: &[Document], request: &AccessRequest, delegation: Delegation) -> Decision {
    let mut decision = Decision::ImplicitDeny;
    for document in documents {
        for statement in &document.statements {
            let delegation = if statement.effect == Effect::Deny { Delegation::Counts } else { delegation };
            if !statement.speaks_of(request, document.variables, delegation) {
                continue;
            }
            match statement.effect {
                Effect::Deny => return Decision::ExplicitDeny(statement.sid.clone()),
                Effect::Allow if decision.is_allow() => {}
                Effect::Allow => decision = Decision::Allow(statement.sid.clone()),
            }
        }
    }
    decision
}

impl Statement {
    fn speaks_of(&self, request: &AccessRequest, variables: bool, delegation: Delegation) -> bool {
        let context = variables.then_some(&request.context);
        let by_principal = |principal: &Principal| principal.is(request, delegation);
        let by_action = |pattern: &String| fits_action(pattern, &request.action);
        let by_resource =
            |pattern: &String| Pattern::new(pattern, context).is_some_and(|pattern| pattern.fits(&request.resource));
        self.principals.as_ref().is_none_or(|principals| principals.covers(by_principal))
            && self.actions.covers(by_action)
            && self.resources.as_ref().is_none_or(|resources| resources.covers(by_resource))
            && self.conditions.iter().all(|condition| condition.holds(&request.context, variables))
    }
}

impl Principal {
    fn is(&self, request: &AccessRequest, delegation: Delegation) -> bool {
        match self {
            Self::Anyone => true,
            Self::Aws(name) => {
                *name == request.principal_arn
                    || Some(name) == request.role_arn.as_ref()
                    || (delegation == Delegation::Counts
                        && account_named(name)
                            .is_some_and(|account| account_of(&request.principal_arn) == Some(account)))
            }
            Self::Service(name) | Self::Federated(name) | Self::CanonicalUser(name) => *name == request.principal_arn,
        }
    }
}

/// The account that a principal stands for as a whole.
fn account_named(principal: &str) -> Option<&str> {
    let is_number = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number(principal) {
        return Some(principal);
    }
    let parts: Vec<&str> = principal.splitn(6, ':').collect();
    matches!(parts[..], ["arn", _, "iam", "", _, "root"]).then(|| parts[4])
}

fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4)
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;
    use serde_json::{Value, json};

    const ROLE: &str = "arn:aws:iam::111122223333:role/reader";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/reader/one";

    fn documents(kind: Kind, statements: &Value) -> Vec<Document> {
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        vec![Document::parse(&text, kind).unwrap()]
    }

    fn request(action: &str, resource: &str) -> AccessRequest {
        AccessRequest {
            principal_arn: SESSION.into(),
            role_arn: Some(ROLE.into()),
            action: action.into(),
            resource: resource.into(),
            ..AccessRequest::default()
        }
    }

    #[test]
    fn what_nobody_allows_is_denied() {
        let policies = documents(Kind::Identity, &json!({"Effect": "Allow", "Action": "iam:Get*", "Resource": "*"}));
        assert_eq!(evaluate(&policies, &request("iam:GetRole", ROLE)), Decision::Allow(None));
        assert_eq!(evaluate(&policies, &request("iam:DeleteRole", ROLE)), Decision::ImplicitDeny);
        assert_eq!(evaluate(&[], &request("iam:GetRole", ROLE)), Decision::ImplicitDeny);
    }

    #[test]
    fn a_denial_wins_over_any_allowance() {
        let policies = documents(
            Kind::Identity,
            &json!([
                {"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*"},
                {"Sid": "NotThat", "Effect": "Deny", "NotAction": "iam:Get*", "Resource": ROLE},
            ]),
        );
        assert_eq!(evaluate(&policies, &request("iam:GetRole", ROLE)), Decision::Allow(Some("Everything".into())));
        assert_eq!(
            evaluate(&policies, &request("iam:DeleteRole", ROLE)),
            Decision::ExplicitDeny(Some("NotThat".into()))
        );
    }

    #[test]
    fn naming_the_account_delegates_and_naming_the_role_grants() {
        let statement =
            |principal: &str| json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"});
        let by_account = documents(Kind::Trust, &statement("111122223333"));
        let by_name = documents(Kind::Trust, &statement(ROLE));
        let other = documents(Kind::Trust, &statement("arn:aws:iam::444455556666:root"));
        let asked = request("sts:AssumeRole", "*");
        assert!(evaluate(&by_account, &asked).is_allow());
        assert!(!grants_by_name(&by_account, &asked));
        assert!(grants_by_name(&by_name, &asked));
        assert!(!evaluate(&other, &asked).is_allow());
    }

    #[test]
    fn a_denial_to_the_account_reaches_everybody_in_it() {
        let policies = documents(
            Kind::Trust,
            &json!([
                {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "sts:AssumeRole"},
                {"Effect": "Deny", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"},
            ]),
        );
        assert!(evaluate(&policies, &request("sts:AssumeRole", "*")).is_explicit_deny());
        assert!(!grants_by_name(&policies, &request("sts:AssumeRole", "*")));
    }

    #[test]
    fn variables_are_filled_in_from_the_request() {
        let policies = documents(
            Kind::Identity,
            &json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/${aws:PrincipalTag/team}/*"}),
        );
        let mut asked = request("s3:GetObject", "arn:aws:s3:::b/red/x");
        assert!(!evaluate(&policies, &asked).is_allow());
        asked.context.insert("aws:PrincipalTag/team".into(), vec!["red".into()]);
        assert!(evaluate(&policies, &asked).is_allow());
    }
}
