//! What the controller counts. Names and labels: docs/reference/metrics.md. Nothing in here decides anything, and no label has a value that a
//! user or AWS could make up without end: namespaces and names of environments are the only open ones, and go with the environment.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, text},
    metrics::{MetricType, counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

/// Seconds: from a visit that finds nothing new to one that makes a network.
const BUCKETS: [f64; 9] = [0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabel {
    class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    service: String,
    operation: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ThrottleLabels {
    service: String,
    operation: String,
    by: &'static str,
}

/// How an environment is, as the metrics show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// Condition and truth.
    pub conditions: Vec<(String, String)>,
    /// Open deviations by severity.
    pub drift: BTreeMap<&'static str, usize>,
    /// When AWS was last looked at, in seconds since the epoch.
    pub last_verified: Option<i64>,
    /// Steps that are held.
    pub held: usize,
    /// Steps that wait for their turn.
    pub queued: usize,
}

/// The environments, by namespace and name. Their series are made when they are asked for, so that what is forgotten leaves none behind.
#[derive(Debug, Clone, Default)]
struct Environments(Arc<Mutex<BTreeMap<(String, String), Environment>>>);

/// The counters of this process.
pub struct Metrics {
    registry: Registry,
    visits: Family<OutcomeLabel, Counter>,
    durations: Histogram,
    running: Gauge,
    errors: Family<ClassLabel, Counter>,
    calls: Family<CallLabels, Counter>,
    throttles: Family<ThrottleLabels, Counter>,
    environments: Environments,
    ready: AtomicBool,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("cloister");
        let visits = Family::default();
        let durations = Histogram::new(BUCKETS);
        let running = Gauge::default();
        let (errors, calls, throttles) = (Family::default(), Family::default(), Family::default());
        let environments = Environments::default();
        registry.register("reconciles", "Visits to environments, by how they ended", visits.clone());
        let help = "How long visits took";
        registry.register_with_unit("reconcile_duration", help, Unit::Seconds, durations.clone());
        registry.register("reconciles_running", "Visits under way", running.clone());
        registry.register("reconcile_errors", "Problems that visits met, by class", errors.clone());
        registry.register("aws_requests", "Requests to AWS, each try for itself", calls.clone());
        registry.register("aws_throttles", "Requests refused by AWS or held back by our budget", throttles.clone());
        registry.register("build", "This program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        registry.register_collector(Box::new(environments.clone()));
        let ready = AtomicBool::new(false);
        Self { registry, visits, durations, running, errors, calls, throttles, environments, ready }
    }
}

impl Metrics {
    /// A visit begins.
    pub fn begin(&self) {
        self.running.inc();
    }

    /// A visit ended.
    pub fn end(&self, outcome: &'static str, took: Duration) {
        self.running.dec();
        self.durations.observe(took.as_secs_f64());
        self.visits.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// A visit met a problem of this class.
    pub fn problem(&self, class: &'static str) {
        self.errors.get_or_create(&ClassLabel { class }).inc();
    }

    /// A request to AWS had this outcome.
    pub fn call(&self, service: &str, operation: &str, outcome: &'static str) {
        let (service, operation) = (service.to_ascii_lowercase(), operation.to_owned());
        if outcome == "Throttled" {
            self.throttle(&service, &operation, "AWS");
        }
        self.calls.get_or_create(&CallLabels { service, operation, outcome }).inc();
    }

    /// A request (`ec2:CreateVpcEndpoint`) was not sent, because our own budget had no room.
    pub fn held_back(&self, operation: &str) {
        let (service, operation) = operation.split_once(':').unwrap_or(("", operation));
        self.throttle(service, operation, "budget");
    }

    fn throttle(&self, service: &str, operation: &str, by: &'static str) {
        let labels = ThrottleLabels { service: service.to_owned(), operation: operation.to_owned(), by };
        self.throttles.get_or_create(&labels).inc();
    }

    /// How an environment is.
    pub fn tell(&self, namespace: &str, name: &str, environment: Environment) {
        self.environments.lock().insert((namespace.to_owned(), name.to_owned()), environment);
    }

    /// An environment is gone, and its series with it.
    pub fn forget(&self, namespace: &str, name: &str) {
        self.environments.lock().remove(&(namespace.to_owned(), name.to_owned()));
    }

    /// The environments of the cluster are known: work has begun.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    /// Whether work has begun.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Everything, as OpenMetrics text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut page = String::new();
        match text::encode(&mut page, &self.registry) {
            Ok(()) => page,
            // A text that cannot be written to memory: no part of it is worth showing.
            Err(_) => String::new(),
        }
    }
}

impl Environments {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, String), Environment>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the time of the last look says.
const LAST_VERIFIED: &str = "When AWS was last looked at for an environment";

type Rows<'a, const N: usize> = Vec<([(&'a str, &'a str); N], i64)>;

fn gauges<const N: usize>(
    encoder: &mut DescriptorEncoder,
    name: &str,
    unit: Option<&Unit>,
    help: &str,
    rows: Rows<'_, N>,
) -> fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    let mut metric = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
    for (labels, value) in rows {
        metric.encode_family(&labels)?.encode_gauge(&value)?;
    }
    Ok(())
}

fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Collector for Environments {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let all = self.lock().clone();
        let mut conditions: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        for (condition, truth) in all.values().flat_map(|environment| &environment.conditions) {
            *conditions.entry((condition, truth)).or_default() += 1;
        }
        let rows = conditions.into_iter();
        let rows = rows.map(|((condition, status), count)| ([("condition", condition), ("status", status)], count));
        gauges(&mut encoder, "environments", None, "Environments by condition", rows.collect())?;

        let each = |value: fn(&Environment) -> Option<i64>| -> Rows<'_, 2> {
            let labels = all.iter().filter_map(|((namespace, name), environment)| {
                Some(([("namespace", namespace.as_str()), ("name", name.as_str())], value(environment)?))
            });
            labels.collect()
        };
        let held = each(|environment| Some(count(environment.held)));
        gauges(&mut encoder, "environment_held_steps", None, "Steps that wait for a person", held)?;
        let queued = each(|environment| Some(count(environment.queued)));
        gauges(&mut encoder, "environment_queued_steps", None, "Steps that wait for their turn", queued)?;
        let verified = each(|environment| environment.last_verified);
        let unit = Some(&Unit::Seconds);
        gauges(&mut encoder, "environment_last_verified_timestamp", unit, LAST_VERIFIED, verified)?;

        let drift = all.iter().flat_map(|((namespace, name), environment)| {
            let by_severity = environment.drift.iter();
            by_severity.map(move |(severity, found)| {
                let labels = [("namespace", namespace.as_str()), ("name", name.as_str()), ("severity", *severity)];
                (labels, count(*found))
            })
        });
        gauges(&mut encoder, "environment_drift_items", None, "Open deviations", drift.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_of_a_deleted_environment_are_gone() {
        let metrics = Metrics::default();
        let environment = Environment {
            conditions: vec![("Ready".into(), "True".into())],
            drift: [("High", 2), ("Low", 0)].into(),
            last_verified: Some(1_795_000_000),
            ..Environment::default()
        };
        metrics.tell("team", "a", environment.clone());
        metrics.tell("team", "b", environment);
        metrics.forget("team", "a");
        let page = metrics.text();
        assert!(page.contains("cloister_environments{condition=\"Ready\",status=\"True\"} 1\n"), "{page}");
        let drift = "cloister_environment_drift_items{namespace=\"team\",name=\"b\",severity=\"High\"} 2\n";
        assert!(page.contains(drift), "{page}");
        assert!(!page.contains("name=\"a\""), "{page}");
        assert!(page.ends_with("# EOF\n"));
    }

    #[test]
    fn a_throttle_is_a_call_and_a_budget_is_none() {
        let metrics = Metrics::default();
        metrics.call("EC2", "DescribeVpcs", "Throttled");
        metrics.held_back("ec2:CreateVpcEndpoint");
        let page = metrics.text();
        let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("cloister_aws")).collect();
        assert_eq!(lines.len(), 3, "one request, two throttles: {lines:#?}");
    }
}
