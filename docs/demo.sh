#!/usr/bin/env bash
# `make demo`: a daemon of its own on free ports, a few transfers, what the pool and the metrics say of them.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"

step() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }
field() { python -c 'import json, sys; print(json.loads(sys.argv[1])[sys.argv[2]])' "$ready" "$1"; }

log=$(mktemp)
# Standard output carries the ready line alone; the log goes to standard error. Blocks come on demand only.
exec {daemon}< <(exec txpool run --dev --dev-period 0 --http 127.0.0.1:0 --ws off --ipc off --metrics 127.0.0.1:0 \
  --log json 2>"$log")
pid=$!
trap 'kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; rm -f "$log"' EXIT
read -r ready <&"$daemon" || { cat "$log" >&2; exit 1; }

TXPOOL_RPC="http://$(field http)"
export TXPOOL_RPC
echo "A daemon on the embedded dev chain answers at $TXPOOL_RPC."

friend=0x70997970C51812dc3A010C7d01b50e0d17dc79C8
step txpool send --dev-account 0 --to $friend --value 1ether
step txpool send --dev-account 0 --to $friend --value 0.5ether --tip-cap 3gwei --fee-cap 30gwei
echo; echo "And one too early: nonces 0 and 1 of account 2 have not come."
step txpool send --dev-account 2 --to $friend --value 1wei --nonce 2
step txpool status
step txpool content
step txpool inspect

mine='import http.client, json, sys
connection = http.client.HTTPConnection(sys.argv[1])
call = {"jsonrpc": "2.0", "id": 1, "method": "dev_mine", "params": []}
connection.request("POST", "/", json.dumps(call), {"Content-Type": "application/json"})
print(connection.getresponse().read().decode())'
echo; echo "A block (dev_mine), and what is left:"
python -c "$mine" "$(field http)"
step txpool status

echo; echo "What Prometheus would scrape at http://$(field metrics)/metrics, in part:"
python -c 'import sys, urllib.request as request; print(request.urlopen(sys.argv[1]).read().decode())' \
  "http://$(field metrics)/metrics" | grep -E '^txpool_(transactions|submissions_total|removed_total|slab_slots|head_number)' | grep -v ' 0$'
