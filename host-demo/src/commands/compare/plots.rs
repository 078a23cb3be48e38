//! The comparison as pictures: memory over time, and each figure against the length of the run.

use std::error::Error;
use std::path::{Path, PathBuf};

use plotters::prelude::*;

use super::measured::Measured;

/// Pixels of a picture.
const SIZE: (u32, u32) = (960, 540);
const MIB: f64 = 1_048_576.0;
/// Most points of a curve; of more, the largest of each stretch are drawn.
const POINTS: usize = 400;

type Drawn = Result<(), Box<dyn Error>>;

/// A curve and its name.
struct Curve {
    name: String,
    points: Vec<(f64, f64)>,
}

/// A figure of a proof.
type Figure = fn(&Measured) -> Option<f64>;

/// What is drawn against the cycles of a run: file name, axis, figure.
const FIGURES: [(&str, &str, Figure); 5] = [
    ("peak", "peak resident memory, MiB", |m| {
        m.peak_rss_bytes.map(|bytes| bytes as f64 / MIB)
    }),
    ("prove", "seconds to prove", |m| m.prove_seconds),
    ("verify", "seconds to verify", |m| m.verify_seconds),
    ("bundle", "bundle, MiB", |m| {
        m.bundle_bytes.map(|bytes| bytes as f64 / MIB)
    }),
    ("hashes", "hashes to verify", |m| m.expected_hashes),
];

/// Draws all pictures of proofs with one worker into a folder; returns their files.
///
/// # Errors
/// When one cannot be written.
pub fn draw(folder: &Path, measured: &[Measured]) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let single: Vec<_> = measured
        .iter()
        .filter(|m| m.workers == 1 && m.error.is_none())
        .collect();
    let longest = single.iter().map(|m| m.cycles).max().unwrap_or(0);
    let over_time = single
        .iter()
        .filter(|m| m.cycles == longest)
        .map(|m| Curve {
            name: m.name.clone(),
            points: thinned(&m.samples),
        });
    let mut files = vec![folder.join("memory.svg")];
    let title = format!("Memory while {longest} cycles are proved, one worker");
    curves(
        &files[0],
        &title,
        ("seconds", "resident memory, MiB"),
        &over_time.collect::<Vec<_>>(),
    )?;

    let mut names: Vec<&str> = Vec::new();
    for m in &single {
        // Lengths of epochs and batches follow the run: what has one name is one curve.
        if !names.contains(&m.name.as_str()) {
            names.push(&m.name);
        }
    }
    if single.iter().all(|m| m.cycles == longest) {
        return Ok(files);
    }
    for (file, axis, figure) in FIGURES {
        let all = names.iter().map(|&name| {
            let own = single.iter().filter(|m| m.name == name);
            let points = own.filter_map(|m| Some((m.cycles as f64 / 1e6, figure(m)?)));
            Curve {
                name: name.to_owned(),
                points: points.collect(),
            }
        });
        let path = folder.join(format!("{file}.svg"));
        let all: Vec<_> = all.filter(|curve| curve.points.len() > 1).collect();
        curves(&path, axis, ("million cycles", axis), &all)?;
        files.push(path);
    }
    Ok(files)
}

/// Samples in MiB, at most [`POINTS`] of them.
fn thinned(samples: &[(f64, u64)]) -> Vec<(f64, f64)> {
    let step = samples.len().div_ceil(POINTS).max(1);
    let largest = |chunk: &[(f64, u64)]| chunk.iter().copied().max_by_key(|&(_, bytes)| bytes);
    let chunks = samples.chunks(step).filter_map(largest);
    chunks.map(|(at, bytes)| (at, bytes as f64 / MIB)).collect()
}

/// Draws curves from zero on both axes.
fn curves(path: &Path, title: &str, (x, y): (&str, &str), curves: &[Curve]) -> Drawn {
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let largest = |of: fn(&(f64, f64)) -> f64| all().map(of).fold(0.0, f64::max);
    let ends =
        [largest(|p| p.0), largest(|p| p.1)].map(|end: f64| end.max(f64::MIN_POSITIVE) * 1.05);
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(80)
        .build_cartesian_2d(0.0..ends[0], 0.0..ends[1])?;
    chart
        .configure_mesh()
        .x_desc(x)
        .y_desc(y)
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (number, curve) in curves.iter().enumerate() {
        let color = HSLColor(number as f64 / curves.len() as f64, 0.75, 0.42).to_rgba();
        let line = LineSeries::new(curve.points.iter().copied(), color.stroke_width(2));
        chart
            .draw_series(line)?
            .label(&curve.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    root.present()?;
    Ok(())
}
