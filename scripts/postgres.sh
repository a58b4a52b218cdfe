#!/usr/bin/env bash
# Starts a throw-away PostgreSQL for the tests on a Unix socket and a free loopback port, and prints its address.
# Usage: scripts/postgres.sh start DIR | stop DIR. Says nothing and fails when no server program is found.
set -eu
dir=${2:?folder}
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$bin" ] || bin=$(dirname "$(command -v initdb 2>/dev/null || echo /none/initdb)")
[ -x "$bin/initdb" ] || exit 3
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
case ${1:?start or stop} in
start)
	if [ ! -d "$dir/data" ]; then
		mkdir -p "$dir"
		if [ "$(id -u)" = 0 ]; then
			id postgres >/dev/null 2>&1 || useradd --system postgres
			chown postgres "$dir"
		fi
		as "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
	fi
	port=$(node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
	as "$bin/pg_ctl" -D "$dir/data" -w -s -l "$dir/log" -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300" start >/dev/null
	echo "postgres://postgres@127.0.0.1:$port/postgres?sslmode=disable"
	;;
stop) as "$bin/pg_ctl" -D "$dir/data" -m immediate -s stop >/dev/null 2>&1 || true ;;
esac
