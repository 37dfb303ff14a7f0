#!/bin/bash
# Two afl-fuzz processes that share their corpus fuzz a target until one has found a crash, which is then run again from a reproduction file. The first one tries all simple changes of an input
# before it leaves it to chance (-D); the second one looks at comparisons, too (-c). What follows the seeds are the words of `fastvcpu afl`.
# With --kill, both are killed (SIGKILL) every so many seconds, once at least, and go on with what is in the folder; nothing may be lost. --random makes the chances the same again.
#     campaign.sh [--dictionary FILE] [--kill SECONDS] [--limit SECONDS] [--random NUMBER] [--timeout MILLISECONDS] SEEDS [afl-options] TARGET [ARGS…]
# Within the limit a crash has to be found; a run that takes longer than the timeout is a hang.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
kill_after=0 limit=300 timeout=2000 kills=0 options=
while [ $# -gt 0 ]; do
    case $1 in
        --dictionary) options+=" -x $(realpath "$2")"; shift 2 ;;
        --random) options+=" -s $2"; shift 2 ;;
        --kill) kill_after=$2; shift 2 ;;
        --limit) limit=$2; shift 2 ;;
        --timeout) timeout=$2; shift 2 ;;
        *) break ;;
    esac
done
[ $# -ge 2 ] || { sed -n '2,6s/^# \?//p' "$0"; exit 2; }
command -v afl-fuzz > /dev/null || { echo "afl-fuzz is not installed." >&2; exit 2; }
seeds=$(realpath "$1")
shift
target=("$@")
[ -n "${FASTVCPU:-}" ] || { "$root/fastvcpu" isa > /dev/null; FASTVCPU=$root/fastvcpu; }
work=$(mktemp -d)
trap 'kill -9 $(cat "$work"/*.pid) 2> /dev/null || true; rm -rf "$work"' EXIT
export AFL_SKIP_BIN_CHECK=1 AFL_FORKSRV_INIT_TMOUT=600000 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1
# Trimming writes inputs anew; without it, what is in the queues can be compared.
[ "$kill_after" -eq 0 ] || export AFL_DISABLE_TRIM=1

start()
{
    for role in "-M one -D" "-S two -c 0"; do
        name=$(echo "$role" | cut -d ' ' -f 2)
        setsid afl-fuzz -i "$1" -o "$work/out" -t $timeout $role $options -- $FASTVCPU afl "${target[@]}" > "$work/$name.log" 2>&1 &
        echo "-$!" > "$work/$name.pid"
        disown
    done
}

give_up()
{
    echo "$1"
    tail -n 20 "$work"/*.log
    exit 1
}

# Contents of the inputs in the queues, and of the crashes.
contents()
{
    find "$work/out" \( -path '*/queue/id*' -o -path '*/crashes*/id*' \) -type f -size +0c -exec sha1sum {} + | cut -d ' ' -f 1 | sort -u
}

# Both have finished with what was there already and run inputs, since the file was written.
are_at_work()
{
    for name in one two; do
        [ "$work/out/$name/fuzzer_stats" -nt "$1" ] || return 1
    done
}

# Waits for a condition.
wait_for()
{
    until "$@"; do
        [ $((SECONDS - begin)) -lt "$limit" ] || give_up "nothing found in $limit s"
        sleep 0.2
    done
}

# Nothing of what has been killed is left, which may take a while on a busy machine.
are_gone()
{
    for pid in $(cat "$work"/*.pid); do
        ! kill -0 -- "$pid" 2> /dev/null || return 1
    done
}

kill_and_go_on()
{
    kill -9 $(cat "$work"/*.pid) 2> /dev/null || true
    wait_for are_gone
    contents > "$work/before"
    echo "killed after $((SECONDS - begin)) s with $(wc -l < "$work/before") inputs"
    touch "$work/killed"
    start -
    wait_for are_at_work "$work/killed"
    lost=$(contents | comm -13 - "$work/before" | wc -l)
    [ "$lost" -eq 0 ] || give_up "$lost inputs were lost"
    echo "goes on after $((SECONDS - begin)) s with $(contents | wc -l) inputs"
    kills=$((kills + 1))
}

begin=$SECONDS
touch "$work/begun"
start "$seeds"
started=$SECONDS
while :; do
    if [ "$kill_after" -gt 0 ] && [ $((SECONDS - started)) -ge "$kill_after" ]; then
        wait_for are_at_work "$work/begun"
        kill_and_go_on
        started=$SECONDS
    fi
    crash=$(find "$work"/out -path '*/crashes*/id*' -type f 2> /dev/null | head -n 1)
    [ -z "$crash" ] || { [ "$kill_after" -gt 0 ] && [ $kills -eq 0 ]; } || break
    [ $((SECONDS - begin)) -lt "$limit" ] || give_up "nothing found in $limit s"
    sleep 0.2
done
echo "found after $((SECONDS - begin)) s: $(basename "$crash")"
grep -hE 'execs_per_sec|stability' "$work"/out/*/fuzzer_stats || true
cp "$crash" "$work/crash"
$FASTVCPU afl --input "$work/crash" --save "$work/repro" "${target[@]}" || true
$FASTVCPU replay "$work"/repro/*.json
