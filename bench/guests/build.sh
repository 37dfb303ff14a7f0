#!/bin/sh
# Compiles the guests in C for 32 and 64 bits: NAME.bin of src/NAME.c. What is committed is the output of Debian 12's gcc 12.2 (gcc-multilib for 32 bits).
set -e
cd "$(dirname "$0")"
folder=$(mktemp -d)
linked=$folder/guest
trap 'rm -r "$folder"' EXIT
for bits in 64 32; do
    mkdir -p $bits
    for source in src/*.c; do
        name=$(basename $source .c)
        options="-msse2 -mfpmath=sse"
        case $name in
            x87) options="-mfpmath=387" ;;
            avx) options="-mavx2 -O3" ;;
            vector) options="-msse2 -O3" ;;
        esac
        gcc -m$bits -O2 $options -ffreestanding -fno-pic -fno-builtin -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns \
            -fomit-frame-pointer -static -nostdlib -no-pie -Wl,--build-id=none,--no-warn-rwx-segments -Wl,-T,src/guest.ld -o "$linked" $source
        objcopy -O binary -j .code "$linked" $bits/$name.bin
        chmod 644 $bits/$name.bin
    done
done
