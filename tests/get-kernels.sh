#!/usr/bin/env bash
# Fetches Debian's kernels and makes an initial RAM disk with a BusyBox shell for each: artifacts/kernels/NAME/{vmlinuz,initrd}, where NAME is cloud-amd64,
# amd64 or 686-pae. Arguments choose among them; without any, all are fetched.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
. tests/apt.sh

kernels=$PWD/artifacts/kernels
modules=(
    drivers/virtio/virtio drivers/virtio/virtio_ring drivers/virtio/virtio_pci_legacy_dev drivers/virtio/virtio_pci_modern_dev drivers/virtio/virtio_pci
    drivers/block/virtio_blk drivers/char/hw_random/rng-core drivers/char/hw_random/virtio-rng
)

# initrd KERNEL-TREE BUSYBOX FILE: an archive whose /init brings the shell up on the console. When the shell ends, the machine is switched off.
initrd() {
    local root=$1/initrd loaded=() name
    mkdir -p "$root"/{bin,dev,proc,sys,tmp,modules}
    cp "$2" "$root/bin/busybox"
    for name in sh mount insmod uname setsid cttyhack poweroff reboot cat echo ls dd head tail md5sum sha256sum grep sort wc free ps dmesg sleep date seq awk sed; do
        ln -s busybox "$root/bin/$name"
    done
    for name in "${modules[@]}"; do
        if [ -e "$1"/lib/modules/*/kernel/"$name.ko" ]; then
            cp "$1"/lib/modules/*/kernel/"$name.ko" "$root/modules/"
            loaded+=("$(basename "$name")")
        fi
    done
    cat > "$root/init" << END
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for name in ${loaded[*]}; do
    insmod /modules/\$name.ko
done
echo "Shell on \$(uname -srm)"
setsid cttyhack sh
poweroff -f
END
    chmod +x "$root/init"
    (cd "$root" && find . | "$2" cpio -o -H newc --quiet | gzip -1 > "$3")
}

[ $# -gt 0 ] || set -- cloud-amd64 amd64 686-pae
for name in "$@"; do
    architecture=amd64
    [ "$name" != 686-pae ] || architecture=i386
    target=$kernels/$name
    rm -rf "$target.new"
    mkdir -p "$target.new/tree"
    fetch "$(depends "linux-image-$name:$architecture" 'linux-image-[0-9][^:]*'):$architecture" "$target.new/tree"
    fetch "busybox-static:$architecture" "$target.new/busybox"
    cp "$target.new"/tree/boot/vmlinuz-* "$target.new/vmlinuz"
    initrd "$target.new/tree" "$target.new/busybox/bin/busybox" "$target.new/initrd"
    rm -rf "$target" "$target.new/tree" "$target.new/busybox"
    mv "$target.new" "$target"
done
echo "get-kernels: the kernels are in artifacts/kernels."
