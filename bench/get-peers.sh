#!/usr/bin/env bash
# Installs the peers that `peers` compares with, from Debian's packages; needs root. Those that are there already stay as they are.
set -euo pipefail
if ! command -v apt-get > /dev/null; then
    echo "get-peers: apt is not available here." >&2
    exit 3
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "get-peers: installing packages needs root." >&2
    exit 3
fi
apt-get update -qq || true
for package in qemu-user qemu-system-x86 bochs bochsbios vgabios libunicorn-dev gcc libc6-dev; do
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" > /dev/null || echo "get-peers: $package cannot be installed." >&2
done
