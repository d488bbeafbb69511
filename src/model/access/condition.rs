//! The `Condition` element: operators, their modifiers, and what a missing key means.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

use std::{cmp::Ordering, collections::BTreeSet, net::IpAddr};

use ipnet::IpNet;

use super::{
    context::{Context, Key},
    pattern::{Filled, Pattern, fill},
    truth::Holds,
};

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Text,
    TextInAnyCase,
    Like,
    Number(Relation),
    Date(Relation),
    Flag,
    Address,
    Arn,
    Null,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The set operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    ForAll,
    ForAny,
}

struct Operator {
    test: Test,
    negated: bool,
    if_exists: bool,
    quantifier: Option<Quantifier>,
}

/// Whether a request meets one condition.
pub(super) fn holds(operator: &str, key: &str, wanted: &BTreeSet<String>, context: &Context, variables: bool) -> Holds {
    let Some(Operator { test, negated, if_exists, quantifier }) = read(operator) else {
        return Holds::Unclear(format!("the condition operator {operator} is not known here"));
    };
    let present = match context.key(key) {
        Key::Unknown => return Holds::Unclear(format!("it depends on {key}, which is not known beforehand")),
        Key::Absent if test == Test::Null => return is_flag(wanted, "true"),
        Key::Present(_) if test == Test::Null => return is_flag(wanted, "false"),
        // What is missing meets what is negated, what only applies if it exists, and "all of none".
        Key::Absent => {
            let met = if_exists || quantifier == Some(Quantifier::ForAll) || (negated && quantifier.is_none());
            return met.into();
        }
        Key::Present(values) => values,
    };
    let patterns = match patterns(test, negated, wanted, variables.then_some(context)) {
        Ok(patterns) => patterns,
        Err(why) => return Holds::Unclear(format!("{why} ({operator} {key})")),
    };
    let meets =
        |value: &String| Holds::any(patterns.iter().map(|pattern| test.compare(value, pattern))).not_if(negated);
    match quantifier {
        Some(Quantifier::ForAny) => Holds::any(present.iter().map(meets)),
        None if present.len() > 1 => Holds::Unclear(format!("{key} has several values and {operator} is for one")),
        Some(Quantifier::ForAll) | None => Holds::all(present.iter().map(meets)),
    }
}

fn is_flag(wanted: &BTreeSet<String>, flag: &str) -> Holds {
    let is_known = |value: &String| value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false");
    if !wanted.iter().all(is_known) {
        return Holds::Unclear("Null takes true or false".into());
    }
    wanted.iter().any(|value| value.eq_ignore_ascii_case(flag)).into()
}

/// The values of the policy. Variables exist for texts and ARNs only.
fn patterns(
    test: Test,
    negated: bool,
    wanted: &BTreeSet<String>,
    variables: Option<&Context>,
) -> Result<Vec<Pattern>, String> {
    let knows_variables = matches!(test, Test::Text | Test::TextInAnyCase | Test::Like | Test::Arn);
    let mut patterns = Vec::new();
    for text in wanted {
        if !knows_variables && text.contains("${") {
            return Err("a variable stands where AWS knows none".into());
        }
        match fill(text, variables) {
            Filled::Pattern(pattern) => patterns.push(pattern),
            Filled::Nothing if negated => return Err("a variable has no value".into()),
            Filled::Nothing => {}
            Filled::Unclear(why) => return Err(why),
        }
    }
    Ok(patterns)
}

fn read(name: &str) -> Option<Operator> {
    let (quantifier, name) = match name.split_once(':') {
        None => (None, name),
        Some(("ForAllValues", rest)) => (Some(Quantifier::ForAll), rest),
        Some(("ForAnyValue", rest)) => (Some(Quantifier::ForAny), rest),
        Some(_) => return None,
    };
    let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
    let (test, negated) = match name {
        "StringEquals" | "BinaryEquals" => (Test::Text, false),
        "StringNotEquals" => (Test::Text, true),
        "StringEqualsIgnoreCase" => (Test::TextInAnyCase, false),
        "StringNotEqualsIgnoreCase" => (Test::TextInAnyCase, true),
        "StringLike" => (Test::Like, false),
        "StringNotLike" => (Test::Like, true),
        "Bool" => (Test::Flag, false),
        "IpAddress" => (Test::Address, false),
        "NotIpAddress" => (Test::Address, true),
        // AWS treats the two alike.
        "ArnEquals" | "ArnLike" => (Test::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Test::Arn, true),
        "Null" => (Test::Null, false),
        _ => relation(name)?,
    };
    let plain = quantifier.is_none() && !if_exists;
    (test != Test::Null || plain).then_some(Operator { test, negated, if_exists, quantifier })
}

fn relation(name: &str) -> Option<(Test, bool)> {
    let (test, rest): (fn(Relation) -> Test, &str) = match name.strip_prefix("Numeric") {
        Some(rest) => (Test::Number, rest),
        None => (Test::Date, name.strip_prefix("Date")?),
    };
    Some(match rest {
        "Equals" => (test(Relation::Equal), false),
        "NotEquals" => (test(Relation::Equal), true),
        "LessThan" => (test(Relation::Less), false),
        "LessThanEquals" => (test(Relation::LessOrEqual), false),
        "GreaterThan" => (test(Relation::Greater), false),
        "GreaterThanEquals" => (test(Relation::GreaterOrEqual), false),
        _ => return None,
    })
}

impl Test {
    fn compare(self, value: &str, wanted: &Pattern) -> Holds {
        let literal = wanted.literal();
        match self {
            Self::Text => (literal == value).into(),
            Self::TextInAnyCase | Self::Flag => literal.eq_ignore_ascii_case(value).into(),
            Self::Like => wanted.fits(value).into(),
            Self::Number(relation) => match (number(value), number(&literal)) {
                (Some(value), Some(wanted)) => relation.holds(value.partial_cmp(&wanted)),
                _ => Holds::Unclear(format!("{value} and {literal} are not both numbers")),
            },
            Self::Date(relation) => match (moment(value), moment(&literal)) {
                (Some(value), Some(wanted)) => relation.holds(Some(value.cmp(&wanted))),
                _ => Holds::Unclear(format!("{value} and {literal} are not both dates")),
            },
            Self::Address => match (value.parse::<IpAddr>(), network(&literal)) {
                (Ok(value), Some(network)) => network.contains(&value).into(),
                _ => Holds::Unclear(format!("{value} or {literal} is no address")),
            },
            Self::Arn => wanted
                .fits_by_part(value)
                .map_or_else(|| Holds::Unclear(format!("{literal} is no pattern of an ARN")), Holds::from),
            Self::Null => Holds::Unclear("Null compares nothing".into()),
        }
    }
}

impl Relation {
    fn holds(self, found: Option<Ordering>) -> Holds {
        let Some(found) = found else { return Holds::Unclear("what is no number has no order".into()) };
        match self {
            Self::Equal => found.is_eq(),
            Self::Less => found.is_lt(),
            Self::LessOrEqual => found.is_le(),
            Self::Greater => found.is_gt(),
            Self::GreaterOrEqual => found.is_ge(),
        }
        .into()
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// A date as ISO 8601 or in seconds since the epoch.
fn moment(text: &str) -> Option<jiff::Timestamp> {
    if let Ok(seconds) = text.parse() {
        return jiff::Timestamp::from_second(seconds).ok();
    }
    text.parse().ok().or_else(|| format!("{text}T00:00:00Z").parse().ok())
}
