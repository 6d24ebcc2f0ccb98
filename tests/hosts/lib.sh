# shellcheck shell=bash
# Boot copies of the built roots as real hosts: systemd as PID 1, a system bus, dockerd.
#
#   rig_enter "$0" "$@"     first of all: a mount namespace of our own (the same process goes on)
#   rig_init                afterwards: directories, and clean-up on exit, failure and ^C
#   host_copy NAME SUITE    a fresh writable copy, not booted; host_root NAME prints where
#   host_boot NAME SUITE    boots the copy (made here unless it exists) and waits for dockerd; not
#                           with HOST_WITHOUT_DOCKER=1, which is kept down
#   host_exec NAME CMD...   host_sh NAME SCRIPT [ARG...]   host_put NAME FILE DEST [MODE]
#   host_image NAME         imports busybox:test (again, after the data root moved)
#   host_cut NAME           the power goes; host_boot boots what is left
#   host_stop NAME          powers off, unmounts, removes the copy
#   rig_sweep               stops all that this process booted
#
# A host is the child of the shell that called host_boot and dies with it (pdeathsig), its mounts die
# with the namespace: even SIGKILL leaves only directories, which the next run removes.
# A host's state is in files, so that subshells see it. Names are unique a process: runs don't meet.

HOSTS=${BULKHEAD_HOSTS:-/var/tmp/bulkhead-hosts}
RIG=$HOSTS/run/$$
HOST_TIMEOUT=${HOST_TIMEOUT:-90} # seconds, for a boot; slow machines

rig_enter() {
	[[ $EUID -eq 0 ]] || { echo "must be root" >&2; exit 1; }
	[[ ${BULKHEAD_RIG:-} == "$$" ]] || BULKHEAD_RIG=$$ exec unshare --mount --propagation private "$@"
}

rig_init() {
	mkdir -p "$HOSTS/run"
	rig_sweep_dead
	mkdir -p "$RIG"
	trap rig_sweep EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

rig_sweep_dead() { # what runs left that were killed
	local dir i
	for dir in "$HOSTS"/run/*; do
		[[ -d $dir && ! -e /proc/${dir##*/}/exe ]] || continue
		cgroups_remove "bulkhead-${dir##*/}-"
		rmdir "/run/systemd/nspawn/propagate/bulkhead-${dir##*/}-"* 2>/dev/null || :
		for ((i = 0; i < 20; i++)); do # hosts take a moment to die
			! rm -rf --one-file-system "$dir" 2>/dev/null || break
			sleep 0.1
		done
	done
}

rig_sweep() {
	local dir
	for dir in "$RIG"/*/; do
		[[ -d $dir ]] || continue
		host_kill "$(basename "$dir")"
	done
	rm -rf --one-file-system "$RIG"
}

machine() { echo "bulkhead-$$-$1"; }
host_root() { echo "$RIG/$1/root"; }
alive() { [[ -n $1 && -e /proc/$1/exe ]]; } # a zombie has no exe

host_copy() {
	local name=$1 suite=$2 dir=$RIG/$1
	[[ -d $HOSTS/$suite/root ]] || { echo "no root for $suite: run build" >&2; return 1; }
	mkdir -p "$dir"/{root,upper,work,docker}
	# An overlay where the file system can carry one, else a plain copy.
	mount -t overlay -o "lowerdir=$HOSTS/$suite/root,upperdir=$dir/upper,workdir=$dir/work" \
		"$(machine "$name")" "$dir/root" 2>/dev/null ||
		cp -a --reflink=auto "$HOSTS/$suite/root/." "$dir/root/"
}

# Moves the caller into a cgroup named $1 of every hierarchy: nspawn roots the host there, and two
# hosts in one cgroup would share their init.scope.
cgroup_enter() {
	local ctl path base line lines
	mapfile -t lines </proc/self/cgroup # at once: it changes below
	for line in "${lines[@]}"; do
		IFS=: read -r _ ctl path <<<"$line"
		base=/sys/fs/cgroup/${ctl#name=}
		[[ -n $ctl || ! -d ${base}unified ]] || base=/sys/fs/cgroup/unified
		mkdir "$base$path/$1" 2>/dev/null || continue
		if [[ $ctl == *cpuset* ]]; then # empty ones take no process
			cat "$base$path/cpuset.cpus" >"$base$path/$1/cpuset.cpus"
			cat "$base$path/cpuset.mems" >"$base$path/$1/cpuset.mems"
		fi
		echo "$BASHPID" >"$base$path/$1/cgroup.procs" || rmdir "$base$path/$1"
	done
}

cgroups_remove() { # of all whose name starts with $1; they stay busy until their dead are reaped
	local dir i
	for ((i = 0; i < 50; i++)); do
		while read -r dir; do
			# nspawn writes a plain file into the tmpfs that holds the v1 mounts
			[[ $(stat -f -c %T "$dir" 2>/dev/null) != tmpfs ]] || rm -f "$dir/cgroup.procs"
			rmdir "$dir" 2>/dev/null || :
		done < <(find /sys/fs/cgroup -depth -type d -path "*/$1*" 2>/dev/null)
		[[ -n $(find /sys/fs/cgroup -type d -name "$1*" -print 2>/dev/null) ]] || return 0
		sleep 0.1
	done
}

host_boot() {
	local name=$1 suite=$2 dir=$RIG/$1 env=() pid init='' end=$((SECONDS + HOST_TIMEOUT))
	[[ -d $dir ]] || host_copy "$name" "$suite" || return
	# Newer systemds refuse cgroup v1; on a machine that has only v1 they get a v2 without controllers.
	[[ $suite == bookworm ]] ||
		env=(SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1)
	(
		trap - EXIT INT TERM HUP
		cgroup_enter "$(machine "$name")"
		# A pid namespace around nspawn: whose death is then the whole host's, which nspawn's own isn't.
		# /var/lib/docker is a real directory: no overlay2 on top of an overlay.
		exec env "${env[@]}" setpriv --pdeathsig KILL unshare --pid --fork --kill-child=KILL --mount-proc \
			systemd-nspawn --quiet --machine="$(machine "$name")" --directory="$dir/root" --boot \
			--register=no --keep-unit --private-network --capability=all \
			--system-call-filter=@known --console=pipe --resolv-conf=off --timezone=off --link-journal=no \
			--bind="$dir/docker:/var/lib/docker" </dev/null >"$dir/console" 2>&1
	) &
	pid=$!
	disown "$pid" # no "Killed" on the terminal
	echo "$pid" >"$dir/pid"

	while :; do
		init=$(pgrep -P "$(pgrep -P "$pid" || :)" 2>/dev/null || :)
		[[ -z $init || $(cat "/proc/$init/comm" 2>/dev/null) != systemd ]] || break
		if ! alive "$pid" || ((SECONDS > end)); then
			host_lost "$name" "did not start"
			return 1
		fi
		sleep 0.1
	done
	echo "$init" >"$dir/init"
	while :; do
		case $(host_exec "$name" systemctl is-system-running 2>/dev/null || :) in
		running | degraded) break ;;
		esac
		if ! alive "$pid" || ((SECONDS > end)); then
			host_lost "$name" "did not finish booting"
			return 1
		fi
		sleep 0.1
	done
	# nspawn copies the modes of this machine's /dev, and a container in a user namespace needs /dev/null.
	# It mounts cgroup v1 read-only, and containers need to write there.
	# shellcheck disable=SC2016
	host_sh "$name" 'chmod 0666 /dev/null
		[ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ] || exit 0
		mount -o remount,rw /sys/fs/cgroup
		for d in /sys/fs/cgroup/*/; do ! mountpoint -q "$d" || mount -o remount,bind,rw "$d"; done'
	[[ -n ${HOST_WITHOUT_DOCKER:-} ]] || host_exec "$name" docker version >/dev/null 2>&1 || { host_lost "$name" "runs no Docker"; return 1; }
}

host_lost() {
	echo "host $1 $2" >&2
	tail -n 20 "$RIG/$1/console" >&2
	host_exec "$1" journalctl -q --no-pager -n 20 -u docker.service >&2 2>/dev/null || :
}

host_exec() {
	local name=$1
	shift
	nsenter -t "$(cat "$RIG/$name/init")" -a -r env -i HOME=/root LANG=C.UTF-8 \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

host_sh() {
	local name=$1 script=$2
	shift 2
	host_exec "$name" bash -euo pipefail -c "$script" sh "$@"
}

host_put() {
	host_exec "$1" install -D -m "${4:-0644}" /dev/stdin "$3" <"$2"
}

host_image() {
	# shellcheck disable=SC2016
	host_sh "$1" '
		d=$(mktemp -d); chmod 755 "$d"; trap "rm -rf $d $d.tar" EXIT
		mkdir "$d/bin" "$d/etc"; mkdir -m 1777 "$d/tmp"
		cp "$(command -v busybox)" "$d/bin/busybox"
		for a in $("$d/bin/busybox" --list); do [ "$a" = busybox ] || ln -s busybox "$d/bin/$a"; done
		tar -C "$d" -cf "$d.tar" . # no pipe: docker stops reading early
		docker import -c "CMD [\"sh\"]" "$d.tar" busybox:test >/dev/null'
}

host_stop() {
	local name=$1 pid i
	pid=$(cat "$RIG/$name/pid" 2>/dev/null || :)
	if alive "$pid"; then
		host_exec "$name" systemctl --no-block poweroff >/dev/null 2>&1 || :
		for ((i = 0; i < 100; i++)); do
			alive "$pid" || break
			sleep 0.1
		done
	fi
	host_kill "$name"
}

host_cut() {
	local dir=$RIG/$1 pid i
	pid=$(cat "$dir/pid" 2>/dev/null || :)
	if alive "$pid"; then
		kill -KILL "$pid" 2>/dev/null || :
	fi
	for ((i = 0; i < 50; i++)); do # its init goes down with it, but not at once
		alive "$pid" || alive "$(cat "$dir/init" 2>/dev/null || :)" || break
		sleep 0.1
	done
	rm -f "$dir/pid" "$dir/init"
	rmdir "/run/systemd/nspawn/propagate/$(machine "$1")" 2>/dev/null || :
	cgroups_remove "$(machine "$1")"
}

host_kill() {
	local dir=$RIG/$1
	host_cut "$1"
	! mountpoint -q "$dir/root" || umount "$dir/root" || umount -l "$dir/root"
	rm -rf --one-file-system "$dir"
}
