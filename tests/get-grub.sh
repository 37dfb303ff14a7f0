#!/usr/bin/env bash
# Fetches SeaBIOS and GRUB from Debian's packages into artifacts/grub: bios.bin, the firmware, and loader.img, the beginning of a disk that it boots from. GRUB's files
# are in the first partition, which begins at 1 MiB and is a tar archive. With an argument, the name of a kernel that get-kernels.sh has fetched, also NAME.img: a disk
# with this kernel and its initial RAM disk.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

target=$PWD/artifacts/grub
# Where the partition begins, in sectors, and where the table of partitions is.
first=2048 table=446

# number VALUE: four bytes.
number() {
    # shellcheck disable=SC2059
    printf "$(printf '\\x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)))"
}

# patch FILE OFFSET: puts standard input into a file.
patch() {
    dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# loader TREE FILE: boot sector with a table of one partition, which is as large as the disk will be, and behind it GRUB.
loader() {
    local grub=$1/usr/lib/grub/i386-pc
    LD_LIBRARY_PATH=$1/lib/x86_64-linux-gnu:$1/usr/lib/x86_64-linux-gnu "$1/usr/bin/grub-mkimage" -d "$grub" -O i386-pc -o "$2.core" -p '(hd0,msdos1)/boot/grub' \
        biosdisk part_msdos tar normal linux multiboot multiboot2 serial terminal configfile test echo ls boot reboot halt
    cp "$grub/boot.img" "$2"
    dd if="$2.core" of="$2" bs=512 seek=1 conv=notrunc status=none
    dd if=/dev/zero bs=64 count=1 status=none | patch "$2" $table
    { printf '\x80\xfe\xff\xff\x83\xfe\xff\xff'; number $first; number $(((1 << 31) - first)); } | patch "$2" $table
    truncate -s $((first * 512)) "$2"
    rm "$2.core"
}

if [ ! -e "$target/loader.img" ]; then
    . tests/apt.sh
    rm -rf "$target.new"
    mkdir -p "$target.new"
    fetch seabios:all "$target.new/tree"
    for package in grub-pc-bin grub-common libdevmapper1.02.1 libselinux1 libudev1 libpcre2-8-0 liblzma5; do
        fetch "$package:amd64" "$target.new/tree"
    done
    loader "$target.new/tree" "$target.new/loader.img"
    cp "$target.new/tree/usr/share/seabios/bios-256k.bin" "$target.new/bios.bin"
    rm -rf "$target" "$target.new/tree"
    mv "$target.new" "$target"
    echo "get-grub: SeaBIOS and GRUB are in artifacts/grub."
fi

for name in "$@"; do
    kernel=artifacts/kernels/$name
    [ -e "$kernel/initrd" ] || tests/get-kernels.sh "$name"
    partition=$(mktemp -d)
    mkdir -p "$partition/boot/grub"
    cp "$kernel/vmlinuz" "$kernel/initrd" "$partition/boot/"
    cat > "$partition/boot/grub/grub.cfg" << END
serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
set timeout=3
menuentry '$name' {
    linux /boot/vmlinuz console=ttyS0
    initrd /boot/initrd
}
END
    { cat "$target/loader.img"; tar -C "$partition" --format=ustar -c boot; } > "$target/$name.img"
    number $(($(stat -c %s "$target/$name.img") / 512 - first)) | patch "$target/$name.img" $((table + 12))
    rm -rf "$partition"
    echo "get-grub: a disk with $name is artifacts/grub/$name.img."
done
