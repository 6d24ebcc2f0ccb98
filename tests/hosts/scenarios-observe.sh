# shellcheck shell=bash disable=SC2016 # the hosts' shells expand what is in single quotes
# What check tells beside the plan, what login sessions get, and the score.
# shellcheck disable=SC2034 # read by run
SCENARIOS+='
observed		pristine	pristine	bus
login_environment	pristine	pristine	bus
logs_and_limits		pristine	pristine	bus
'

finding() { # SETTING FILTER: of the last check --output json
	jq -r --arg name "$1" '.findings[] | select(.module + "." + (.setting // "") == $name) | '"$2" "$W/stdout"
}

is_found() { # SETTING STATE [PART-OF-FOUND-OR-WHY]
	same "$1" "$2" "$(finding "$1" .state)"
	[[ -z ${3:-} ]] || finding "$1" '"\(.found) \(.why)"' | grep -Fq -- "$3" ||
		fail "$1 with '$3'" "$(finding "$1" '"\(.found) \(.why)"')"
}

control() { # ID STATE
	same "CIS $1" "$2" "$(jq -r --arg id "$1" '.controls[] | select(.id == $id) | .state' "$W/stdout")"
}

# Nothing of it changes the exit code, and an apply doesn't ask for it.
scenario_observed() {
	local ok
	plan <<-END
		version: 1
		daemon: {icc: false, metrics-addr: "127.0.0.1:9323", log-level: info, live-restore: true}
		observe: {container-age: 0}
		service: {watch: 1}
	END
	printf 'FROM busybox:test\nUSER 1000\n' | host_exec "$H" sh -c 'cat >/root/Dockerfile'
	sh_ 'cd /root && DOCKER_BUILDKIT=0 docker build -q -t withuser:test . >/dev/null'
	bh 2 check
	bh 0 apply
	docker_ run -d --name aged busybox:test sleep 600 >/dev/null
	bh 0 check --output json
	is_found observe.partition ok "/var/lib/docker is on $(sh_ 'findmnt -n -o SOURCE /var/lib/docker | sed "s/\[.*//"')"
	is_found observe.tcp-api ok none
	is_found observe.tcp-other noted '127.0.0.1:9323 (metrics)'
	is_found observe.container-age noted aged
	is_found observe.image-user noted busybox:test
	! finding observe.image-user .found | grep -q withuser || fail "an image with a user not to be named" withuser
	is_found observe.storage-driver ok
	is_found observe.insecure-registries ok RegistryConfig
	is_found observe.seccomp-profile ok
	finding observe.encryption .state | grep -Eq '^(ok|noted|skipped)$'
	jq -e '[.findings[] | select(.setting | strings | startswith("fixes["))] | length > 0 and
		all(.state == "noted" and (.why | contains("backported")))' "$W/stdout" >/dev/null
	control 1.1.1 ok
	control 2.2 ok
	control 2.3 skipped
	control 2.5 ok
	control 2.7 ok
	control 2.9 absent
	control 2.15 ok
	ok=$(jq -r .score.ok "$W/stdout")
	same "controls that count" 59 "$(jq -r .score.controls "$W/stdout")"
	same "controls of the score" 59 "$(jq -r '.score | .ok + .drift + .pending + .failed + .noted + .skipped + .absent' "$W/stdout")"
	same "counted as ok" "$ok" "$(jq -r '[.controls[] | select(.state == "ok" and .counted)] | length' "$W/stdout")"
	bh 0 check
	says "^CIS Docker Benchmark 1.6: $ok of 59 controls ok, "
	says '^CIS 2\.2 +ok +no traffic'
	bh 0 check --quiet
	[[ ! -s $W/stdout ]] || fail "nothing said" "$(cat "$W/stdout")"
	# An apply that has nothing to do asks for none of it: no image is looked at.
	bh 0 apply --verbose
	! says_any observe || fail "no word of what is observed" "$(grep observe "$W/out")"

	# The API on TCP, which somebody opened; and a data root without a file system of its own.
	docker_ rm -f aged >/dev/null
	docker_ rmi withuser:test >/dev/null
	sh_ 'systemctl stop docker.service docker.socket
		mkdir -p /etc/systemd/system/docker.socket.d
		printf "[Socket]\nListenStream=127.0.0.1:2375\n" >/etc/systemd/system/docker.socket.d/90-odd.conf
		systemctl daemon-reload
		cp /etc/docker/daemon.json /root/daemon.json
		jq ". + {\"data-root\": \"/var/lib/docker/beneath\"}" /root/daemon.json >/etc/docker/daemon.json
		systemctl start docker.socket docker.service'
	bh 2 check --output json
	is_found observe.tcp-api noted '127.0.0.1:2375'
	is_found daemon.hosts failed 'opened by /etc/systemd/system/docker.socket.d/90-odd.conf'
	control 2.7 failed
	is_found observe.partition skipped 'no file system of its own'
	control 1.1.1 skipped
	# Nothing of ours: told, and left alone.
	bh 0 apply
	sh_ 'systemctl stop docker.service docker.socket; cat /root/daemon.json >/etc/docker/daemon.json
		rm -r /root/daemon.json /var/lib/docker/beneath /etc/systemd/system/docker.socket.d
		systemctl daemon-reload; systemctl reset-failed; systemctl start docker.socket docker.service'
	bh 0 rollback
	expect_docker_up
}

says_any() { grep -Eiq -- "$1" "$W/out"; }

session() { # VARIABLE: what a login shell of alice has
	sh_ 'su - alice -c "printf %s \"\$$1\""' "$1"
}

# What a session really gets, by su - and by ssh's way of starting a login shell; and what a user's systemd starts.
scenario_login_environment() {
	local dir="/etc/docker/it's \$HOME"
	sh_ 'useradd -m -s /bin/bash alice; install -d -m 0755 "$1"; touch "$1/ca.pem" "$1/cert.pem" "$1/key.pem"' "$dir"
	plan <<-END
		version: 1
		client:
		  content-trust: true
		  host: tcp://docker.example.com:2376
		  tls-verify: true
		  cert-path: "$dir"
		service: {watch: 1}
	END
	manifest >"$W/before"
	mark
	bh 2 check
	bh 0 apply
	expect_starts 0
	same "DOCKER_CONTENT_TRUST" 1 "$(session DOCKER_CONTENT_TRUST)"
	same "DOCKER_HOST" tcp://docker.example.com:2376 "$(session DOCKER_HOST)"
	same "DOCKER_TLS_VERIFY" 1 "$(session DOCKER_TLS_VERIFY)"
	same "DOCKER_CERT_PATH" "$dir" "$(session DOCKER_CERT_PATH)"
	same "DOCKER_CERT_PATH of sh" "$dir" "$(sh_ 'env -i HOME=/root sh -lc "printf %s \"\$DOCKER_CERT_PATH\""')"
	same "DOCKER_CERT_PATH of a user's systemd" "$dir" "$(sh_ 'eval "$(env -i HOME=/home/alice \
		/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator)"; printf %s "$DOCKER_CERT_PATH"')"
	bh 0 check --output json
	is_found client.content-trust ok
	control 4.5 ok
	stamps >"$W/stamps"
	bh 0 apply
	stamps >"$W/stamps-after"
	unchanged "every file" "$W/stamps" "$W/stamps-after"
	sh_ 'echo "export DOCKER_HOST=unix:///run/docker.sock" >>/etc/profile.d/zz-bulkhead.sh'
	bh 2 check
	says 'drift +client.host'
	bh 0 apply
	same "DOCKER_HOST" tcp://docker.example.com:2376 "$(session DOCKER_HOST)"
	# Somebody's file that sorts behind: no apply mends it, and none is undone for it.
	sh_ 'echo "export DOCKER_HOST=unix:///run/docker.sock" >/etc/profile.d/zzz-corp.sh'
	same "DOCKER_HOST" unix:///run/docker.sock "$(session DOCKER_HOST)"
	bh 2 check
	says 'failed +client.host .*/etc/profile.d/zzz-corp.sh:1 sets'
	bh 0 apply
	sh_ 'rm /etc/profile.d/zzz-corp.sh'
	bh 0 check
	printf 'version: 1\nservice: {watch: 1}\n' | plan
	bh 0 apply
	same "DOCKER_HOST" '' "$(session DOCKER_HOST)"
	bh 0 rollback
	same "DOCKER_HOST" tcp://docker.example.com:2376 "$(session DOCKER_HOST)"
	bh 0 rollback
	bh 1 rollback # of what was edited after it
	bh 0 rollback --force
	printf 'version: 1\n' | plan
	manifest >"$W/after"
	grep -v ' /etc/bulkhead/plan.yaml$' "$W/before" >"$W/before-them"
	grep -v ' /etc/bulkhead/plan.yaml$' "$W/after" >"$W/after-them"
	unchanged "/etc" "$W/before-them" "$W/after-them"
	# A certificate that isn't there would stop every docker command of everybody.
	printf 'version: 1\nclient: {host: "tcp://h:2376", tls-verify: true, cert-path: /etc/docker/none}\n' | plan
	bh 1 apply
	says '/etc/docker/none/ca.pem: docker would fail'
	plan_baseline
	sh_ 'userdel -r -f alice 2>/dev/null; rm -r "$1"' "$dir"
}

# Containers log to the journal, and have the plan's limits; what the daemon would refuse never gets to it.
scenario_logs_and_limits() {
	plan <<-END
		version: 1
		daemon:
		  log-driver: journald
		  log-opts: {tag: "bulkhead/{{.Name}}"}
		  default-ulimits: {nofile: {Soft: 512, Hard: 1024}}
		service: {watch: 1}
	END
	bh 0 apply
	docker_ run --rm --name teller busybox:test echo "told by a container" >/dev/null
	sh_ 'journalctl --sync; journalctl -q -b CONTAINER_NAME=teller -o cat | grep -qx "told by a container"' ||
		fail "the container's words in the journal" "none"
	same "limits of a container" "512 1024" \
		"$(docker_ run --rm busybox:test sh -c 'echo $(ulimit -Sn) $(ulimit -Hn)')"
	bh 0 check --output json
	control 2.13 skipped # its options only a container shows
	control 2.8 skipped
	is_found daemon.log-driver ok
	plan <<-END
		version: 1
		daemon:
		  log-driver: syslog
		  log-opts: {syslog-address: "unix:///none/log"}
		  default-ulimits: {nofile: {Soft: 512, Hard: -1}}
	END
	mark
	bh 64 apply
	says 'plan.yaml:4:30: .*there is no /none/log'
	says 'plan.yaml:5:21: .*(fs.nr_open|PID 1)'
	expect_starts 0
	plan_baseline
	bh 0 rollback
}
