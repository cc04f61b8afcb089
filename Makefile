# Every target installs what it needs first, and runs on the project's own Node 24 whatever the machine has.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help install demo test test-unit test-integration lint docs dev migrate clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

install: node_modules/.installed ## install the dependencies, Node 24 among them

node_modules/.installed: package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

demo: install ## crawl 25 subreddits of the stand-in world under faults, and compare with its ground truth
	./b9 demo

test: install ## all tests
	vitest run

test-unit: install ## tests without processes and servers
	vitest run --project unit

test-integration: install ## tests with real crawls, servers and kills
	vitest run --project integration

lint: install ## lint, format and types
	oxlint --deny-warnings
	oxfmt --check .
	tsc

docs: install ## write anew what is generated: .env.example, the README's settings, actor.json, input_schema.json
	node shared/config-docs.ts
	node shared/actor-files.ts

dev: install ## serve the stand-in world to crawl against
	./b9 sandbox

migrate: install ## bring the database to the newest schema; starts the embedded one where DATABASE_URL names none
	./b9 db migrate

clean: ## remove the dependencies; results in storage/ stay
	rm -rf node_modules
