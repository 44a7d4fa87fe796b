//! Paper to draw on: a page of 900 by 600 units, as SVG or as pixels.

use std::sync::OnceLock;

use plotters::backend::{BitMapBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{PathElement, Polygon, Text};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, FontTransform, IntoFont, RGBColor, WHITE, register_font};

/// The page, in units.
pub const WIDTH: f64 = 900.0;
/// The page, in units.
pub const HEIGHT: f64 = 600.0;

/// The page, in pixels of a PNG.
pub const PNG_WIDTH: u32 = 1800;
/// The page, in pixels of a PNG.
pub const PNG_HEIGHT: u32 = 1200;

/// Parts of a unit that are drawn. In an SVG this gives lines places between two pixels; pixels
/// are drawn in twice the size and then halved, which is what makes lines smooth.
const FINENESS: u32 = 4;

const FONT: &[u8] = include_bytes!("../font/DejaVuSans-subset.ttf");

/// The name in an SVG too: whoever shows it takes a font without serifs.
const FONT_NAME: &str = "sans-serif";

/// A colour of Okabe and Ito.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(RGBColor);

impl Colour {
    /// For text, axes and theory.
    pub const BLACK: Colour = Colour(RGBColor(0, 0, 0));
    /// Of the paper.
    pub const WHITE: Colour = Colour(WHITE);
    /// For the lines behind the data.
    pub const GREY: Colour = Colour(RGBColor(222, 222, 222));
    /// Blue.
    pub const BLUE: Colour = Colour(RGBColor(0, 114, 178));
    /// Orange.
    pub const ORANGE: Colour = Colour(RGBColor(230, 159, 0));
    /// Vermillion.
    pub const VERMILLION: Colour = Colour(RGBColor(213, 94, 0));
    /// Bluish green.
    pub const GREEN: Colour = Colour(RGBColor(0, 158, 115));
}

/// Where a text stands relative to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// To the right of it, at half height.
    Left,
    /// To the left of it, at half height.
    Right,
    /// Below it.
    Top,
    /// Above it.
    Bottom,
    /// Around it, read from bottom to top.
    Upwards,
}

/// What can be drawn, in units.
pub trait Canvas {
    /// A line through these points; dashes and the gaps after them, or none.
    fn line(
        &mut self,
        points: &[(f64, f64)],
        colour: Colour,
        width: f64,
        dashes: &[f64],
    ) -> Result<(), String>;

    /// An area with these corners.
    fn area(&mut self, corners: &[(f64, f64)], colour: Colour) -> Result<(), String>;

    /// A text of this height.
    fn text(
        &mut self,
        text: &str,
        at: (f64, f64),
        anchor: Anchor,
        height: f64,
    ) -> Result<(), String>;

    /// How wide a text of this height is.
    fn width_of(&self, text: &str, height: f64) -> Result<f64, String>;
}

/// Draws an SVG.
///
/// # Errors
/// What the backend says.
pub fn svg(draw: impl FnOnce(&mut dyn Canvas) -> Result<(), String>) -> Result<String, String> {
    load_font()?;
    let (width, height) = (WIDTH as u32 * FINENESS, HEIGHT as u32 * FINENESS);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
        draw(&mut Page::blank(&area, 0.0)?)?;
        area.present().map_err(|error| error.to_string())?;
    }
    // The page keeps its size; its units are finer.
    let drawn = format!("width=\"{width}\" height=\"{height}\"");
    let shown = format!("width=\"{WIDTH}\" height=\"{HEIGHT}\"");
    Ok(svg.replacen(&drawn, &shown, 1))
}

/// Draws the pixels of a PNG, three bytes each.
///
/// # Errors
/// What the backend says.
pub fn pixels(draw: impl FnOnce(&mut dyn Canvas) -> Result<(), String>) -> Result<Vec<u8>, String> {
    load_font()?;
    let (width, height) = (WIDTH as u32 * FINENESS, HEIGHT as u32 * FINENESS);
    let mut fine = vec![0; 3 * (width * height) as usize];
    {
        let area = BitMapBackend::with_buffer(&mut fine, (width, height)).into_drawing_area();
        draw(&mut Page::blank(&area, SINK)?)?;
        area.present().map_err(|error| error.to_string())?;
    }
    Ok(halved(&fine, width as usize))
}

/// Two white pixels.
const PAPER: &[u8] = &[255; 6];

/// Each pixel the mean of four.
fn halved(fine: &[u8], width: usize) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(fine.len() / 4);
    for rows in fine.chunks_exact(2 * 3 * width) {
        let (upper, lower) = rows.split_at(3 * width);
        for (above, below) in upper.chunks_exact(6).zip(lower.chunks_exact(6)) {
            // Most of a plot is paper.
            if above == PAPER && below == PAPER {
                pixels.extend_from_slice(&PAPER[..3]);
                continue;
            }
            for part in 0..3 {
                let sum = u16::from(above[part])
                    + u16::from(above[part + 3])
                    + u16::from(below[part])
                    + u16::from(below[part + 3]);
                pixels.push((sum / 4) as u8);
            }
        }
    }
    pixels
}

/// Without a font, text in a bitmap would be an error.
fn load_font() -> Result<(), String> {
    static LOADED: OnceLock<bool> = OnceLock::new();
    let loaded = *LOADED.get_or_init(|| register_font(FONT_NAME, FontStyle::Normal, FONT).is_ok());
    loaded
        .then_some(())
        .ok_or_else(|| "the font is damaged".into())
}

/// How much lower a text has to be put in a bitmap to stand where it is to, in parts of its height:
/// there it is placed by its line, which has more room above the letters than below.
const SINK: f64 = 0.17;

struct Page<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    sink: f64,
}

impl<'a, B: DrawingBackend> Page<'a, B> {
    fn blank(area: &'a DrawingArea<B, Shift>, sink: f64) -> Result<Page<'a, B>, String> {
        area.fill(&WHITE).map_err(|error| error.to_string())?;
        Ok(Page { area, sink })
    }
}

fn fine(units: f64) -> i32 {
    (units * f64::from(FINENESS)).round() as i32
}

fn place((x, y): (f64, f64)) -> (i32, i32) {
    (fine(x), fine(y))
}

impl<B: DrawingBackend> Canvas for Page<'_, B> {
    fn line(
        &mut self,
        points: &[(f64, f64)],
        colour: Colour,
        width: f64,
        dashes: &[f64],
    ) -> Result<(), String> {
        let style = colour.0.stroke_width(fine(width).max(1).unsigned_abs());
        for piece in dashed(points, dashes) {
            let piece: Vec<(i32, i32)> = piece.into_iter().map(place).collect();
            self.area
                .draw(&PathElement::new(piece, style))
                .map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn area(&mut self, corners: &[(f64, f64)], colour: Colour) -> Result<(), String> {
        let corners: Vec<(i32, i32)> = corners.iter().copied().map(place).collect();
        self.area
            .draw(&Polygon::new(corners, colour.0.filled()))
            .map_err(|error| error.to_string())
    }

    fn text(
        &mut self,
        text: &str,
        at: (f64, f64),
        anchor: Anchor,
        height: f64,
    ) -> Result<(), String> {
        let (horizontal, vertical) = match anchor {
            Anchor::Left => (HPos::Left, VPos::Center),
            Anchor::Right => (HPos::Right, VPos::Center),
            Anchor::Top => (HPos::Center, VPos::Top),
            Anchor::Bottom => (HPos::Center, VPos::Bottom),
            Anchor::Upwards => (HPos::Center, VPos::Center),
        };
        let mut font = (FONT_NAME, f64::from(fine(height))).into_font();
        if anchor == Anchor::Upwards {
            font = font.transform(FontTransform::Rotate270);
        }
        let (x, y) = at;
        let at = match anchor {
            Anchor::Upwards => (x + self.sink * height, y),
            _ => (x, y + self.sink * height),
        };
        let style = font
            .color(&Colour::BLACK.0)
            .pos(Pos::new(horizontal, vertical));
        self.area
            .draw(&Text::new(text.to_owned(), place(at), style))
            .map_err(|error| error.to_string())
    }

    fn width_of(&self, text: &str, height: f64) -> Result<f64, String> {
        let style = (FONT_NAME, f64::from(fine(height)))
            .into_font()
            .color(&Colour::BLACK.0);
        let (width, _) = self
            .area
            .estimate_text_size(text, &style)
            .map_err(|error| error.to_string())?;
        Ok(f64::from(width) / f64::from(FINENESS))
    }
}

/// The line in pieces: dashes that go on around corners.
fn dashed(points: &[(f64, f64)], dashes: &[f64]) -> Vec<Vec<(f64, f64)>> {
    if dashes.is_empty() || points.len() < 2 {
        return vec![points.to_vec()];
    }
    let mut pieces = Vec::new();
    let mut piece = vec![points[0]];
    let (mut index, mut left) = (0, dashes[0]);
    for pair in points.windows(2) {
        let ((x, y), (to_x, to_y)) = (pair[0], pair[1]);
        let length = (to_x - x).hypot(to_y - y);
        let mut walked = 0.0;
        while length - walked > left {
            walked += left;
            let at = (
                x + (to_x - x) * walked / length,
                y + (to_y - y) * walked / length,
            );
            if index % 2 == 0 {
                piece.push(at);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![at];
            }
            index += 1;
            left = dashes[index % dashes.len()].max(0.5);
        }
        left -= length - walked;
        if index % 2 == 0 {
            piece.push((to_x, to_y));
        }
    }
    if piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_go_on_around_a_corner() {
        let corner = [(0.0, 0.0), (3.0, 0.0), (3.0, 5.0)];
        let pieces = dashed(&corner, &[4.0, 2.0]);
        assert_eq!(
            pieces,
            [
                vec![(0.0, 0.0), (3.0, 0.0), (3.0, 1.0)],
                vec![(3.0, 3.0), (3.0, 5.0)]
            ]
        );
        assert_eq!(dashed(&corner, &[]), [corner.to_vec()]);
    }

    #[test]
    fn a_pixel_is_the_mean_of_four() {
        let fine = [
            [0, 0, 0, 255, 255, 255, 9, 9, 9, 9, 9, 9],
            [0, 0, 0, 255, 255, 255, 9, 9, 9, 9, 9, 9],
        ];
        assert_eq!(halved(&fine.concat(), 4), [127, 127, 127, 9, 9, 9]);
    }
}
