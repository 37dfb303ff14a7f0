#!/usr/bin/env bash
# Fetches the Debian programs that the Linux tests run, for both kinds of guest, into artifacts/guests/{amd64,i386}. Needs apt and a network,
# no root: apt works on directories of its own below artifacts/apt.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

if ! command -v apt-get > /dev/null || ! command -v dpkg-deb > /dev/null; then
    echo "get-guests: apt is not available here." >&2
    exit 3
fi

apt=$PWD/artifacts/apt
guests=$PWD/artifacts/guests
mkdir -p "$apt"/{lists,cache/archives,download} "$guests"
: > "$apt/status"
options=(
    -qq
    -o "Dir::State::Lists=$apt/lists" -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache"
    -o "Debug::NoLocking=1" -o "APT::Sandbox::User="
    -o "APT::Architecture=amd64" -o "APT::Architectures::=amd64" -o "APT::Architectures::=i386"
)
# A mirror that is being brought up to date may lack an index; what is missing in the end, the download tells.
apt-get "${options[@]}" update || true

# busybox-static: a static program; dash with its library: a dynamic one.
for architecture in amd64 i386; do
    target=$guests/$architecture
    rm -rf "$target.new"
    mkdir -p "$target.new"
    for package in busybox-static dash libc6; do
        (cd "$apt/download" && rm -f "${package}"_*_"$architecture".deb && apt-get "${options[@]}" download "$package:$architecture")
        dpkg-deb -x "$apt/download/${package}"_*_"$architecture".deb "$target.new"
    done
    rm -rf "$target"
    mv "$target.new" "$target"
done
echo "get-guests: the guests are in artifacts/guests."
