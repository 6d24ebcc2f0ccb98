# shellcheck shell=bash disable=SC2016 # the hosts' shells expand what is in single quotes
# What scenarios are written in. They run in a subshell under set -e on the host $H of suite $SUITE;
# $W is their scratch directory, kept as the log when they fail.

ETC_LOCKS='/etc/\.pwd\.lock|/etc/(passwd|group|shadow|gshadow|subuid|subgid)-'

fail() { # WANTED FOUND
	echo "expected $1, found $2" | tr '\n' ' ' | cut -c 1-400 >"$W/why"
	exit 1
}

skip() { # REASON; nothing was tested
	echo "$1" >"$W/skip"
	exit 0
}

unexpected() { # CODE: the ERR trap, where a command that was to work did not
	local i
	[[ ! -s $W/why ]] || return 0
	for ((i = 1; i < ${#FUNCNAME[@]} - 1; i++)); do
		[[ ${FUNCNAME[i]} != scenario_* ]] || break
	done
	echo "${FUNCNAME[i]}, line ${BASH_LINENO[i - 1]}: '${BASH_COMMAND}' exited with $1" |
		tr '\n' ' ' | cut -c 1-400 >"$W/why"
}

same() { # WHAT WANTED FOUND
	echo "    $1: wanted '$2', found '$3'"
	[[ $2 == "$3" ]] || fail "$1 '$2'" "'$3'"
}

# --- the host

sh_() { host_sh "$H" "$@"; }
docker_() { host_exec "$H" docker "$@"; }

plan() { # standard input becomes the host's plan
	cat >"$W/plan.yaml"
	host_put "$H" "$W/plan.yaml" /etc/bulkhead/plan.yaml
}

# Not watched for long: that it is, and how long without this, is what dies_later asserts.
plan_baseline() { printf 'version: 1\ninclude: [profile:baseline]\nservice: {watch: 1}\n' | plan; }

# bh CODE ARG...: run bulkhead, which must exit with CODE; $W/out has all it said, $W/stdout the rest.
bh() {
	local want=$1 rc=0
	shift
	host_exec "$H" bulkhead "$@" >"$W/stdout" 2>"$W/stderr" || rc=$?
	cat "$W/stdout" "$W/stderr" >"$W/out"
	echo "--- bulkhead $* -> $rc"
	sed 's/^/    | /' "$W/out"
	((rc == want)) || fail "'bulkhead $*' to exit with $want" "$rc: $(tail -n 3 "$W/stderr")"
}

says() { # the last bh said this (extended regular expression, any case)
	grep -Eiq -- "$1" "$W/out" || fail "a report that says /$1/" "$(tail -n 4 "$W/out")"
}

# --- what does not change

# All of /etc but lock files and shadow's backups: type, mode, owner, link, content, xattrs (so ACLs).
manifest() {
	sh_ 'cd /; find /etc -xdev -printf "%p %y %m %U:%G %l\n" | grep -Ev "^($1) " | sort
		find /etc -xdev -type f | grep -Evx "$1" | sort | tr "\n" "\0" | xargs -0 sha256sum
		getfattr -R -P -h -d -m - -e hex --absolute-names /etc | grep -Ev "^# file: ($1)$" || :' "$ETC_LOCKS"
}

# Every file of the root (and locks and sockets in /run): inode, times, mode, owner. Nothing can have been
# written, not even the same bytes, when two of these are equal. Docker's data and the journal are left out.
stamps() {
	sh_ 'find / -xdev \( -path /var/lib/docker -o -path /var/lib/containerd -o -path "/home/*/.local/share/docker" -o -path /var/log/journal \) -prune -o \
			-printf "%D %p %y %i %m %U:%G %s %T@ %C@\n" |
			grep "^$(stat -c %d /) " # not the roots of what is mounted
		find /run/lock /run/docker.sock /run/bulkhead* -printf "%p %y %i %m %U:%G %s %T@ %C@\n" 2>/dev/null || :' | sort
}

unchanged() { # WHAT BEFORE AFTER
	diff -U0 "$2" "$3" >"$W/changed" || fail "$1 as before" "$(grep -E '^[-+][^-+]' "$W/changed" | head -n 6)"
	[[ -s $2 ]] || fail "a manifest" "an empty one"
}

# --- the daemon

invocation() { host_exec "$H" systemctl show -P InvocationID docker.service; }

mark() { sh_ 'journalctl --sync; journalctl -q -n 1 -o json | jq -r .__CURSOR' >"$W/cursor"; }

# What PID 1 logged since mark (or the boot) and jq selects, counted. jq does all the filtering: given
# matches beside --after-cursor, journalctl 252 swallows the first entry.
logged() { # FILTER
	sh_ 'journalctl --sync; journalctl -q -b -o json ${1:+--after-cursor="$1"} |
		jq -s "map(select(._PID == \"1\" and ($2))) | length"' "$(cat "$W/cursor" 2>/dev/null || :)" "$1"
}

starts() { # how often systemd set out to start docker.service: its "Starting ..." messages
	logged '.UNIT == "docker.service" and .MESSAGE_ID == "7d4958e842da4a758f6c1cdc7b36dcc5"'
}

reloads() { logged '.MESSAGE | tostring | test("^Reloading( requested.*|\\.+)?$")'; }

expect_starts() { same "starts of docker.service" "$1" "$(starts)"; }

expect_docker_up() {
	same "docker.service" active "$(host_exec "$H" systemctl is-active docker.service || :)"
	docker_ version >/dev/null || fail "a daemon that answers" "none"
}

expect_userns() { # on|off
	local found=off
	! docker_ info -f '{{json .SecurityOptions}}' | grep -q '"name=userns"' || found=on
	same "user namespaces in /info" "$1" "$found"
}

expect_icc() { # true|false
	same "enable_icc of /networks/bridge" "$1" "$(docker_ network inspect bridge \
		-f '{{index .Options "com.docker.network.bridge.enable_icc"}}')"
}

expect_socket() { same "docker.sock" "$1" "$(host_exec "$H" stat -c '%a %U:%G' /run/docker.sock)"; }

expect_hardened() { # as the baseline promises
	expect_docker_up
	expect_userns on
	expect_icc false
	expect_socket "660 root:docker"
}

range_start() { # of dockremap, in /etc/$1; exactly one line
	sh_ 'awk -F: "\$1 == \"dockremap\" { n++; s = \$2 } END { if (n == 1) print s; else print n + 0, \"lines\" }" "/etc/$1"' "$1"
}

# No two ranges of one file share an id, whoever owns them.
expect_no_overlap() {
	local file
	for file in subuid subgid; do
		sh_ 'sort -t: -k2,2n "/etc/$1" | awk -F: "NR > 1 && \$2 < end { print prev \" and \" \$0 }
			\$2 + \$3 > end { end = \$2 + \$3 } { prev = \$0 }"' "$file" >"$W/overlap"
		[[ ! -s $W/overlap ]] || fail "no overlap in /etc/$file" "$(cat "$W/overlap")"
	done
}

# Root of a container is the first id of the range, for the kernel and for whoever looks at the process.
expect_container_root() { # ID
	local pid
	docker_ run -d --name rooted busybox:test sleep 600 >/dev/null
	pid=$(docker_ inspect -f '{{.State.Pid}}' rooted)
	same "uid_map of a container" "0 $1 65536" "$(sh_ 'xargs <"/proc/$1/uid_map"' "$pid")"
	same "gid_map of a container" "0 $1 65536" "$(sh_ 'xargs <"/proc/$1/gid_map"' "$pid")"
	same "owner of a container's process" "$1:$1" "$(host_exec "$H" stat -c %u:%g "/proc/$pid")"
	docker_ rm -f rooted >/dev/null
}

# Do two containers on the default bridge reach each other? (Not wget: Debian 12's static one crashes.)
expect_talk() { # yes|no
	local ip found=no
	docker_ run -d --name talk-server busybox:test sh -c 'echo hello >/tmp/index.html; exec httpd -f -p 80 -h /tmp' >/dev/null
	docker_ run -d --name talk-client busybox:test sleep 600 >/dev/null
	ip=$(docker_ inspect -f '{{.NetworkSettings.Networks.bridge.IPAddress}}' talk-server)
	talk() { # the asking container
		docker_ exec "$1" sh -c "printf 'GET / HTTP/1.0\r\n\r\n' | timeout 3 nc $ip 80" 2>/dev/null | grep -q hello
	}
	local i
	for i in 1 2 3 4 5; do # the server is up and serves: or "no" would mean nothing
		! talk talk-server || break
		sleep 0.3
		((i < 5)) || fail "a web server in a container" "none that answers itself"
	done
	! talk talk-client || found=yes
	same "containers on the default bridge talk" "$1" "$found"
	docker_ rm -f talk-server talk-client >/dev/null
}
