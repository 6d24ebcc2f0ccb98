# shellcheck shell=bash disable=SC2016 # the hosts' shells expand what is in single quotes
# Drift: found soon after a change and told to the journal by stable ids, or mended; nothing that changes
# while a look is under way is missed, a burst stops nothing, and a mending that fails is not tried again.
# shellcheck disable=SC2034 # read by run
SCENARIOS+='
drift_told		pristine	dirty		bus
drift_mended		pristine	dirty		bus,once
'

# Ids, as src/event.c has them: alerts are built on these.
as_wanted=1fc5a97b1571450a8cec9f20c3026fc9
drift=95551d6aea844916aa14da744ae48465
waits=c8ba345c96564134ac595ca2542f6cab
mended=7e7be8c2ae2c40949ba0987da034393e
not_mended=f8ad38b35d2a46dfa8b7edc77b0b6e3b
interrupted=db506cb30fdf487298dee2767065a926
recovered=2b96611b16fb4f4c9061d80a88a2b461

drift_units() { # [LINE...]: installed and on; further lines of [Service]
	local file
	for file in "$here"/../../templates/units/bulkhead-drift*; do
		sed 's|@sbindir@|/usr/bin|' "$file" >"$W/unit"
		host_put "$H" "$W/unit" "/usr/lib/systemd/system/${file##*/}"
	done
	host_put "$H" "$here/../../templates/bulkhead.catalog" /usr/lib/systemd/catalog/bulkhead.catalog
	sh_ 'journalctl --update-catalog
		systemctl daemon-reload
		systemctl enable -q --now bulkhead-drift.timer bulkhead-drift.path'
}

plan_drift() { # ACTION [LINE...]
	{
		printf 'version: 1\ninclude: [profile:baseline]\nservice: {watch: 0}\ndrift: %s\n' "$1"
		shift
		(($# == 0)) || printf '%s\n' "$@"
	} | plan
}

entries() { # ID [SETTING]: how many since mark
	sh_ 'journalctl --sync; journalctl -q -b -o json --after-cursor="$1" |
		jq -s "map(select(.MESSAGE_ID == \"$2\" and (\"$3\" == \"\" or .BULKHEAD_SETTING == \"$3\"))) | length"' \
		"$(cat "$W/cursor")" "$1" "${2:-}"
}

told() { # ID [SETTING]: soon
	local i
	for ((i = 0; i < 100; i++)); do
		(($(entries "$@") == 0)) || return 0
		sleep 0.1
	done
	host_exec "$H" journalctl -q -b --no-pager -o short-precise -n 60 -t systemd -t bulkhead
	fail "an entry $1 about '${2:-}'" "none in 10 s"
}

at_rest() { # all that came of a change has come to its end
	sh_ 'n=0; for i in $(seq 200); do
			if [ -e /run/bulkhead-drift.due ] || ! systemctl is-active -q bulkhead-drift.path ||
				[ "$(systemctl show -P ActiveState bulkhead-drift.service)" = activating ] ||
				[ "$(systemctl show -P ActiveState bulkhead-drift-due.service)" = activating ]; then
				n=0
			else
				n=$((n + 1))
			fi
			[ $n -lt 4 ] || exit 0; sleep 0.1
		done; exit 1' || fail "an end of it" "$(host_exec "$H" systemctl list-units --no-legend 'bulkhead-drift*')"
}

alive_() {
	same "units of drift" "active active active" \
		"$(host_exec "$H" systemctl is-active bulkhead-drift.timer bulkhead-drift.path bulkhead-drift-due.path | xargs)"
	same "failed units of drift" "" "$(host_exec "$H" systemctl list-units --failed --plain --no-legend 'bulkhead*' | xargs)"
}

set_icc() { sh_ 'f=/etc/docker/daemon.json; jq ".icc = $1" $f >$f.new; mv $f.new $f' "$1"; } # by rename
json_icc() { host_exec "$H" jq .icc /etc/docker/daemon.json; }

scenario_drift_told() {
	local i
	plan_drift report
	bh 0 apply
	bh 0 check
	says 'noted +drift.action .*is not installed'
	drift_units
	bh 0 check
	says 'ok +drift.action'
	bh 0 check --output prometheus
	grep -q '^bulkhead_setting_state{module="daemon",setting="icc",cis="2.2"} 0$' "$W/stdout"
	grep -q '^bulkhead_transaction_id 1$' "$W/stdout"
	bh 0 check --output junit
	! command -v xmllint >/dev/null || xmllint --noout "$W/stdout"

	mark
	set_icc true
	told "$drift" daemon.icc
	sh_ 'journalctl -q -b -o json MESSAGE_ID="$1" | jq -es "map(select(.BULKHEAD_SETTING == \"daemon.icc\"))[0] |
			.BULKHEAD_WANTED == \"false\" and .BULKHEAD_STATE == \"drift\" and .BULKHEAD_CIS == \"2.2\" and
			.PRIORITY == \"4\" and .SYSLOG_IDENTIFIER == \"bulkhead\"" >/dev/null
		journalctl -q -b -x MESSAGE_ID="$1" | grep -q "Subject: daemon.icc is not as the plan wants it"' "$drift"
	same "icc in the file, which is only told of" true "$(json_icc)"
	at_rest
	alive_
	mark
	bh 0 apply # what it changes is seen, too: and is as wanted
	told "$as_wanted"
	same "entries of drift" 0 "$(entries "$drift")"
	at_rest

	# A change while a look is under way, after it looked.
	sh_ 'mkdir -p /run/systemd/system/bulkhead-drift.service.d
		printf "[Service]\nExecStart=\nExecStart=/bin/sh -c \"bulkhead drift; sleep 2\"\n" >/run/systemd/system/bulkhead-drift.service.d/slow.conf
		systemctl daemon-reload'
	mark
	host_exec "$H" touch /etc/docker/nothing
	told "$as_wanted"
	same "a look under way" activating "$(host_exec "$H" systemctl show -P ActiveState bulkhead-drift.service)"
	set_icc true
	told "$drift" daemon.icc
	sh_ 'rm -r /run/systemd/system/bulkhead-drift.service.d; systemctl daemon-reload'
	bh 0 apply
	at_rest

	# A burst: the last of 200 changes counts, in few looks.
	mark
	sh_ 'f=/etc/docker/daemon.json; cp $f /run/as-it-was; jq ".icc = true" $f >/run/drifted
		for i in $(seq 199); do cat /run/as-it-was >$f; done
		cat /run/drifted >$f'
	told "$drift" daemon.icc
	at_rest
	alive_
	i=$(logged '.UNIT == "bulkhead-drift.service" and .MESSAGE_ID == "7d4958e842da4a758f6c1cdc7b36dcc5"')
	((i > 0 && i < 10)) || fail "few looks for one burst" "$i"

	# A plan that can't be used is no drift: told, and the unit has failed.
	printf 'version: 1\ndrift: sometimes\n' | plan
	until_ 'systemctl is-failed -q bulkhead-drift.service'
	plan_drift report
	until_ '! systemctl is-failed -q bulkhead-drift.service'
	at_rest
	alive_
}

scenario_drift_mended() {
	local id pid n # of the daemon, of a container, of starts
	plan_drift apply
	bh 0 apply
	host_image "$H"
	drift_units
	at_rest

	# Mended once, and then at rest: what the mending itself changes is seen, and is as wanted.
	mark
	set_icc true
	told "$mended" daemon.icc
	at_rest
	same "icc in the file" false "$(json_icc)"
	same "mendings" 1 "$(entries "$mended" daemon.icc)"
	same "entries of drift" 1 "$(entries "$drift" daemon.icc)"
	expect_hardened
	alive_
	mark
	sh_ 'chmod 0666 /run/docker.sock'
	told "$mended" socket.mode
	at_rest
	expect_socket "660 root:docker"

	# if-idle: the file is mended, the container lives, and what waits is told.
	docker_ run -d --name works busybox:test sleep 600 >/dev/null
	pid=$(docker_ inspect -f '{{.State.Pid}}' works)
	id=$(invocation)
	mark
	printf 'version: 1\ninclude: [profile:baseline]\ndrift: apply\nservice: {restart: if-idle}\ndaemon: {log-level: warn}\n' | plan
	told "$waits" daemon.log-level
	at_rest
	same "log-level in the file" warn "$(host_exec "$H" jq -r '."log-level"' /etc/docker/daemon.json)"
	same "InvocationID" "$id" "$(invocation)"
	same "the container's process" "$pid" "$(docker_ inspect -f '{{.State.Pid}}' works)"
	docker_ rm -f works >/dev/null

	# What somebody stopped stays down.
	mark
	sh_ 'systemctl stop docker.service docker.socket; systemctl start bulkhead-drift.service'
	same "entries about the daemon, which waits" 1 "$(entries "$waits" service)"
	set_icc true
	told "$mended" daemon.icc
	at_rest
	expect_down docker.service
	same "icc in the file" false "$(json_icc)"
	sh_ 'systemctl start docker.socket docker.service'
	at_rest

	# An interrupted run is put back before anything is compared. The daemon hangs once.
	odd 'if grep -q error /etc/docker/daemon.json && [ ! -e /run/odd/go ]; then
		mkdir -p /run/odd; touch /run/odd/hangs
		while [ ! -e /run/odd/go ]; do sleep 0.1; done; fi'
	at_rest
	sh_ 'systemctl stop bulkhead-drift.path bulkhead-drift-due.path'
	printf 'version: 1\ninclude: [profile:baseline]\ndrift: apply\nservice: {watch: 0}\ndaemon: {log-level: error}\n' | plan
	bh_begin apply
	host_exec "$H" pkill -KILL -x bulkhead
	bh_end 137
	host_exec "$H" touch /run/odd/go
	mark
	sh_ 'systemctl start bulkhead-drift.service'
	same "an interrupted run was found, and put back" "1 1" "$(entries "$interrupted") $(entries "$recovered")"
	told "$mended" daemon.log-level
	sh_ 'rm -r /run/odd; systemctl start bulkhead-drift.path'
	bh 0 check

	# A mending that fails restarts Docker, and puts it back: once, however often is looked.
	odd 'if grep -q debug /etc/docker/daemon.json; then echo "level=fatal msg=\"no such luck\"" >&2; sleep 0.5; exit 1; fi'
	at_rest
	mark
	printf 'version: 1\ninclude: [profile:baseline]\ndrift: apply\nservice: {watch: 0}\ndaemon: {log-level: debug}\n' | plan
	told "$not_mended"
	at_rest
	expect_docker_up
	n=$(starts)
	id=$(invocation)
	same "mendings that failed" 1 "$(sh_ 'journalctl -q -b -o cat MESSAGE_ID="$1" | grep -c "no such luck"' "$not_mended")"
	sh_ 'touch /etc/docker/nothing'
	until_ 'journalctl -q -b -o cat MESSAGE_ID='"$not_mended"' | grep -q "not tried again"'
	at_rest
	same "starts of docker.service" "$n" "$(starts)"
	same "InvocationID" "$id" "$(invocation)"
	same "bulkhead-drift.service" failed "$(host_exec "$H" systemctl is-failed bulkhead-drift.service || :)"
	plan_drift apply
	until_ '! systemctl is-failed -q bulkhead-drift.service'
	at_rest
	alive_
	bh 0 check
}
