//! Stacks with their cycles: folded, a line for each, as flame graph tools read them (Gregg, The flame graph, 2016); and as
//! such a graph.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Pixels of a graph from left to right, and of a function from top to bottom.
const WIDTH: u32 = 1200;
const ROW: u32 = 18;
/// Pixels of a letter, about.
const LETTER: u32 = 7;

/// Writes a line for each stack: functions from the outermost on, between semicolons, then the cycles.
///
/// # Errors
/// As `out` fails.
pub fn fold<'a>(
    stacks: impl Iterator<Item = (Vec<&'a str>, u64)>,
    mut out: impl Write,
) -> io::Result<()> {
    for (stack, cycles) in stacks {
        writeln!(out, "{} {cycles}", stack.join(";"))?;
    }
    out.flush()
}

/// A function on top of others, with all that it called.
#[derive(Default)]
struct Block<'a> {
    cycles: u64,
    callees: BTreeMap<&'a str, Self>,
}

impl Block<'_> {
    fn depth(&self) -> u32 {
        let deepest = self.callees.values().map(Self::depth).max();
        deepest.map_or(0, |depth| depth + 1)
    }
}

/// Draws the stacks: the outermost function below, each as wide as its share of all cycles.
///
/// # Errors
/// When the picture cannot be drawn.
pub fn draw<'a>(
    stacks: impl Iterator<Item = (Vec<&'a str>, u64)>,
) -> Result<String, Box<dyn Error>> {
    let mut all = Block::default();
    for (stack, cycles) in stacks {
        all.cycles += cycles;
        let mut block = &mut all;
        for function in stack {
            block = block.callees.entry(function).or_default();
            block.cycles += cycles;
        }
    }
    let mut svg = String::new();
    let height = (all.depth() + 1) * ROW;
    let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    let title = format!("{} cycles", all.cycles);
    label(&area, (0, 0), &title, WIDTH)?;
    let (scale, bottom) = (f64::from(WIDTH) / all.cycles.max(1) as f64, height - ROW);
    blocks(&area, &all, (0, bottom), scale)?;
    area.present()?;
    drop(area);
    Ok(svg)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Draws what `block` called, from `cycle` on, in the row whose top is at `y`, and what these called above.
fn blocks(
    area: &Area<'_>,
    block: &Block<'_>,
    (cycle, y): (u64, u32),
    scale: f64,
) -> Result<(), Box<dyn Error>> {
    let mut start = cycle;
    for (i, (function, callee)) in block.callees.iter().enumerate() {
        let at = |cycle: u64| (cycle as f64 * scale) as u32;
        let (left, right) = (at(start), at(start + callee.cycles));
        if left < right {
            // Neighbours differ, and what is above differs from what is below.
            let hue = 0.02 + 0.03 * ((i as u32 + y / ROW) % 4) as f64;
            let corners = [(left, y), (right, y + ROW)].map(|(x, y)| (x as i32, y as i32));
            let fill = HSLColor(hue, 0.9, 0.65).filled();
            area.draw(&Rectangle::new(corners, fill))?;
            area.draw(&Rectangle::new(corners, WHITE.stroke_width(1)))?;
            let text = format!("{function} ({} cycles)", callee.cycles);
            label(area, (left, y), &text, right - left)?;
            blocks(area, callee, (start, y.saturating_sub(ROW)), scale)?;
        }
        start += callee.cycles;
    }
    Ok(())
}

/// Writes as much of a text as fits.
fn label(
    area: &Area<'_>,
    (x, y): (u32, u32),
    text: &str,
    width: u32,
) -> Result<(), Box<dyn Error>> {
    let letters = (width / LETTER).saturating_sub(1) as usize;
    if letters < 3 {
        return Ok(());
    }
    let shown: String = text.chars().take(letters).collect();
    let style = ("monospace", 14).into_font().into_text_style(area);
    let style = style.pos(Pos::new(HPos::Left, VPos::Center));
    let at = ((x + 3) as i32, (y + ROW / 2) as i32);
    area.draw(&Text::new(shown, at, style))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACKS: [(&[&str], u64); 3] = [
        (&["_start", "main"], 10),
        (&["_start", "main", "sum<u8>"], 85),
        (&["_start"], 5),
    ];

    fn stacks() -> impl Iterator<Item = (Vec<&'static str>, u64)> {
        STACKS
            .iter()
            .map(|&(stack, cycles)| (stack.to_vec(), cycles))
    }

    #[test]
    fn stacks_are_folded_and_drawn() {
        let mut folded = Vec::new();
        fold(stacks(), &mut folded).unwrap();
        let expected = "_start;main 10\n_start;main;sum<u8> 85\n_start 5\n";
        assert_eq!(String::from_utf8(folded).unwrap(), expected);

        let svg = draw(stacks()).unwrap();
        for text in ["100 cycles", "_start (100", "main (95", "sum&lt;u8&gt; (85"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
    }
}
