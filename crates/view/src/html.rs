//! The diagram as one page that needs nothing else: the picture, and of each message its bytes.

use std::io::{self, Write};
use std::ops::Range;

use super::sequence::{Sequence, StepKind};
use super::svg::{Drawing, Layout, STYLE, escape};

/// The picture is cut into pieces of this many steps: a browser draws those that can be seen.
const PIECE: usize = 200;

/// The most steps of a piece: where a message is always on its way, one is cut.
const LONGEST_PIECE: usize = 2000;

const PAGE: &str = r##"
body{margin:0;background:#fff;font-family:"Helvetica Neue",Arial,"DejaVu Sans",sans-serif}
svg{display:block}
.heads{position:sticky;top:0;background:rgba(255,255,255,.94);border-bottom:1px solid #e3e3e3;z-index:1}
.piece{content-visibility:auto}
.m{cursor:pointer}.m:hover .label,.m:focus .label{text-decoration:underline}.m:focus{outline:none}
#details{position:fixed;right:16px;bottom:16px;max-width:46em;max-height:45vh;overflow:auto;margin:0;padding:12px 16px;
background:#fffdf5;border:1px solid #c8c8c0;border-radius:6px;box-shadow:0 2px 10px rgba(0,0,0,.18);
font:12px/1.5 "DejaVu Sans Mono",Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere;z-index:2}
@media print{.heads{position:static}#details{display:none}.piece{content-visibility:visible}}
"##;

/// Shows of the message under the pointer, or in the focus, what its tooltip says and its bytes.
const SCRIPT: &str = r##"
"use strict";
const details = document.getElementById("details");
function dump(hex, whole) {
  const lines = [];
  for (let at = 0; at < hex.length; at += 32) {
    const bytes = hex.slice(at, at + 32).match(/../g);
    const text = bytes.map(b => { const c = parseInt(b, 16); return c > 31 && c < 127 ? String.fromCharCode(c) : "."; });
    lines.push((at / 2).toString(16).padStart(6, "0") + "  " + bytes.join(" ").padEnd(48) + " " + text.join(""));
  }
  if (hex.length / 2 < whole) lines.push("… and " + (whole - hex.length / 2) + " bytes more");
  return lines.join("\n");
}
function show(event) {
  const message = event.target.closest ? event.target.closest(".m[data-b]") : null;
  if (!message) return;
  details.textContent = message.querySelector("title").textContent + "\n\n" + dump(message.dataset.b, Number(message.dataset.n));
  details.hidden = false;
}
for (const name of ["mouseover", "focusin", "click"]) document.addEventListener(name, show);
document.addEventListener("keydown", event => { if (event.key === "Escape") details.hidden = true; });
"##;

/// Writes the page.
///
/// # Errors
/// When it cannot be written.
pub fn write(sequence: &Sequence<'_>, out: &mut impl Write) -> io::Result<()> {
    let layout = Layout::of(sequence);
    let width = layout.width;
    let title = sequence.titles.first().map_or("a recording", |title| title);
    writeln!(out, "<!DOCTYPE html>")?;
    writeln!(out, "<html lang=\"en\"><head><meta charset=\"utf-8\">")?;
    writeln!(out, "<title>{}</title>", escape(title))?;
    writeln!(out, "<style>{STYLE}{PAGE}</style></head><body>")?;
    let svg = |height: f64, top: f64| {
        format!(
            r#"<svg width="{width:.0}" height="{height:.1}" viewBox="0 {top:.1} {width:.0} {height:.1}">"#
        )
    };
    let mut drawing = Drawing::new(sequence, &layout, true, out);
    writeln!(drawing.out, "{}", svg(layout.title_height(sequence), 0.0))?;
    drawing.titles()?;
    let heads = svg(layout.head_height(), 0.0);
    writeln!(drawing.out, r#"</svg><div class="heads">{heads}"#)?;
    drawing.heads()?;
    writeln!(drawing.out, "</svg></div>")?;
    for piece in pieces(sequence) {
        let top = layout.top(piece.start);
        let height = layout.top(piece.end) - top;
        writeln!(
            drawing.out,
            r#"<div class="piece" style="contain-intrinsic-size:{width:.0}px {height:.1}px">{}"#,
            svg(height, top)
        )?;
        drawing.steps(piece)?;
        writeln!(drawing.out, "</svg></div>")?;
    }
    writeln!(drawing.out, "{}", svg(layout.foot_height(sequence), 0.0))?;
    drawing.foot(0.0)?;
    writeln!(drawing.out, r#"</svg><pre id="details" hidden></pre>"#)?;
    writeln!(drawing.out, "<script>{SCRIPT}</script></body></html>")
}

/// The steps, cut where no message is on its way.
fn pieces(sequence: &Sequence<'_>) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let (mut start, mut on_the_way) = (0, 0u32);
    for (index, step) in sequence.steps.iter().enumerate() {
        match step.kind {
            StepKind::Departs(_) => on_the_way += 1,
            StepKind::Arrives(_) => on_the_way = on_the_way.saturating_sub(1),
            _ => {}
        }
        let length = index + 1 - start;
        if (length >= PIECE && on_the_way == 0) || length >= LONGEST_PIECE {
            pieces.push(start..index + 1);
            start = index + 1;
        }
    }
    pieces.push(start..sequence.steps.len());
    pieces
}
