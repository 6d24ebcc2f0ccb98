# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A host with something of everything, and plans for it: between them they ask for every kind of change that an offline root can have, of every module. Sourced at the top of the repository.

# The tree: ACLs, an extended attribute, set-group-ID bits, odd modes and owners, a database without a final newline.
rich_host() { # DIR
	local base
	cp -R examples/host "$1"
	for base in tls rootless auditd; do
		cp -R "tests/cases/base/$base/." "$1/"
	done
	chown -R 0:0 "$1"
	# Not those of the base: they are the host's that the baseline is for.
	cp examples/host/etc/docker/daemon.json "$1/etc/docker/daemon.json"
	printf 'docker:x:110:alice,bob' | sed -i -e "/^docker:/d" -e "\$r /dev/stdin" "$1/etc/group"
	sed -i 's/^docker:.*/docker:!:alice:alice,bob/' "$1/etc/gshadow"
	echo 'bob:x:1001:1001:Bob:/home/bob:/bin/bash' >>"$1/etc/passwd"
	echo 'bob:x:1001:' | cat - "$1/etc/group" >"$1/etc/group.new"
	mv "$1/etc/group.new" "$1/etc/group"
	chmod 640 "$1/etc/shadow" "$1/etc/gshadow" "$1/etc/audit/rules.d/audit.rules"
	chmod 604 "$1/etc/docker/daemon.json"
	touch "$1/usr/bin/setfacl" "$1/usr/sbin/nft"
	chmod 755 "$1"/usr/bin/* "$1"/usr/sbin/* "$1/usr/share/docker.io/contrib/dockerd-rootless.sh"
	chmod 4755 "$1"/usr/bin/newuidmap "$1"/usr/bin/newgidmap
	chmod 444 "$1"/etc/docker/tls/*
	chmod 640 "$1/etc/docker/tls/key.pem"
	chmod 664 "$1/usr/lib/systemd/system/docker.service"
	mkdir -p "$1/etc/docker/certs.d/reg.example" "$1/etc/selinux/default/contexts" "$1/srv/data/sub" "$1/srv/shared" "$1/var/lib/docker"
	echo ca >"$1/etc/docker/certs.d/reg.example/ca.crt"
	printf 'SELINUX=permissive\nSELINUXTYPE=default\n' >"$1/etc/selinux/config"
	cp tests/cases/selinux-enforcing/root/etc/selinux/default/contexts/lxc_contexts "$1/etc/selinux/default/contexts/"
	printf '127.0.0.1 localhost\n' >"$1/etc/hosts"
	echo x >"$1/srv/data/sub/file"
	ln -s /etc "$1/srv/data/way"
	echo x >"$1/srv/data/sub/"$'a\xff\nb'
	chown -R 7:7 "$1/srv/shared"
	chmod 2775 "$1/srv/shared"
	chmod 2775 "$1/etc/docker/certs.d"
	chmod 2777 "$1/etc/docker/certs.d/reg.example"
	chown 7:7 "$1/etc/docker/certs.d/reg.example"
	setfacl -m u:1000:r "$1/etc/docker/daemon.json" &&
		setfacl -m u:1000:rwx "$1/etc/docker/certs.d" &&
		setfacl -m u:1000:rwx,d:u:1000:rx "$1/srv/shared" &&
		setfattr -n user.owner -v team-7 "$1/etc/docker/daemon.json"
}

# Three plans, applied one after the other: everything is made, changed, and taken out.
rich_plans() { # DIR
	cat >"$1/everything.yaml" <<-'PLAN'
		version: 1
		include: [profile:baseline]
		subids: {ranges: [{owner: dockremap}]}
		daemon: {userns-remap: dockremap, selinux-enabled: false}
		trusted-users: {members: [alice]}
		socket: {acl: {users: [bob], groups: [daemon]}}
		tls: {listen: ["tcp://0.0.0.0:2376"], from: [10.0.0.0/8], names: [leaf]}
		registries: {block: [public], allow: ["registry.corp:5000"], enforce: hosts}
		selinux: {mode: enforcing}
		rootless: {users: [bob], port-start: 80}
		client: {content-trust: true, host: "tcp://docker.example.com:2376", tls-verify: true}
		audit: {}
		volumes:
		  - {path: /srv/data, container-user: 33, recursive: true}
		  - {path: /srv/shared, container-user: 33, access: ro}
		  - {path: /srv/new, container-user: 33, create: true}
		permissions:
		  paths: [{path: /var/lib/docker, mode: "0710"}]
	PLAN
	cat >"$1/other.yaml" <<-'PLAN'
		version: 1
		subids: {ranges: [{owner: dockremap}]}
		daemon: {icc: true, userns-remap: dockremap}
		trusted-users: {members: [bob]}
		socket: {acl: {users: [alice]}}
		tls: {listen: ["tcp://0.0.0.0:2376"], names: [leaf]}
		registries: {block: [public, bad.example], enforce: hosts}
		selinux: {mode: permissive}
		client: {host: "tcp://docker.example.com:2376", tls-verify: true}
		volumes: [{path: /srv/data, container-user: 33, access: ro}]
	PLAN
	printf 'version: 1\nsubids: {ranges: [{owner: dockremap}]}\ndaemon: {icc: false, userns-remap: dockremap}\n' >"$1/less.yaml"
}
