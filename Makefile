# Every target installs what it needs first, and runs on the project's own Node 24 whatever the machine has.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help install demo test browser test-unit test-integration lint docs dev migrate clean health ready metrics logs \
  logs-error scraper-status scraper-start scraper-stop profile

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

install: node_modules/.installed ## install the dependencies, Node 24 among them

node_modules/.installed: package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

demo: install ## server, worker and stand-in world: runs are launched, aborted, resurrected and compared with the truth
	./b9 demo

test: install browser ## all tests
	vitest run

browser: ## install Chromium for the tests of the source `browser` (Debian, as root); without it they are skipped
	@command -v chromium > /dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get > /dev/null || \
		{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends chromium; }

test-unit: install ## tests without processes and servers
	vitest run --project unit

test-integration: install browser ## tests with real crawls, servers and kills
	vitest run --project integration

lint: install ## lint, format and types
	oxlint --deny-warnings
	oxfmt --check .
	tsc

docs: install ## write anew what is generated: .env.example, the README's settings, actor.json, input_schema.json
	node shared/config-docs.ts
	node shared/actor-files.ts

dev: install ## server, worker and database, with the stand-in world to crawl; Ctrl+C ends it
	./b9 up --sandbox

health: install ## is the server alive (the targets from here on ask it at HOST and PORT, with API_TOKEN)
	./b9 api /health

ready: install ## can it work: database, migrations, queue, disk
	./b9 api /ready

metrics: install ## its metrics, as Prometheus reads them
	./b9 api /metrics

logs: install ## the newest warnings and errors of servers, workers and runs; RUN=<id>: that run's log as it grows
	./b9 logs $(if $(RUN),$(RUN) --follow)

logs-error: install ## the newest errors
	./b9 logs --level error

scraper-status: install ## the continuous scrapers: what is wanted, and what is
	./b9 api /api/scraper/status

scraper-start: install ## switch SCRAPER (all) on
	./b9 api /api/scraper/start --method POST --body '{"scraper":"$(or $(SCRAPER),all)"}'

scraper-stop: install ## switch SCRAPER (all) off; its run ends gracefully
	./b9 api /api/scraper/stop --method POST --body '{"scraper":"$(or $(SCRAPER),all)"}'

profile: install ## CPU profiles of COMMAND (server) and of each run's process in profiles/, when they end
	NODE_OPTIONS="--cpu-prof --cpu-prof-dir=$(CURDIR)/profiles" ./b9 $(or $(COMMAND),server)

migrate: install ## bring the database to the newest schema; starts the embedded one where DATABASE_URL names none
	./b9 db migrate

clean: ## remove the dependencies; results in storage/ stay
	rm -rf node_modules
