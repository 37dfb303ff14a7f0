#!/bin/bash
# Two campaigns that share no directory, as on two machines: of samples/records, with a main process each (-M), whose names differ. What a main process finds is copied to the other machine every
# two seconds, as AFL++'s guide does it with rsync: each file appears at once, under its own name. The first machine begins with records; the second one
# with something else, and with a directory of another fuzzer (-F). Ends when each has run inputs of the other one, and the second one has kept the other fuzzer's.
#     machines.sh [--limit SECONDS]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
limit=300
[ "${1:-}" != --limit ] || limit=$2
command -v afl-fuzz > /dev/null || { echo "afl-fuzz is not installed." >&2; exit 2; }
[ -n "${FASTVCPU:-}" ] || { "$root/fastvcpu" isa > /dev/null; FASTVCPU=$root/fastvcpu; }
work=$(mktemp -d)
trap 'kill -9 $(cat "$work"/*.pid) 2> /dev/null || true; rm -rf "$work"' EXIT
export AFL_SKIP_BIN_CHECK=1 AFL_FORKSRV_INIT_TMOUT=60000 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_SYNC_TIME=1
gcc -O1 -o "$work/records" "$root/samples/records/records.c"
mkdir "$work"/{first,second}{,-seeds} "$work/honggfuzz"
printf 'REC1A\003:abcB\001:x' > "$work/first-seeds/one"
printf 'something else' > "$work/second-seeds/one"
printf 'REC1W\004:abcdW\001:x' > "$work/honggfuzz/one"

# start MACHINE [options]
start()
{
    machine=$1
    shift
    setsid afl-fuzz -i "$work/$machine-seeds" -o "$work/$machine" -t 2000 -M "main-$machine" "$@" -- $FASTVCPU afl "$work/records" > "$work/$machine.log" 2>&1 &
    echo "-$!" > "$work/$machine.pid"
    disown
}

# copy FROM TO: what is new in the queue of a machine's main process
copy()
{
    local to=$work/$2/main-$1/queue name
    mkdir -p "$to"
    for name in $(cd "$work/$1/main-$1/queue" 2> /dev/null && ls | grep '^id:'); do
        [ -e "$to/$name" ] || { cp "$work/$1/main-$1/queue/$name" "$to/.part" && mv "$to/.part" "$to/$name"; }
    done
}

# seen MACHINE OTHER: how many inputs of the other machine's main process afl-fuzz has run there
seen()
{
    local file=$work/$1/main-$1/.synced/main-$2
    if [ -s "$file" ]; then od -A n -t u4 "$file" | tr -d ' '; else echo 0; fi
}

kept()
{
    ls "$work/$1/main-$1/queue" 2> /dev/null | grep -c "sync:$2" || true
}

start first
start second -F "$work/honggfuzz"
until [ "$(seen first second)" -gt 0 ] && [ "$(seen second first)" -gt 0 ] && [ "$(kept second honggfuzz)" -gt 0 ]; do
    [ "$SECONDS" -lt "$limit" ] || { echo "not exchanged in $limit s"; tail -n 20 "$work"/*.log; exit 1; }
    sleep 2
    copy first second
    copy second first
done
echo "exchanged after $SECONDS s"
echo "the first machine has seen $(seen first second) inputs of the second one and kept $(kept first main-second)"
echo "the second machine has seen $(seen second first) inputs of the first one and kept $(kept second main-first), and $(kept second honggfuzz) of the other fuzzer's"
