//! The report as one JSON object.

use serde_json::{Value, json};

use super::Report;
use super::terminal::{shown, words};
use crate::case::Level;
use crate::verdict::{Expected, Failure};

/// The report as one JSON object.
pub fn object(report: &Report) -> Value {
    let cases: Vec<Value> = report
        .judgements
        .iter()
        .map(|judgement| {
            let case = &judgement.case;
            let mut object = json!({
                "id": judgement.id,
                "rule": case.rule,
                "section": case.section,
                "level": case.level.to_string(),
                "points": case.points,
                "seconds": judgement.took.as_secs_f32(),
            });
            match &judgement.outcome {
                Ok(()) => object["verdict"] = json!("holds"),
                Err(Failure::Undecided(why)) => {
                    object["verdict"] = json!("not judged");
                    object["because"] = json!(why);
                }
                Err(Failure::Broken(finding)) => {
                    object["verdict"] = json!("does not hold");
                    object["sent"] = json!(shown(&finding.sent));
                    object["expected"] = match &finding.expected {
                        Expected::Message(bytes) => json!(shown(bytes)),
                        Expected::Described(words) => json!(words),
                    };
                    object["came"] = json!(words(&finding.came));
                    object["likely"] = json!(finding.cause);
                    object["recording"] = json!(judgement.recording);
                    object["again"] = json!(report.again(judgement));
                }
            }
            object
        })
        .collect();
    let tally = |level| {
        let tally = report.tally(level);
        json!({
            "hold": tally.held, "do_not_hold": tally.broken, "not_judged": tally.undecided,
            "points": tally.points, "possible": tally.possible,
        })
    };
    json!({
        "mode": report.plan.dialect.name(),
        "side": report.side,
        "framing": report.plan.framing.name(),
        "subject": report.subject,
        "seed": report.plan.seed,
        "all_hold": report.holds(),
        "interrupted": report.judgements.len() < report.planned,
        "must": tally(Level::Must),
        "should": tally(Level::Should),
        "cases": cases,
    })
}
