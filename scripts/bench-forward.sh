#!/usr/bin/env bash
# Measures forwarding beside Postfix with postsrsd, in one run: `amicale bench forward` gives both the same load.
# Needs root and Debian's postfix and postsrsd. Usage: scripts/bench-forward.sh [--people N] [--n MESSAGES] …
set -eu
cd "$(dirname "$0")/.."
people=50000
for ((i = 1; i <= $#; i++)); do [ "${!i}" = --people ] && { j=$((i + 1)); people=${!j}; }; done
command -v postsrsd >/dev/null || { echo "bench-forward: no postsrsd" >&2; exit 3; }
work=$(mktemp -d)
srs=
trap 'scripts/postfix.sh stop "$work/postfix"; [ -z "$srs" ] || kill "$srs" 2>/dev/null; rm -rf "$work"' EXIT
ports=$(node -e 'const n=require("net");const s=[1,2,3,4].map(()=>n.createServer().listen(0,"127.0.0.1"));setTimeout(()=>{console.log(s.map(x=>x.address().port).join(" "));s.forEach(x=>x.close())},50)')
read -r smtp sink forward reverse <<<"$ports"
mkdir -p "$work/jail"
head -c 18 /dev/urandom | base64 >"$work/secret"
postsrsd -d alias.example -s "$work/secret" -f "$forward" -r "$reverse" -l 127.0.0.1 -u nobody -c "$work/jail" &
srs=$!
awk -v n="$people" 'BEGIN { for (i = 0; i < n; i++) printf "a%d@alias.example p%d@t%d.example\n", i, i, i % 20 }' >"$work/virtual"
postmap "hash:$work/virtual"
chmod 755 "$work"
scripts/postfix.sh start "$work/postfix" "$smtp" "myhostname=mx.alias.example" "mynetworks=" "virtual_alias_domains=alias.example" \
	"virtual_alias_maps=hash:$work/virtual" "relayhost=[127.0.0.1]:$sink" "sender_canonical_maps=tcp:127.0.0.1:$forward" \
	"sender_canonical_classes=envelope_sender" "recipient_canonical_maps=tcp:127.0.0.1:$reverse" \
	"recipient_canonical_classes=envelope_recipient,header_recipient" "smtpd_client_connection_count_limit=0" "smtpd_client_connection_rate_limit=0"
sleep 1
./bin/amicale bench forward --against "127.0.0.1:$smtp" --sink "127.0.0.1:$sink" "$@"
