#!/bin/bash
# Two afl-fuzz processes that share their corpus fuzz a target until one has found a crash, which is then run again from a reproduction file.
# With --kill, both are killed (SIGKILL) every so many seconds and go on with what is in the folder; nothing may be lost.
# What follows the seeds are the words of `fastvcpu afl`.
#     campaign.sh [--kill SECONDS] [--limit SECONDS] SEEDS [afl-options] TARGET [ARGS…]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
kill_after=0 limit=300
while [ $# -gt 0 ]; do
    case $1 in
        --kill) kill_after=$2; shift 2 ;;
        --limit) limit=$2; shift 2 ;;
        *) break ;;
    esac
done
[ $# -ge 2 ] || { sed -n '2,5s/^# \?//p' "$0"; exit 2; }
seeds=$(realpath "$1")
shift
target=("$@")
[ -n "${FASTVCPU:-}" ] || { "$root/fastvcpu" isa > /dev/null; FASTVCPU=$root/fastvcpu; }
work=$(mktemp -d)
trap 'kill -9 $(cat "$work"/*.pid) 2> /dev/null || true; rm -rf "$work"' EXIT
export AFL_SKIP_BIN_CHECK=1 AFL_FORKSRV_INIT_TMOUT=60000 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1

start()
{
    for role in "-M one" "-S two"; do
        setsid afl-fuzz -i "$1" -o "$work/out" -t 2000 $role -- $FASTVCPU afl "${target[@]}" > "$work/${role#* }.log" 2>&1 &
        echo "-$!" > "$work/${role#* }.pid"
        disown
    done
}

corpus()
{
    find "$work/out" -path '*/queue/id*' -type f | wc -l
}

begin=$SECONDS
start "$seeds"
started=$SECONDS
while :; do
    sleep 0.2
    set -- "$work"/out/*/crashes/id*
    [ ! -e "$1" ] || break
    [ $((SECONDS - begin)) -lt "$limit" ] || { echo "nothing found in $limit s"; tail -n 20 "$work"/*.log; exit 1; }
    if [ "$kill_after" -gt 0 ] && [ $((SECONDS - started)) -ge "$kill_after" ]; then
        kill -9 $(cat "$work"/*.pid) 2> /dev/null || true
        sleep 1
        before=$(corpus)
        echo "killed after $((SECONDS - begin)) s with $before inputs"
        start -
        started=$SECONDS
        sleep 3
        [ "$(corpus)" -ge "$before" ] || { echo "inputs were lost: $(corpus) of $before are left"; exit 1; }
    fi
done
echo "found after $((SECONDS - begin)) s: $(basename "$1")"
grep -hE 'execs_per_sec|stability' "$work"/out/*/fuzzer_stats || true
cp "$1" "$work/crash"
$FASTVCPU afl --input "$work/crash" --save "$work/repro" "${target[@]}" || true
$FASTVCPU replay "$work"/repro/*.json
