#!/usr/bin/env bash
# Passes every test. Finds or (as root on Debian) installs Chromium and PostgreSQL; else says what it skips and why.
# With CI=true nothing may be skipped.
set -eu
cd "$(dirname "$0")/.."
GO=${GO:-go}
ci=${CI:-}
[ "$ci" = true ] && export AMICALE_NO_SKIP=1

need() { # need PROGRAM… -- PACKAGE…: one of the programs, else the packages are installed
	local programs=()
	while [ "$1" != -- ]; do programs+=("$1"); shift; done
	shift
	for p in "${programs[@]}"; do command -v "$p" >/dev/null 2>&1 && return 0; done
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
		echo "test: installing $*"
		# RUNLEVEL=1: what is installed for the tests is not started as a service
		apt-get update -qq >/dev/null && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
	fi
}
need chromium chromium-browser google-chrome -- chromium || true
[ -d /usr/lib/postgresql ] || need initdb -- postgresql || true
need postfix -- postfix || true

for p in chromium chromium-browser google-chrome; do
	if command -v "$p" >/dev/null 2>&1; then
		AMICALE_TEST_CHROMIUM=$(command -v "$p")
		export AMICALE_TEST_CHROMIUM
		break
	fi
done
[ -n "${AMICALE_TEST_CHROMIUM:-}" ] || echo "test: no Chromium found: the browser tests are skipped"

if [ -z "${AMICALE_TEST_POSTGRES:-}" ]; then
	dir=$(mktemp -d /tmp/amicale-pg.XXXXXX)
	chmod 755 "$dir"
	if AMICALE_TEST_POSTGRES=$(scripts/postgres.sh start "$dir"); then
		export AMICALE_TEST_POSTGRES
		trap 'scripts/postgres.sh stop "$dir"; rm -rf "$dir"' EXIT
	else
		unset AMICALE_TEST_POSTGRES
		rm -rf "$dir"
		echo "test: no PostgreSQL found: its half of the store tests is skipped"
	fi
fi

$GO test -shuffle=on -timeout 20m ./...
