#!/usr/bin/env bash
# Format, vet, staticcheck, generate-then-no-diff; archtest runs with the tests.
set -eu
cd "$(dirname "$0")/.."
GO=${GO:-go}
bad=$(gofmt -l $(git ls-files '*.go'))
[ -z "$bad" ] || { echo "check: not formatted: $bad" >&2; exit 1; }
$GO vet ./...
$GO tool -modfile=tools.mod staticcheck ./...
before=$(git ls-files -s -- '*_templ.go'; git diff -- '*_templ.go')
$GO tool -modfile=tools.mod templ generate -path internal >/dev/null
gofmt -w $(git ls-files '*_templ.go')
after=$(git ls-files -s -- '*_templ.go'; git diff -- '*_templ.go')
[ "$before" = "$after" ] || { echo "check: templ's output is not what its sources make: run make generate" >&2; exit 1; }
$GO test -count=1 ./internal/archtest
echo "check: clean"
