//! The plots of an experiment: latency, attempts against theory, throughput.
//!
//! Each is drawn once, in units of a canvas of 900 by 600, for an SVG and for a PNG of twice that
//! size. The colours are those of Okabe and Ito, which people who see few colours can tell apart, and
//! each series has a marker and a dash of its own, so that a grey print serves too.

mod axis;
mod canvas;
mod figure;
mod png;

use self::canvas::Colour;
use self::figure::{Figure, Marker, Point, Series};
use super::rates::Rate;
use super::summary::{Summary, Theory};
use super::sweep::Experiment;
use crate::Error;
use crate::statistics::{Interval, samples_needed};

/// All plots, each as SVG and as PNG, by the names of their files.
///
/// # Errors
/// When they cannot be drawn.
pub fn draw(
    experiment: &Experiment,
    summaries: &[Summary],
    theory: &Theory,
) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let figures = [
        ("latency", latency(experiment, summaries, theory)),
        ("attempts", attempts(experiment, summaries, theory)),
        ("throughput", throughput(experiment, summaries, theory)),
    ];
    let mut drawn = Vec::new();
    for (name, figure) in figures {
        let cannot = |why: String| Error::Resource(format!("cannot draw {name}: {why}"));
        let svg = canvas::svg(|canvas| figure.draw(canvas)).map_err(cannot)?;
        let pixels = canvas::pixels(|canvas| figure.draw(canvas)).map_err(cannot)?;
        let png = png::encode(2 * canvas::WIDTH, 2 * canvas::HEIGHT, &pixels);
        drawn.push((format!("{name}.svg"), svg.into_bytes()));
        drawn.push((format!("{name}.png"), png));
    }
    Ok(drawn)
}

fn latency(experiment: &Experiment, summaries: &[Summary], theory: &Theory) -> Figure {
    let percentile = |label: &str, fraction: f64, value: fn(&Summary) -> Option<f64>| Series {
        label: label.into(),
        points: summaries
            .iter()
            .filter(|summary| summary.operations as u64 >= samples_needed(fraction))
            .map(|summary| Point::new(summary.rate, value(summary), None))
            .collect(),
        ..Series::default()
    };
    let median =
        |summary: &Summary| Point::new(summary.rate, summary.median, summary.median_interval);
    let means = summaries.iter();
    let means = means.map(|summary| Point::new(summary.rate, summary.mean, None));
    let mut series = vec![
        Series {
            colour: Colour::VERMILLION,
            marker: Marker::Triangle,
            dashes: &[2.0, 4.0],
            ..percentile("99th percentile", 0.99, |summary| summary.p99)
        },
        Series {
            colour: Colour::ORANGE,
            marker: Marker::Square,
            dashes: &[8.0, 4.0],
            ..percentile("95th percentile", 0.95, |summary| summary.p95)
        },
        Series {
            label: "median with 95 % interval".into(),
            points: summaries.iter().map(median).collect(),
            colour: Colour::BLUE,
            ..Series::default()
        },
        Series {
            label: "mean".into(),
            // One that is not known is not beyond the others: no operation can be left out of it.
            points: means.filter(|point| point.y.is_some()).collect(),
            is_joined: false,
            marker: Marker::Cross,
            ..Series::default()
        },
    ];
    series.retain(|series| !series.points.is_empty());
    let expected = curve(experiment, summaries, |attempts| theory.mean(attempts));
    Figure {
        title: format!(
            "Latency of {} against error rate",
            experiment.subject.operations
        ),
        y_label: "latency of one operation in ms",
        series,
        curve: ("mean by theory".into(), expected),
        ..figure(experiment, summaries, theory)
    }
}

fn attempts(experiment: &Experiment, summaries: &[Summary], theory: &Theory) -> Figure {
    let point = |summary: &Summary| {
        let mean = summary.trials.mean_attempts();
        Point::new(summary.rate, mean, summary.attempts_interval)
    };
    Figure {
        title: "Attempts until a request is answered".into(),
        y_label: "mean attempts per exchange",
        series: vec![Series {
            label: "measured, 95 % interval for all rates".into(),
            points: summaries.iter().map(point).collect(),
            is_joined: false,
            colour: Colour::BLUE,
            ..Series::default()
        }],
        curve: (
            format!("theory: {}", experiment.loss.formula()),
            curve(experiment, summaries, Some),
        ),
        ..figure(experiment, summaries, theory)
    }
}

fn throughput(experiment: &Experiment, summaries: &[Summary], theory: &Theory) -> Figure {
    let done = summaries
        .iter()
        .filter(|summary| summary.given_up < summary.operations);
    let point = |summary: &Summary| Point::new(summary.rate, Some(summary.throughput), None);
    let expected = |attempts| theory.mean(attempts).map(|mean| 1e3 / mean);
    Figure {
        title: format!(
            "Throughput of {} against error rate",
            experiment.subject.operations
        ),
        y_label: "operations done per second, one at a time",
        series: vec![Series {
            label: "measured".into(),
            points: done.map(point).collect(),
            colour: Colour::GREEN,
            marker: Marker::Diamond,
            ..Series::default()
        }],
        curve: (
            "theory: 1 / mean latency".into(),
            curve(experiment, summaries, expected),
        ),
        ..figure(experiment, summaries, theory)
    }
}

/// What all figures have in common.
fn figure(experiment: &Experiment, summaries: &[Summary], theory: &Theory) -> Figure {
    let given_up = summaries.iter().filter(|summary| summary.given_up > 0);
    let note = |summary: &Summary| (summary.rate.percent(), summary.given_up.to_string());
    Figure {
        title: String::new(),
        subtitle: format!(
            "{} {} at each rate, {} at the {}, {}, seed {}",
            experiment.operations,
            experiment.subject.operations,
            experiment.loss,
            experiment.fault_side,
            theory.timeout(experiment.timeout),
            experiment.seed
        ),
        x_label: format!("error rate: {}, in %", experiment.loss),
        y_label: "",
        series: Vec::new(),
        curve: Default::default(),
        notes: given_up.map(note).collect(),
    }
}

/// What theory says between the lowest rate and the highest, from the attempts it expects.
fn curve(
    experiment: &Experiment,
    summaries: &[Summary],
    value: impl Fn(f64) -> Option<f64>,
) -> Vec<(f64, f64)> {
    const STEPS: u32 = 200;
    // At 100 % it leaves every paper.
    let rates = summaries.iter().map(|summary| summary.rate.probability());
    let rates = rates.filter(|p| *p < 1.0);
    let (least, most) = (rates.clone().fold(1.0, f64::min), rates.fold(0.0, f64::max));
    (0..=STEPS)
        .filter(|_| least <= most)
        .map(|step| least + (most - least) * f64::from(step) / f64::from(STEPS))
        .filter_map(|p| Some((p * 100.0, value(1.0 / experiment.loss.chance_of_answer(p))?)))
        .collect()
}

impl Point {
    fn new(rate: Rate, y: Option<f64>, interval: Option<Interval>) -> Point {
        Point {
            x: rate.percent(),
            y,
            interval: interval.map(|interval| (interval.from, interval.to)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(points: Vec<Point>) -> Figure {
        Figure {
            title: "A title".into(),
            subtitle: "and what was measured".into(),
            x_label: "error rate in %".into(),
            y_label: "latency in ms",
            series: vec![Series {
                label: "median".into(),
                points,
                colour: Colour::BLUE,
                ..Series::default()
            }],
            curve: ("theory".into(), vec![(0.0, 1.0), (90.0, 100.0)]),
            notes: vec![(90.0, "7".into())],
        }
    }

    #[test]
    fn a_plot_says_in_its_text_what_it_shows() {
        let points = vec![
            Point {
                x: 0.0,
                y: Some(1.0),
                interval: Some((0.9, Some(1.2))),
            },
            Point {
                x: 90.0,
                y: None,
                interval: Some((80.0, None)),
            },
        ];
        let figure = figure(points);
        let svg = canvas::svg(|canvas| figure.draw(canvas)).unwrap();
        for text in [
            "A title",
            "and what was measured",
            "latency in ms",
            "in %",
            "median",
            "theory",
            "7 given up",
            "width=\"900\" height=\"600\"",
        ] {
            assert!(svg.contains(text), "{text}");
        }
        let pixels = canvas::pixels(|canvas| figure.draw(canvas)).unwrap();
        assert_eq!(pixels.len(), 3 * 1800 * 1200);
        // Blue of the median, black of the text, white of the paper.
        for colour in [[0, 114, 178], [0, 0, 0], [255, 255, 255]] {
            assert!(pixels.chunks(3).any(|pixel| pixel == colour), "{colour:?}");
        }
    }

    #[test]
    fn whatever_was_measured_can_be_drawn() {
        let point = |x, y| Point {
            x,
            y,
            interval: None,
        };
        for points in [
            vec![],
            vec![point(50.0, None)],
            vec![point(50.0, Some(3.0))],
            vec![point(0.0, Some(0.0)), point(1.0, Some(1e12))],
            vec![point(0.0, Some(1e-9)), point(100.0, Some(1e-9))],
        ] {
            let mut figure = figure(points);
            figure.curve.1.clear();
            canvas::svg(|canvas| figure.draw(canvas)).unwrap();
        }
    }
}
