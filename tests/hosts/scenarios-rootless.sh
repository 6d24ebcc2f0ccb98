# shellcheck shell=bash disable=SC2016 # the hosts' shells expand what is in single quotes
# Rootless Docker: the user's own `docker info` says so, and the system's daemon doesn't notice.
# shellcheck disable=SC2034 # read by run
SCENARIOS+='
rootless		pristine	dirty		bus
rootless_beside		pristine	dirty		bus,once
'

# nspawn copies the mode that this machine's /dev/net/tun has; on a real host it is for everybody.
rootless_prepare() {
	sh_ 'echo "z /dev/net/tun 0666 root root" >/usr/lib/tmpfiles.d/tun.conf
		systemd-tmpfiles --create tun.conf
		id alice >/dev/null 2>&1 || useradd -m -s /bin/bash alice
		id bob >/dev/null 2>&1 || useradd -m -s /bin/bash bob'
}

as() { # USER SCRIPT: a login of that user
	host_exec "$H" su - "$1" -c "$2"
}

reboot_() {
	local i pid
	pid=$(cat "$RIG/$H/pid")
	host_exec "$H" systemctl --no-block poweroff
	for ((i = 0; i < 300; i++)); do
		[[ -e /proc/$pid/exe ]] || break
		sleep 0.1
	done
	host_cut "$H"
	host_boot "$H" "$SUITE"
}

expect_rootless() { # USER
	as "$1" 'docker info -f "{{json .SecurityOptions}}"' >"$W/info" || fail "a daemon of $1" "none"
	grep -q '"name=rootless"' "$W/info" || fail "'docker info' of $1 to say rootless" "$(cat "$W/info")"
	same "data root of $1" "/home/$1/.local/share/docker" "$(as "$1" 'docker info -f "{{.DockerRootDir}}"')"
}

lowest_port() {
	sh_ 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start'
}

expect_no_rootless() { # USER
	same "processes of the daemon of $1" 0 "$(sh_ 'pgrep -c -u "$1" dockerd || :' "$1")"
	! as "$1" 'test -S /run/user/$(id -u)/docker.sock && docker -H unix:///run/user/$(id -u)/docker.sock version' >/dev/null 2>&1 ||
		fail "no daemon of $1" "one that answers"
}

# Root of the container is the user on the host.
expect_users_container() { # USER
	as "$1" 'docker image inspect busybox:test >/dev/null 2>&1' ||
		sh_ 'docker save busybox:test | su - "$1" -c "docker load"' "$1" >/dev/null
	same "who a container of $1 runs as, for itself" 0 "$(as "$1" 'docker run --rm busybox:test id -u')"
	as "$1" 'docker rm -f held >/dev/null 2>&1; docker run -d --name held busybox:test sleep 600' >/dev/null
	same "and for the host" "$1" "$(sh_ 'ps -o user= -C sleep | sort -u')"
	as "$1" 'docker rm -f held' >/dev/null
}

scenario_rootless() {
	local id port
	rootless_prepare
	port=$(lowest_port)
	plan <<-'END'
		version: 1
		rootless: {users: [alice], port-start: 80}
		service: {watch: 1}
	END
	manifest >"$W/before"
	id=$(invocation)
	bh 2 check
	says 'drift +rootless.users.0.'
	bh 0 apply
	says 'ok +rootless.users.0. .*GET /info'
	says 'ok +rootless.port-start '
	same "the lowest port that is for everybody" 80 "$(lowest_port)"
	expect_rootless alice
	expect_users_container alice
	same "lingering" yes "$(host_exec "$H" loginctl show-user -P Linger alice)"
	same "units of bob that run Docker" inactive "$(as bob 'XDG_RUNTIME_DIR=/run/user/$(id -u) systemctl --user is-active bulkhead-docker-rootless.service' 2>/dev/null || :)"
	same "InvocationID of the system's daemon" "$id" "$(invocation)"
	expect_docker_up

	stamps >"$W/applied"
	bh 0 apply
	stamps >"$W/again"
	unchanged "every file" "$W/applied" "$W/again"

	# A login that ends takes nothing along; a reboot brings it back.
	as alice true
	sleep 1
	expect_rootless alice
	reboot_
	sh_ 'for i in $(seq 300); do ! systemctl is-active -q bulkhead-rootless-1000.service || exit 0; sleep 0.1; done; exit 1' ||
		fail "the daemon of alice after a boot" "none in 30 s"
	expect_rootless alice
	expect_users_container alice
	bh 0 check
	bh 0 apply
	says 'nothing to (do|write)'

	# One that is down is drift, and mended.
	as alice 'XDG_RUNTIME_DIR=/run/user/$(id -u) systemctl --user stop bulkhead-docker-rootless.service'
	bh 2 check
	says 'drift +rootless.users.0..*no daemon'
	bh 0 apply
	expect_rootless alice

	bh 0 rollback 1
	same "the lowest port that is for everybody" "$port" "$(lowest_port)"
	expect_no_rootless alice
	expect_docker_up
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
	! sh_ 'test -e /var/lib/systemd/linger/alice' || fail "no lingering" "one"
}

# A manager of the user's that runs already; a daemon that can't start; a user who leaves the plan; the section.
scenario_rootless_beside() {
	local pid
	rootless_prepare
	plan <<-'END'
		version: 1
		rootless: {users: [alice, bob], delegate: [cpu, memory]}
		service: {watch: 1}
	END
	cp "$W/plan.yaml" "$W/first.yaml"
	manifest >"$W/before"
	sh_ 'systemctl start user@1000.service; su - alice -c "XDG_RUNTIME_DIR=/run/user/1000 systemd-run --user --unit=mine sleep 600"'

	# rootlesskit of alice finds no way: all is put back, and what alice runs goes on.
	sh_ 'chmod 0600 /dev/net/tun'
	bh 1 apply
	says 'bulkhead-rootless-100[01].service failed'
	says '(tun|slirp4netns)'
	says 'undone: everything was put back'
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
	expect_no_rootless alice
	sh_ 'chmod 0666 /dev/net/tun'

	bh 0 apply
	expect_rootless alice
	expect_rootless bob
	same "what alice runs" active "$(as alice 'XDG_RUNTIME_DIR=/run/user/1000 systemctl --user is-active mine')"
	pid=$(sh_ 'pgrep -u bob -x dockerd')

	# Whoever listens there has to be that user: a link to the system's socket is not asked.
	sh_ 'cd /run/user/1000; mv docker.sock kept; ln -s /run/docker.sock docker.sock'
	bh 2 check
	says 'failed +rootless.users.0..*no socket of uid 1000'
	sh_ 'cd /run/user/1000; mv kept docker.sock'
	bh 0 check

	plan <<-'END'
		version: 1
		rootless: {users: [bob], delegate: [cpu, memory]}
		service: {watch: 1}
	END
	bh 0 apply
	says 'stopped +bulkhead-rootless-1000.service'
	expect_no_rootless alice
	expect_rootless bob
	same "the daemon of bob" "$pid" "$(sh_ 'pgrep -u bob -x dockerd')"
	same "what alice runs" active "$(as alice 'XDG_RUNTIME_DIR=/run/user/1000 systemctl --user is-active mine')"

	plan <<-'END'
		version: 1
		service: {watch: 1}
	END
	bh 0 apply
	expect_no_rootless bob
	same "files of ours" "" "$(sh_ 'find /etc/systemd /etc/profile.d /etc/sysctl.d /var/lib/systemd/linger -name "*bulkhead*" ! -type d; ls /var/lib/systemd/linger')"
	expect_docker_up
	bh 0 rollback
	expect_rootless bob
	bh 0 rollback 1
	expect_no_rootless alice
	expect_no_rootless bob
	host_put "$H" "$W/first.yaml" /etc/bulkhead/plan.yaml
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
}
