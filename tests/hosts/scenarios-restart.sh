# shellcheck shell=bash disable=SC2016 # the hosts' shells expand what is in single quotes
# The restart that goes wrong. Each ends with Docker in the state it had and exit code 1, or with 3 and the
# commands to type: these are taken from what was printed and typed, literally.
# CUTS, SEED: how many random moments power_cut tries (2), and which (1). KILLS: how many calls of an apply, and of a rollback,
# killed_anywhere kills it before (3). WALK: tests/faults/walk, built (beside BULKHEAD).
# shellcheck disable=SC2034 # read by run
SCENARIOS+='
crash_at_start		pristine	pristine	-
killed_at_start		pristine	pristine	bus,once
hang_at_start		pristine	pristine	bus
dies_later		pristine	pristine	-
undo_fails_once		pristine	pristine	bus
start_limit_spent	pristine	pristine	bus,once
socket_cannot_bind	pristine	pristine	bus,once
socket_group_missing	pristine	pristine	bus,once
unit_masked		pristine	pristine	bus
failed_before		pristine	pristine	bus,once
starting_already	pristine	pristine	-
reexec_in_mid_wait	pristine	pristine	-
signals_in_mid_wait	pristine	pristine	bus,once
killed_in_mid_wait	pristine	pristine	bus
killed_anywhere		pristine	pristine	bus,once
bus_stops_in_mid_wait	pristine	pristine	bus,once
rollback_dies_later	pristine	pristine	bus
rollback_signalled	pristine	pristine	bus,once
rollback_fails_once	pristine	pristine	bus,once
power_cut		pristine	dirty		bus
not_installed		pristine	dirty		bus,once
'

# --- the odd daemon: a program before dockerd that misbehaves on a configuration

new='grep -q "\"icc\"" /etc/docker/daemon.json 2>/dev/null' # what the plan below brings

plan_icc() { # [SERVICE]
	plan <<-END
		version: 1
		daemon: {icc: false}
		service: {${1:-watch: 1}}
	END
}

# What speaks and is gone at once is nobody's to journald: it reads the process's cgroup to tell whose line it is.
odd() { # SHELL...: what it does before it becomes dockerd
	{
		echo '#!/bin/bash'
		echo 'case " $* " in *" --validate "*) exec /usr/sbin/dockerd "$@" ;; esac'
		printf '%s\n' "$@"
		echo 'exec /usr/sbin/dockerd "$@"'
	} >"$W/odd"
	host_put "$H" "$W/odd" /usr/local/sbin/dockerd-odd 0755
	sh_ 'd=/etc/systemd/system/docker.service.d; mkdir -p $d
		printf "[Service]\nExecStart=\n%s\n" "$(sed -n "s|^ExecStart=/usr/sbin/dockerd|ExecStart=/usr/local/sbin/dockerd-odd|p" \
			/usr/lib/systemd/system/docker.service)" >$d/90-odd.conf
		grep -q odd $d/90-odd.conf
		systemctl daemon-reload'
}

no_automatic_restart() { # else systemd's own brings Docker back while we look
	sh_ 'echo Restart=no >>/etc/systemd/system/docker.service.d/90-odd.conf; systemctl daemon-reload'
}

even() { # no odd daemon any more, and one that runs
	sh_ 'rm -rf /usr/local/sbin/dockerd-odd /etc/systemd/system/docker.service.d /run/odd
		systemctl daemon-reload'
	plan_baseline
	expect_docker_up
}

before() {
	manifest >"$W/before"
	host_exec "$H" stat -c '%a %U:%G' /run/docker.sock >"$W/socket-before"
	expect_docker_up
	expect_icc true
	[[ $(invocation) =~ ^[0-9a-f]{32}$ ]]
}

as_before() {
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
	expect_docker_up
	expect_icc true
	same "docker.socket" active "$(host_exec "$H" systemctl is-active docker.socket || :)"
	expect_socket "$(cat "$W/socket-before")"
	bh 0 history
	! sh_ 'test -e /var/lib/bulkhead/pending' || fail "no journal under way" "one"
	# For good: not only between two starts.
	same "restarts by systemd" 0 "$(host_exec "$H" systemctl show -P NRestarts docker.service)"
}

refused_as_before() { # SAYS: apply fails and everything is as it was
	before
	bh 1 apply
	says "$1"
	as_before
}

typed() { # FILE PATTERN: the command in what was printed that matches, typed as it stands there
	local line
	line=$(grep -oE "(type|undone|gone): ($2).*" "$1" | head -n 1 | sed -E 's/^[a-z]+: //; s/ \(with .*//')
	[[ -n $line ]] || fail "a command to type, /$2/" "$(tail -n 4 "$1")"
	echo "    typed: $line"
	sh_ "$line" || fail "'$line' to work" "exit code $?"
}

scenario_crash_at_start() {
	plan_icc
	odd "if $new; then echo 'level=fatal msg=\"no such luck\"' >&2; sleep 0.5; exit 1; fi"
	refused_as_before 'no such luck'
	even
}

scenario_killed_at_start() {
	plan_icc
	odd "if $new; then kill -SEGV \$\$; fi"
	refused_as_before 'docker.service failed while restarting: (signal|core-dump)'
	even
}

scenario_hang_at_start() {
	plan_icc 'watch: 1, timeout: 5'
	odd "if $new; then exec sleep 1000; fi"
	refused_as_before 'still activating .* after 5 s'
	! sh_ 'pgrep -x sleep' || fail "no daemon that hangs" "one"
	even
}

# Ready, and dead a few seconds later: by then an apply that does not watch has said that all is well.
dying="if $new; then (sleep 5; kill -KILL \$\$) & fi"

scenario_dies_later() {
	local start=$SECONDS
	plan_icc 'timeout: 30' # as long as it is watched by default
	odd "$dying"
	before
	bh 1 apply
	says 'did not stay up'
	says '(signal|activating|auto-restart)'
	as_before
	((SECONDS - start < 40)) || fail "an end soon after" "$((SECONDS - start)) s"
	even
}

# The way back fails, too, once: 3, and what is printed brings Docker back. One start does: recovery sees
# that the daemon runs on the files that it put back.
scenario_undo_fails_once() {
	plan_icc
	odd "mkdir -p /run/odd" \
		"if $new; then touch /run/odd/failing; exit 1; fi" \
		"if [ -e /run/odd/failing ]; then rm /run/odd/failing; echo 'level=fatal msg=\"not yet\"' >&2; sleep 0.5; exit 1; fi"
	no_automatic_restart
	before
	bh 3 apply
	says 'not yet'
	cp "$W/out" "$W/said"
	bh 3 check
	bh 3 history
	mark
	typed "$W/said" 'systemctl reset-failed docker.service; systemctl restart docker.service'
	typed "$W/said" 'bulkhead recover'
	expect_starts 1
	as_before
	even
}

scenario_start_limit_spent() {
	plan_icc
	odd "if $new; then exit 1; fi"
	sh_ 'systemctl reset-failed docker.service; for i in 1 2 3; do systemctl restart docker.service; done'
	refused_as_before 'docker.service failed while restarting: exit-code'
	even
}

# --- what Docker needs is not there

down() { sh_ 'systemctl stop docker.service docker.socket'; }
up() { sh_ 'systemctl reset-failed docker.service docker.socket; systemctl start docker.socket docker.service'; }

expect_down() {
	case $(host_exec "$H" systemctl is-active "$1" || :) in
	inactive | failed) ;;
	*) fail "$1 to be down" "$(host_exec "$H" systemctl is-active "$1" || :)" ;;
	esac
}

# Docker was down and can't be started: down it stays, the files are as before, and the cause is told.
stays_down() { # SAYS
	manifest >"$W/before"
	bh 1 apply
	says "$1"
	says 'undone: everything was put back'
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
	bh 0 history
	expect_down docker.service
	expect_down docker.socket
}

scenario_socket_cannot_bind() {
	plan_icc
	down
	sh_ 'rm -f /run/docker.sock; mkdir -p /run/docker.sock/in-the-way'
	stays_down 'it needs docker.socket, which failed'
	sh_ 'rm -r /run/docker.sock'
	up
	even
}

scenario_socket_group_missing() {
	plan_icc
	down
	sh_ 'mkdir -p /etc/systemd/system/docker.socket.d
		printf "[Socket]\nSocketGroup=nosuchgroup\n" >/etc/systemd/system/docker.socket.d/90-odd.conf
		systemctl daemon-reload'
	stays_down "Failed to resolve group '?nosuchgroup"
	sh_ 'rm -r /etc/systemd/system/docker.socket.d; systemctl daemon-reload'
	up
	even
}

scenario_unit_masked() {
	local id
	plan_icc
	sh_ 'systemctl mask docker.service'
	id=$(invocation)
	bh 2 check
	refused_as_before 'is masked; to allow it: systemctl unmask docker.service'
	same "InvocationID" "$id" "$(invocation)"
	sh_ 'systemctl unmask docker.service'
	even
}

# Failed before we came. It can't be mended: it is down as it was. It can: it runs, and a rollback gives
# back what was.
scenario_failed_before() {
	plan_icc
	odd "[ -e /run/mended ] && $new || exit 1"
	no_automatic_restart
	sh_ 'systemctl restart docker.service || :; systemctl is-failed -q docker.service'
	manifest >"$W/before"
	bh 2 check
	bh 1 apply
	says 'docker.service failed while starting: exit-code'
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
	expect_down docker.service
	host_exec "$H" touch /run/mended
	bh 0 apply
	expect_docker_up
	expect_icc false
	bh 0 rollback
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
	expect_down docker.service
	host_exec "$H" rm /run/mended
	odd
	up
	even
}

# --- in mid-wait

hanging="if $new && [ ! -e /run/odd/go ]; then mkdir -p /run/odd; touch /run/odd/hangs
	while [ ! -e /run/odd/go ]; do sleep 0.1; done; fi"

until_() { # SCRIPT: waits until it is true on the host
	sh_ 'for i in $(seq 300); do ! ('"$1"') || exit 0; sleep 0.1; done; exit 1' ||
		fail "'$1' to become true" "30 s without"
}

bh_begin() { # ARG...: bulkhead in the background, until Docker hangs at its start
	host_exec "$H" rm -rf /run/odd
	host_exec "$H" bulkhead "$@" >"$W/out" 2>&1 &
	running=$!
	until_ 'test -e /run/odd/hangs'
}

bh_end() { # CODE
	local rc=0
	wait "$running" || rc=$?
	echo "--- bulkhead in the background -> $rc"
	sed 's/^/    | /' "$W/out"
	((rc == $1)) || fail "the bulkhead in the background to exit with $1" "$rc: $(tail -n 3 "$W/out")"
}

scenario_signals_in_mid_wait() {
	local signal
	plan_icc
	odd "$hanging"
	before
	for signal in INT TERM HUP 'INT INT'; do
		bh_begin apply
		for s in $signal; do
			host_exec "$H" pkill "-$s" -x bulkhead
			sleep 0.3
		done
		bh_end 1
		says 'undone: everything was put back'
		as_before
	done
	even
}

scenario_killed_in_mid_wait() {
	plan_icc
	odd "$hanging"
	before
	bh_begin apply
	host_exec "$H" pkill -KILL -x bulkhead
	bh_end 137
	bh 3 check
	says 'bulkhead recover'
	bh 3 history
	bh 0 recover
	as_before
	even
}

# With what only a running host has: units, the bus, the socket that is there. Before a call that changes something, spread over all.
scenario_killed_anywhere() {
	local walk=${WALK:-$(dirname "$BULKHEAD")/tests/faults/walk} kills=${KILLS:-3} what n i interrupted=0
	[[ -x $walk ]] || { echo "no tests/faults/walk beside the program" >"$W/skip"; return; }
	host_put "$H" "$walk" /usr/local/sbin/walk 0755
	plan <<-END
		version: 1
		include: [profile:baseline]
		socket: {acl: {users: [nobody]}}
		permissions: {}
		trusted-users: {members: []}
		service: {watch: 1}
	END
	before
	for what in apply rollback; do
		[[ $what == apply ]] || bh 0 apply
		n=$(sh_ "walk count durable -- \$(command -v bulkhead) $what 3>&1 >/dev/null 2>&1")
		echo "$what: $n calls"
		((n > 40)) || fail "an $what of many calls" "$n"
		[[ $what == rollback ]] || bh 0 rollback
		as_before
		for ((i = 1; i <= kills; i++)); do
			[[ $what == apply ]] || bh 0 apply
			sh_ "! walk kill $((n * i / (kills + 1))) durable -- \$(command -v bulkhead) $what >/dev/null 2>&1"
			if sh_ 'test -e /var/lib/bulkhead/pending'; then
				interrupted=$((interrupted + 1))
				bh 3 check
			fi
			bh 0 recover
			# Killed before it had begun, or after its end: nothing was there to recover.
			[[ $what == apply ]] || sh_ 'bulkhead rollback || :'
			as_before
		done
	done
	echo "$interrupted of $((2 * kills)) were interrupted half-way" | tee "$W/detail"
	((interrupted >= kills)) || fail "runs killed half-way" "$interrupted of $((2 * kills))"
}

# The connection to systemd drops while the start is waited for, and again while Docker is watched.
scenario_reexec_in_mid_wait() {
	plan_icc 'watch: 4'
	odd "$hanging"
	before
	bh_begin apply
	sh_ 'systemctl daemon-reexec; touch /run/odd/go'
	until_ 'docker version >/dev/null 2>&1'
	sh_ 'systemctl daemon-reexec'
	bh_end 0
	expect_docker_up
	expect_icc false
	bh 0 check
	bh 0 rollback
	as_before
	even
}

scenario_bus_stops_in_mid_wait() {
	plan_icc
	odd "$hanging"
	before
	bh_begin apply
	sh_ 'systemctl stop dbus.socket dbus.service; systemctl daemon-reexec'
	host_exec "$H" touch /run/odd/go
	bh_end 0
	expect_icc false
	bh 0 rollback
	as_before
	sh_ 'systemctl start dbus.socket'
	even
}

# Somebody's start is under way: whether it reads what comes now or has read what was there, nobody can tell.
scenario_starting_already() {
	plan_icc
	before
	odd 'while [ ! -e /run/odd/go ]; do mkdir -p /run/odd; touch /run/odd/hangs; sleep 0.1; done'
	sh_ 'systemctl restart --no-block docker.service
		until [ "$(systemctl is-active docker.service)" = activating ]; do sleep 0.1; done'
	bh_begin apply
	until_ 'grep icc /etc/docker/daemon.json'
	sh_ 'touch /run/odd/go'
	bh_end 0
	says 'restarted docker.service'
	expect_icc false
	bh 0 rollback
	expect_icc true
	# On what was there it would never come up.
	odd "if ! $new; then exec sleep 1000; fi"
	sh_ 'systemctl restart --no-block docker.service
		until [ "$(systemctl is-active docker.service)" = activating ]; do sleep 0.1; done'
	bh 0 apply
	says 'restarted docker.service'
	expect_icc false
	odd
	bh 0 rollback
	sh_ 'rm -r /etc/systemd/system/docker.service.d; systemctl daemon-reload'
	as_before
	even
}

# --- a rollback that goes wrong: what stood there before has broken meanwhile

scenario_rollback_fails_once() {
	plan_icc
	before
	bh 0 apply
	odd "mkdir -p /run/odd" \
		"if ! $new && [ ! -e /run/odd/failed ]; then touch /run/odd/failed; echo 'level=fatal msg=\"not yet\"' >&2; sleep 0.5; exit 1; fi"
	no_automatic_restart
	bh 3 rollback
	says 'the files are back'
	says 'not yet'
	cp "$W/out" "$W/said"
	typed "$W/said" 'systemctl daemon-reload; .*restart docker.service'
	sh_ 'rm -r /etc/systemd/system/docker.service.d; systemctl daemon-reload'
	as_before
	bh 1 rollback
	even
}

scenario_rollback_dies_later() {
	plan_icc 'watch: 5'
	before
	bh 0 apply
	odd "if ! $new; then (sleep 3; kill -KILL \$\$) & fi"
	bh 3 rollback
	says 'did not stay up'
	cp "$W/out" "$W/said"
	typed "$W/said" 'bulkhead apply /etc/bulkhead/plan.yaml'
	expect_docker_up
	expect_icc false
	bh 0 check
	odd
	bh 0 rollback
	sh_ 'rm -r /etc/systemd/system/docker.service.d; systemctl daemon-reload'
	as_before
	even
}

scenario_rollback_signalled() {
	plan_icc
	before
	bh 0 apply
	odd "${hanging/if /if ! }"
	bh_begin rollback
	host_exec "$H" pkill -TERM -x bulkhead
	bh_end 3
	says 'the files are back, but: interrupted'
	cp "$W/out" "$W/said"
	host_exec "$H" touch /run/odd/go
	typed "$W/said" 'systemctl daemon-reload; .*restart docker.service'
	sh_ 'rm -r /etc/systemd/system/docker.service.d; systemctl daemon-reload'
	as_before
	even
}

# --- the machine goes away

# Cut in mid-wait, and at random moments: after the boot it is before or after, or recover makes it so.
scenario_power_cut() {
	local points=${CUTS:-2} seed=${SEED:-1} i ms before=0 after=0 recovered=0
	plan_icc
	# Hangs once, not at the boot that follows.
	odd "if $new && [ ! -e /var/odd ]; then touch /var/odd; sync; exec sleep 1000; fi"
	before
	host_exec "$H" bulkhead apply >"$W/out" 2>&1 &
	until_ 'test -e /var/odd'
	host_cut "$H"
	host_boot "$H" "$SUITE"
	bh 3 check
	says 'bulkhead recover'
	bh 3 history
	bh 0 recover
	as_before
	sh_ 'rm -r /etc/systemd/system/docker.service.d; systemctl daemon-reload'

	plan_baseline
	before
	bh 0 apply
	manifest >"$W/hardened"
	bh 0 rollback
	as_before
	RANDOM=$seed
	for ((i = 0; i < points; i++)); do
		ms=$((RANDOM % 4000))
		host_exec "$H" bulkhead apply >"$W/out" 2>&1 &
		sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
		host_cut "$H"
		host_boot "$H" "$SUITE"
		if sh_ 'test -e /var/lib/bulkhead/pending'; then
			bh 3 check
			bh 0 recover
			recovered=$((recovered + 1))
			as_before
			continue
		fi
		bh 0 history
		manifest >"$W/after"
		if cmp -s "$W/hardened" "$W/after"; then
			after=$((after + 1))
			expect_docker_up
			expect_userns on
			bh 0 rollback
		else
			before=$((before + 1))
		fi
		as_before
	done
	echo "cut in mid-wait, and $points times at random (SEED=$seed): $recovered recovered, $before before, $after after" \
		>"$W/detail"
}

scenario_not_installed() {
	sh_ 'systemctl stop docker.service docker.socket; dpkg --purge --force-depends docker.io >/dev/null 2>&1
		! systemctl cat docker.service >/dev/null 2>&1'
	plan_icc
	manifest >"$W/before"
	bh 0 apply
	says 'not-found'
	sh_ 'jq -e ".icc == false" /etc/docker/daemon.json >/dev/null'
	bh 0 check
	bh 0 rollback
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
}
