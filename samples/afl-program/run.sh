#!/bin/bash
# Two afl-fuzz processes that share their corpus look for the bug in records.c, built with gcc. With --kill, both are killed (SIGKILL) every KILL seconds
# and go on with what is in the folder. Ends with the first crash, run again from a reproduction file.
#     run.sh [--kill SECONDS] [--limit SECONDS]
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
kill_after=0 limit=300
while [ $# -gt 0 ]; do
    case $1 in
        --kill) kill_after=$2; shift 2 ;;
        --limit) limit=$2; shift 2 ;;
        *) sed -n '2,4s/^# \?//p' "$0"; exit 2 ;;
    esac
done
[ -n "${FASTVCPU:-}" ] || { "$root/fastvcpu" isa > /dev/null; FASTVCPU=$root/fastvcpu; }
work=$(mktemp -d)
trap 'kill -9 $(cat "$work"/*.pid) 2> /dev/null || true; rm -rf "$work"' EXIT
gcc -O1 -o "$work/records" records.c
mkdir "$work/in"
printf 'REC1A\003:abcB\001:x' > "$work/in/seed"
export AFL_SKIP_BIN_CHECK=1 AFL_FORKSRV_INIT_TMOUT=60000 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1

start()
{
    for role in "-M one" "-S two"; do
        setsid afl-fuzz -i "$1" -o "$work/out" -t 2000 $role -- $FASTVCPU afl "$work/records" > "$work/${role#* }.log" 2>&1 &
        echo "-$!" > "$work/${role#* }.pid"
    done
}

corpus()
{
    find "$work/out" -path '*/queue/id*' -type f | wc -l
}

begin=$SECONDS
start "$work/in"
started=$SECONDS
while :; do
    sleep 0.2
    set -- "$work"/out/*/crashes/id*
    [ ! -e "$1" ] || break
    [ $((SECONDS - begin)) -lt "$limit" ] || { echo "nothing found in $limit s"; tail -n 20 "$work"/*.log; exit 1; }
    if [ "$kill_after" -gt 0 ] && [ $((SECONDS - started)) -ge "$kill_after" ]; then
        kill -9 $(cat "$work"/*.pid) 2> /dev/null || true
        wait 2> /dev/null || true
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
$FASTVCPU afl --input "$work/crash" --save "$work/repro" "$work/records" || true
$FASTVCPU replay "$work"/repro/*.json
