//! Runs that are killed at random moments, again and again until they are whole.
//!
//! `TRANCHE_KILLS=20` kills twenty times in each way of proving: `tests/run kills`.

use std::fs;

use super::{APPROACHES, Random, Whole, folder, names, prove, resumed, start, wait_for};

/// Kills unless the environment says otherwise.
const KILLS: u64 = 4;

#[test]
fn kills_at_random_moments_change_no_byte() {
    let kills = std::env::var("TRANCHE_KILLS").map_or(KILLS, |it| it.parse().expect("a number"));
    for (approach, args) in APPROACHES.into_iter().enumerate() {
        let here = folder(&format!("kills-{approach}"));
        let whole = Whole::of(&here, args);
        let plain = prove(&here, args).output().unwrap();
        assert!(plain.status.success());
        assert!(
            fs::read(here.join("bundle")).unwrap() == whole.bundle,
            "as without --resume"
        );
        fs::remove_file(here.join("bundle")).unwrap();
        let mut random = Random(approach as u64);
        let mut interrupted = 0;
        for kill in 0..kills {
            // The length of the partial file says how far it is.
            let mut child = start(&here, args);
            wait_for(&mut child, &here, random.below(whole.partial));
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
            // In its last moments, when the bundle is written, a temporary file may stay too.
            let mut left = names(&here);
            left.retain(|name| !name.ends_with(".part"));
            assert_eq!(left, ["bundle.partial"], "kill {kill}");
            // Every other run goes on to its end, the others are killed once more.
            if kill % 2 == 1 {
                resumed(&here, args, &whole);
                fs::remove_file(here.join("bundle")).unwrap();
            }
        }
        resumed(&here, args, &whole);
        println!("{args:?}: {interrupted} of {kills} kills came before the end");
        assert!(interrupted > 0);
    }
}
