//! The report as Gradescope's `results.json`:
//! <https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format>.

use serde_json::{Value, json};

use super::{Report, terminal};
use crate::case::Level;
use crate::verdict::Failure;

/// The report as one object. What should hold has points only if it counts as what must; a case that
/// could not be judged has none, and costs none.
pub fn object(report: &Report) -> Value {
    let tests = report.judgements.iter().map(|judgement| {
        let case = &judgement.case;
        let counts = case.level == Level::Must || report.is_strict;
        let mut test = json!({
            "name": format!("{}: {}", judgement.id, case.rule),
            "output": terminal::note(report, judgement),
            "output_format": "text",
        });
        let (status, held) = match &judgement.outcome {
            Ok(()) => ("passed", true),
            Err(Failure::Broken(_)) => ("failed", false),
            Err(Failure::Undecided(_)) => return test,
        };
        test["status"] = json!(status);
        if counts {
            test["score"] = json!(if held { case.points } else { 0 });
            test["max_score"] = json!(case.points);
        }
        test
    });
    let tests: Vec<Value> = tests.collect();
    let seconds: f32 = report
        .judgements
        .iter()
        .map(|it| it.took.as_secs_f32())
        .sum();
    json!({
        "output": terminal::summary(report),
        "output_format": "text",
        "execution_time": seconds.round() as u64,
        "tests": tests,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn only_what_was_judged_has_a_score() {
        let object = object(&report());
        let scores: Vec<_> = object["tests"].as_array().unwrap().iter().collect();
        assert_eq!(scores[0]["status"], "passed");
        assert_eq!(
            (&scores[0]["score"], &scores[0]["max_score"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(scores[1]["status"], "failed");
        assert_eq!(
            (&scores[1]["score"], &scores[1]["max_score"]),
            (&json!(0), &json!(2))
        );
        assert_eq!(scores[2].get("score"), None);
        assert!(
            scores[2]["output"]
                .as_str()
                .unwrap()
                .contains("did not start")
        );
    }
}
