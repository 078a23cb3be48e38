//! Public input: what every subcommand does with it, and what it refuses.

use std::fs;

use super::asm::echo_public;
use super::{file, has_keys, json, tranche};

/// Puts out up to 16 bytes of public input, and exits with 0.
fn echo() -> String {
    let path = file("echo-public.elf", &echo_public());
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_bundle_is_verified_with_its_public_input() {
    let program = echo();
    let path = |name: &str, bytes: &[u8]| file(name, bytes).to_str().unwrap().to_owned();
    let (public, other) = (
        path("public.txt", b"public input"),
        path("other.txt", b"public inpuT"),
    );
    let output = tranche(&["run", &program, "--public", &public]);
    assert_eq!(output.stdout, b"public input");
    assert_eq!(tranche(&["run", &program]).stdout, b"", "an empty one");
    let cost = json(&tranche(&["cost", &program, "--public", &public, "--json"]));
    let tables = cost["tables"].as_array().unwrap();
    assert!(tables.iter().any(|table| table["name"] == "public"));

    let bundle = path("public.bundle", b"");
    let retire = ["--approach", "retire", "--epoch-log2", "6"];
    for approach in [
        &["--epoch-log2", "8"][..],
        &retire,
        &["--approach", "monolithic"],
    ] {
        let prove = [
            "prove", &program, "-o", &bundle, "--json", "--public", &public,
        ];
        let proved = tranche(&[&prove[..], approach].concat());
        assert_eq!(proved.status.code(), Some(0));
        let proved = json(&proved);
        has_keys(&proved, &["public_digest"]);
        let info = json(&tranche(&["info", &bundle, "--json"]));
        assert_eq!(info["public_digest"], proved["public_digest"]);

        let verify = ["verify", &program, &bundle];
        let named = tranche(&[&verify[..], &["--public", &public, "--json"]].concat());
        let named = json(&named);
        assert_eq!(
            (&named["accepted"], &named["public_digest"]),
            (&true.into(), &proved["public_digest"])
        );
        let text = tranche(&[&verify[..], &["--public", &public]].concat());
        let text = String::from_utf8(text.stdout).unwrap();
        assert!(text.contains("public     12 bytes of input"), "{text}");
        for args in [&[][..], &["--public", &other]] {
            let refused = tranche(&[&verify[..], args].concat());
            assert_eq!(refused.status.code(), Some(1));
            let reason = String::from_utf8(refused.stderr).unwrap();
            assert!(reason.contains("made for another public input"), "{reason}");
        }
    }
    fs::remove_file(bundle).unwrap();
}

#[test]
fn a_public_input_that_is_none() {
    let program = echo();
    let missing = tranche(&["run", &program, "--public", "no-such-file"]);
    assert_eq!(missing.status.code(), Some(125));
    let twice = tranche(&["prove", &program, "-i", "-", "--public", "-"]);
    assert_eq!(twice.status.code(), Some(2));
    let long = file("long-public.bin", &vec![0; (4 << 20) + 1]);
    let refused = tranche(&["prove", &program, "--public", long.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    let reason = String::from_utf8(refused.stderr).unwrap();
    assert!(
        reason.contains("4194305 bytes of public input, 4194304 at most"),
        "{reason}"
    );
    fs::remove_file(long).unwrap();
}
