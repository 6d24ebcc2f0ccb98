# shellcheck shell=bash disable=SC2016 # the hosts' shells expand what is in single quotes
# Who may use Docker, and what others may do to its files. What is asked is what shadow's tools, docker(1) and
# stat(1) on the host say.
# shellcheck disable=SC2034 # read by run
SCENARIOS+='
trusted_users		pristine	pristine	bus
permissions		pristine	pristine	bus
'

members() { # of group docker, in both files
	sh_ 'for f in group gshadow; do awk -F: "\$1 == \"docker\" { print \$4 }" "/etc/$f"; done | xargs'
}

may() { # USER yes|no: docker(1) as a new session of that user's sees it
	local found=no
	! host_exec "$H" setpriv --reuid "$1" --regid "$1" --init-groups docker version >/dev/null 2>&1 || found=yes
	same "docker for $1" "$2" "$found"
}

scenario_trusted_users() {
	local started
	started=$(invocation)
	sh_ 'for u in alice bob carol; do useradd -M "$u"; done
		for u in bob alice; do usermod -aG docker "$u"; done
		gpasswd -A carol docker'
	printf 'version: 1\ntrusted-users: {members: [carol, alcie]}\n' | plan
	manifest >"$W/before"
	bh 64 apply
	says "no user 'alcie' .* did you mean alice"
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
	printf 'version: 1\ntrusted-users: {members: [carol, alice]}\n' | plan
	bh 2 check
	may bob yes
	may carol no
	bh 0 apply
	says 'taken out: bob; added: carol'
	says 'loginctl terminate-user'
	says 'administrators who may add members: carol'
	same "members" "alice,carol alice,carol" "$(members)"
	same "its administrators" carol "$(sh_ 'awk -F: "\$1 == \"docker\" { print \$3 }" /etc/gshadow')"
	may alice yes
	may bob no
	may carol yes
	sh_ 'grpck -r' || fail "databases that grpck finds in order" "others"
	stamps >"$W/stamps"
	bh 0 apply
	bh 0 check
	stamps >"$W/stamps-after"
	unchanged "the host" "$W/stamps" "$W/stamps-after"
	sh_ 'gpasswd -a bob docker >/dev/null' # its locks are free
	bh 2 check
	says 'drift +trusted-users.members .*found alice,carol,bob'
	bh 0 apply
	may bob no
	bh 0 rollback
	same "members" "alice,carol,bob alice,carol,bob" "$(members)" # as gpasswd left them
	bh 1 rollback # of the first, whose line is not as it left it
	says '/etc/group: is no longer what'
	sh_ 'gpasswd -d bob docker >/dev/null'
	bh 0 rollback
	same "members" "bob,alice bob,alice" "$(members)"
	sh_ 'usermod -g docker bob'
	bh 1 apply
	says "primary group of user 'bob', .*usermod -g GROUP bob"
	sh_ 'for u in alice bob carol; do userdel "$u"; done; gpasswd -A "" docker' 2>/dev/null
	same "the daemon" "$started" "$(invocation)"
	plan_baseline
}

# What an audit looks at: the benchmark's own words for 3.1 to 3.24.
audit() {
	sh_ 'stat -c "%a %U:%G %n" "$(systemctl show -P FragmentPath docker.service)" "$(systemctl show -P FragmentPath docker.socket)" \
		/etc/docker /etc/docker/certs.d /etc/docker/certs.d/reg.example/* /etc/docker/tls/* /run/docker.sock \
		/etc/docker/daemon.json /etc/default/docker /run/containerd/containerd.sock | sed "s|/.*/||"'
}

scenario_permissions() {
	sh_ 'mkdir -p /etc/docker/certs.d/reg.example /etc/docker/tls
		cd /etc/docker
		touch certs.d/reg.example/ca.crt certs.d/reg.example/client.key tls/ca.pem tls/key.pem
		echo "{\"tlscacert\": \"/etc/docker/tls/ca.pem\", \"tlskey\": \"/etc/docker/tls/key.pem\"}" >daemon.json
		chmod 777 . certs.d
		setfacl -m u:1000:rw daemon.json
		chmod 666 /run/docker.sock /run/containerd/containerd.sock /etc/default/docker tls/key.pem
		chown 1000:1000 "$(systemctl show -P FragmentPath docker.socket)"
		chmod 664 "$(systemctl show -P FragmentPath docker.service)"'
	printf 'version: 1\npermissions: {}\n' | plan
	manifest >"$W/before"
	audit >"$W/loose"
	bh 2 check
	says 'drift +permissions.docker.sock .*found 0:0|drift +permissions.docker.sock .*0666'
	bh 0 apply
	audit | sort >"$W/found"
	sort >"$W/wanted" <<-END
		644 root:root docker.service
		644 root:root docker.socket
		755 root:root docker
		755 root:root certs.d
		444 root:root ca.crt
		400 root:root client.key
		444 root:root ca.pem
		400 root:root key.pem
		660 root:docker docker.sock
		644 root:root daemon.json
		644 root:root docker
		660 root:root containerd.sock
	END
	unchanged "owners and modes as the benchmark wants them" "$W/wanted" "$W/found"
	! sh_ 'getfacl -cp /etc/docker/daemon.json | grep -q user:1000' || fail "no ACL" "one"
	sh_ 'systemctl reset-failed docker.service; systemctl restart docker.service' # the engine's own chmods are none of ours
	expect_docker_up
	docker_ run --rm busybox:test true
	stamps >"$W/stamps"
	bh 0 apply
	bh 0 check
	stamps >"$W/stamps-after"
	unchanged "the host" "$W/stamps" "$W/stamps-after"
	same "NeedDaemonReload" no "$(host_exec "$H" systemctl show -P NeedDaemonReload docker.service)"
	bh 0 rollback
	manifest >"$W/after"
	unchanged "/etc" "$W/before" "$W/after"
	audit >"$W/found"
	unchanged "owners and modes" "$W/loose" "$W/found"
	sh_ 'rm -r /etc/docker/certs.d /etc/docker/tls /etc/docker/daemon.json
		chmod 755 /etc/docker
		chmod 660 /run/docker.sock /run/containerd/containerd.sock
		chmod 644 /etc/default/docker "$(systemctl show -P FragmentPath docker.service)"
		chown 0:0 "$(systemctl show -P FragmentPath docker.socket)"'
	plan_baseline
}
