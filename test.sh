#!/usr/bin/env bash
# The one test command: builds everything with warnings as errors, checks format, code style and analyzers, runs all tests.
# The last line is `N passed, N failed`; the exit code is not zero when anything failed. Each of the checks before the tests counts as one test.
set -uo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" || exit 1
export DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
passed=0 failed=0

# check NAME COMMAND...: runs a command that either passes or fails.
check() {
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $name"
    fi
}

# finish: says the sums and ends.
finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

# Debian packages of the programs that some tests run (COMMAND:PACKAGE). Root gets those that are missing; without them those tests are skipped.
missing=()
for tool in afl-fuzz:afl++ bc:bc busybox:busybox gawk:gawk gcc:gcc gdb:gdb openssl:openssl perl:perl python3:python3; do
    command -v "${tool%:*}" > /dev/null || missing+=("${tool#*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
    if ! { [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null && apt-get -qq update \
        && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "${missing[@]}" libc6-dev > /dev/null; }; then
        echo "Not installed, so some tests are skipped: ${missing[*]}"
    fi
fi

check build dotnet build FastVcpu.sln -c Release --nologo -v q -clp:NoSummary
[ "$failed" -eq 0 ] || finish

# In the configuration that has just been built: in another one the generator would be missing.
check format env Configuration=Release dotnet format FastVcpu.sln --no-restore --verify-no-changes

mkdir -p artifacts/tests
for project in tests/*.Tests/*.csproj; do
    log=artifacts/tests/$(basename "$project" .csproj).log
    timeout 40m dotnet test "$project" -c Release --no-build --nologo 2>&1 | tee "$log"
    # "Passed!  - Failed:     0, Passed:    12, Skipped:     0, Total:    12, …"; a run that crashed has no such line, or says so.
    counts=$(sed -nE 's/^(Passed|Failed)! +- Failed: +([0-9]+), Passed: +([0-9]+),.*/\3 \2/p' "$log" | tail -n 1)
    read -r p f <<< "${counts:-0 1}"
    if grep -qE '^(Test Run Aborted|The active test run was aborted)' "$log"; then
        f=$((f + 1))
    fi
    passed=$((passed + p)) failed=$((failed + f))
done

finish
