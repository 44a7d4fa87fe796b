//! One plot: axes with units, series with intervals, a curve of theory, a legend that covers nothing.

use plotters::prelude::DrawingBackend;

use super::axis::{Scale, plain};
use super::canvas::{self, Anchor, Canvas, Colour, DrawError};

const WIDTH: f64 = canvas::WIDTH as f64;
const HEIGHT: f64 = canvas::HEIGHT as f64;

/// The heights of text, in units of the canvas. The letters are as large as those of a font of four
/// fifths of that, so the smallest are of 14.
const TITLE: f64 = 27.0;
const LABEL: f64 = 21.0;
const SMALL: f64 = 17.5;

/// Where the axes are.
const LEFT: f64 = 92.0;
const RIGHT: f64 = WIDTH - 30.0;
const BOTTOM: f64 = HEIGHT - 72.0;

/// One plot: linear from left to right, logarithmic upwards.
#[derive(Debug)]
pub struct Figure {
    pub title: String,
    pub subtitle: String,
    pub x_label: String,
    pub y_label: &'static str,
    /// The first is drawn first.
    pub series: Vec<Series>,
    /// What theory says: its name, and its points.
    pub curve: (String, Vec<(f64, f64)>),
    /// At which x how many operations were given up.
    pub notes: Vec<(f64, String)>,
}

/// What was measured at one x.
#[derive(Debug, Clone)]
pub struct Point {
    pub x: f64,
    /// How much; `None` is more than was watched.
    pub y: Option<f64>,
    /// From and to; `None` is more than was watched.
    pub interval: Option<(f64, Option<f64>)>,
}

/// Points that belong together, by ascending x.
#[derive(Debug)]
pub struct Series {
    pub label: String,
    pub points: Vec<Point>,
    /// Whether a line leads from each to the next.
    pub is_joined: bool,
    pub colour: Colour,
    pub marker: Marker,
    /// Of the line; none make it whole.
    pub dashes: &'static [f64],
}

/// The shape of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
    Cross,
}

impl Default for Series {
    /// Black circles that are joined.
    fn default() -> Series {
        Series {
            label: String::new(),
            points: Vec::new(),
            is_joined: true,
            colour: Colour::BLACK,
            marker: Marker::Circle,
            dashes: &[],
        }
    }
}

/// An entry of the legend.
enum Key<'a> {
    Series(&'a Series),
    Curve,
    Beyond,
}

/// Entries side by side, and how wide they are together.
#[derive(Default)]
struct Row<'a> {
    width: f64,
    entries: Vec<(Key<'a>, &'a str, f64)>,
}

/// Dashes of theory.
const CURVE: &[f64] = &[10.0, 5.0];

impl Figure {
    /// Draws it.
    pub fn draw(&self, canvas: &Canvas<impl DrawingBackend>) -> Result<(), DrawError> {
        canvas.text(&self.title, (WIDTH / 2.0, 12.0), Anchor::Top, TITLE)?;
        canvas.text(&self.subtitle, (WIDTH / 2.0, 44.0), Anchor::Top, SMALL)?;
        let mut top = self.legend(canvas, 80.0)? + 14.0;
        if !self.notes.is_empty() {
            // For the numbers of those that were given up.
            top += SMALL + 6.0;
        }
        let (x, y) = self.scales(top);
        self.axes(canvas, &x, &y)?;
        let curve = self.curve.1.iter();
        let curve: Vec<_> = curve.map(|at| (x.place(at.0), y.place(at.1))).collect();
        canvas.line(&curve, Colour::BLACK, 1.5, CURVE)?;
        for series in &self.series {
            series.draw(canvas, &x, &y)?;
        }
        let mut words = " given up";
        for (at, count) in &self.notes {
            let text = format!("{count}{words}");
            let width = canvas.width_of(&text, SMALL)?;
            let at = x.place(*at).clamp(LEFT + width / 2.0, RIGHT - width / 2.0);
            canvas.text(&text, (at, top - 5.0), Anchor::Bottom, SMALL)?;
            words = "";
        }
        Ok(())
    }

    fn scales(&self, top: f64) -> (Scale, Scale) {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let curve = || self.curve.1.iter();
        let all_x = points().map(|point| point.x).chain(curve().map(|at| at.0));
        let x = Scale::linear(all_x, LEFT, RIGHT);
        let all_y = points()
            .flat_map(|point| {
                let interval = point.interval.into_iter();
                let ends = interval.flat_map(|(from, to)| [Some(from), to]);
                ends.chain([point.y]).flatten()
            })
            .chain(curve().map(|at| at.1));
        (x, Scale::logarithmic(all_y, BOTTOM, top))
    }

    fn axes(
        &self,
        canvas: &Canvas<impl DrawingBackend>,
        x: &Scale,
        y: &Scale,
    ) -> Result<(), DrawError> {
        let top = y.to;
        for tick in y.ticks() {
            let at = y.place(tick);
            canvas.line(&[(LEFT, at), (RIGHT, at)], Colour::GREY, 1.0, &[])?;
            canvas.text(&plain(tick), (LEFT - 9.0, at), Anchor::Right, SMALL)?;
        }
        for tick in x.ticks() {
            let at = x.place(tick);
            canvas.line(&[(at, BOTTOM), (at, BOTTOM + 6.0)], Colour::BLACK, 1.0, &[])?;
            canvas.text(&plain(tick), (at, BOTTOM + 11.0), Anchor::Top, SMALL)?;
        }
        let frame = [(LEFT, top), (LEFT, BOTTOM), (RIGHT, BOTTOM)];
        canvas.line(&frame, Colour::BLACK, 1.25, &[])?;
        let below = ((LEFT + RIGHT) / 2.0, HEIGHT - 32.0);
        canvas.text(&self.x_label, below, Anchor::Top, LABEL)?;
        let beside = (20.0, (top + BOTTOM) / 2.0);
        canvas.text(self.y_label, beside, Anchor::Upwards, LABEL)
    }

    /// Draws the legend from this height down, in as many rows as it takes, and says where it ends.
    fn legend(&self, canvas: &Canvas<impl DrawingBackend>, mut at: f64) -> Result<f64, DrawError> {
        const KEY: f64 = 40.0;
        const GAP: f64 = 26.0;
        let mut keys: Vec<(Key, &str)> = Vec::new();
        for series in &self.series {
            keys.push((Key::Series(series), &series.label));
        }
        keys.push((Key::Curve, &self.curve.0));
        let mut points = self.series.iter().flat_map(|series| &series.points);
        if points.any(|point| point.y.is_none()) {
            keys.push((Key::Beyond, "hollow at the top: given up before"));
        }
        let mut rows = vec![Row::default()];
        for (key, label) in keys {
            let width = KEY + 7.0 + canvas.width_of(label, SMALL)?;
            let fits =
                |row: &&mut Row| row.entries.is_empty() || row.width + GAP + width <= RIGHT - 20.0;
            match rows.last_mut().filter(fits) {
                Some(row) => {
                    row.width += width + if row.entries.is_empty() { 0.0 } else { GAP };
                    row.entries.push((key, label, width));
                }
                None => rows.push(Row {
                    width,
                    entries: vec![(key, label, width)],
                }),
            }
        }
        for row in rows {
            let mut left = (WIDTH - row.width) / 2.0;
            for (key, label, width) in row.entries {
                let line = [(left, at), (left + KEY, at)];
                let middle = (left + KEY / 2.0, at);
                match key {
                    Key::Series(series) => {
                        if series.is_joined {
                            canvas.line(&line, series.colour, 2.0, series.dashes)?;
                        }
                        series.marker.draw(canvas, middle, series.colour, false)?;
                    }
                    Key::Curve => canvas.line(&line, Colour::BLACK, 1.5, CURVE)?,
                    Key::Beyond => Marker::Circle.draw(canvas, middle, Colour::BLACK, true)?,
                }
                canvas.text(label, (left + KEY + 7.0, at), Anchor::Left, SMALL)?;
                left += width + GAP;
            }
            at += SMALL + 9.0;
        }
        Ok(at - SMALL)
    }
}

impl Series {
    fn draw(
        &self,
        canvas: &Canvas<impl DrawingBackend>,
        x: &Scale,
        y: &Scale,
    ) -> Result<(), DrawError> {
        // What is not known is beyond all that is: at the upper edge.
        let height = |value: Option<f64>| value.map_or(y.to, |value| y.place(value));
        let place = |point: &Point| (x.place(point.x), height(point.y));
        if self.is_joined {
            let known = self.points.iter().filter(|point| point.y.is_some());
            let line: Vec<(f64, f64)> = known.map(place).collect();
            if line.len() > 1 {
                canvas.line(&line, self.colour, 2.0, self.dashes)?;
            }
        }
        for point in &self.points {
            let (across, _) = place(point);
            if let Some((from, to)) = point.interval {
                let (low, high) = (y.place(from), height(to));
                canvas.line(&[(across, low), (across, high)], self.colour, 1.75, &[])?;
                for end in [low, high] {
                    let cap = [(across - 5.0, end), (across + 5.0, end)];
                    canvas.line(&cap, self.colour, 1.75, &[])?;
                }
            }
        }
        for point in &self.points {
            self.marker
                .draw(canvas, place(point), self.colour, point.y.is_none())?;
        }
        Ok(())
    }
}

impl Marker {
    fn draw(
        self,
        canvas: &Canvas<impl DrawingBackend>,
        (x, y): (f64, f64),
        colour: Colour,
        hollow: bool,
    ) -> Result<(), DrawError> {
        let around = |corners: &[(f64, f64)]| -> Vec<(f64, f64)> {
            corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect()
        };
        let corners = match self {
            Marker::Circle => (0..32)
                .map(|step| f64::from(step) * std::f64::consts::TAU / 32.0)
                .map(|angle| (x + 4.6 * angle.cos(), y + 4.6 * angle.sin()))
                .collect(),
            Marker::Square => around(&[(-4.2, -4.2), (4.2, -4.2), (4.2, 4.2), (-4.2, 4.2)]),
            Marker::Triangle => around(&[(0.0, -5.8), (5.4, 4.2), (-5.4, 4.2)]),
            Marker::Diamond => around(&[(0.0, -6.2), (6.2, 0.0), (0.0, 6.2), (-6.2, 0.0)]),
            Marker::Cross => {
                canvas.line(&around(&[(-4.6, -4.6), (4.6, 4.6)]), colour, 2.0, &[])?;
                return canvas.line(&around(&[(-4.6, 4.6), (4.6, -4.6)]), colour, 2.0, &[]);
            }
        };
        canvas.area(&corners, if hollow { Colour::WHITE } else { colour })?;
        let outline: Vec<(f64, f64)> = corners.iter().chain(&corners[..1]).copied().collect();
        canvas.line(&outline, colour, 1.5, &[])
    }
}
