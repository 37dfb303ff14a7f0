#!/usr/bin/env bash
# Fetches the Debian programs that the Linux tests run, for both kinds of guest, into artifacts/guests/{amd64,i386}.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
. tests/apt.sh

guests=$PWD/artifacts/guests
# busybox-static: a static program; dash with its library: a dynamic one.
for architecture in amd64 i386; do
    target=$guests/$architecture
    rm -rf "$target.new"
    mkdir -p "$target.new"
    for package in busybox-static dash libc6; do
        fetch "$package:$architecture" "$target.new"
    done
    rm -rf "$target"
    mv "$target.new" "$target"
done
echo "get-guests: the guests are in artifacts/guests."
