#!/usr/bin/env bash
# Runs the virtual CPU on an emulated Arm64 host: .NET's runtime for linux-arm64 under qemu-aarch64, with Debian's libraries. The digests of `tests/Fuzz -- digest` have to be those of this machine; then the
# tests of tests/Core.Tests and the vectors and guests of tests/Conformance.Tests run there. Arguments choose among `digest`, `core` and `conformance`. Half an hour of CPU time in all. What it
# cannot show: that stores and loads of several threads keep their order, because this machine's memory is in order.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
host=$PWD/artifacts/arm64
[ $# -gt 0 ] || set -- digest core conformance

if [ ! -e "$host/stamp" ]; then
    architecture=arm64
    . tests/apt.sh
    rm -rf "$host"
    mkdir -p "$host/bin"
    fetch qemu-user-static:amd64 "$host/qemu"
    for package in libc6 libgcc-s1 libstdc++6 libssl3; do
        fetch "$package:arm64" "$host/root"
    done
    # What tests start by `dotnet FILE.dll` is to run there, too. The emulator does not notice code that is written through another mapping of the same memory (W^X).
    cat > "$host/bin/dotnet" << END
#!/bin/sh
program=\$1
shift
DOTNET_EnableWriteXorExecute=0 exec "$host/qemu/usr/bin/qemu-aarch64-static" -L "$host/root" "\${program%.dll}" "\$@"
END
    chmod +x "$host/bin/dotnet"
    touch "$host/stamp"
fi

# Publishes for both machines: what runs here must be of the same sources.
dotnet publish tests/Runner -c Release -r linux-arm64 --self-contained true -o "$host/runner" --nologo -v q
dotnet build tests/Fuzz -c Release --nologo -v q -clp:NoSummary
passed=0 failed=0

# there FILE ARGUMENTS...: runs a program of the runner's folder on the emulated host.
there() {
    PATH=$host/bin:$PATH dotnet "$host/runner/$1" "${@:2}"
}

# count COMMAND...: adds up the sums that the last line of a run says.
count() {
    local output p f
    output=$("$@" | tee -a /dev/stderr) || true
    read -r p f <<< "$(sed -nE '$ s/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' <<< "$output")"
    passed=$((passed + ${p:-0})) failed=$((failed + ${f:-1}))
}

# digests SEED CASES: a test for each line of the digest.
digests() {
    diff <(dotnet tests/Fuzz/bin/Release/net10.0/FastVcpu.Fuzz.dll digest --seed "$1" --cases "$2") <(there FastVcpu.Fuzz.dll digest --seed "$1" --cases "$2") >&2 \
        && echo "5 passed, 0 failed" || echo "0 passed, 5 failed"
}

for part; do
    case $part in
        digest) count digests 1 1000 ;;
        core) count there FastVcpu.Tests.Runner.dll "$host/runner/FastVcpu.Core.Tests.dll" ;;
        conformance) count there FastVcpu.Tests.Runner.dll "$host/runner/FastVcpu.Conformance.Tests.dll" VectorTests GuestTests PortableTests ;;
        *) echo "arm64: there is no part $part." >&2; exit 2 ;;
    esac
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
