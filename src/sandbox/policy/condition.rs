//! The `Condition` element: operators, their modifiers, and what a missing key means.
//!
//! AWS on this: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>.

use std::net::IpAddr;

use ipnet::IpNet;

use super::pattern::{Context, Pattern, values};

/// One key of one operator.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    operator: Operator,
    key: String,
    wanted: Vec<String>,
}

/// An operator with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operator {
    test: Test,
    negated: bool,
    if_exists: bool,
    each: Option<Each>,
}

/// `ForAllValues:` and `ForAnyValue:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Each {
    All,
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Text,
    TextAnyCase,
    TextLike,
    Number(Order),
    Date(Order),
    Bool,
    Address,
    Arn,
    Null,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    /// Reads an operator's name, `None` if there is no such operator.
    pub(super) fn named(name: &str) -> Option<Self> {
        let (each, name) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Each::All), rest),
            Some(("ForAnyValue", rest)) => (Some(Each::Any), rest),
            Some(_) => return None,
            None => (None, name),
        };
        let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
        let (test, negated) = test_named(name)?;
        let plain = each.is_none() && !if_exists;
        (test != Test::Null || plain).then_some(Self { test, negated, if_exists, each })
    }
}

fn test_named(name: &str) -> Option<(Test, bool)> {
    Some(match name {
        // Base64 texts are equal if and only if what they stand for is.
        "StringEquals" | "BinaryEquals" => (Test::Text, false),
        "StringNotEquals" => (Test::Text, true),
        "StringEqualsIgnoreCase" => (Test::TextAnyCase, false),
        "StringNotEqualsIgnoreCase" => (Test::TextAnyCase, true),
        "StringLike" => (Test::TextLike, false),
        "StringNotLike" => (Test::TextLike, true),
        "Bool" => (Test::Bool, false),
        "IpAddress" => (Test::Address, false),
        "NotIpAddress" => (Test::Address, true),
        "ArnEquals" | "ArnLike" => (Test::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Test::Arn, true),
        "Null" => (Test::Null, false),
        _ => {
            return ordered(name, "Numeric", Test::Number).or_else(|| ordered(name, "Date", Test::Date));
        }
    })
}

fn ordered(name: &str, family: &str, test: impl Fn(Order) -> Test) -> Option<(Test, bool)> {
    Some(match name.strip_prefix(family)? {
        "Equals" => (test(Order::Equal), false),
        "NotEquals" => (test(Order::Equal), true),
        "LessThan" => (test(Order::Less), false),
        "LessThanEquals" => (test(Order::LessOrEqual), false),
        "GreaterThan" => (test(Order::Greater), false),
        "GreaterThanEquals" => (test(Order::GreaterOrEqual), false),
        _ => return None,
    })
}

impl Condition {
    pub(super) fn new(operator: Operator, key: &str, wanted: Vec<String>) -> Self {
        Self { operator, key: key.to_owned(), wanted }
    }

    /// Whether the request meets the condition.
    pub(super) fn holds(&self, context: &Context, variables: bool) -> bool {
        let present = values(context, &self.key);
        let Operator { test, negated, if_exists, each } = self.operator;
        if test == Test::Null {
            let absent = if present.is_none() { "true" } else { "false" };
            return self.wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(absent));
        }
        let Some(present) = present else {
            // Negated operators are met by an absent key, and so is "all of none".
            return if_exists || each == Some(Each::All) || (negated && each.is_none());
        };
        let patterns: Vec<Pattern> =
            self.wanted.iter().filter_map(|wanted| Pattern::new(wanted, variables.then_some(context))).collect();
        let matches = |value: &String| patterns.iter().any(|wanted| test.compare(value, wanted));
        match each {
            Some(Each::All) => present.iter().all(|value| matches(value) != negated),
            Some(Each::Any) => present.iter().any(|value| matches(value) != negated),
            None => present.iter().any(matches) != negated,
        }
    }
}

impl Test {
    fn compare(self, value: &str, wanted: &Pattern) -> bool {
        match self {
            Self::Text => wanted.literally() == value,
            Self::TextAnyCase | Self::Bool => wanted.literally().eq_ignore_ascii_case(value),
            Self::TextLike => wanted.fits(value),
            Self::Number(order) => order.holds(value.parse::<f64>().ok(), wanted.literally().parse().ok()),
            Self::Date(order) => order.holds(moment(value), moment(&wanted.literally())),
            Self::Address => address_within(value, &wanted.literally()),
            Self::Arn => arn_fits(value, wanted),
            Self::Null => false,
        }
    }
}

impl Order {
    fn holds<T: PartialOrd>(self, value: Option<T>, wanted: Option<T>) -> bool {
        let (Some(value), Some(wanted)) = (value, wanted) else { return false };
        match self {
            Self::Equal => value == wanted,
            Self::Less => value < wanted,
            Self::LessOrEqual => value <= wanted,
            Self::Greater => value > wanted,
            Self::GreaterOrEqual => value >= wanted,
        }
    }
}

/// A date as ISO 8601 or in seconds since the epoch.
fn moment(text: &str) -> Option<jiff::Timestamp> {
    if let Ok(seconds) = text.parse() {
        return jiff::Timestamp::from_second(seconds).ok();
    }
    text.parse().ok().or_else(|| {
        let date: jiff::civil::Date = text.parse().ok()?;
        date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}

fn address_within(value: &str, wanted: &str) -> bool {
    let Ok(value) = value.parse::<IpAddr>() else { return false };
    match wanted.parse::<IpNet>() {
        Ok(net) => net.contains(&value),
        Err(_) => wanted.parse::<IpAddr>().is_ok_and(|address| address == value),
    }
}

/// ARNs are compared part by part, so that a star does not reach over a colon before the resource.
fn arn_fits(value: &str, wanted: &Pattern) -> bool {
    let wanted = wanted.arn_parts();
    let value: Vec<&str> = value.splitn(6, ':').collect();
    value.len() == 6 && wanted.len() == 6 && wanted.iter().zip(value).all(|(wanted, value)| wanted.fits(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(operator: &str, key: &str, wanted: &[&str], context: &[(&str, &[&str])]) -> bool {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let context = context.iter().map(|(key, values)| ((*key).to_owned(), owned(values))).collect();
        Condition::new(Operator::named(operator).unwrap(), key, owned(wanted)).holds(&context, true)
    }

    #[test]
    fn a_missing_key_fails_plain_operators_and_meets_negated_ones() {
        assert!(!holds("StringEquals", "aws:SourceVpce", &["vpce-1"], &[]));
        assert!(holds("StringNotEquals", "aws:SourceVpce", &["vpce-1"], &[]));
        assert!(holds("StringEqualsIfExists", "aws:SourceVpce", &["vpce-1"], &[]));
        assert!(holds("NotIpAddress", "aws:SourceIp", &["10.0.0.0/8"], &[]));
        assert!(holds("Null", "aws:SourceVpce", &["true"], &[]));
        assert!(!holds("Null", "aws:SourceVpce", &["true"], &[("aws:SourceVpce", &["vpce-1"])]));
    }

    #[test]
    fn set_operators_ask_every_value_or_one() {
        let tags: &[(&str, &[&str])] = &[("aws:TagKeys", &["team", "env"])];
        assert!(holds("ForAllValues:StringEquals", "aws:TagKeys", &["team", "env", "more"], tags));
        assert!(!holds("ForAllValues:StringEquals", "aws:TagKeys", &["team"], tags));
        assert!(holds("ForAnyValue:StringEquals", "aws:TagKeys", &["team"], tags));
        assert!(holds("ForAllValues:StringEquals", "aws:TagKeys", &["team"], &[]));
        assert!(!holds("ForAnyValue:StringEquals", "aws:TagKeys", &["team"], &[]));
        assert!(holds("ForAnyValue:StringNotEquals", "aws:TagKeys", &["team"], tags));
        assert!(!holds("ForAllValues:StringNotEquals", "aws:TagKeys", &["team"], tags));
    }

    #[test]
    fn every_family_compares_in_its_own_way() {
        assert!(holds("NumericLessThanEquals", "n", &["10"], &[("n", &["9.5"])]));
        assert!(!holds("NumericGreaterThan", "n", &["10"], &[("n", &["ten"])]));
        let date: &[(&str, &[&str])] = &[("aws:CurrentTime", &["2026-11-22T17:00:00Z"])];
        assert!(holds("DateLessThan", "aws:CurrentTime", &["2026-11-23"], date));
        assert!(holds("DateGreaterThan", "aws:CurrentTime", &["0"], date));
        assert!(holds("Bool", "aws:SecureTransport", &["TRUE"], &[("aws:SecureTransport", &["true"])]));
        assert!(holds("IpAddress", "aws:SourceIp", &["10.0.0.0/8"], &[("aws:SourceIp", &["10.1.2.3"])]));
        assert!(!holds("IpAddress", "aws:SourceIp", &["10.0.0.0/8"], &[("aws:SourceIp", &["11.1.2.3"])]));
        assert!(holds("StringLike", "k", &["a*"], &[("K", &["abc"])]));
        assert!(!holds("StringEquals", "k", &["a*"], &[("k", &["abc"])]));
    }

    #[test]
    fn a_star_in_an_arn_stays_within_its_part() {
        let arn: &[(&str, &[&str])] = &[("aws:PrincipalArn", &["arn:aws:iam::111122223333:role/team/a"])];
        assert!(holds("ArnLike", "aws:PrincipalArn", &["arn:aws:iam::*:role/*"], arn));
        assert!(!holds("ArnLike", "aws:PrincipalArn", &["arn:aws:*:role/team/a"], arn));
        assert!(holds("ArnNotEquals", "aws:PrincipalArn", &["arn:aws:iam::1:root"], arn));
    }

    #[test]
    fn unknown_operators_and_nonsense_modifiers_are_no_operators() {
        for name in ["StringMatches", "ForSomeValues:StringEquals", "NullIfExists", "ForAnyValue:Null", "Numeric"] {
            assert_eq!(Operator::named(name), None, "{name}");
        }
    }
}
