//! What `run` shows of a run besides its result, and what `cost` says of its proofs.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::asm::{
    A0, A1, A2, A7, CODE, DATA, ECALL, RA, elf, exit, immediate, jal, jalr, li, load, store, words,
};
use super::{file, guest, json, tranche};

const SP: u32 = 2;

/// Calls `main`, which calls `leaf` twice, and exits with 0: 15 instructions. `main` is at word 3, `leaf` at word 11.
fn calling() -> Vec<u8> {
    let mut code = vec![jal(RA, 12)];
    code.extend(exit());
    code.extend(li(SP, DATA + 0x100));
    code.push(store("sw", RA, SP, -4));
    code.extend([jal(RA, 20), jal(RA, 16)]);
    code.push(load("lw", RA, SP, -4));
    code.push(immediate("addi", A0, 0, 0));
    code.push(jalr(0, RA, 0));
    code.extend([immediate("addi", A2, 0, 7), jalr(0, RA, 0)]);
    elf(&code, &[])
}

/// The file with a symbol of a function at each of these words of its code.
fn with_symbols(mut file: Vec<u8>, symbols: &[(&str, u32)]) -> Vec<u8> {
    const SYMBOL_BYTES: u32 = 16;
    let (mut strings, mut table) = (vec![0], vec![0; SYMBOL_BYTES as usize]);
    for &(name, word) in symbols {
        // Name, address, size; a global function of some section.
        table.extend(words(&[strings.len() as u32, CODE + 4 * word, 0]));
        table.extend([0x12, 0, 1, 0]);
        strings.extend(name.bytes().chain([0]));
    }
    let at = file.len() as u32;
    file.extend(&table);
    file.extend(&strings);
    let sections = file.len() as u32;
    let (table_bytes, string_bytes) = (table.len() as u32, strings.len() as u32);
    // None, the symbols, which name the next, and their strings.
    file.extend(words(&[0; 10]));
    file.extend(words(&[0, 2, 0, 0, at, table_bytes, 2, 1, 4, SYMBOL_BYTES]));
    file.extend(words(&[
        0,
        3,
        0,
        0,
        at + table_bytes,
        string_bytes,
        0,
        0,
        1,
        0,
    ]));
    file[32..36].copy_from_slice(&sections.to_le_bytes());
    file[48..50].copy_from_slice(&3_u16.to_le_bytes());
    file
}

fn named() -> Vec<u8> {
    let symbols = [("_start", 0), ("main", 3), ("_RNvC1a4leaf", 11)];
    with_symbols(calling(), &symbols)
}

#[test]
fn every_instruction_is_traced() {
    let program = file("traced.elf", &named());
    let (program, trace) = (program.to_str().unwrap(), file("traced.txt", b""));
    let output = tranche(&["run", program, "--trace", trace.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = fs::read_to_string(&trace).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 15);
    for (line, expected) in [
        (
            0,
            "0 0x00010000 _start+0x0 0x00c000ef jal ra, 0x1000c | ra=0x00010004",
        ),
        (
            3,
            "3 0x00010014 main+0x8 0xfe112e23 sw ra, -4(sp) | [0x000200fc]=0x00010004",
        ),
        (
            5,
            "5 0x0001002c a::leaf+0x0 0x00700613 addi a2, zero, 7 | a2=0x00000007",
        ),
        (
            10,
            "10 0x00010020 main+0x14 0xffc12083 lw ra, -4(sp) | ra=0x00010004 [0x000200fc]",
        ),
        (
            14,
            "14 0x00010008 _start+0x8 0x00000073 ecall | a0=0x00000000",
        ),
    ] {
        assert_eq!(lines[line], expected);
    }
}

/// What led to an error is in the trace; what the program writes is not.
#[test]
fn traces_of_what_fails_and_where_none_go() {
    let program = file(
        "astray.elf",
        &elf(&[immediate("addi", A0, 0, 1), jal(0, 4096)], &[]),
    );
    let (program, trace) = (program.to_str().unwrap(), file("astray.txt", b"old"));
    let trace = trace.to_str().unwrap();
    let output = tranche(&["run", program, "--trace", trace]);
    assert_eq!(output.status.code(), Some(125));
    let text = fs::read_to_string(trace).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    for option in ["--trace", "--profile"] {
        for path in ["-", program] {
            let output = tranche(&["run", program, option, path]);
            assert_eq!(output.status.code(), Some(125), "{option} {path}");
        }
    }
    assert_eq!(fs::read(program).unwrap()[..4], *b"\x7fELF");
}

/// Lines of a profile: function, calls, cycles of its own and with what it called.
fn lines(report: &Value) -> Vec<(String, [u64; 3])> {
    let lines = report["profile"].as_array().unwrap().iter();
    let number = |line: &Value, key: &str| line[key].as_u64().unwrap();
    lines
        .map(|line| {
            let keys = ["calls", "self_cycles", "inclusive_cycles"];
            let name = line["function"].as_str().unwrap().to_owned();
            (name, keys.map(|key| number(line, key)))
        })
        .collect()
}

#[test]
fn cycles_are_told_by_function() {
    for (program, symbols, names) in [
        (named(), true, ["main", "a::leaf", "_start"]),
        (calling(), false, ["0x0001000c", "0x0001002c", "0x00010000"]),
    ] {
        let program = file(&format!("profiled-{symbols}.elf"), &program);
        let program = program.to_str().unwrap();
        let report = json(&tranche(&["run", "--json", program, "--profile"]));
        let expected = [[1, 8, 12], [2, 4, 4], [1, 3, 15]];
        let expected = std::iter::zip(names.map(String::from), expected);
        assert_eq!(lines(&report), expected.collect::<Vec<_>>());
        assert_eq!(report["symbols"], json!(symbols));

        let [folded, svg] = ["folded", "svg"].map(|it| file(&format!("profiled.{it}"), b""));
        let output = tranche(&["run", program, "--profile", folded.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(said.contains("no symbols"), !symbols, "{said}");
        let [main, leaf, start] = names;
        assert_eq!(
            fs::read_to_string(&folded).unwrap(),
            format!("{start} 3\n{start};{main} 8\n{start};{main};{leaf} 4\n")
        );
        tranche(&["run", program, "--profile", svg.to_str().unwrap()]);
        let svg = fs::read_to_string(&svg).unwrap();
        assert!(
            svg.starts_with("<svg") && svg.contains("15 cycles"),
            "{svg}"
        );
    }
}

#[test]
fn markers_are_told() {
    const LINES: [&str; 5] = [
        "cycle-start: a\n",
        "cycle-start: b\n",
        "cycle-end: b\n",
        "cycle-end: a\n",
        "cycle-end: c\n",
    ];
    let (mut code, mut at) = (Vec::new(), DATA);
    for line in LINES {
        // Six instructions each.
        code.extend(li(A1, at));
        code.extend([immediate("addi", A0, 0, 2), immediate("addi", A7, 0, 64)]);
        code.extend([immediate("addi", A2, 0, line.len() as i32), ECALL]);
        at += line.len() as u32;
    }
    code.extend(exit());
    let program = file("marked.elf", &elf(&code, LINES.concat().as_bytes()));
    let program = program.to_str().unwrap();
    let report = json(&tranche(&["run", "--json", program]));
    let marked = |name, cycles| json!({ "name": name, "times": 1, "cycles": cycles });
    assert_eq!(report["markers"], json!([marked("a", 18), marked("b", 6)]));
    let half = json!([{ "name": "c", "starts": 0, "ends": 1 }]);
    assert_eq!(report["unmatched_markers"], half);
    let said = tranche(&["run", program]).stderr;
    let said = String::from_utf8_lossy(&said);
    for line in ["a           1      18", "marker c: 0 starts"] {
        assert!(said.contains(line), "{said}");
    }
}

fn sum(values: &Value, of: impl Fn(&Value) -> Option<f64>) -> f64 {
    values.as_array().unwrap().iter().filter_map(of).sum()
}

/// Whatever the heights of a plan: the parts of a cost come to the whole.
#[test]
fn costs_add_up() {
    let input = file("cost.txt", &[7; 3000]);
    let input = input.to_str().unwrap();
    let report = json(&tranche(&[
        "cost",
        "--json",
        &guest("sha256"),
        "--input",
        input,
        "--epoch-log2",
        "12",
    ]));
    let run = json(&tranche(&[
        "run",
        "--json",
        &guest("sha256"),
        "--input",
        input,
    ]));
    assert_eq!(report["cycles"], run["cycles"]);
    let cycles = report["cycles"].as_f64().unwrap();
    let (tables, epochs) = (&report["tables"], &report["epochs"]);
    let number = |key: &'static str| move |value: &Value| value[key].as_f64();
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-6 * a.abs(), "{a} and {b}");
    close(sum(epochs, number("cycles")), cycles);
    close(sum(&report["functions"], number("cycles")), cycles);
    let whole = report["cells_per_cycle"].as_f64().unwrap();
    close(sum(tables, number("cells_per_cycle")), whole);

    let columns = |table: &Value| {
        let keys = ["main_columns", "permutation_columns", "quotient_columns"];
        keys.iter()
            .map(|key| table[key].as_f64().unwrap())
            .sum::<f64>()
    };
    let of_rows = sum(tables, |table| {
        Some(columns(table) * table["rows"].as_f64()?)
    });
    close(of_rows / cycles, whole);
    // Functions fill all rows but those of cells.
    let filled = |table: &Value| {
        let real = table["real_rows"].as_f64()?;
        (table["name"] != "l2g").then(|| columns(table) * real)
    };
    close(
        sum(&report["functions"], number("real_cells")),
        sum(tables, filled),
    );
    // An epoch ended for each, and only the last by an exit.
    let epochs = epochs.as_array().unwrap();
    assert!(epochs.len() > 3);
    close(
        sum(tables, number("epochs_ended")),
        epochs.len() as f64 - 1.0,
    );
    assert_eq!(epochs[epochs.len() - 1]["ended_by"], "exit");
    let full = |epoch: &&Value| epoch["fullest_share"].as_f64().unwrap() > 0.9;
    assert!(epochs.iter().filter(full).count() >= epochs.len() - 1);

    let text = tranche(&["cost", &guest("spin"), "--epoch-log2", "10"]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    for words in ["cells/cycle", "range", "fullest", "no symbols"] {
        assert!(text.contains(words), "{text}");
    }
    let missing = tranche(&["cost", Path::new("/nowhere").to_str().unwrap()]);
    assert_eq!(missing.status.code(), Some(2));
}
