#!/usr/bin/env bash
# Makes a file of symbols for gdb from a kernel of tests/get-kernels.sh: artifacts/kernels/NAME/symbols.elf. Debian has the kernel's symbols in packages of some
# hundred megabytes; the kernel has them, too, and tells them in /proc/kallsyms. So it is booted once, with a disk on which it writes them down.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

name=${1:-cloud-amd64}
folder=artifacts/kernels/$name
[ -e "$folder/initrd" ] || tests/get-kernels.sh "$name"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
truncate -s 32M "$work/disk"
printf 'cat /proc/kallsyms > /dev/vda\nsync\nexit\n' | ./fastvcpu boot --kernel "$folder/vmlinuz" --initrd "$folder/initrd" --append 'console=ttyS0 quiet nokaslr' \
    --memory 256M --deterministic --serial stdio --disk "$work/disk" > "$work/console"

# One section without contents that begins at the first function; each function is a symbol in it. Of several with one name the first stays.
tr -d '\0' < "$work/disk" | awk '
    $2 ~ /^[tTwW]$/ && $4 == "" && $1 ~ /^(ffffffff[89]|c)/ {
        if (first == "") {
            first = $1
            print ".section .kernel, \"ax\", @nobits\nstart:\n.skip 0x4000000"
        }
        if (!($3 in seen)) {
            seen[$3] = 1
            printf ".globl \"%s\"\n.type \"%s\", @function\n.set \"%s\", start + 0x%s - 0x%s\n", $3, $3, $3, $1, first
        }
    }
    END { print first > "/dev/stderr" }' > "$work/symbols.s" 2> "$work/first"
bits=64 machine=elf_x86_64
[ "$name" != 686-pae ] || bits=32 machine=elf_i386
as "--$bits" -o "$work/symbols.o" "$work/symbols.s"
ld -m "$machine" -e 0 --section-start=".kernel=0x$(cat "$work/first")" -o "$folder/symbols.elf" "$work/symbols.o"
echo "kernel-symbols: $(nm "$folder/symbols.elf" | wc -l) functions in $folder/symbols.elf"
