#!/usr/bin/env bash
# Starts a throw-away Postfix on loopback, as a neighbour for tests and measurements. It needs root and Debian's postfix.
# Usage: scripts/postfix.sh start DIR PORT [NAME=VALUE …] | stop DIR. Each NAME=VALUE is a line of main.cf.
# It says nothing and fails with 3 when there is no Postfix or no root. Its log is DIR/log.
set -eu
verb=${1:?start or stop} dir=${2:?folder}
[ "$(id -u)" = 0 ] && command -v postfix >/dev/null 2>&1 || exit 3
case $verb in
start)
	port=${3:?port}
	shift 3
	mkdir -p "$dir/etc" "$dir/queue" "$dir/data" "$dir/mail"
	chown postfix "$dir/data" "$dir/mail"
	chmod 755 "$dir"
	cat >"$dir/etc/main.cf" <<-END
		compatibility_level = 3.6
		queue_directory = $dir/queue
		data_directory = $dir/data
		maillog_file = $dir/log
		maillog_file_prefixes = $dir
		inet_interfaces = 127.0.0.1
		inet_protocols = ipv4
		smtp_bind_address = 127.0.0.1
		smtp_dns_support_level = disabled
		smtp_host_lookup = native
		smtputf8_enable = yes
		mydestination =
		alias_maps =
		alias_database =
		local_recipient_maps =
		virtual_uid_maps = static:$(id -u postfix)
		virtual_gid_maps = static:$(id -g postfix)
		virtual_mailbox_base = $dir/mail
		virtual_minimum_uid = 1
		default_database_type = hash
	END
	for line in "$@"; do printf '%s\n' "${line/=/ = }" >>"$dir/etc/main.cf"; done
	cat >"$dir/etc/master.cf" <<-END
		127.0.0.1:$port inet n - n - - smtpd
		pickup    unix  n - n 60 1 pickup
		cleanup   unix  n - n - 0 cleanup
		qmgr      unix  n - n 300 1 qmgr
		rewrite   unix  - - n - - trivial-rewrite
		bounce    unix  - - n - 0 bounce
		defer     unix  - - n - 0 bounce
		trace     unix  - - n - 0 bounce
		verify    unix  - - n - 1 verify
		flush     unix  n - n 1000? 0 flush
		proxymap  unix  - - n - - proxymap
		smtp      unix  - - n - - smtp
		relay     unix  - - n - - smtp
		lmtp      unix  - - n - - lmtp
		error     unix  - - n - - error
		retry     unix  - - n - - error
		discard   unix  - - n - - discard
		virtual   unix  - n n - - virtual
		anvil     unix  - - n - 1 anvil
		scache    unix  - - n - 1 scache
		tlsmgr    unix  - - n 1000? 1 tlsmgr
		postlog   unix-dgram n - n - 1 postlogd
	END
	postfix -c "$dir/etc" start >/dev/null 2>"$dir/start" || { cat "$dir/start" "$dir/log" >&2; exit 1; }
	;;
stop) postfix -c "$dir/etc" stop >/dev/null 2>&1 || true ;;
esac
