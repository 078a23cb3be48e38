#!/usr/bin/env bash
# Rebuilds the guest programs from source.
#
#   rebuild.sh [FOLDER]   writes FOLDER/*.elf (default: prebuilt/ beside this script)
#   rebuild.sh check      rebuilds into a temporary folder, then checks committed and rebuilt programs against
#                         independent implementations: check.py, and ../tests/guests.rs
#
# C programs are built by Debian's RISC-V compiler. Those in Rust are built with rustup's target where there is one, else
# with Debian's compiler and its source. Missing Debian packages are installed, which needs root or sudo.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(realpath "$here/../..")
from=$PWD
cd "$root"
. tests/lib.sh
cc=riscv64-unknown-elf-gcc
small="sha256 json sort spin modexp"
bare="aes128 crc32 regex sieve"
picolibc="calc"
rust="ecdsa ed25519 keccak256 lz4 matrix query words"
target=riscv32im-unknown-none-elf

# build_small FOLDER: programs of a 4 KiB stack beside their variables.
#
# No builtins and no loops turned into calls: memcpy and memset would need a C library. The linker
# script goes to -T itself, since a compiler with picolibc's specs adds one of its own otherwise.
# -lgcc has the multiplications and divisions that the base instruction set lacks; modexp has the
# extension's own. A frame of more than
# 1,024 bytes, a quarter of the stack, is an error.
build_small() {
    for guest in $small; do
        march=rv32i
        [ "$guest" != modexp ] || march=rv32im
        "$cc" -march=$march -mabi=ilp32 -mstrict-align -O2 -std=c11 \
            -ffreestanding -fno-builtin -fno-tree-loop-distribute-patterns \
            -Wall -Wextra -Werror -Wstack-usage=1024 -I "$here/runtime" \
            -nostdlib -static -s -T "$here/runtime/link.ld" \
            -Wl,--fatal-warnings -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
            "$here/runtime/crt0.S" "$here/$guest.c" -lgcc -o "$1/$guest.elf"
    done
}

# build_kit FOLDER FLAGS PROGRAM...: programs built as `tranche build` does, with the kit's flags.
build_kit() {
    for guest in "${@:3}"; do
        (cd "$here" && "$cc" "@runtime/$2" -Werror -s "$guest.c" -lgcc -o "$1/$guest.elf")
    done
}

# build_rust FOLDER
build_rust() {
    export CARGO_TARGET_DIR
    CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-$root/target}")/guests
    local cargo=(cargo) remap= folder
    if ! has_target $target; then
        install rustc-web cargo-web rust-web-src binutils-riscv64-unknown-elf
        export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
        cargo=(/usr/bin/cargo --config "target.$target.linker='riscv64-unknown-elf-ld'"
            --config "target.$target.rustflags=['-Clinker-flavor=ld', '-Clink-arg=-melf32lriscv']"
            -Zbuild-std=core,alloc,compiler_builtins -Zbuild-std-features=compiler-builtins-mem)
    fi
    # Messages of panics name source files: those of no machine and no registry.
    (cd "$here" && "${cargo[@]}" fetch --locked -q)
    for folder in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
        remap+="'--remap-path-prefix=$folder=/crates', "
    done
    remap+="'--remap-path-prefix=$("${RUSTC:-rustc}" --print sysroot)/lib/rustlib/src/rust=/rust', "
    remap+="'--remap-path-prefix=$here=/guests'"
    cargo+=(--config "target.$target.rustflags=[$remap]")
    # The folder's own flags, whatever programs for this machine are built with.
    (cd "$here" && env -u RUSTFLAGS "${cargo[@]}" build --locked --release --target $target)
    for guest in $rust; do
        riscv64-unknown-elf-strip -o "$1/$guest.elf" "$CARGO_TARGET_DIR/$target/release/$guest"
    done
}

# build FOLDER: builds every guest into it.
build() {
    need "$cc" gcc-riscv64-unknown-elf
    install picolibc-riscv64-unknown-elf
    local folder
    folder=$(realpath -m "$1")
    mkdir -p "$folder"
    build_small "$folder"
    build_kit "$folder" bare.flags $bare
    build_kit "$folder" libc.flags $picolibc
    (build_rust "$folder")
}

case ${1-} in
check)
    [ $# -eq 1 ] || { sed -n '2,7p' "$0" >&2; exit 2; }
    need qemu-riscv32 qemu-user
    need python3 python3
    rebuilt=$(mktemp -d)
    trap 'rm -rf "$rebuilt"' EXIT
    build "$rebuilt"
    python3 "$here/check.py" "$here/prebuilt" "$rebuilt"
    for folder in "$here/prebuilt" "$rebuilt"; do
        TRANCHE_GUESTS=$folder cargo test -q --locked "${WORKSPACE[@]}" --test guests
    done
    ;;
-*)
    sed -n '2,7p' "$0" >&2
    exit 2
    ;;
*)
    build "$(cd "$from" && realpath -m "${1:-$here/prebuilt}")"
    ;;
esac
