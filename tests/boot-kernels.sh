#!/usr/bin/env bash
# Boots Debian's kernels to their shells in every way that there is, lets them run a command, and switch off: about five minutes of CPU time. Arguments choose among
# the kernels of tests/get-kernels.sh. Prints a line for each boot; the exit code is 1 when one has failed.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

[ $# -gt 0 ] || set -- cloud-amd64 amd64 686-pae
failed=0

# boot NAME OPTIONS...
boot() {
    local folder=artifacts/kernels/$1 output
    output=$(printf 'echo "answer $((6 * 7))"; grep -c ^processor /proc/cpuinfo\nexit\n' | timeout 600 ./fastvcpu boot --kernel "$folder/vmlinuz" --initrd "$folder/initrd" \
        --append console=ttyS0 --memory 512M --serial stdio --stats "${@:2}" 2>&1 | tr -d '\r') || true
    if grep -q '^answer 42$' <<< "$output" && grep -q 'reboot: Power down' <<< "$output"; then
        echo "ok      $* ($(awk '/^instructions/ { print int($2 / 1e6) " million instructions" }' <<< "$output"))"
    else
        echo "FAILED  $*"
        failed=1
    fi
}

for name; do
    [ -e "artifacts/kernels/$name/initrd" ] || tests/get-kernels.sh "$name"
    for cpu in x86-64 x86-64-v2 x86-64-v3 max; do
        boot "$name" --deterministic --cpu "$cpu"
    done
    boot "$name" --deterministic --entry bits32
    boot "$name" --deterministic --cpus 2
    boot "$name" --cpus 2
    boot "$name"
done
exit $failed
