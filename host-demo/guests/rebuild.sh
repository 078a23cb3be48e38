#!/usr/bin/env bash
# Rebuilds the guest programs from source with Debian's RISC-V compiler.
#
#   rebuild.sh [FOLDER]   writes FOLDER/*.elf (default: prebuilt/ beside this script)
#   rebuild.sh check      rebuilds into a temporary folder, then checks the committed and the
#                         rebuilt programs against independent implementations (check.py)
#
# Missing Debian packages are installed, which needs root or sudo.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../tests/lib.sh"
cc=riscv64-unknown-elf-gcc
guests="sha256 json sort spin modexp"

# build FOLDER: compiles every guest into it.
#
# No builtins and no loops turned into calls: memcpy and memset would need a C library. The linker
# script goes to -T itself, since a compiler with picolibc's specs adds one of its own otherwise.
# -lgcc has the multiplications and divisions that the base instruction set lacks; modexp has the
# extension's own. A frame of more than
# 1,024 bytes, a quarter of the stack, is an error.
build() {
    need "$cc" gcc-riscv64-unknown-elf
    mkdir -p "$1"
    for guest in $guests; do
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

case ${1-} in
check)
    [ $# -eq 1 ] || { sed -n '2,8p' "$0" >&2; exit 2; }
    need qemu-riscv32 qemu-user
    need python3 python3
    rebuilt=$(mktemp -d)
    trap 'rm -rf "$rebuilt"' EXIT
    build "$rebuilt"
    python3 "$here/check.py" "$here/prebuilt" "$rebuilt"
    ;;
-*)
    sed -n '2,8p' "$0" >&2
    exit 2
    ;;
*)
    build "${1:-$here/prebuilt}"
    ;;
esac
