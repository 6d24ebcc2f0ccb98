# shellcheck shell=bash disable=SC2016 # the hosts' shells expand what is in single quotes
# Directories that remapped containers may use, and the socket for users outside its group.
# shellcheck disable=SC2034 # read by run
SCENARIOS+='
volumes			hardened	dirty		bus
socket_acl		pristine	dirty		bus
'

as_user() { # UID: a container of that user that writes in /srv/data
	docker_ run --rm -u "$1" -v /srv/data:/data busybox:test sh -c "$2"
}

plan_volumes() { # [SECTION]
	printf 'version: 1\ninclude: [profile:baseline]\nservice: {watch: 1}\n%s\n' "${1:-}" | plan
}

scenario_volumes() {
	local start id before
	start=$(range_start subuid)
	sh_ 'install -d -m 0750 /srv/data /srv/closed; install -d /srv/closed/data; echo old >/srv/data/old'
	sh_ 'getfacl -pRn /srv' >"$W/acl-before"
	! as_user 33 'echo x >/data/f' || fail "no access before" "some"

	plan_volumes 'volumes: [{path: /srv/data, container-user: 33}, {path: /srv/closed/data, container-user: 33}]'
	before=$(invocation)
	bh 2 check
	bh 0 apply
	same "InvocationID" "$before" "$(invocation)"
	# Docker mounts it as the host's root: who can't pass the directories above can use it all the same.
	docker_ run --rm -u 33 -v /srv/closed/data:/data busybox:test sh -c 'echo in >/data/f'
	as_user 33 'mkdir /data/dir && echo made >/data/dir/f && cat /data/dir/f' || fail "a container that writes" "one that can't"
	! as_user 33 'cat /data/old && echo x >>/data/old' || fail "what was there before left alone" "written"
	! as_user 34 'ls /data' || fail "another uid kept out" "one that reads"
	! as_user 34 'echo x >/data/g' || fail "another uid kept out" "one that writes"
	same "owner of what a container made" "$((start + 33))" "$(host_exec "$H" stat -c %u /srv/data/dir/f)"
	sh_ 'test "$(cat /srv/data/dir/f)" = made'
	bh 0 check
	says 'ok +volumes\[0\]'
	stamps >"$W/before"
	bh 0 apply
	stamps >"$W/after"
	unchanged "every file" "$W/before" "$W/after"

	# Made inside by the host: usable in the container, too.
	sh_ 'echo host >/srv/data/host'
	as_user 33 'cat /data/host && echo more >>/data/host'

	# What is there already, when the plan says so. What a container put there leads nowhere.
	as_user 33 'ln -s /etc /data/dir/etc; ln -s /etc/shadow /data/dir/shadow'
	host_exec "$H" stat -c '%a %z' /etc/shadow /etc >"$W/etc-before"
	plan_volumes 'volumes: [{path: /srv/data, container-user: 33, recursive: true}]'
	bh 0 apply
	as_user 33 'echo x >>/data/old'
	bh 0 check
	host_exec "$H" stat -c '%a %z' /etc/shadow /etc >"$W/etc-after"
	unchanged "/etc" "$W/etc-before" "$W/etc-after"

	plan_volumes 'volumes: [{path: /srv/data, container-user: 33, recursive: true}, {path: /srv/data, container-user: 34, access: ro}]'
	bh 0 apply
	sh_ 'echo new >/srv/data/new'
	same "what a reader reads" new "$(as_user 34 'cat /data/new')"
	! as_user 34 'echo x >>/data/new' || fail "a reader kept from writing" "one that writes"
	! as_user 34 'echo x >/data/g' || fail "a reader kept from making files" "one that makes"
	as_user 33 'echo x >>/data/new; rm /data/new'
	bh 0 check
	bh 0 rollback

	plan_volumes
	bh 0 apply
	sh_ 'getfacl -pRn /srv' >"$W/acl-after"
	id=$((start + 33))
	! grep -q ":$id:" "$W/acl-after" || fail "no entry for $id" "$(grep ":$id:" "$W/acl-after")"
	! as_user 33 'echo x >/data/late' || fail "no access without the section" "some"
	bh 0 rollback
	as_user 33 'echo x >/data/late'
	bh 0 rollback
	bh 0 rollback
	sh_ 'rm -rf /srv/data/* /srv/closed/data/*; echo old >/srv/data/old'
	sh_ 'getfacl -pRn /srv' >"$W/acl-after"
	unchanged "ACLs under /srv" "$W/acl-before" "$W/acl-after"
}

asks_docker() { # USER
	host_exec "$H" setpriv --reuid "$1" --regid "$1" --init-groups docker ps -q >/dev/null
}

scenario_socket_acl() {
	local before
	sh_ 'for u in alice bob carol; do useradd -m $u; done; groupadd deploy; usermod -aG deploy carol'
	! asks_docker alice || fail "alice kept out before" "in"
	plan_volumes 'socket: {acl: {users: [alice], groups: [deploy]}}'
	bh 0 apply
	says 'ok +socket\.acl'
	asks_docker alice
	asks_docker carol
	! asks_docker bob || fail "bob kept out" "in"
	bh 0 check
	stamps >"$W/before"
	bh 0 apply
	stamps >"$W/after"
	unchanged "every file" "$W/before" "$W/after"

	sh_ 'systemctl restart docker.socket; for i in $(seq 100); do ! docker version >/dev/null 2>&1 || exit 0; sleep 0.1; done; exit 1'
	asks_docker alice
	asks_docker carol
	! asks_docker bob || fail "bob kept out" "in"
	bh 0 check

	# chmod shuts them out; somebody else is let in: both are told and mended.
	host_exec "$H" chmod 0600 /run/docker.sock
	! asks_docker alice || fail "alice shut out by chmod" "in"
	bh 2 check
	says 'drift +socket\.acl'
	host_exec "$H" setfacl -m u:bob:rw /run/docker.sock
	bh 2 check
	says 'an ACL lets others in'
	bh 0 apply
	asks_docker alice
	! asks_docker bob || fail "bob kept out" "in"

	plan_volumes 'socket: {acl: {users: [alcie]}}'
	bh 64 apply
	says 'did you mean alice'
	host_exec "$H" mv /usr/bin/setfacl /usr/bin/setfacl.away
	plan_volumes 'socket: {acl: {users: [alice]}}'
	bh 1 apply
	says 'install the package acl'
	# Without it docker.socket starts all the same, and they are out.
	sh_ 'systemctl reset-failed docker.service docker.socket; systemctl restart docker.socket
		for i in $(seq 100); do ! docker version >/dev/null 2>&1 || exit 0; sleep 0.1; done; exit 1'
	! asks_docker alice || fail "alice out without setfacl" "in"
	host_exec "$H" mv /usr/bin/setfacl.away /usr/bin/setfacl
	bh 0 apply
	asks_docker alice
	! asks_docker carol || fail "carol out with her group" "in"

	plan_volumes
	bh 0 apply
	! asks_docker alice || fail "alice out with the setting" "in"
	expect_socket "660 root:docker"
}
