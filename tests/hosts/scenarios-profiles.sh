# shellcheck shell=bash disable=SC2016 # the hosts' shells expand what is in single quotes
# The shipped profiles: a stock install, what they make of it, and an audit that knows nothing of us.
# shellcheck disable=SC2034 # read by run
SCENARIOS+='
cis			pristine	pristine	bus
lockdown		pristine	pristine	bus,once
'

plan_profile() { printf 'version: 1\ninclude: [profile:%s]\nservice: {watch: 1}\n' "$1" | plan; }

attributes() { # of all that the benchmark's third section names, but what a daemon makes anew
	sh_ 'stat -c "%a %U:%G %n" /usr/lib/systemd/system/docker.* /etc/docker /etc/default/docker /run/docker.sock \
		/run/containerd/containerd.sock /etc/docker/daemon.json 2>/dev/null || :'
}

controls() { # STATE: ids of the last check --output json that count
	jq -r --arg state "$1" '[.controls[] | select(.counted and .state == $state) | .id] | join(" ")' "$W/stdout"
}

# What these hosts can't have, or can't show. auditd isn't installed (1.1.3 to 1.1.18): scenarios of audit run
# where it is.
cis_skipped() {
	local ids="" i
	for i in {3..18}; do ids+="1.1.$i "; done
	ids+='2.3 2.4 2.8 2.10 2.12 ' # shown by no API; a plugin
	[[ $SUITE != bookworm ]] || ids+='2.14 '
	ids+='2.16 3.7 3.8 3.9 3.10 3.11 3.12 3.13 3.14 3.21 3.22 4.5' # no TLS, no Red Hat; unsigned images
	[[ $SUITE != bookworm ]] || ids+=' 5.26'
	echo "$ids"
}

# As the benchmark's own words ask, by means of the host: a line for each control that is not as it should be.
bench() {
	sh_ 'bad() { echo "$*"; }
		is() { [ "$2" = "$3" ] || bad "$1: $2, not $3"; } # ID FOUND WANTED
		info() { docker info -f "$1"; }
		# ID PATH MODE OWNER...: no bit beyond MODE
		file() {
			[ -e "$2" ] || return 0
			[ $((0$(stat -L -c %a "$2") & ~0$3)) = 0 ] || bad "$1: $2 is $(stat -L -c %a "$2")"
			case " $4 " in *" $(stat -L -c %U:%G "$2") "*) ;; *) bad "$1: $2 is $(stat -L -c %U:%G "$2")" ;; esac
		}
		pid=$(systemctl show -P MainPID docker.service)
		said() { ! tr "\0" "\n" <"/proc/$pid/cmdline" | grep -q -e "$1"; }
		inside=$(docker run --rm busybox:test sh -c "echo \$(ulimit -Sn) \$(ulimit -Hn); cat /proc/self/status")

		is 1.1.2 "$(getent group docker | cut -d: -f4)" ""
		is 2.2 "$(docker network inspect bridge -f "{{index .Options \"com.docker.network.bridge.enable_icc\"}}")" false
		is 2.3 "$(jq -r ".\"log-level\" // \"info\"" /etc/docker/daemon.json)" info
		said "^--log-level\|^-[lD]\|^--debug" || bad 2.3: by its command line
		is 2.4 "$(jq .iptables /etc/docker/daemon.json)" true
		iptables -S DOCKER-USER >/dev/null 2>&1 || bad 2.4: no chain of Docker
		is 2.5 "$(info "{{json .RegistryConfig.InsecureRegistryCIDRs}}" | jq -r ".[]" | grep -Evx "127.0.0.0/8|::1/128")" ""
		is 2.5 "$(info "{{json .RegistryConfig.IndexConfigs}}" | jq -c "[.[] | select(.Secure | not)]")" "[]"
		[ "$(info "{{.Driver}}")" != aufs ] || bad 2.6
		is 2.7 "$(ss -Htlnp | grep dockerd | grep -v ":8080 ")" "" # dockerd keeps published ports itself
		is 2.8 "$(echo "$inside" | head -n 1)" "16384 16384"
		info "{{.SecurityOptions}}" | grep -q name=userns || bad 2.9
		is 2.10 "$(jq -r ".\"cgroup-parent\" // \"none\"" /etc/docker/daemon.json)" none
		is 2.13 "$(info "{{.LoggingDriver}}")" journald
		is 2.14 "$(echo "$inside" | sed -n "s/^NoNewPrivs:\t//p")" 1
		is 2.15 "$(info "{{.LiveRestoreEnabled}}")" true
		is 2.16 "$(pgrep -c docker-proxy)" 0
		is 2.17 "$(echo "$inside" | sed -n "s/^Seccomp:\t//p")" 2
		file 3.1 "$(systemctl show -P FragmentPath docker.service)" 644 root:root
		file 3.3 "$(systemctl show -P FragmentPath docker.socket)" 644 root:root
		file 3.5 /etc/docker 755 root:root
		file 3.15 /run/docker.sock 660 "root:docker root:root"
		file 3.17 /etc/docker/daemon.json 644 root:root
		file 3.19 /etc/default/docker 644 root:root
		file 3.21 /etc/sysconfig/docker 644 root:root
		file 3.23 /run/containerd/containerd.sock 660 root:root'
}

serves() { # a published port, seen from the host
	local i
	for i in 1 2 3 4 5 6 7 8; do
		! sh_ 'printf "GET / HTTP/1.0\r\n\r\n" | timeout 3 busybox nc 127.0.0.1 8080 2>/dev/null | grep -q hello' || return 0
		sleep 0.3
	done
	fail "$1" "no answer"
}

# What people do with an engine: build, publish, restart; and read what a container said.
usable() {
	local pid
	sh_ 'd=$(mktemp -d); printf "FROM busybox:test\nRUN echo hello >/tmp/index.html\n" >"$d/Dockerfile"
		DOCKER_BUILDKIT=0 docker build -q -t built:test "$d" >/dev/null; rm -r "$d"'
	docker_ run -d --name web --restart always -p 8080:80 built:test \
		sh -c 'echo told by web; exec httpd -f -p 80 -h /tmp' >/dev/null
	serves "a published port"
	docker_ logs web | grep -qx 'told by web' || fail "docker logs" "nothing"
	sh_ 'journalctl --sync; journalctl -q -b CONTAINER_NAME=web -o cat | grep -qx "told by web"' ||
		fail "the container's words in the journal" "none"
	docker_ restart -t 1 web >/dev/null
	serves "it, restarted"
	pid=$(docker_ inspect -f '{{.State.Pid}}' web)
	sh_ 'systemctl reset-failed docker.service; systemctl restart docker.service'
	same "the container's process after a restart of the daemon" "$pid" "$(docker_ inspect -f '{{.State.Pid}}' web)"
	serves "it, through a restart of the daemon"
	host_exec "$H" kill -KILL "$pid"
	serves "it, after its process was killed"
	[[ $(docker_ inspect -f '{{.State.Pid}}' web) != "$pid" ]] || fail "another process" "the same"
}

scenario_cis() {
	local score
	plan_profile cis
	manifest >"$W/before"
	attributes >"$W/attributes"
	bench >"$W/bench-before"
	[[ $(wc -l <"$W/bench-before") -ge 8 ]] || fail "an audit that finds much on a stock host" "$(cat "$W/bench-before")"
	bh 2 check --output json
	score=$(jq .score.ok "$W/stdout")
	((score <= 20)) || fail "a low score" "$score"
	same "controls that the plan leaves out" '' "$(controls absent)"
	mark
	bh 0 apply
	expect_starts 1
	host_image "$H"
	bh 0 check --output json
	same "controls that are skipped" "$(cis_skipped)" "$(controls skipped)"
	same "controls that are neither ok nor skipped" '[]' \
		"$(jq -c '[.controls[] | select(.counted and .state != "ok" and .state != "skipped") | .id]' "$W/stdout")"
	same "skipped without a reason" 0 "$(jq '[.findings[] | select(.state == "skipped" and (.why // "") == "")] | length' "$W/stdout")"
	jq -e --argjson before "$score" '.score | .ok > $before and .ok + .skipped == .controls and .controls == 59' \
		"$W/stdout" >/dev/null || fail "a score of 59 controls, better than $score" "$(jq -c .score "$W/stdout")"
	echo "$score of 59 ok before, $(jq .score.ok "$W/stdout") after, $(jq .score.skipped "$W/stdout") skipped" >"$W/detail"
	bench >"$W/bench"
	same "what an audit finds" '' "$(cat "$W/bench")"
	usable
	bench >"$W/bench" # with a published port
	same "what an audit finds" '' "$(cat "$W/bench")"
	stamps >"$W/stamps"
	bh 0 apply
	says 'nothing to do'
	bh 0 check
	stamps >"$W/stamps-after"
	unchanged "the host" "$W/stamps" "$W/stamps-after"
	docker_ rm -f web >/dev/null
	bh 0 rollback
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
	attributes >"$W/attributes-after"
	unchanged "owners and modes" "$W/attributes" "$W/attributes-after"
	expect_docker_up
	expect_userns off
	expect_icc true
	docker_ run --rm busybox:test true # which is there again
	bench >"$W/bench"
	unchanged "what an audit finds" "$W/bench-before" "$W/bench"
	plan_baseline
}

scenario_lockdown() {
	sh_ 'useradd -m -s /bin/bash -G docker alice'
	may alice yes
	plan_profile lockdown
	manifest >"$W/before"
	bh 0 apply
	host_image "$H"
	expect_socket "600 root:root"
	docker_ run --rm busybox:test true
	may alice no
	sh_ 'gpasswd -a alice docker >/dev/null' # in the group again, she still can't
	may alice no
	bh 2 check
	says 'drift +trusted-users.members .*found alice'
	bh 0 apply
	may alice no
	same "members" " " "$(members) "
	same "DOCKER_CONTENT_TRUST" 1 "$(session DOCKER_CONTENT_TRUST)"
	docker_ network create --label mine closed >/dev/null
	bh 0 check --output json
	same "controls that are neither ok nor skipped" '[]' \
		"$(jq -c '[.controls[] | select(.counted and .state != "ok" and .state != "skipped") | .id]' "$W/stdout")"
	if [[ $SUITE == bookworm ]]; then # 20.10, which would ignore it
		is_found daemon.default-network-opts skipped "this engine doesn't know it"
	else
		same "icc of a new network" false \
			"$(docker_ network inspect closed -f '{{index .Options "com.docker.network.bridge.enable_icc"}}')"
	fi
	docker_ network rm closed >/dev/null
	sh_ 'systemctl stop docker.service docker.socket 2>/dev/null; systemctl reset-failed docker.service docker.socket
		systemctl start docker.socket docker.service'
	expect_socket "600 root:root" # bound anew
	stamps >"$W/stamps"
	bh 0 apply
	stamps >"$W/stamps-after"
	unchanged "the host" "$W/stamps" "$W/stamps-after"
	bh 0 rollback
	same "members as gpasswd left them" "alice alice" "$(members)"
	sh_ 'gpasswd -d alice docker >/dev/null'
	bh 0 rollback
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
	may alice yes
	expect_docker_up
	expect_userns off
	sh_ 'userdel -r -f alice 2>/dev/null'
	plan_baseline
}
