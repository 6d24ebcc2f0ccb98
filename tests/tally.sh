# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# How scripts of tests count, and close. Sourced.
passed=0 failed=0 skipped=0

pass() { passed=$((passed + 1)); echo "PASS $1"; }
fail() { failed=$((failed + 1)); printf 'FAIL %s: %s\n' "$1" "$2" | head -n 40; }
skip() { skipped=$((skipped + 1)); echo "SKIP $1: $2"; }

check() { # NAME COMMAND...: in a shell of its own; what it prints is why not
	local name=$1 why
	shift
	if why=$("$@" 2>&1); then pass "$name"; else fail "$name" "$why"; fi
}

# What holds is not told.
is() { # NAME WANTED FOUND
	if [[ $2 == "$3" ]]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAIL %s\n  expected: %s\n  found:    %s\n' "$1" "$2" "$3"
	fi
}

tally() {
	echo "$passed passed, $failed failed, $skipped skipped"
	((failed == 0))
	exit
}
