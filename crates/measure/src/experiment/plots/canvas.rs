//! A canvas of 900 by 600 units, for an SVG or for a PNG of twice that size.

use std::sync::OnceLock;

use plotters::backend::{BitMapBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Drawable, PathElement, PointCollection, Polygon, Text};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontStyle, FontTransform, IntoFont, RGBColor, TextStyle, WHITE, register_font,
};

/// The width in units.
pub const WIDTH: u32 = 900;
/// The height in units.
pub const HEIGHT: u32 = 600;

/// Points a unit is divided into. An SVG gets lines between two pixels by them; pixels are drawn in
/// twice their size and then averaged, which makes lines smooth.
const SUPERSAMPLING: u32 = 4;

const FONT: &[u8] = include_bytes!("../font/DejaVuSans-subset.ttf");

/// The name in an SVG too: a viewer takes its font without serifs.
const FONT_NAME: &str = "sans-serif";

/// How much lower a text has to be put in a bitmap, in parts of its height: it is placed by its
/// line there, which has more room above the letters than below.
const BASELINE_OFFSET: f64 = 0.17;

/// Why nothing was drawn, in the words of the backend.
pub type DrawError = String;

/// A colour; those of data are of Okabe and Ito.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(RGBColor);

impl Colour {
    /// For text, axes and theory.
    pub const BLACK: Colour = Colour(RGBColor(0, 0, 0));
    pub const WHITE: Colour = Colour(WHITE);
    /// For the lines behind the data.
    pub const GREY: Colour = Colour(RGBColor(222, 222, 222));
    pub const BLUE: Colour = Colour(RGBColor(0, 114, 178));
    pub const ORANGE: Colour = Colour(RGBColor(230, 159, 0));
    pub const VERMILLION: Colour = Colour(RGBColor(213, 94, 0));
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

/// What is drawn on, in units.
pub struct Canvas<B: DrawingBackend> {
    area: DrawingArea<B, Shift>,
    baseline_offset: f64,
}

/// Draws an SVG.
pub fn svg(
    draw: impl FnOnce(&Canvas<SVGBackend>) -> Result<(), DrawError>,
) -> Result<String, DrawError> {
    let (width, height) = (WIDTH * SUPERSAMPLING, HEIGHT * SUPERSAMPLING);
    let mut svg = String::new();
    let backend = SVGBackend::with_string(&mut svg, (width, height));
    Canvas::draw(backend, 0.0, draw)?;
    // The picture keeps its size; its units are finer.
    let drawn = format!("width=\"{width}\" height=\"{height}\"");
    let shown = format!("width=\"{WIDTH}\" height=\"{HEIGHT}\"");
    Ok(svg.replacen(&drawn, &shown, 1))
}

/// Draws the pixels of twice the size, three bytes each.
pub fn pixels(
    draw: impl FnOnce(&Canvas<BitMapBackend>) -> Result<(), DrawError>,
) -> Result<Vec<u8>, DrawError> {
    let (width, height) = (WIDTH * SUPERSAMPLING, HEIGHT * SUPERSAMPLING);
    let mut pixels = vec![0; 3 * (width * height) as usize];
    let backend = BitMapBackend::with_buffer(&mut pixels, (width, height));
    Canvas::draw(backend, BASELINE_OFFSET, draw)?;
    Ok(downsampled(&pixels, width as usize))
}

/// Each pixel the mean of four.
fn downsampled(fine: &[u8], width: usize) -> Vec<u8> {
    /// Two white pixels.
    const BLANK: &[u8] = &[255; 6];
    let mut pixels = Vec::with_capacity(fine.len() / 4);
    for rows in fine.chunks_exact(2 * 3 * width) {
        let (upper, lower) = rows.split_at(3 * width);
        for (above, below) in upper.chunks_exact(6).zip(lower.chunks_exact(6)) {
            // Most of a plot is blank.
            if above == BLANK && below == BLANK {
                pixels.extend_from_slice(&BLANK[..3]);
                continue;
            }
            for part in 0..3 {
                let four = [above[part], above[part + 3], below[part], below[part + 3]];
                pixels.push((four.map(u16::from).iter().sum::<u16>() / 4) as u8);
            }
        }
    }
    pixels
}

fn fine(units: f64) -> i32 {
    (units * f64::from(SUPERSAMPLING)).round() as i32
}

fn place((x, y): (f64, f64)) -> (i32, i32) {
    (fine(x), fine(y))
}

fn text_style(height: f64, transform: FontTransform) -> TextStyle<'static> {
    let font = (FONT_NAME, f64::from(fine(height))).into_font();
    font.transform(transform).color(&Colour::BLACK.0)
}

impl<B: DrawingBackend> Canvas<B> {
    fn draw(
        backend: B,
        baseline_offset: f64,
        draw: impl FnOnce(&Canvas<B>) -> Result<(), DrawError>,
    ) -> Result<(), DrawError> {
        static FONT_LOADED: OnceLock<bool> = OnceLock::new();
        let load = || register_font(FONT_NAME, FontStyle::Normal, FONT).is_ok();
        if !FONT_LOADED.get_or_init(load) {
            // Without it, text in a bitmap would be an error.
            return Err("the font is damaged".into());
        }
        let canvas = Canvas {
            area: backend.into_drawing_area(),
            baseline_offset,
        };
        let failed = |error: plotters::drawing::DrawingAreaErrorKind<_>| error.to_string();
        canvas.area.fill(&WHITE).map_err(failed)?;
        draw(&canvas)?;
        canvas.area.present().map_err(failed)
    }

    fn add<'a, E>(&self, element: &'a E) -> Result<(), DrawError>
    where
        E: Drawable<B>,
        &'a E: PointCollection<'a, (i32, i32)>,
    {
        self.area.draw(element).map_err(|error| error.to_string())
    }

    /// A line through these points; dashes and the gaps after them, or none.
    pub fn line(
        &self,
        points: &[(f64, f64)],
        colour: Colour,
        width: f64,
        dashes: &[f64],
    ) -> Result<(), DrawError> {
        let style = colour.0.stroke_width(fine(width).max(1).unsigned_abs());
        for piece in dashed(points, dashes) {
            let piece: Vec<(i32, i32)> = piece.into_iter().map(place).collect();
            self.add(&PathElement::new(piece, style))?;
        }
        Ok(())
    }

    /// An area with these corners.
    pub fn area(&self, corners: &[(f64, f64)], colour: Colour) -> Result<(), DrawError> {
        let corners: Vec<(i32, i32)> = corners.iter().copied().map(place).collect();
        self.add(&Polygon::new(corners, colour.0.filled()))
    }

    /// A text of this height.
    pub fn text(
        &self,
        text: &str,
        (x, y): (f64, f64),
        anchor: Anchor,
        height: f64,
    ) -> Result<(), DrawError> {
        let (horizontal, vertical) = match anchor {
            Anchor::Left => (HPos::Left, VPos::Center),
            Anchor::Right => (HPos::Right, VPos::Center),
            Anchor::Top => (HPos::Center, VPos::Top),
            Anchor::Bottom => (HPos::Center, VPos::Bottom),
            Anchor::Upwards => (HPos::Center, VPos::Center),
        };
        let offset = self.baseline_offset * height;
        let (at, transform) = match anchor {
            Anchor::Upwards => ((x + offset, y), FontTransform::Rotate270),
            _ => ((x, y + offset), FontTransform::None),
        };
        let style = text_style(height, transform).pos(Pos::new(horizontal, vertical));
        self.add(&Text::new(text, place(at), style))
    }

    /// How wide a text of this height is.
    pub fn width_of(&self, text: &str, height: f64) -> Result<f64, DrawError> {
        let style = text_style(height, FontTransform::None);
        let size = self.area.estimate_text_size(text, &style);
        let (width, _) = size.map_err(|error| error.to_string())?;
        Ok(f64::from(width) / f64::from(SUPERSAMPLING))
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
        assert_eq!(downsampled(&fine.concat(), 4), [127, 127, 127, 9, 9, 9]);
    }
}
