//! Markers: lines `cycle-start: NAME` and `cycle-end: NAME` among a guest's messages, and the cycles between them.

use serde::Serialize;

/// What opens a marker's line.
const START: &[u8] = b"cycle-start:";
const END: &[u8] = b"cycle-end:";
/// A longer line is no marker.
const MAX_LINE: usize = 256;

/// The cycles of a marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Marked {
    /// Its name.
    pub name: String,
    /// How often it was started and ended, not counting what is within a marker of the same name.
    pub times: u64,
    /// Cycles from start to end, all times together: what is nested counts for the outer ones too.
    pub cycles: u64,
}

/// A marker that is one half only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unmatched {
    /// Its name.
    pub name: String,
    /// Starts without an end.
    pub starts: u64,
    /// Ends without a start.
    pub ends: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Marker {
    name: String,
    times: u64,
    cycles: u64,
    /// Starts that have not ended, and the cycle of the first of them.
    open: u64,
    since: u64,
    ends: u64,
}

/// Reads markers from the bytes of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Markers {
    /// By their first appearance.
    all: Vec<Marker>,
    line: Vec<u8>,
    cycle: u64,
}

impl Markers {
    /// A message begins after so many cycles; a marker counts at the message that its line ends with.
    pub const fn begin_message(&mut self, cycles: u64) {
        self.cycle = cycles;
    }

    /// The next byte of a message.
    pub fn message(&mut self, byte: u8) {
        if byte != b'\n' {
            // A byte more than fits says that the line is too long.
            if self.line.len() <= MAX_LINE {
                self.line.push(byte);
            }
            return;
        }
        let line = core::mem::take(&mut self.line);
        if line.len() <= MAX_LINE {
            let (start, end) = (line.strip_prefix(START), line.strip_prefix(END));
            match (start, end) {
                (Some(name), _) => self.start(name),
                (_, Some(name)) => self.end(name),
                _ => {}
            }
        }
    }

    fn marker(&mut self, name: &[u8]) -> &mut Marker {
        let name = String::from_utf8_lossy(name.trim_ascii()).into_owned();
        let found = self.all.iter().position(|marker| marker.name == name);
        let at = found.unwrap_or_else(|| {
            self.all.push(Marker {
                name,
                ..Marker::default()
            });
            self.all.len() - 1
        });
        &mut self.all[at]
    }

    fn start(&mut self, name: &[u8]) {
        let cycle = self.cycle;
        let marker = self.marker(name);
        if marker.open == 0 {
            marker.since = cycle;
        }
        marker.open += 1;
    }

    fn end(&mut self, name: &[u8]) {
        let cycle = self.cycle;
        let marker = self.marker(name);
        match marker.open {
            0 => marker.ends += 1,
            1 => {
                marker.open = 0;
                marker.times += 1;
                marker.cycles += cycle - marker.since;
            }
            _ => marker.open -= 1,
        }
    }

    /// The markers that were ended, by their first appearance.
    pub fn marked(&self) -> impl Iterator<Item = Marked> {
        let ended = self.all.iter().filter(|marker| marker.times > 0);
        ended.map(|marker| Marked {
            name: marker.name.clone(),
            times: marker.times,
            cycles: marker.cycles,
        })
    }

    /// What has no other half.
    pub fn unmatched(&self) -> impl Iterator<Item = Unmatched> {
        let halves = |marker: &&Marker| marker.open + marker.ends > 0;
        self.all.iter().filter(halves).map(|marker| Unmatched {
            name: marker.name.clone(),
            starts: marker.open,
            ends: marker.ends,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(messages: &[(u64, &str)]) -> Markers {
        let mut markers = Markers::default();
        for (cycles, text) in messages {
            markers.begin_message(*cycles);
            text.bytes().for_each(|byte| markers.message(byte));
        }
        markers
    }

    fn marked(markers: &Markers) -> Vec<(String, u64, u64)> {
        let all = markers.marked();
        all.map(|it| (it.name, it.times, it.cycles)).collect()
    }

    #[test]
    fn nested_and_repeated_markers_add_up() {
        let markers = read(&[
            (10, "cycle-start: outer\n"),
            (20, "cycle-start: inner\ncycle-start: outer\n"),
            (25, "some other line\n"),
            (30, "cycle-end: inner\n"),
            (40, "cycle-end: outer\n"),
            (70, "cycle-end:outer \n"),
            // In pieces: it counts where its line ends.
            (100, "cycle-start: "),
            (101, "inner"),
            (102, "\n"),
            (107, "cycle-end: inner\n"),
        ]);
        let expected = [("outer", 1, 60), ("inner", 2, 15)];
        assert_eq!(
            marked(&markers),
            expected.map(|(name, times, cycles)| (name.to_owned(), times, cycles))
        );
        assert_eq!(markers.unmatched().count(), 0);
    }

    #[test]
    fn halves_are_named() {
        let long = format!("cycle-start: {}\n", "x".repeat(MAX_LINE));
        let markers = read(&[
            (1, "cycle-end: a\n"),
            (2, "cycle-start: b\n"),
            (3, &long),
            (4, "cycle-start: c"),
        ]);
        assert!(marked(&markers).is_empty());
        let unmatched: Vec<_> = markers.unmatched().collect();
        let half = |name: &str, starts, ends| Unmatched {
            name: name.to_owned(),
            starts,
            ends,
        };
        assert_eq!(unmatched, [half("a", 0, 1), half("b", 1, 0)]);
    }
}
