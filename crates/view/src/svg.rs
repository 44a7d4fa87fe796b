//! The sequence diagram as a picture.
//!
//! Colours are those of Okabe and Ito, which colour-blind people can distinguish; nothing is shown by a
//! colour alone, so that the picture can be read in grey.

use std::io::{self, Write};

use super::sequence::Sequence;

mod draw;
mod layout;

pub(super) use draw::{Drawing, escape};
pub(super) use layout::Layout;

/// How the parts of the picture look.
pub(super) const STYLE: &str = r##"
text{font-family:"Helvetica Neue",Arial,"DejaVu Sans",sans-serif;font-size:12px;fill:#222}
.mono,.label,.time,.cmd{font-family:"DejaVu Sans Mono",Menlo,Consolas,monospace}
.cmd{font-size:12px;fill:#222}.small{font-size:11px;fill:#666}
.time{font-size:10px;fill:#8a8a8a;text-anchor:end}
.life{stroke:#9aa0a6;stroke-width:1.5}.stranger{stroke-dasharray:2 4}
.head{fill:#eaf3fa;stroke:#0072b2;stroke-width:1.5}.head.guess{fill:#fafafa;stroke:#8a8a8a;stroke-dasharray:4 3}
.name{font-weight:bold;font-size:13px;text-anchor:middle}.detail{font-size:11px;fill:#555;text-anchor:middle}
.label{font-size:12px}.number{fill:#8a8a8a}
.label,.tiny{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}.unsettled .label{stroke:none}
.line{stroke:#333;stroke-width:1.4;fill:none}.tip{fill:#333;stroke:none}
.resent .line{stroke:#0072b2}.resent .tip{fill:#0072b2}
.lost .line{stroke:#d55e00}.lost .tip{fill:#d55e00}.lost .label{fill:#a34700}
.faint{stroke:#d55e00;stroke-width:1;stroke-dasharray:1 5;fill:none}
.cross{stroke:#d55e00;stroke-width:3;stroke-linecap:round;fill:none}
.unsettled .line{stroke:#b87a00;stroke-width:2.4}.unsettled .tip{fill:#b87a00}.glow{fill:#fff0cc}
.copy .line{stroke-dasharray:6 4}.unseen .line{stroke-dasharray:2 3}.unseen .label{fill:#777}
.thin{stroke:#9aa0a6;stroke-width:1;stroke-dasharray:3 3;fill:none}.thin.bad{stroke:#d55e00}
.tiny{font-size:11px;fill:#777}.tiny.bad{fill:#a34700;font-weight:bold}
.pill{fill:#fff;stroke:#0072b2}.lost .pill,.pill.bad{stroke:#d55e00}
.said{font-size:10px;font-weight:bold;fill:#0072b2}.lost .said,.said.bad{fill:#a34700}
.note{fill:#f6f6f2;stroke:#c8c8c0}.note.warning{fill:#fff;stroke:#d55e00;stroke-dasharray:4 2}
.note.bad{fill:#fdeee4;stroke:#d55e00}.note.unsettled{fill:#ffe9b8;stroke:#e69f00;stroke-width:2}
.crash{fill:#d55e00}.shout{fill:#fff;font-weight:bold}.strong{font-weight:bold}
.knot{fill:#c8c8c0}.knot.warning,.knot.bad{fill:#d55e00}.knot.unsettled{fill:#e69f00}
.foot{stroke:#9aa0a6;stroke-width:3}.rip{stroke:#b5b5b5;stroke-width:1.2;fill:none}
"##;

/// Draws the diagram.
///
/// # Errors
/// When it cannot be written.
pub fn write(sequence: &Sequence<'_>, out: &mut impl Write) -> io::Result<()> {
    let layout = Layout::of(sequence);
    let top = layout.title_height(sequence) + layout.head_height();
    let height = top + layout.height + layout.foot_height(sequence);
    let width = layout.width;
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}" role="img">"#
    )?;
    if let Some(title) = sequence.titles.first() {
        writeln!(out, "<title>{}</title>", escape(title))?;
    }
    writeln!(out, "<style>{STYLE}</style>")?;
    writeln!(out, r##"<rect width="100%" height="100%" fill="#fff"/>"##)?;
    let mut drawing = Drawing::new(sequence, &layout, false, out);
    drawing.titles()?;
    let below = layout.title_height(sequence);
    writeln!(drawing.out, r#"<g transform="translate(0 {below:.0})">"#)?;
    drawing.heads()?;
    writeln!(drawing.out, r#"</g><g transform="translate(0 {top:.0})">"#)?;
    drawing.steps(0..sequence.steps.len())?;
    writeln!(drawing.out, "</g>")?;
    drawing.foot(top + layout.height)?;
    writeln!(drawing.out, "</svg>")
}
