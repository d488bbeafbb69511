//! A review as people read it.

use std::fmt::Write as _;

use super::{Document, DriftView, FieldView, IS_NEW, Question, Review, StepView, Summary, Verdict};

/// Whether to colour; only a terminal gets colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Colours(pub bool);

const GREEN: &str = "32";
const YELLOW: &str = "33";
const RED: &str = "31";
const BOLD: &str = "1";

impl Colours {
    fn paint(self, colour: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// The document as text, one environment after the other.
#[must_use]
pub fn render(document: &Document, colours: Colours) -> String {
    let reviews: Vec<String> = document.environments.iter().map(|review| one(document.kind, review, colours)).collect();
    if reviews.is_empty() { "There is no environment here.\n".into() } else { reviews.join("\n") }
}

fn one(question: Question, review: &Review, colours: Colours) -> String {
    let mut text = title(question, review, colours);
    if question == Question::Plan {
        steps(&mut text, review, colours);
    }
    waiting(&mut text, review, colours);
    problems(&mut text, review, colours);
    drift(&mut text, review, colours);
    verdicts(&mut text, review, colours);
    let last = match question {
        Question::Plan => plan_in_a_line(review),
        Question::Drift => drift_in_a_line(review),
    };
    line(&mut text, "");
    line(&mut text, &colours.paint(BOLD, &last));
    if question == Question::Plan {
        ways_out(&mut text, review);
    }
    text
}

fn line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

fn heading(text: &mut String, colours: Colours, heading: &str) {
    line(text, "");
    line(text, &colours.paint(BOLD, heading));
}

fn title(question: Question, review: &Review, colours: Colours) -> String {
    let Review { namespace, name, account, region, assumptions, .. } = review;
    let what = match question {
        Question::Plan => "Plan for",
        Question::Drift => "Drift of",
    };
    let account = account.as_deref().unwrap_or("unknown");
    let mut text = String::new();
    line(&mut text, &colours.paint(BOLD, &format!("{what} {namespace}/{name} in account {account}, {region}")));
    if !assumptions.is_empty() {
        heading(&mut text, colours, "Assumed:");
    }
    for assumption in assumptions {
        line(&mut text, &format!("  {assumption}"));
    }
    text
}

fn steps(text: &mut String, review: &Review, colours: Colours) {
    if review.steps.is_empty() {
        return;
    }
    heading(text, colours, "Steps (those of the same number go side by side):");
    for step in &review.steps {
        let id = step.id.as_ref().map_or_else(String::new, |id| format!(" ({id})"));
        let action = colours.paint(colour_of(step), &format!("{:<8}", step.action));
        let reason = if step.reason == IS_NEW { String::new() } else { format!(": {}", step.reason) };
        line(text, &format!("{:>4}  {action} {}{id}{reason}", step.order, step.resource));
        if let Some(held) = &step.held {
            line(text, &colours.paint(YELLOW, &format!("        HELD ({}): {}", held.reason, held.way_out)));
        }
        if let Some(disruption) = &step.disruption {
            line(text, &colours.paint(YELLOW, &format!("        DISRUPTIVE: {disruption}")));
        }
        for field in &step.fields {
            line(text, &format!("        {}", field_line(field)));
        }
    }
}

fn colour_of(step: &StepView) -> &'static str {
    match step.action {
        "create" => GREEN,
        "delete" | "replace" => RED,
        _ => YELLOW,
    }
}

/// `path = value` of what is made, `path: wanted <- found` of what is changed.
fn field_line(field: &FieldView) -> String {
    let FieldView { path, kind, desired, observed } = field;
    match kind {
        None => format!("{path} = {}", side(desired.as_ref())),
        Some(_) => format!("{path}: {} <- {}", side(desired.as_ref()), side(observed.as_ref())),
    }
}

fn side(value: Option<&String>) -> &str {
    value.map_or("none", String::as_str)
}

fn waiting(text: &mut String, review: &Review, colours: Colours) {
    if review.waiting.is_empty() {
        return;
    }
    heading(text, colours, "Waits:");
    for wait in &review.waiting {
        line(text, &format!("  {}: {}", wait.resource, wait.waits_for));
    }
}

fn problems(text: &mut String, review: &Review, colours: Colours) {
    if review.problems.is_empty() {
        return;
    }
    heading(text, colours, "Problems:");
    for problem in &review.problems {
        let resource = problem.resource.as_ref().map_or_else(String::new, |resource| format!("{resource}: "));
        let reason = colours.paint(RED, &problem.reason);
        line(text, &format!("  {reason}: {resource}{}", problem.message));
    }
}

fn drift(text: &mut String, review: &Review, colours: Colours) {
    if review.drift.is_empty() {
        return;
    }
    heading(text, colours, "Out of line now (wanted <- found):");
    for item in &review.drift {
        line(text, &format!("  {}", drift_line(item, colours)));
    }
}

fn drift_line(item: &DriftView, colours: Colours) -> String {
    let DriftView { severity, resource, id, field, kind, desired, observed, action } = item;
    let colour = if *severity == "High" { RED } else { YELLOW };
    let mut text = colours.paint(colour, &format!("{severity:<6}"));
    let name = resource.split_once('/').map_or("", |(_, name)| name);
    let _ = write!(text, " {resource}");
    if let Some(id) = id.as_ref().filter(|id| *id != name) {
        let _ = write!(text, " ({id})");
    }
    if let Some(field) = field {
        let _ = write!(text, " {field}");
    }
    let _ = write!(text, ": {} <- {}", side(desired.as_ref()), side(observed.as_ref()));
    let done = match *action {
        "Correct" => "is corrected",
        "Held" => "is held",
        _ => "is reported",
    };
    let _ = write!(text, "  [{kind}, {done}]");
    text
}

fn verdicts(text: &mut String, review: &Review, colours: Colours) {
    if review.verdicts.is_empty() {
        return;
    }
    heading(text, colours, "Verdicts:");
    for fact in &review.verdicts {
        line(text, &format!("  {} is {} ({}): {}", fact.name, fact.status, fact.reason, fact.message));
    }
}

fn plan_in_a_line(review: &Review) -> String {
    let Summary { create, update, replace, delete, adopt, release, held, waiting, problems, drift: _ } = review.summary;
    let counts = [
        (create, "to create"),
        (update, "to update"),
        (replace, "to replace"),
        (delete, "to delete"),
        (adopt, "to adopt"),
        (release, "to release"),
    ];
    let mut parts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if held > 0 {
        parts.push(format!("{held} of these held"));
    }
    if parts.is_empty() {
        parts.push(if problems > 0 { "no step" } else { "nothing to do" }.into());
    }
    if waiting > 0 {
        parts.push(format!("{waiting} waiting for AWS"));
    }
    let counted = parts.join(", ");
    match (review.result, problems) {
        (Verdict::Blocked, 1) => format!("Plan: {counted}. Blocked by 1 problem."),
        (Verdict::Blocked, _) => format!("Plan: {counted}. Blocked by {problems} problems."),
        (Verdict::Nothing | Verdict::Changes, _) => format!("Plan: {counted}."),
    }
}

fn drift_in_a_line(review: &Review) -> String {
    match (review.result, review.drift.len()) {
        (Verdict::Blocked, _) => "Drift: not everything is known; see the problems.".into(),
        (_, 0) => "Drift: none.".into(),
        (_, 1) => "Drift: 1 field or resource is out of line.".into(),
        (_, count) => format!("Drift: {count} fields or resources are out of line."),
    }
}

/// The one line that lets the held steps pass.
fn ways_out(text: &mut String, review: &Review) {
    let Some(approval) = &review.approval else { return };
    let Review { namespace, name, .. } = review;
    line(text, "");
    line(text, "To carry out the steps that are held with ApprovalRequired, exactly as they are shown here:");
    line(text, &format!("  kubectl annotate ine/{name} -n {namespace} --overwrite cloister.dev/approve={approval}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::review::Title,
        model::port::{ErrorClass, Problem},
    };

    #[test]
    fn colours_are_added_to_the_same_words() {
        let problem = Problem::new(ErrorClass::Credentials, "no credentials");
        let title =
            Title { namespace: "team".into(), name: "a".into(), region: "eu-west-1".into(), ..Title::default() };
        let document = Document::new(Question::Plan, vec![Review::blocked(title, &problem)]);
        let (plain, coloured) = (render(&document, Colours(false)), render(&document, Colours(true)));
        assert_eq!(plain.lines().next(), Some("Plan for team/a in account unknown, eu-west-1"));
        assert!(!plain.contains('\x1b') && coloured.contains("\x1b[31mCredentialsUnusable\x1b[0m"), "{coloured:?}");
        let mut faded = coloured;
        for colour in [GREEN, YELLOW, RED, BOLD, "0"] {
            faded = faded.replace(&format!("\x1b[{colour}m"), "");
        }
        assert_eq!(faded, plain);
    }
}
