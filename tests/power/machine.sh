# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Virtual machines whose power can be cut: sourced by vm and boot, at the top of the repository. NAME is what is skipped or told.
: "${BULKHEAD:?the program}" "${NAME:?}"
hosts=${BULKHEAD_HOSTS:-/var/tmp/bulkhead-hosts}
RANDOM=${SEED:-1}
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin

skip() {
	echo "SKIP $NAME: $*"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}

needs() { # PROGRAM:PACKAGE...
	local i
	for i; do
		command -v "${i%:*}" >/dev/null || skip "${i%:*} is missing: install ${i#*:}"
	done
	! ldd "$(command -v busybox)" >/dev/null 2>&1 || skip "busybox is not static: install busybox-static"
	[[ $EUID -eq 0 ]] || skip "must be root"
}

# The kernel that Debian ships for virtual machines, unpacked once.
get_kernel() {
	local package
	package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '$1 == "Depends:" { print $2; exit }')
	[[ -n $package ]] || return
	kernel=$hosts/kernel/$package
	[[ -d $kernel ]] && return
	mkdir -p "$hosts/kernel"
	(
		flock 9
		[[ -d $kernel ]] && exit
		cd "$tmp" && apt-get download -qq "$package" && dpkg-deb -x "$package"_*.deb unpacked && mv -T unpacked "$kernel"
	) 9>"$hosts/kernel/lock" >/dev/null 2>&1
}

tmp=$(mktemp -d)
qemu=
trap '[[ -z $qemu ]] || kill -9 $qemu 2>/dev/null; rm -rf "$tmp"' EXIT

modules="virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk"

# $tmp/initramfs with busybox, the disk's modules, and these programs with their libraries; its init is standard input.
initramfs() { # PROGRAM...
	local in=$tmp/initramfs i
	mkdir -p "$in"/{bin,proc,dev,disk,mod,tmp,run}
	cp "$(command -v busybox)" "$@" "$in/bin"
	ln -s busybox "$in/bin/sh"
	for i; do ldd "$i"; done | grep -o '/[^ :]*' | sort -u | while read -r i; do
		[[ $i == *.so* ]] || continue
		mkdir -p "$in${i%/*}"
		cp -L "$i" "$in$i"
	done
	for i in $modules; do
		find "$kernel/lib/modules" -name "$i.ko" -exec cp {} "$in/mod" \;
	done
	cat >"$in/init"
	chmod +x "$in/init"
	(cd "$in" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$tmp/initrd"
}

# Boots $tmp/disk.img, until $1 stands on the console or it ends by itself. $2: more for the kernel's command line.
boot() {
	local tenths=0
	: >"$tmp/console"
	qemu-system-x86_64 -M pc -accel tcg -cpu max -m "${MEMORY:-256}" -nodefaults -no-user-config -display none -no-reboot -serial "file:$tmp/console" \
		-drive "file=$tmp/disk.img,format=raw,if=virtio,cache=writeback" -kernel "$vmlinuz" -initrd "$tmp/initrd" \
		-append "console=ttyS0 quiet panic=-1 rdinit=/init ${2:-}" >"$tmp/qemu.log" 2>&1 &
	qemu=$!
	while kill -0 $qemu 2>/dev/null && ! grep -aq "$1" "$tmp/console"; do
		sleep 0.1
		((tenths++ < ${BOOT_TENTHS:-1200})) || break
	done
}

off() {
	kill -9 "$qemu" 2>/dev/null
	wait "$qemu" 2>/dev/null
	qemu=
}

pause() { # up to $1 ms, at random
	local ms=$((RANDOM % $1))
	sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
}

kernel=
machine() { # the last that can be missing
	if ! get_kernel || ! vmlinuz=$(ls "$kernel"/boot/vmlinuz-*); then
		skip "linux-image-cloud-amd64 can't be had"
	fi
}
