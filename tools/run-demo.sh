#!/bin/sh
# `make run`: the portal with the demo company. Its secrets are public: never use them with real people's data.
set -eu
cd "$(dirname "$0")/.."
port=${PORT:-8000}
export PORTAL_DEMO=1 PORTAL_PORT="$port" PORTAL_BASE_URL="http://127.0.0.1:$port" PORTAL_SYSTEMS="var/systems.toml"
PORTAL_MASTER_KEY=$(printf %s 'portal demo master key, not secret' | head -c 32 | base64)
PORTAL_LOG_KEY=$(printf %s 'portal demo log key, not a secret' | head -c 32 | base64)
export PORTAL_MASTER_KEY PORTAL_LOG_KEY PORTAL_LOG_LEVEL="${PORTAL_LOG_LEVEL:-warning}"
.venv/bin/portal demo
# A shop that embeds the script, on a port of its own; it ends with the portal, whose process this one becomes.
{ .venv/bin/portal sites snippet shop | .venv/bin/python tools/demo-shop/serve.py $$; } &
exec .venv/bin/portal serve
