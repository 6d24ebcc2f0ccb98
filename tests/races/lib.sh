# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# What the parts share. Needs BULKHEAD; makes $tmp, which goes at the end with all that was started.

set -uo pipefail
shopt -s extglob
export LC_ALL=C
: "${BULKHEAD:?the program}"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
full=${FULL:-false}
RANDOM=${SEED:-1}
passed=0 failed=0 skipped=0

# In memory where that can be: what is on a disk in the end is not the question here.
tmp=$(mktemp -d -p "$([[ -w /dev/shm ]] && echo /dev/shm || echo /tmp)")
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

ok() { passed=$((passed + 1)); }
bad() {
	local text=$*
	failed=$((failed + 1))
	text=${text//$'\n'/ | }
	echo "FAIL ${text:0:700}"
}
skip() { skipped=$((skipped + 1)); echo "SKIP $*"; }

# is WHAT WANTED FOUND
is() {
	if [[ $2 == "$3" ]]; then ok; else bad "$1: expected $2, found $3"; fi
}

# says WHAT PATTERN TEXT: an extended regular expression
says() {
	if [[ $3 =~ $2 ]]; then ok; else bad "$1: expected words like '$2', found: $3"; fi
}

totals() {
	echo "$passed passed, $failed failed, $skipped skipped"
	((failed == 0))
}

# What a run may leave only while it runs.
leftovers() {
	find "$1" \( -name '*.bulkhead-*' -o -path '*/var/lib/bulkhead/new' -o -path '*/var/lib/bulkhead/old' -o -path '*/var/lib/bulkhead/pending' -o \
		-path '*/etc/*.lock' ! -name .pwd.lock -o -regex '.*/etc/\(passwd\|group\|shadow\|gshadow\|subuid\|subgid\)\.[0-9]+' \) | head -n 3 | tr '\n' ' '
}
