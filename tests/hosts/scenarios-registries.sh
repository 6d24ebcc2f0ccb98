# shellcheck shell=bash disable=SC2016 # the hosts' shells expand what is in single quotes
# Registries: two of them on two addresses of the host's own network, a name server and a proxy on a third.
# good.test is 10.77.0.1, bad.test 10.77.0.2; pulls are what proves a means, before, with it and after.
# shellcheck disable=SC2034 # read by run
SCENARIOS+='
registries_refused	pristine	pristine	bus
registries		pristine	dirty		bus
'

here_registries=$(dirname "${BASH_SOURCE[0]}")

registries_up() {
	host_put "$H" "$here_registries/names-and-proxy.pl" /usr/local/bin/names-and-proxy 0755
	sh_ 'ip link add reg0 type bridge; ip link set reg0 up
		for i in 1 2 3; do ip addr add 10.77.0.$i/24 dev reg0; done
		echo "nameserver 10.77.0.3" >/etc/resolv.conf
		for i in 1 2; do
			printf "version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: /run/registry%s}}\nhttp: {addr: \"10.77.0.%s:5000\"}\n" \
				$i $i >/run/registry$i.yml
			systemd-run -q --unit=registry$i docker-registry serve /run/registry$i.yml
		done
		systemd-run -q --unit=names names-and-proxy dns 10.77.0.3
		systemd-run -q --unit=proxy names-and-proxy proxy 10.77.0.3
		mkdir -p /etc/docker'
	registries_store
}

registries_store() { # [MEMBERS]: of daemon.json besides; then both registries hold box:1
	sh_ 'printf "{\"insecure-registries\": [%s]%s}\n" "\"10.77.0.1:5000\", \"10.77.0.2:5000\", \"good.test:5000\", \"bad.test:5000\"" "$1" >/etc/docker/daemon.json
		systemctl restart docker.service' "${1:-}"
	host_image "$H" # another image store, perhaps
	sh_ 'for i in $(seq 100); do
			(: </dev/tcp/10.77.0.1/5000 && : </dev/tcp/10.77.0.2/5000) 2>/dev/null && break; sleep 0.1; done
		for r in good.test:5000 10.77.0.2:5000; do
			docker tag busybox:test $r/box:1; docker push -q $r/box:1 >/dev/null; docker rmi $r/box:1 >/dev/null; done'
}

pulls() { # REGISTRY yes|no
	local found=yes
	docker_ image rm "$1/box:1" >/dev/null 2>&1 || :
	timeout 15 nsenter -t "$(cat "$RIG/$H/init")" -a docker pull -q "$1/box:1" >"$W/pull" 2>&1 || found=no
	sed 's/^/    pull | /' "$W/pull"
	same "pull from $1" "$2" "$found"
}

etc() { manifest | grep -v /etc/bulkhead; } # all but the plan

plan_registries() { printf 'version: 1\nservice: {watch: 1}\nregistries: %s\n' "$1" | plan; }

# Applied, held, converged, and gone again.
holds() { # SAYS-OF-BLOCKED SAYS-OF-ALLOWED
	bh 2 check
	bh 0 apply
	says "$1"
	says "$2"
	bh 0 check
	says "$1"
	says "$2"
	[[ -z ${3:-} ]] || says "$3"
	! grep -q secret "$W/out" || fail "no credentials in a report" "$(grep secret "$W/out")"
	stamps >"$W/before-second"
	bh 0 apply
	stamps >"$W/after-second"
	unchanged "every file" "$W/before-second" "$W/after-second"
}

gone() {
	bh 0 rollback
	is_back
}

is_back() {
	etc >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
	pulls 10.77.0.2:5000 yes
	pulls bad.test:5000 yes
}

# What this engine, or cgroup v1, can't hold is refused with the reason, and nothing is written.
scenario_registries_refused() {
	etc >"$W/before"
	if ! sh_ 'test -e /sys/fs/cgroup/cgroup.controllers'; then
		plan_registries '{block: [all], enforce: network}'
		bh 1 apply
		says 'cgroup v1'
	fi
	plan_registries '{block: [all], enforce: certs.d}'
	bh 1 apply
	says '`enforce: certs.d` can.t be had on this host: (only Docker 28|it takes the containerd image store)'
	plan_registries '{block: ["*.example.com"]}'
	bh 64 apply
	says 'knows no wildcards'
	etc >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
}

by_hosts() {
	plan_registries '{block: ["bad.test:5000", docker.io], allow: ["good.test:5000"], enforce: hosts}'
	etc >"$W/before"
	mark
	pulls good.test:5000 yes
	pulls bad.test:5000 yes
	bh 2 check
	says 'drift +registries.block\[0\] .*reachable'
	holds 'ok +registries.block\[0\] .*/etc/hosts' 'ok +registries.allow\[0\] ' 'ok +registries.block\[1\] +docker.io'
	says 'still open: blocked registries under an address'
	pulls good.test:5000 yes
	pulls bad.test:5000 no
	pulls 10.77.0.2:5000 yes # told as what stays open
	expect_starts 0
	bh 0 rollback
	sleep 5 # dockerd looks at /etc/hosts so often
	is_back
}

by_network() {
	plan_registries '{block: [all, "10.77.0.2:5000"], allow: ["good.test:5000", "10.77.0.1:5000"], addresses: [10.77.0.1], enforce: network}'
	etc >"$W/before"
	pulls 10.77.0.2:5000 yes
	mark
	holds 'ok +registries.block\[1\] .*dockerd gets no connection' 'ok +registries.allow\[0\] '
	expect_starts 1
	pulls good.test:5000 yes
	pulls 10.77.0.2:5000 no
	pulls bad.test:5000 no
	# Nothing answers there any more: that is no proof, and is not taken for one.
	sh_ 'systemctl stop registry1 registry2'
	bh 0 check
	says 'skipped +registries.block\[1\]'
	says 'skipped +registries.allow\[1\]'
	sh_ 'systemctl reset-failed registry1 registry2 2>/dev/null || :
		for i in 1 2; do systemd-run -q --unit=registry$i docker-registry serve /run/registry$i.yml; done; sleep 1'
	gone
}

by_proxy() {
	# The blocked one over TLS alone, as registries are: in plain HTTP a proxy's 403 looks like the registry's.
	plan_registries '{block: ["bad.test:5001"], allow: ["10.77.0.1:5000"], proxy: "http://user:secret@10.77.0.3:3128"}'
	etc >"$W/before"
	mark
	holds 'ok +registries.block\[0\] .*Forbidden' 'ok +registries.allow\[0\] ' 'ok +registries.proxy '
	expect_starts 1
	pulls 10.77.0.1:5000 yes
	pulls 10.77.0.2:5000 no
	sh_ 'journalctl --sync; journalctl -q -u proxy | grep -q "CONNECT bad.test:5001"' || fail "the proxy to be asked" "nothing"
	gone
}

by_certs() {
	plan_registries '{block: [all], allow: ["10.77.0.1:5000", "good.test:5000"]}'
	sh_ 'mkdir -p /etc/docker/certs.d/bad.test:5000' # which _default would not catch
	etc >"$W/before"
	pulls 10.77.0.1:5000 yes
	mark
	holds 'ok +registries.block\[0\] +all refused .*hosts.toml' 'ok +registries.allow\[0\] '
	says 'is kept to the lists by certs.d'
	pulls 10.77.0.1:5000 yes
	pulls good.test:5000 yes
	pulls 10.77.0.2:5000 no
	pulls bad.test:5000 no
	pulls docker.io/library no
	# A name of its own, with a means that takes no restart.
	plan_registries '{block: ["10.77.0.2:5000"]}'
	bh 0 apply
	says 'ok +registries.block\[0\] .*hosts.toml'
	pulls 10.77.0.2:5000 no
	pulls bad.test:5000 yes
	bh 0 rollback
	gone
}

# Each engine with all that it can hold, on one boot.
scenario_registries() {
	local means='hosts, proxy'
	registries_up
	by_hosts
	by_proxy
	if sh_ 'test -e /sys/fs/cgroup/cgroup.controllers'; then
		by_network
		means+=', network'
	fi
	if [[ $SUITE == forky ]]; then # before Docker 28 nothing reads hosts.toml
		registries_store ', "features": {"containerd-snapshotter": true}'
		by_certs
		means+=', certs.d'
	fi
	echo "by $means" >"$W/detail"
}
