#!/bin/sh
# Bundles style, script and font into internal/ui/assets/dist: hashed names, a manifest, and .gz beside what compresses.
# Needs Go, Node and npm; asks the network only for what package-lock.json names.
set -eu
cd "$(dirname "$0")"
out=../internal/ui/assets/dist

# npm ci is skipped when the installed tree is the locked one already.
if ! cmp -s package-lock.json node_modules/.amicale-lock 2>/dev/null; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/.amicale-lock
fi

new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
(cd .. && go tool -modfile=tools.mod esbuild \
  web/css/main.css web/js/main.js web/js/theme.js web/icon.svg \
  --bundle --minify --charset=utf8 --legal-comments=none \
  --target=chrome109,firefox115,safari16 --format=iife \
  --loader:.woff2=file --loader:.svg=copy --asset-names='[name]-[hash]' --entry-names='[name]-[hash]' \
  --outdir="$new" --metafile="$new/meta.json" --log-level=warning)
node manifest.mjs "$new"
rm -f "$new/meta.json"
# The font travels with its licence (SIL OFL 1.1, condition 2).
cp node_modules/@fontsource-variable/literata/LICENSE "$new/literata-LICENSE.txt"

mkdir -p "$out"
find "$out" -type f ! -name placeholder.txt ! -name .gitignore -delete
cp "$new"/* "$out"/
