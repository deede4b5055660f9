#!/bin/sh
# Runs the demo bundle until idle and shows what came of it. Its data goes into a
# directory of its own, which is removed.
set -eu
agent=$1
here=$(cd "$(dirname "$0")/.." && pwd)
data=$(mktemp -d "${TMPDIR:-/tmp}/unit-agent-run.XXXXXX")
trap 'rm -rf "$data"' EXIT INT TERM
export UNIT_AGENT_DATA_DIR="$data"

echo "\$ unit-agent up testdata/bundles/demo.yaml --until-idle"
"$agent" up "$here/bundles/demo.yaml" --until-idle
echo
echo "\$ unit-agent hooks"
"$agent" hooks
