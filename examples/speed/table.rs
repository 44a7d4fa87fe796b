//! The rows as a table, or as objects.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::rows::{Measure, Unit, Wanted};
use crate::run::Measured;

/// The width of the column of works.
const WORK: usize = 45;

/// The median of the rounds, and the least and the most of them.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Spread {
    least: f64,
    median: f64,
    most: f64,
}

/// A figure of one row beside one other side, or by itself.
struct Line {
    beside: Option<(&'static str, Spread, Spread)>,
    wanted: Option<Wanted>,
    is_met: Option<bool>,
}

impl Spread {
    fn of(values: impl IntoIterator<Item = f64>) -> Spread {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = match values.len() {
            0 => f64::NAN,
            odd if odd % 2 == 1 => values[middle],
            _ => f64::midpoint(values[middle - 1], values[middle]),
        };
        Spread {
            least: values.first().copied().unwrap_or(f64::NAN),
            median,
            most: values.last().copied().unwrap_or(f64::NAN),
        }
    }

    fn json(self) -> Value {
        json!({ "least": self.least, "median": self.median, "most": self.most })
    }
}

impl Measured {
    /// The rounds of a side.
    fn rounds(&self, side: usize, measure: usize) -> Vec<f64> {
        let (_, rounds) = &self.sides[side];
        rounds.iter().map(|figures| figures[measure]).collect()
    }

    /// Ours beside each other side, a ratio a round; or ours alone.
    fn lines(&self, number: usize, measure: &Measure) -> Vec<Line> {
        let ours = self.rounds(0, number);
        let median = Spread::of(ours.iter().copied()).median;
        let by_itself = measure.wanted.iter().find_map(|wanted| match wanted {
            Wanted::Below(most) => Some((*wanted, median <= *most)),
            Wanted::AtLeast(..) | Wanted::AtMost(..) => None,
        });
        let mut lines: Vec<Line> = (1..self.sides.len())
            .map(|side| {
                let name = self.sides[side].0;
                let theirs = self.rounds(side, number);
                let ratios = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs);
                let ratio = Spread::of(ratios);
                let wanted = measure.wanted.iter().find_map(|wanted| match wanted {
                    Wanted::AtLeast(least, of) if *of == name => {
                        Some((*wanted, ratio.median >= *least))
                    }
                    Wanted::AtMost(most, of) if *of == name => {
                        Some((*wanted, ratio.median <= *most))
                    }
                    _ => None,
                });
                Line {
                    beside: Some((name, Spread::of(theirs), ratio)),
                    wanted: wanted.map(|(wanted, _)| wanted),
                    is_met: wanted.map(|(_, is_met)| is_met),
                }
            })
            .collect();
        if lines.is_empty() || by_itself.is_some() {
            let alone = Line {
                beside: None,
                wanted: by_itself.map(|(wanted, _)| wanted),
                is_met: by_itself.map(|(_, is_met)| is_met),
            };
            lines.insert(0, alone);
        }
        lines
    }

    fn work(&self, measure: &Measure) -> String {
        match measure.name {
            "" => self.row.work.to_owned(),
            name => format!("{}, {name}", self.row.work),
        }
    }
}

/// The table.
pub fn text(rows: &[Measured]) -> String {
    let mut text = format!(
        "{:WORK$}{:>10}   {:<13}{:>10}   {:<21}wanted\n",
        "", "ours", "beside", "", "ours / that"
    );
    for row in rows {
        for (number, measure) in row.row.measures.iter().enumerate() {
            let ours = Spread::of(row.rounds(0, number));
            let mut work = row.work(measure);
            let mut own = figure(ours.median, measure.unit);
            for line in row.lines(number, measure) {
                // Writing to a string does not fail.
                let _ = write!(text, "{work:WORK$}{own:>10}");
                let (name, theirs, ratio) = match line.beside {
                    Some((name, theirs, ratio)) => {
                        (name, figure(theirs.median, measure.unit), spread(ratio))
                    }
                    None => ("", String::new(), String::new()),
                };
                let wanted = wanted(&line, measure.unit);
                let rest = format!("   {name:<13}{theirs:>10}   {ratio:<21}{wanted}");
                let _ = writeln!(text, "{}", rest.trim_end());
                (work, own) = (String::new(), String::new());
            }
        }
    }
    text
}

fn wanted(line: &Line, unit: Unit) -> String {
    let bound = match line.wanted {
        None => return String::new(),
        Some(Wanted::AtLeast(least, _)) => format!("≥ {least}"),
        Some(Wanted::AtMost(most, _)) => format!("≤ {most}"),
        Some(Wanted::Below(most)) => format!("≤ {}", figure(most, unit)),
    };
    match line.is_met {
        Some(false) => format!("{bound}, missed"),
        _ => bound,
    }
}

fn spread(ratio: Spread) -> String {
    let [median, least, most] = [ratio.median, ratio.least, ratio.most].map(digits);
    format!("{median} ({least}–{most})")
}

/// A figure with its unit.
fn figure(value: f64, unit: Unit) -> String {
    match unit {
        Unit::EachSecond if value >= 1e6 => format!("{}M/s", digits(value / 1e6)),
        Unit::EachSecond if value >= 1e4 => format!("{}k/s", digits(value / 1e3)),
        Unit::EachSecond => format!("{}/s", digits(value)),
        Unit::Milliseconds => format!("{} ms", digits(value)),
        Unit::KiB => format!("{} KiB", digits(value)),
    }
}

/// Three digits that count, or all before the point.
fn digits(value: f64) -> String {
    let places = match value.abs() {
        0.0 => 0,
        less if less < 0.1 => 3,
        less if less < 9.995 => 2,
        less if less < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.places$}")
}

/// The rows as objects, one for each figure.
pub fn objects(rows: &[Measured]) -> Vec<Value> {
    let mut objects = Vec::new();
    for row in rows {
        for (number, measure) in row.row.measures.iter().enumerate() {
            let ours = row.rounds(0, number);
            let lines = row.lines(number, measure);
            let beside = lines.iter().filter_map(|line| {
                let (name, theirs, ratio) = line.beside?;
                Some(json!({
                    "name": name,
                    "figure": theirs.json(),
                    "ratio": ratio.json(),
                    "wanted": line.wanted.map(bound),
                    "met": line.is_met,
                }))
            });
            let alone = lines.iter().find(|line| line.beside.is_none());
            objects.push(json!({
                "row": row.row.name,
                "work": row.work(measure),
                "unit": unit(measure.unit),
                "rounds": ours.len(),
                "ours": Spread::of(ours).json(),
                "wanted": alone.and_then(|line| line.wanted).map(bound),
                "met": alone.and_then(|line| line.is_met),
                "beside": beside.collect::<Vec<Value>>(),
            }));
        }
    }
    objects
}

fn bound(wanted: Wanted) -> Value {
    match wanted {
        Wanted::AtLeast(least, _) => json!({ "at_least": least }),
        Wanted::AtMost(most, _) | Wanted::Below(most) => json!({ "at_most": most }),
    }
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::EachSecond => "1/s",
        Unit::Milliseconds => "ms",
        Unit::KiB => "KiB",
    }
}
