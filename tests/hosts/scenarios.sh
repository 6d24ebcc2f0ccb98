# shellcheck shell=bash disable=SC2016 # the hosts' shells expand what is in single quotes
# What must hold on a real host, one function a scenario.
#
# A line of the table: name, the state it starts from, the state it leaves, and where it runs.
#   pristine   a fresh boot with the test image, baseline plan in place, never applied
#   hardened   the baseline applied and nothing since
#   unbooted   a fresh copy, not running; the scenario boots it
#   dirty      (left only) the host is thrown away
# once: on the first suite only, unless run --full. quick: part of run --quick. bus: makes no sense with the bus stopped; all others run both ways.
# shellcheck disable=SC2034 # read by run
SCENARIOS='
readonly_pristine	pristine	pristine	quick
refused_by_plan		pristine	pristine	quick
baseline		pristine	hardened	quick
second_apply		hardened	hardened	quick
readonly_hardened	hardened	hardened	quick
drift_daemon_json	hardened	hardened	quick
drift_dropin_edited	hardened	hardened	-
drift_dropin_removed	hardened	hardened	quick
drift_subuid		hardened	hardened	-
drift_subgid		hardened	hardened	quick
drift_socket_chmod	hardened	hardened	quick
drift_daemon_icc	hardened	hardened	quick
drift_daemon_userns	hardened	hardened	-
daemon_stopped		hardened	hardened	quick
socket_mode		hardened	hardened	-
refused_by_dockerd	hardened	hardened	quick
if_idle			hardened	dirty		-
put_off_beside_reload	pristine	dirty		-
rollback		pristine	pristine	quick
rollback_steps		hardened	dirty		-
refused_from_pristine	pristine	pristine	-
running_containers	pristine	dirty		-
no_restart		pristine	dirty		-
own_daemon_json		pristine	dirty		quick
alice			pristine	dirty		quick
offline			unbooted	dirty		bus
'

scenario_baseline() {
	local start
	expect_userns off
	expect_icc true
	expect_talk yes
	bh 2 check
	bh 2 diff
	says 'userns-remap'
	mark
	bh 0 apply
	expect_starts 1
	same "restarts by systemd" 0 "$(host_exec "$H" systemctl show -P NRestarts docker.service)"
	expect_hardened
	host_image "$H" # the data root has moved
	start=$(range_start subuid)
	same "the range in subuid" 2000224256 "$start"
	same "the range in subgid" 2000224256 "$(range_start subgid)"
	expect_no_overlap
	expect_container_root "$start"
	expect_talk no
	sh_ 'test -s /etc/systemd/system/docker.socket.d/50-bulkhead.conf' || fail "a drop-in for docker.socket" "none"
	bh 0 check
	bh 0 check --output json
	jq -e . "$W/stdout" >/dev/null || fail "JSON from check" "$(head -n 3 "$W/stdout")"
	bh 0 diff
}

scenario_second_apply() {
	local before
	before=$(invocation)
	bh 0 history --output json
	cp "$W/stdout" "$W/history"
	mark
	stamps >"$W/before"
	bh 0 apply
	stamps >"$W/after"
	unchanged "every file" "$W/before" "$W/after"
	expect_starts 0
	same "reloads of systemd" 0 "$(reloads)"
	same "InvocationID" "$before" "$(invocation)"
	bh 0 history --output json
	unchanged "the history" "$W/history" "$W/stdout"
}

# Everything but apply, rollback and recover only looks.
looks() { # the code that diff and check exit with
	mark
	stamps >"$W/before"
	bh "$1" diff
	bh "$1" check
	bh "$1" diff --output json
	bh "$1" check --output json
	bh 0 validate /etc/bulkhead/plan.yaml
	bh 0 subids
	bh 0 history
	bh 0 schema
	stamps >"$W/after"
	unchanged "every file" "$W/before" "$W/after"
	expect_starts 0
	same "reloads of systemd" 0 "$(reloads)"
}
scenario_readonly_pristine() { looks 2; }
scenario_readonly_hardened() { looks 0; }

# --- drift: found by check, which touches nothing; mended by apply

mends() { # WHAT-CHECK-SAYS [STARTS]
	manifest >"$W/drifted"
	bh 2 check
	says "$1"
	manifest >"$W/checked"
	unchanged "what check looked at" "$W/drifted" "$W/checked"
	mark
	bh 0 apply
	[[ -z ${2:-} ]] || expect_starts "$2"
	bh 0 check
	expect_hardened
	manifest >"$W/after"
	unchanged "/etc as it was when hardened" "$W/hardened" "$W/after"
}

# The daemon still runs on the right one: the file alone drifted.
scenario_drift_daemon_json() {
	manifest >"$W/hardened"
	sh_ 'f=/etc/docker/daemon.json; sed -i "s/\"icc\": *false/\"icc\": true/" $f; jq -e ".icc == true" $f' >/dev/null
	mends 'icc.*drift|drift.*icc'
}

dropin=/etc/systemd/system/docker.socket.d/50-bulkhead.conf

scenario_drift_dropin_edited() {
	manifest >"$W/hardened"
	sh_ 'sed -i s/^SocketMode=.*/SocketMode=0666/ "$1"; grep -q 0666 "$1"' "$dropin"
	mends 'drift'
	same "SocketMode" 0660 "$(host_exec "$H" systemctl show -P SocketMode docker.socket)"
}

scenario_drift_dropin_removed() {
	manifest >"$W/hardened"
	host_exec "$H" rm "$dropin"
	mends 'drift'
}

lost_range() { # FILE: completed at the same start, for the data root is named after it
	manifest >"$W/hardened"
	sh_ 'grep -q ^dockremap: "/etc/$1"; sed -i /^dockremap:/d "/etc/$1"' "$1"
	mends 'drift'
}
scenario_drift_subuid() { lost_range subuid; }
scenario_drift_subgid() { lost_range subgid; }

scenario_drift_socket_chmod() {
	manifest >"$W/hardened"
	host_exec "$H" chmod 0666 /run/docker.sock
	mends 'drift'
}

# Every file is right again, while the daemon runs on another: one restart mends it.
other_daemon() { # DAEMON.JSON
	manifest >"$W/hardened"
	sh_ 'f=/etc/docker/daemon.json; cp -p $f /root/kept
		systemctl stop docker.service docker.socket 2>/dev/null
		printf "%s\n" "$1" >$f
		systemctl reset-failed docker.service docker.socket
		systemctl start docker.socket docker.service
		cp -p /root/kept $f; rm /root/kept' "$1"
	manifest >"$W/back"
	unchanged "/etc (by this test)" "$W/hardened" "$W/back"
	expect_docker_up
}

scenario_drift_daemon_icc() {
	other_daemon "$(sh_ 'jq ".icc = true" /etc/docker/daemon.json')"
	expect_icc true
	mends 'icc.*drift|drift.*icc' 1
}

scenario_drift_daemon_userns() {
	other_daemon '{}'
	expect_userns off
	mends 'drift' 1
	host_image "$H"
	expect_container_root "$(range_start subuid)"
}

scenario_daemon_stopped() {
	sh_ 'systemctl stop docker.service docker.socket'
	bh 2 check
	bh 2 diff
	same "docker.service after check" inactive "$(host_exec "$H" systemctl is-active docker.service || :)"
	sh_ 'systemctl reset-failed docker.service docker.socket; systemctl start docker.socket docker.service'
	bh 0 check
}

# Another mode of the socket, and back: at most one start each, and no range moves. The mode lasts: a
# socket that is bound again has it too.
scenario_socket_mode() {
	local start
	start=$(range_start subuid)
	plan <<-'END'
		version: 1
		include: [profile:baseline]
		socket: {mode: "0600"}
		service: {watch: 1}
	END
	bh 2 check
	mark
	bh 0 apply
	[[ $(starts) -le 1 ]] || fail "at most one start of docker.service" "$(starts)"
	expect_docker_up
	expect_socket "600 root:docker"
	bh 0 check
	sh_ 'systemctl reset-failed docker.service docker.socket
		systemctl restart docker.socket; systemctl start docker.service'
	expect_socket "600 root:docker"
	bh 0 check
	plan_baseline
	bh 0 apply
	expect_hardened
	bh 0 check
	same "the range" "$start" "$(range_start subuid)"
}

# --- refusals: nothing of it stays

undone() { # WHAT-DOCKERD-SAID
	manifest >"$W/before"
	host_exec "$H" stat -c '%a %U:%G' /run/docker.sock >"$W/socket-before"
	bh 1 apply
	says "$1"
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
	expect_docker_up
	same "docker.socket" active "$(host_exec "$H" systemctl is-active docker.socket || :)"
	expect_socket "$(cat "$W/socket-before")"
}

# No --validate finds this one: it passes there and dies at the start.
scenario_refused_by_dockerd() {
	plan <<-'END'
		version: 1
		include: [profile:baseline]
		daemon: {storage-driver: btrfs}
		service: {watch: 1}
	END
	undone 'prerequisites for driver not satisfied'
	plan_baseline
	expect_hardened
	bh 0 check
	bh 0 apply
}

# The account and the ranges are to go, too.
scenario_refused_from_pristine() {
	plan <<-'END'
		version: 1
		include: [profile:baseline]
		daemon: {storage-driver: btrfs}
		service: {watch: 1}
	END
	undone 'prerequisites for driver not satisfied'
	expect_userns off
	expect_icc true
	! sh_ 'getent passwd dockremap' >/dev/null || fail "no account dockremap" "one"
	docker_ image inspect busybox:test >/dev/null || fail "the image of before" "none"
	plan_baseline
	bh 2 check
}

# What is known to pass --validate and to die at the start is refused before anything is touched.
scenario_refused_by_plan() {
	plan <<-'END'
		version: 1
		include: [profile:baseline]
		daemon: {log-driver: json-file, log-opts: {no-such-opt: "1"}}
	END
	mark
	stamps >"$W/before"
	bh 64 apply
	says 'plan.yaml:3:.*no-such-opt'
	bh 64 check
	stamps >"$W/after"
	unchanged "every file" "$W/before" "$W/after"
	expect_starts 0
	plan_baseline
}

# --- rollback

scenario_rollback() {
	manifest >"$W/before"
	bh 0 apply
	expect_hardened
	mark
	bh 0 rollback
	expect_starts 1
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
	expect_docker_up
	expect_userns off
	expect_icc true
	expect_socket "660 root:docker"
	same "drop-ins of docker.socket" "" "$(host_exec "$H" systemctl show -P DropInPaths docker.socket)"
	docker_ image inspect busybox:test >/dev/null || fail "the image of before" "none"
	bh 2 check
	bh 1 rollback # nothing left
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
}

# Two transactions are undone one by one; somebody's edit stops the undoing, --force does not care.
scenario_rollback_steps() {
	manifest >"$W/hardened"
	plan <<-'END'
		version: 1
		include: [profile:baseline]
		daemon: {mtu: 1400}
		service: {watch: 1}
	END
	bh 0 apply
	bh 0 check
	sh_ 'cp -p /etc/docker/daemon.json /root/kept; sed -i "s/1400/1300/" /etc/docker/daemon.json'
	manifest >"$W/edited"
	bh 1 rollback
	says '/etc/docker/daemon.json'
	manifest >"$W/after"
	unchanged "/etc" "$W/edited" "$W/after"
	bh 0 rollback --force
	plan_baseline
	manifest >"$W/after"
	unchanged "/etc of the first transaction" "$W/hardened" "$W/after"
	expect_hardened
	bh 0 check
	bh 0 rollback
	expect_userns off
	expect_icc true
	bh 1 rollback
}

# --- containers that run

scenario_running_containers() {
	local pid
	docker_ run -d --name busy busybox:test sleep 600 >/dev/null
	pid=$(docker_ inspect -f '{{.State.Pid}}' busy)
	manifest >"$W/before"
	mark
	bh 1 apply
	says 'accept-data-root-change'
	says '(^|[^0-9])1 ([a-z]+ )?container'
	expect_starts 0
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
	same "the container's process" "$pid" "$(docker_ inspect -f '{{.State.Pid}}' busy)"
	plan <<-'END'
		version: 1
		include: [profile:baseline]
		service: {accept-data-root-change: true, watch: 1}
	END
	mark
	bh 0 apply
	expect_starts 1
	expect_hardened
	bh 0 check
	# The way back moves it again.
	host_image "$H"
	docker_ run -d --name again busybox:test sleep 600 >/dev/null
	manifest >"$W/before"
	mark
	bh 1 rollback
	says 'daemon.json.*while 1 container runs'
	expect_starts 0
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
	docker_ rm -f again >/dev/null
	bh 0 rollback
	expect_userns off
}

scenario_if_idle() {
	local pid before
	host_image "$H"
	docker_ run -d --name busy busybox:test sleep 600 >/dev/null
	pid=$(docker_ inspect -f '{{.State.Pid}}' busy)
	before=$(invocation)
	plan <<-'END'
		version: 1
		include: [profile:baseline]
		daemon: {mtu: 1400}
		service: {restart: if-idle, watch: 1}
	END
	bh 0 apply
	says 'pending'
	same "InvocationID" "$before" "$(invocation)"
	same "the container's process" "$pid" "$(docker_ inspect -f '{{.State.Pid}}' busy)"
	same "the container" true "$(docker_ inspect -f '{{.State.Running}}' busy)"
	bh 2 check
	says 'pending'
	docker_ rm -f busy >/dev/null
	mark
	bh 0 apply
	expect_starts 1
	bh 0 check
	same "mtu of the bridge" 1400 "$(docker_ network inspect bridge \
		-f '{{index .Options "com.docker.network.driver.mtu"}}')"
}

# A key that a reload applies beside one that needs a restart: the reload happens, the restart stays put off,
# and a rollback of what the daemon never took leaves it alone.
scenario_put_off_beside_reload() {
	local pid before
	docker_ run -d --name busy busybox:test sleep 600 >/dev/null
	pid=$(docker_ inspect -f '{{.State.Pid}}' busy)
	before=$(invocation)
	plan <<-'END'
		version: 1
		daemon: {labels: [rack=7], icc: false}
		service: {restart: if-idle, watch: 1}
	END
	bh 0 apply
	says 'pending'
	same "InvocationID" "$before" "$(invocation)"
	same "the container's process" "$pid" "$(docker_ inspect -f '{{.State.Pid}}' busy)"
	same "labels" '[rack=7]' "$(docker_ info -f '{{.Labels}}')"
	bh 2 check
	says 'pending'
	plan <<-'END'
		version: 1
		daemon: {labels: [rack=7], icc: false, mtu: 1400}
		service: {restart: never}
	END
	bh 0 apply
	bh 0 rollback
	same "InvocationID" "$before" "$(invocation)"
	same "the container's process" "$pid" "$(docker_ inspect -f '{{.State.Pid}}' busy)"
}

scenario_no_restart() {
	local before
	before=$(invocation)
	mark
	bh 0 apply --no-restart
	says 'pending'
	expect_starts 0
	same "InvocationID" "$before" "$(invocation)"
	expect_userns off
	bh 2 check --no-restart
	says 'pending'
	bh 2 check # without the option it is drift: the next apply mends it
	says 'drift'
	bh 0 apply
	expect_starts 1
	expect_hardened
	bh 0 check
}

# --- what was there before

# Every byte outside the members that the plan sets stays, odd as they look.
scenario_own_daemon_json() {
	cat >"$W/head" <<-'END'
		{
		        "labels" : [ "rack=7",
		   "row = 3" ] ,
			"debug":true,     "log-opts" : {"max-size":"3m" },
		  "icc"   :  
	END
	truncate -s -1 "$W/head" # no newline
	printf '  ,\n\n\t"max-concurrent-downloads":2' >"$W/tail"
	{ cat "$W/head"; printf true; cat "$W/tail"; printf ' }'; } >"$W/daemon.json"
	jq -e .icc "$W/daemon.json" >/dev/null
	host_put "$H" "$W/daemon.json" /etc/docker/daemon.json 0640
	sh_ 'chgrp docker /etc/docker/daemon.json; systemctl restart docker.service'
	manifest >"$W/before"
	bh 0 apply
	expect_hardened
	host_exec "$H" cat /etc/docker/daemon.json >"$W/merged"
	{ cat "$W/head"; printf false; cat "$W/tail"; } >"$W/kept"
	cmp -s -n "$(stat -c %s "$W/kept")" "$W/kept" "$W/merged" ||
		fail "the user's bytes around icc" "$(cat "$W/merged")"
	[[ $(tail -c 2 "$W/merged") == ' }' ]] || fail "the user's last bytes" "$(tail -c 20 "$W/merged")"
	same "the user's keys" '["rack=7","row = 3"] true 3m 2' "$(jq -r \
		'"\(.labels|tojson) \(.debug) \(.["log-opts"]["max-size"]) \(.["max-concurrent-downloads"])"' "$W/merged")"
	same "mode of daemon.json" "640 root:docker" "$(host_exec "$H" stat -c '%a %U:%G' /etc/docker/daemon.json)"
	same "labels in /info" '["rack=7","row = 3"]' "$(docker_ info -f '{{json .Labels}}' | jq -c sort)"
	bh 0 check
	bh 0 rollback
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
	expect_icc true
}

# 28.x allocates over others' ranges when it is left to (it reads only root's lines).
scenario_alice() {
	local start file
	sh_ 'useradd -m alice; for f in subuid subgid; do
		echo alice:100000:65536 >/etc/$f; printf "bob:165536:65536\n" >>/etc/$f; done'
	bh 0 apply
	expect_hardened
	expect_no_overlap
	for file in subuid subgid; do
		same "alice in $file" alice:100000:65536 "$(sh_ 'grep ^alice: "/etc/$1"' "$file")"
		same "bob in $file" bob:165536:65536 "$(sh_ 'grep ^bob: "/etc/$1"' "$file")"
	done
	start=$(range_start subuid)
	same "the range in subgid" "$start" "$(range_start subgid)"
	# The daemon adds nothing of its own, now or at its next start.
	sh_ 'systemctl restart docker.service'
	expect_no_overlap
	same "the range" "$start" "$(range_start subuid)"
	host_image "$H"
	expect_container_root "$start"
	bh 0 check
}

# --- a root that does not run

# Files only: no program of the root (or of this machine), no bus, no API. Its first boot is hardened.
scenario_offline() {
	local root rc=0
	root=$(host_root "$H")
	printf 'version: 1\ninclude: [profile:baseline]\n' >"$W/plan.yaml"
	"$BULKHEAD" diff --root "$root" "$W/plan.yaml" >"$W/out" 2>&1 || rc=$?
	same "exit code of diff --root" 2 "$rc"
	rc=0
	if command -v strace >/dev/null; then
		strace -f -qq -e trace=execve,execveat,connect -o "$W/trace" \
			"$BULKHEAD" apply --root "$root" "$W/plan.yaml" >"$W/out" 2>&1 || rc=$?
		cat "$W/out"
		same "programs run" 1 "$(grep -Ec 'execve(at)?\(.* = 0$' "$W/trace")"
		! grep -E 'connect\(.*(systemd|dbus|docker)' "$W/trace" >"$W/connects" ||
			fail "no connection" "$(cat "$W/connects")"
	else
		"$BULKHEAD" apply --root "$root" "$W/plan.yaml" >"$W/out" 2>&1 || rc=$?
		cat "$W/out"
	fi
	same "exit code of apply --root" 0 "$rc"
	jq -e '."userns-remap" == "dockremap" and .icc == false' "$root/etc/docker/daemon.json" >/dev/null ||
		fail "a hardened daemon.json" "$(cat "$root/etc/docker/daemon.json")"
	grep -q '^dockremap:2000224256:65536$' "$root/etc/subuid" || fail "a range in subuid" "$(cat "$root/etc/subuid")"
	grep -q '^dockremap:2000224256:65536$' "$root/etc/subgid" || fail "a range in subgid" "$(cat "$root/etc/subgid")"
	grep -q '^dockremap:' "$root/etc/passwd" || fail "an account" "none"
	rc=0
	"$BULKHEAD" apply --root "$root" "$W/plan.yaml" >"$W/out" 2>&1 || rc=$?
	same "exit code of a second apply --root" 0 "$rc"

	host_boot "$H" "$SUITE"
	host_put "$H" "$BULKHEAD" /usr/bin/bulkhead 0755
	rm -f "$W/cursor"
	expect_starts 1 # since boot
	expect_hardened
	host_image "$H"
	expect_container_root 2000224256
	plan_baseline
	bh 0 check
	mark
	stamps >"$W/before"
	bh 0 apply
	stamps >"$W/after"
	unchanged "every file" "$W/before" "$W/after"
	expect_starts 0
}
