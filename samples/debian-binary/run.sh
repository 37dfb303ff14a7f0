#!/bin/bash
# Debian's bc with a seeded bug, under two afl-fuzz processes with a dictionary of the language: in a copy of /usr/bin/bc, the four places that refuse a subscript of an array that is negative or
# too large let it pass. The seed has nothing of that. Options are those of ../campaign.sh.
set -eu
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
# cmp $0xffffff,%rax; ja …: the branch becomes two NOPs.
LC_ALL=C sed 's/\x48\x3d\xff\xff\xff\x00\x77./\x48\x3d\xff\xff\xff\x00\x90\x90/g' /usr/bin/bc > "$out/bc"
! cmp -s /usr/bin/bc "$out/bc" || { echo "This is not the bc that the script knows (Debian 12, 1.07.1, amd64)." >&2; exit 2; }
chmod +x "$out/bc"
mkdir "$out/seeds"
printf 'a[1]=2\nsqrt(a[1])+3\n' > "$out/seeds/one"
../campaign.sh --dictionary bc.dict "$@" "$out/seeds" "$out/bc"
