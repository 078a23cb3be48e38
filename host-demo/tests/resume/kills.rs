//! Runs that are killed at random moments, again and again until they are whole.
//!
//! `TRANCHE_KILLS=20 cargo nextest run --release -p tranche --test resume -E 'test(kills)'` kills twenty times.

use super::{APPROACHES, Random, folder, names, resumed, start, wait_for, whole};

/// Kills unless the environment says otherwise.
const KILLS: u64 = 4;

#[test]
fn kills_at_random_moments_change_no_byte() {
    let kills = std::env::var("TRANCHE_KILLS").map_or(KILLS, |it| it.parse().expect("a number"));
    for (approach, args) in APPROACHES.into_iter().enumerate() {
        let here = folder(&format!("kills-{approach}"));
        let expected = whole(&here, args);
        let mut random = Random(approach as u64);
        let mut interrupted = 0;
        for kill in 0..kills {
            // As often in one run as chance has it: the bundle's length stands for that of the partial file.
            let mut child = start(&here, args);
            wait_for(&mut child, &here, random.below(expected.len() as u64));
            // Somewhere between two records, or in one.
            for _ in 0..random.below(1 << 16) {
                std::hint::spin_loop();
            }
            interrupted += u64::from(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
            child.wait().unwrap();
            if here.join("bundle").exists() {
                continue;
            }
            assert_eq!(names(&here), ["bundle.partial"], "kill {kill}");
            // Every other run goes on to its end, the others are killed once more.
            if kill % 2 == 1 {
                resumed(&here, args, &expected);
                std::fs::remove_file(here.join("bundle")).unwrap();
            }
        }
        resumed(&here, args, &expected);
        println!("{args:?}: {interrupted} of {kills} kills came before the end");
        assert!(interrupted > 0);
    }
}
