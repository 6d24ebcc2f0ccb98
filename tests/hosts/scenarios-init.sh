# shellcheck shell=bash disable=SC2016 # the hosts' shells expand what is in single quotes
# The first plan of a host that had Docker long before.
# shellcheck disable=SC2034 # read by run
SCENARIOS+='
init_changes_nothing	pristine	dirty	bus
'

# A host with user namespaces by a range of its own, and settings of several kinds.
scenario_init_changes_nothing() {
	local was
	sh_ 'f=/etc/docker/daemon.json
		[ -s $f ] || echo {} >$f
		id dockremap >/dev/null 2>&1 || useradd -r -U -s /usr/sbin/nologin dockremap
		for i in subuid subgid; do
			sed -i /^dockremap:/d /etc/$i
			echo dockremap:231072:65536 >>/etc/$i
		done
		jq "del(.icc) + {\"userns-remap\": \"default\", \"max-concurrent-downloads\": 2, \"shutdown-timeout\": 20}" $f >$f.new
		mv $f.new $f
		useradd -m -G docker deploy
		systemctl restart docker'
	expect_userns on
	was=$(invocation)

	bh 0 init
	says '^  ranges: \[\{owner: dockremap, count: 65536, start: 231072\}\]$'
	says '^  userns-remap: default$'
	says '^  max-concurrent-downloads: 2$'
	says '^  members: \[.*deploy.*\]$'
	says '^  #icc: false$'
	plan <"$W/stdout"
	manifest >"$W/before"
	sed 's/^\( *\)#\([^ ]\)/\1\2/' "$W/stdout" >"$W/all.yaml"
	bh 0 validate /etc/bulkhead/plan.yaml
	bh 0 diff
	bh 0 apply
	says 'nothing to do'
	bh 0 check

	# The page of the same look, from the running host.
	bh 0 check --output html
	says '<td role="cell" data-label="Running">as wanted: GET /info'
	says '231072'
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
	same "invocation" "$was" "$(invocation)"

	plan <"$W/all.yaml"
	bh 0 validate /etc/bulkhead/plan.yaml
	bh 2 diff
	bh 0 apply
	same "subuid of dockremap" 231072 "$(host_exec "$H" awk -F: '$1 == "dockremap" {print $2}' /etc/subuid)"
	expect_userns on
	bh 1 init
	says 'applied to this host already'
}
