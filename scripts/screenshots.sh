#!/bin/sh
# Takes the two pictures of the README from a demonstration of its own: the built bin/amicale on a free port and a
# fresh folder. Needs Chromium. Each picture must stay below 250 kB, so that the page of the repository stays light.
set -eu
cd "$(dirname "$0")/.."
GO=${GO:-go}
work=$(mktemp -d)
demo=
trap 'if [ -n "$demo" ]; then kill "$demo" 2>/dev/null || true; wait "$demo" 2>/dev/null || true; fi; rm -rf "$work"' EXIT

# A port nobody listens on: the demonstration refuses one that is taken, and the next is tried.
url=
port=$((20000 + $$ % 20000))
for _ in 1 2 3 4 5; do
  port=$((port + 1))
  ./bin/amicale demo --data "$work/data" --listen "127.0.0.1:$port" >"$work/log" 2>&1 &
  demo=$!
  while kill -0 "$demo" 2>/dev/null && ! grep -q '^ready ' "$work/log"; do sleep 0.2; done
  url=$(sed -n 's/^ready //p' "$work/log")
  [ -z "$url" ] || break
done
[ -n "$url" ] || { echo "screenshots: the demonstration did not get ready" >&2; cat "$work/log" >&2; exit 1; }

mkdir -p docs/img
take() { # take PATH WIDTH NAME [WHOLE PAGE]
  $GO run ./scripts/screenshots -url "$url" -login laure.lavaut.ly2010 -out "$work" -widths "$2" -themes light -full="${4:-false}" -name "$3" "$1"
  size=$(wc -c <"$work/$3.png")
  [ "$size" -lt 250000 ] || { echo "screenshots: $3.png is $size bytes, more than 250 kB" >&2; exit 1; }
  cp "$work/$3.png" "docs/img/$3.png"
  echo "docs/img/$3.png: $size bytes"
}
take '/annuaire?q=mar' 1280 annuaire
take /p/pierre-henri.l-hame.ly1989 360 profil true
