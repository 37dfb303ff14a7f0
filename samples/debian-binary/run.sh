#!/bin/bash
# Debian's bc with a seeded bug, under two afl-fuzz processes: in a copy of /usr/bin/bc, what reports the square root of a negative number becomes an
# undefined instruction. Options are those of ../campaign.sh. Needs bc and binutils.
set -eu
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cp /usr/bin/bc "$out/bc"
message=$(grep -abo 'Square root of a negative number' "$out/bc" | head -n 1 | cut -d: -f1)
# The text and the code lie in the file where they lie in memory, as in all position-independent programs of Debian.
place=$(objdump -d "$out/bc" | sed -n "s/^ *\([0-9a-f]*\):.*lea .*# $(printf %x "$message") .*/\1/p" | head -n 1)
printf '\x0f\x0b' | dd of="$out/bc" bs=1 seek=$((0x$place)) conv=notrunc status=none
mkdir "$out/seeds"
printf 'x=9\nsqrt(x-4)+2\n' > "$out/seeds/sqrt"
printf 'a=5-7\na*3\n' > "$out/seeds/minus"
../campaign.sh "$@" "$out/seeds" "$out/bc"
