#!/bin/bash
# A kernel target: boots kernel.c, writes a snapshot of the machine, and lets two afl-fuzz processes look for the bug in its function from there. Options are those of ../campaign.sh.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
[ -n "${FASTVCPU:-}" ] || { "$root/fastvcpu" isa > /dev/null; export FASTVCPU=$root/fastvcpu; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
gcc -m32 -O1 -ffreestanding -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables -nostdlib -static -Wl,-Ttext=0x100000,--build-id=none,-e,start -o "$out/kernel.elf" kernel.c
objcopy -O binary "$out/kernel.elf" "$out/kernel"
function=0x$(nm "$out/kernel.elf" | sed -n 's/ T receive$//p')
$FASTVCPU boot --kernel "$out/kernel" --memory 8M --deterministic --limit 10000 --snapshot-out "$out/snapshot" || [ $? -eq 3 ]
mkdir "$out/seeds"
printf 'MSG\001\003abc' > "$out/seeds/one"
../campaign.sh "$@" "$out/seeds" --snapshot --bits 32 --entry "$function" "$out/snapshot"
