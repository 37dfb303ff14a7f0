#!/bin/bash
# records.c, built with gcc, under two afl-fuzz processes: finds its bug, which is behind three gates. Options are those of ../campaign.sh.
set -eu
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
gcc -O1 -o "$out/records" records.c
mkdir "$out/seeds"
printf 'REC1A\003:abcB\001:x' > "$out/seeds/one"
../campaign.sh "$@" "$out/seeds" "$out/records"
