#!/usr/bin/env bash
# The one test command: builds everything with warnings as errors, checks the format, runs all tests.
# The last line is `N passed, N failed`; the exit code is not zero when anything failed.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
export DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

dotnet build FastVcpu.sln -c Release --nologo -v q -clp:NoSummary
# Format, code style and analyzers; in the configuration that has just been built, because in another one the generator would be missing.
Configuration=Release dotnet format FastVcpu.sln --no-restore --verify-no-changes

passed=0 failed=0
mkdir -p artifacts/tests
for project in tests/*.Tests/*.csproj; do
    name=$(basename "$project" .csproj)
    log=artifacts/tests/$name.log
    timeout 40m dotnet test "$project" -c Release --no-build --nologo 2>&1 | tee "$log" || true
    # "Passed!  - Failed:     0, Passed:    12, Skipped:     0, Total:    12, …"; a run that crashed has no such line, or says so.
    counts=$(sed -nE 's/^(Passed|Failed)! +- Failed: +([0-9]+), Passed: +([0-9]+),.*/\3 \2/p' "$log" | tail -n 1)
    read -r p f <<< "${counts:-0 1}"
    if grep -q '^Test Run Aborted\|^The active test run was aborted' "$log"; then
        f=$((f + 1))
    fi
    passed=$((passed + p)) failed=$((failed + f))
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
