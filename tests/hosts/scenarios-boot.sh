# shellcheck shell=bash disable=SC2016 # the hosts' shells expand what is in single quotes
# The first boot, and all later ones: bulkhead-boot.service before Docker. Nearly each begins with a root that nobody booted.
# shellcheck disable=SC2034 # read by run
SCENARIOS+='
boot_first		unbooted	dirty		bus
boot_fails		unbooted	dirty		bus
boot_no_machine_id	unbooted	dirty		bus,once
boot_recovers		unbooted	dirty		bus,once
boot_tls		unbooted	dirty		bus
boot_docker_fails	unbooted	dirty		bus
boot_beside_docker	pristine	dirty		bus,once
'

boot_root() { host_root "$H"; }

boot_unit() { # installed and enabled
	local root wants
	root=$(boot_root)
	wants=$root/etc/systemd/system/sockets.target.wants
	install -D -m 0755 "$BULKHEAD" "$root/usr/sbin/bulkhead"
	install_unit bulkhead-boot.service
	install_unit bulkhead-boot-undo.service
	install -D -m 0644 -t "$root/usr/lib/systemd/system/docker.service.d" "$here/../../templates/units/50-bulkhead-boot-undo.conf"
	mkdir -p "$wants"
	ln -sf /usr/lib/systemd/system/bulkhead-boot.service "$wants/"
}

install_unit() { # NAME
	sed 's|@sbindir@|/usr/sbin|g' "$here/../../templates/units/$1" | install -D -m 0644 /dev/stdin "$(boot_root)/usr/lib/systemd/system/$1"
}

boot_plan() { # standard input, before the boot
	install -D -m 0644 /dev/stdin "$(boot_root)/etc/bulkhead/plan.yaml"
}

boot_good() { # [MORE]: a plan that shows, and can be told from none
	printf 'version: 1\ninclude: [profile:baseline]\nservice: {watch: 1}\n%s\n' "${1:-}"
}

boot_bad() { printf 'version: 1\ndaemon: {icc: maybe}\n'; }

boot() { # again, without a goodbye
	[[ ! -e $RIG/$H/init ]] || { host_exec "$H" sync; host_cut "$H"; }
	host_boot "$H" "$SUITE"
	rm -f "$W/cursor"
}

boot_journal() { sh_ 'journalctl --sync; journalctl -q -b -o cat -u bulkhead-boot.service' >"$W/out"; }

boot_is() { # STATE: of the unit; and what holds for each boot
	same "bulkhead-boot.service" "$1" "$(host_exec "$H" systemctl is-active bulkhead-boot.service || :)"
	sh_ '! journalctl -q -b | grep -i "ordering cycle"' || fail "no ordering cycle" "one"
	sh_ '! journalctl -q -b _PID=1 | grep -E "bulkhead[^ ]*:[0-9]+: "' || fail "units that systemd has nothing to say about" "that"
}

# Inodes and times of all that a run could write; /etc is nobody else's business at a second boot.
boot_stamps() {
	(cd "$(boot_root)" && find etc var/lib/bulkhead ! -name '.updated' -printf '%p %i %m %U:%G %s %T@ %C@\n' | sort)
}

boot_first_is_right() {
	boot_is active
	expect_starts 1
	expect_hardened
	same "restarts" 0 "$(host_exec "$H" systemctl show -P NRestarts docker.service)"
	same "reloads of systemd" 1 "$(reloads)"
	bh 0 check
	says 'ok +daemon.icc|CIS 2.2 +ok'
	bh 0 history
	same "transactions" 1 "$(grep -cE '^ *[0-9]+  [0-9]{4}-' "$W/stdout")"
}

scenario_boot_first() {
	boot_unit
	boot_good | boot_plan
	: >"$(boot_root)/etc/machine-id"
	boot
	boot_first_is_right
	boot_journal
	says 'docker.service is not started yet'
	says 'done: transaction 1'
	! grep -E '^ok +(daemon|socket|service)' "$W/out" || fail "nothing called ok that was not seen" "it"
	host_image "$H"
	docker_ run --rm busybox:test true

	boot_stamps >"$W/before"
	boot
	boot_stamps >"$W/after"
	unchanged "a second boot" "$W/before" "$W/after"
	boot_is active
	boot_journal
	! grep -vE '^(Starting|Finished|bulkhead-boot.service:) ' "$W/out" || fail "a silent second boot" "$(head -n 3 "$W/out")"
	expect_starts 1
	expect_hardened
	same "reloads of systemd" 0 "$(reloads)"
	bh 0 check
}

# No machine id at all: systemd then enables all that no preset forbids. And a tree that was hardened before it booted.
scenario_boot_no_machine_id() {
	local root unit
	boot_unit
	boot_good | boot_plan
	root=$(boot_root)
	rm -f "$root/etc/machine-id"
	# One asks on the console, the other waits for a network.
	for unit in systemd-firstboot.service systemd-networkd-wait-online.service; do
		ln -s /dev/null "$root/etc/systemd/system/$unit"
	done
	install -D -m 0644 -t "$root/usr/lib/systemd/system-preset" "$here/../../templates/units/90-bulkhead.preset"
	sed 's|sockets.target$|multi-user.target|' "$root/usr/lib/systemd/system/bulkhead-boot.service" \
		>"$root/usr/lib/systemd/system/bulkhead-off.service"
	boot
	boot_first_is_right
	same "what is off stays off" disabled "$(host_exec "$H" systemctl is-enabled bulkhead-off.service || :)"
	host_kill "$H"

	host_copy "$H" "$SUITE"
	boot_unit
	boot_good 'boot: {strict: true}' | boot_plan
	"$BULKHEAD" apply --root "$(boot_root)" "$(boot_root)/etc/bulkhead/plan.yaml" | tee "$W/out"
	boot_bad | boot_plan
	HOST_WITHOUT_DOCKER=1 boot
	boot_is failed
	expect_kept_down
}

expect_kept_down() {
	same "docker.service" inactive "$(host_exec "$H" systemctl is-active docker.service || :)"
	same "docker.socket" inactive "$(host_exec "$H" systemctl is-active docker.socket || :)"
	! host_exec "$H" pgrep -x dockerd || fail "no dockerd" "one"
	boot_journal
	says 'plan.yaml:2:.*icc: expects true or false'
	says 'the boot goes on with .* without Docker'
}

scenario_boot_fails() {
	boot_unit
	boot_good | boot_plan
	boot
	boot_is active
	manifest >"$W/good"

	boot_bad | boot_plan
	boot
	boot_is failed
	same "exit code" 64 "$(host_exec "$H" systemctl show -P ExecMainStatus bulkhead-boot.service)"
	boot_journal
	says 'plan.yaml:2:.*icc: expects true or false'
	expect_starts 1
	expect_hardened
	host_boot_validates && boot_undone

	boot_good 'boot: {strict: true}' | plan
	bh 0 apply
	bh 0 check --verbose
	says 'ok +boot.strict +true'
	boot_bad | boot_plan
	HOST_WITHOUT_DOCKER=1 boot
	boot_is failed
	expect_kept_down
	boot_good 'boot: {strict: true}' | plan
	bh 0 apply
	expect_starts 1
	boot_is active
	expect_hardened
	plan_baseline
	bh 0 apply
	sh_ '! test -e /etc/systemd/system/docker.service.d/50-bulkhead-boot.conf
		! test -e /etc/systemd/system/docker.socket.d/50-bulkhead-boot.conf
		! systemctl show -P Requires docker.service | grep bulkhead'
	expect_hardened
	host_exec "$H" systemctl disable bulkhead-boot.service
	boot_good 'boot: {strict: true}' | plan
	bh 2 check
	says 'pending +boot.strict.*systemctl enable bulkhead-boot.service'
	bh 0 apply
	sh_ '! test -e /etc/systemd/system/docker.service.d/50-bulkhead-boot.conf'
}

host_boot_validates() { [[ $SUITE != bookworm ]]; }

# It goes wrong half-way: all is put back, and Docker comes up on that.
boot_undone() {
	sh_ 'mv /usr/sbin/dockerd /usr/sbin/dockerd.real
		printf "#!/bin/sh\ncase \" \$* \" in *\" --validate \"*) echo no such luck; exit 1 ;; esac\nexec /usr/sbin/dockerd.real \"\$@\"\n" >/usr/sbin/dockerd
		chmod 755 /usr/sbin/dockerd'
	boot_good 'daemon: {max-concurrent-downloads: 2}' | plan
	boot
	boot_is failed
	boot_journal
	says 'no such luck'
	says 'undone: everything was put back'
	sh_ '! grep -q max-concurrent /etc/docker/daemon.json; mv /usr/sbin/dockerd.real /usr/sbin/dockerd'
	expect_starts 1
	expect_hardened
	boot_good | plan
	bh 0 check
}

# The power went while an apply waited for Docker, and the plan was spoilt since.
scenario_boot_recovers() {
	boot
	host_put "$H" "$BULKHEAD" /usr/sbin/bulkhead 0755
	plan_icc
	odd "if $new && [ ! -e /var/odd ]; then touch /var/odd; sync; exec sleep 1000; fi"
	before
	host_exec "$H" bulkhead apply >"$W/out" 2>&1 &
	until_ 'test -e /var/odd'
	host_exec "$H" sync
	host_cut "$H"
	boot_unit
	boot_bad | boot_plan
	boot
	boot_is failed
	boot_journal
	says 'recovered: transaction 1, which was interrupted, is undone'
	expect_starts 1
	bh 0 recover
	says 'nothing to recover'
	expect_icc true

	rm "$(boot_root)/var/odd"
	plan_icc
	host_exec "$H" bulkhead apply >"$W/out" 2>&1 &
	until_ 'test -e /var/odd'
	host_exec "$H" sync
	boot
	boot_is active
	boot_journal
	says 'recovered: transaction 1, which was interrupted, is undone'
	says 'done: transaction 1'
	expect_starts 1
	expect_icc false
}

# The unit of the fence is made while the boot is under way, and the port opens behind it.
scenario_boot_tls() {
	boot_unit
	boot_good 'tls: {listen: ["tcp://0.0.0.0:2376"], from: [10.0.0.0/8], names: [host], make: true}' | boot_plan
	boot
	boot_is active
	expect_starts 1
	expect_hardened
	bh 0 check
	says 'ok +tls.listen'
	says 'ok +tls.from'
}

# What no test of a file shows: Docker starts on what was there, not on what the boot applied. Docker itself tries three times first.
scenario_boot_docker_fails() {
	boot
	host_put "$H" "$BULKHEAD" /usr/sbin/bulkhead 0755
	plan_icc
	odd "if $new; then echo 'level=fatal msg=\"no such luck\"' >&2; sleep 0.5; exit 1; fi"
	before
	boot_unit
	HOST_WITHOUT_DOCKER=1 boot
	until_ 'systemctl is-active -q docker.service && docker version >/dev/null 2>&1'
	until_ '[ "$(systemctl show -P ActiveState bulkhead-boot-undo.service)" = inactive ]' # it watches Docker
	boot_is active
	sh_ 'journalctl --sync; journalctl -q -b -o cat -u bulkhead-boot-undo.service' >"$W/out"
	says 'rolled back: transaction 1'
	expect_icc true
	manifest >"$W/after"
	grep -v sockets.target.wants "$W/before" >"$W/before-of-all"
	grep -v sockets.target.wants "$W/after" >"$W/after-of-all"
	unchanged "/etc" "$W/before-of-all" "$W/after-of-all"
	# Started by hand later it has nothing to take back.
	bh 0 history
	cp "$W/stdout" "$W/history"
	sh_ 'systemctl start bulkhead-boot-undo.service'
	bh 0 history
	same "the history" "$(cat "$W/history")" "$(cat "$W/stdout")"
}

# The whole manual: installed, the plan edited, switched on. What a boot can't do beside Docker, a whole apply does, or puts back.
beside_docker_switched_on() {
	local id
	bh 0 rollback
	bh 0 rollback
	expect_icc true
	host_put "$H" "$BULKHEAD" /usr/sbin/bulkhead 0755
	boot_unit
	install_unit bulkhead-apply.service
	rm "$(boot_root)/etc/systemd/system/sockets.target.wants/bulkhead-boot.service"
	boot_good | plan
	sh_ 'systemctl daemon-reload; systemctl enable --now bulkhead-boot.service'
	beside_docker_applied success
	boot_journal
	says 'nothing was touched: this is no boot, Docker runs already. bulkhead-apply.service applies the plan now'
	expect_hardened
	bh 0 check
	id=$(invocation)
	sh_ 'systemctl restart bulkhead-boot.service'
	beside_docker_applied success
	same "nothing is left to do: InvocationID" "$id" "$(invocation)"

	boot_good 'daemon: {log-driver: local}' | plan
	odd "if grep -q log-driver /etc/docker/daemon.json; then echo 'level=fatal msg=\"no such luck\"' >&2; sleep 0.5; exit 1; fi"
	sh_ 'systemctl restart bulkhead-boot.service'
	beside_docker_applied exit-code
	sh_ 'journalctl --sync; journalctl -q -b -o cat -u bulkhead-apply.service' >"$W/out"
	says 'undone: everything was put back'
	expect_hardened
}
beside_docker_applied() { # RESULT
	until_ '! systemctl list-jobs | grep bulkhead-apply >/dev/null' # queued before the other ends
	same "bulkhead-apply.service" "$1" "$(host_exec "$H" systemctl show -P Result bulkhead-apply.service)"
}

# As after `systemctl enable --now`: Docker runs already, and the boot's run waits for nobody.
scenario_boot_beside_docker() {
	local id
	id=$(invocation)
	bh 0 apply --boot
	says 'restart put off: --boot touches no unit; to have it now: bulkhead apply'
	same "InvocationID" "$id" "$(invocation)"
	bh 2 check
	bh 0 apply
	expect_hardened
	beside_docker_switched_on
	bh 64 apply --boot --root /
	bh 64 check --boot
	bh 64 rollback --boot 1
}
