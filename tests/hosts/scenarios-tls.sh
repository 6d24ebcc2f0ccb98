# shellcheck shell=bash disable=SC2016 # the hosts' shells expand what is in single quotes
# Docker's API on TCP, asked by real clients: one with its certificate gets in, nobody else does.
# From outside is from a network namespace of the host's own, with an address that is let in (10.99.0.2)
# and one that isn't (198.51.100.2).
# shellcheck disable=SC2034 # read by run
SCENARIOS+='
tls_baseline		pristine	pristine	quick,bus
tls_nftables		pristine	pristine	bus
tls_own_binding		pristine	pristine	bus,once
tls_renewed		pristine	pristine	bus,once
tls_put_off		pristine	pristine	bus,once
'

plan_tls() { # SETTING...: of the tls section
	printf 'version: 1\nservice: {watch: 1}\ntls:\n  make: true\n  client-certificates: [alice]\n' >"$W/tls.yaml"
	printf '  %s\n' "$@" >>"$W/tls.yaml"
	plan <"$W/tls.yaml"
}

tls_listen='listen: ["tcp://0.0.0.0:2376"]'
tls_from='from: [10.99.0.0/24]'
tls_names='names: [10.99.0.1, 198.51.100.1]'

# Someone else's network, for as long as the scenario.
outside_up() {
	sh_ 'ip netns add outside
		ip link add veth-in type veth peer name veth-out netns outside
		ip addr add 10.99.0.1/24 dev veth-in; ip addr add 198.51.100.1/24 dev veth-in; ip link set veth-in up
		ip -n outside addr add 10.99.0.2/24 dev veth-out; ip -n outside addr add 198.51.100.2/24 dev veth-out
		ip -n outside link set veth-out up; ip -n outside link set lo up'
}
outside_down() { sh_ 'ip netns del outside 2>/dev/null || :; ip link del veth-in 2>/dev/null || :'; }

# Asks as a client: WHERE is "in" (this host), or the address to reach from outside.
client() { # WHERE DOCKER-ARGUMENT...
	local where=$1
	shift
	if [[ $where == in ]]; then
		sh_ 'timeout 3 docker "$@" version -f "{{.Server.Version}}"' -H tcp://127.0.0.1:2376 "$@"
	else
		sh_ 'timeout 3 ip netns exec outside docker "$@" version -f "{{.Server.Version}}"' -H "tcp://$where:2376" "$@"
	fi 2>&1
}

with_cert() { # DIRECTORY
	echo "--tlsverify --tlscacert $1/ca.pem --tlscert $1/cert.pem --tlskey $1/key.pem"
}

expect_in() { # WHAT WHERE ARGUMENT...
	local what=$1 out
	shift
	out=$(client "$@") || fail "$what to get in" "$out"
	[[ $out == [0-9]*.* ]] || fail "a version for $what" "$out"
	echo "    in: $what: $out"
}

expect_out() { # WHAT SAYS WHERE ARGUMENT...
	local what=$1 says=$2 out rc=0
	shift 2
	out=$(client "$@") || rc=$?
	((rc)) || fail "$what to be kept out" "$out"
	((rc == 124)) || grep -Eiq -- "$says" <<<"$out" || fail "$what to be kept out with /$says/" "$rc: $out"
	echo "    out: $what: $rc $out"
}

alice=/etc/docker/tls/clients/alice

expect_mutual_tls() {
	local ca=/etc/docker/tls/ca.pem
	expect_docker_up
	# shellcheck disable=SC2046
	expect_in "alice" in $(with_cert $alice)
	expect_out "who shows no certificate" 'certificate required|bad certificate|connection reset|broken pipe' in --tls --tlscacert $ca
	expect_out "plaintext" 'HTTPS server|malformed' in
	sh_ 'd=$(mktemp -d); trap "rm -rf $d" EXIT; cd "$d"
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=another" -days 2 \
			-keyout ca-key.pem -out other-ca.pem
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=alice" -keyout key.pem -out req
		openssl x509 -req -in req -CA other-ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 -out cert.pem
		mkdir -p /run/mallory; cp key.pem cert.pem /run/mallory; cp /etc/docker/tls/ca.pem /run/mallory' 2>/dev/null
	# shellcheck disable=SC2046
	expect_out "who has a certificate of another CA" 'bad certificate|unknown authority|unknown certificate|certificate required|broken pipe|connection reset' \
		in $(with_cert /run/mallory)
	sh_ 'rm -rf /run/mallory'
}

expect_from() { # only from 10.99.0.0/24
	# shellcheck disable=SC2046
	expect_in "alice, from an address of the plan" 10.99.0.1 $(with_cert $alice)
	# shellcheck disable=SC2046
	expect_out "alice, from another address" 'timeout|deadline|cannot connect' 198.51.100.1 $(with_cert $alice)
	! sh_ 'timeout 1 ip netns exec outside bash -c "exec 3<>/dev/tcp/198.51.100.1/2376"' 2>/dev/null ||
		fail "no connection from 198.51.100.2" "one"
}

expect_no_secrets() { # in what the last bh said
	! grep -Eq 'M[IH][A-Za-z0-9+/]*AwEHBG|BEGIN (EC )?PRIVATE' "$W/out" || fail "no key in a report" "one"
}

tls_before() {
	manifest >"$W/before"
	outside_up
}

tls_rolled_back() {
	bh 0 rollback
	expect_no_secrets
	plan_baseline
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
	expect_docker_up
	! client in >/dev/null || fail "no API on TCP" "one"
	same "TCP ports" "" "$(sh_ 'ss -Hltn "sport = :2376"')"
	same "our table" "" "$(sh_ 'nft list tables | grep bulkhead || :')"
	same "our unit" inactive "$(host_exec "$H" systemctl is-active bulkhead-docker-tls.service || :)"
	outside_down
}

tls_holds() {
	expect_mutual_tls
	expect_from
	bh 0 apply
	says 'nothing to do'
	bh 0 check --verbose
	says 'ok +tls.listen .*answered with one of the CA'
	says 'ok +tls.from .*does not get through'
	docker_ run --rm --network none busybox:test true
	sh_ 'systemctl reset-failed docker.socket docker.service; systemctl restart docker.socket docker.service'
	expect_mutual_tls
	expect_from
}

scenario_tls_baseline() {
	tls_before
	plan_tls "$tls_listen" "$tls_from" "$tls_names"
	bh 2 diff
	expect_no_secrets
	bh 2 diff --output json
	expect_no_secrets
	bh 0 apply --verbose
	expect_no_secrets
	same "modes" "400 444 400 444 400" "$(sh_ 'cd /etc/docker/tls; stat -c %a key.pem cert.pem ca-key.pem ca.pem clients/alice/key.pem | xargs')"
	tls_holds
	same "mode of the state" "700" "$(sh_ 'stat -c %a /var/lib/bulkhead')"
	tls_rolled_back
}

scenario_tls_nftables() {
	tls_before
	plan_tls "$tls_listen" "$tls_from" "$tls_names" 'enforce: nftables'
	bh 0 apply
	tls_holds
	# Others addresses without a restart of Docker.
	mark
	plan_tls "$tls_listen" 'from: [198.51.100.0/24]' "$tls_names" 'enforce: nftables'
	bh 0 apply
	expect_starts 0
	# shellcheck disable=SC2046
	expect_in "alice, from what is let in now" 198.51.100.1 $(with_cert $alice)
	# shellcheck disable=SC2046
	expect_out "alice, from what was let in" 'timeout|deadline|cannot connect' 10.99.0.1 $(with_cert $alice)
	bh 0 rollback
	plan_tls "$tls_listen" "$tls_from" "$tls_names" 'enforce: nftables'
	expect_from
	bh 0 check
	# Somebody's firewall that flushes everything is seen, and mended.
	sh_ 'nft flush ruleset'
	bh 2 check
	says 'drift +tls.from .*gets through'
	mark
	bh 0 apply
	expect_starts 0
	expect_from
	# Without the rules, nobody listens.
	sh_ 'cp /etc/bulkhead/docker-tls.nft /run/; echo nonsense >/etc/bulkhead/docker-tls.nft
		systemctl stop docker.socket docker.service bulkhead-docker-tls.service
		! systemctl start docker.socket 2>/dev/null'
	same "TCP ports" "" "$(sh_ 'ss -Hltn "sport = :2376"')"
	sh_ 'cp /run/docker-tls.nft /etc/bulkhead/docker-tls.nft; systemctl reset-failed; systemctl start docker.socket docker.service'
	expect_from
	bh 0 apply
	says 'nothing to do'
	bh 0 rollback # of the mending
	# `from` leaves the plan: its unit stops, Docker doesn't.
	plan_tls "$tls_listen" "$tls_names"
	bh 0 apply
	expect_docker_up
	same "our table" "" "$(sh_ 'nft list tables | grep bulkhead || :')"
	# shellcheck disable=SC2046
	expect_in "alice, from anywhere" 198.51.100.1 $(with_cert $alice)
	bh 0 rollback
	expect_from
	tls_rolled_back
}

# A unit without fd://: dockerd binds its sockets itself.
scenario_tls_own_binding() {
	sh_ 'mkdir -p /etc/systemd/system/docker.service.d
		printf "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd --containerd=/run/containerd/containerd.sock\n" \
			>/etc/systemd/system/docker.service.d/10-own.conf
		systemctl daemon-reload; systemctl restart docker.service'
	tls_before
	plan_tls "$tls_listen" "$tls_from" "$tls_names"
	bh 0 apply
	expect_mutual_tls
	expect_from
	bh 0 apply
	says 'nothing to do'
	tls_rolled_back
	sh_ 'rm -r /etc/systemd/system/docker.service.d; systemctl daemon-reload
		systemctl restart docker.socket docker.service'
}

serial() { sh_ 'openssl x509 -in /etc/docker/tls/$1.pem -noout -serial' "$1"; }

scenario_tls_renewed() {
	local ca cert
	tls_before
	plan_tls "$tls_listen" "$tls_names" 'days: 10' 'renew-days: 1'
	bh 0 apply
	ca=$(serial ca) cert=$(serial cert)
	# What is good for ten days is renewed by who wants eleven.
	plan_tls "$tls_listen" "$tls_names" 'days: 20' 'renew-days: 11'
	bh 2 check
	says 'expires on'
	bh 0 apply
	says 'renewed: it expires on'
	same "the CA" "$ca" "$(serial ca)"
	[[ $(serial cert) != "$cert" ]] || fail "another certificate" "$cert"
	expect_mutual_tls
	cert=$(serial cert)
	plan_tls "$tls_listen" 'names: [10.99.0.1]' 'days: 20' 'renew-days: 11'
	bh 0 apply
	[[ $(serial cert) != "$cert" ]] || fail "a certificate for other names" "$cert"
	same "the CA" "$ca" "$(serial ca)"
	# A client that left the plan, then all of it.
	plan_tls "$tls_listen" 'names: [10.99.0.1]' 'days: 20' 'renew-days: 11' 'client-certificates: []'
	sed -i '/alice/d' "$W/tls.yaml"
	plan <"$W/tls.yaml"
	bh 0 apply
	! sh_ 'test -e /etc/docker/tls/clients/alice/key.pem' || fail "no key of alice" "one"
	printf 'version: 1\nservice: {watch: 1}\n' | plan
	bh 0 apply
	! client in >/dev/null || fail "no API on TCP" "one"
	same "TCP ports" "" "$(sh_ 'ss -Hltn "sport = :2376"')"
	same "what is left" "" "$(sh_ 'find /etc/docker/tls /etc/docker/daemon.json /etc/systemd/system/docker.socket.d -type f 2>/dev/null || :')"
	for _ in 1 2 3 4; do bh 0 rollback; done
	tls_rolled_back
}

scenario_tls_put_off() {
	tls_before
	plan_tls "$tls_listen" "$tls_from" "$tls_names"
	bh 0 apply --no-restart
	says 'pending +tls.listen'
	bh 2 check
	same "TCP ports" "" "$(sh_ 'ss -Hltn "sport = :2376"')"
	bh 0 apply
	expect_mutual_tls
	expect_from
	bh 0 rollback
	tls_rolled_back
}
