#!/usr/bin/env bash
# Writes into target/sam what `sam local` needs to run functions on the table and queues of a running `make run`.
#   sam-files.sh VARIABLES   the file of variables that `local` keeps while it runs
set -euo pipefail
cd "$(dirname "$0")/.."
variables=$1
mkdir -p target/sam

# Docker Desktop leads to this machine's 127.0.0.1; Docker on Linux to the address of its own bridge.
if [ "$(uname)" = Linux ]; then
  # Some versions name the bridge's address, some only its network, of which it is the first.
  bridge=$(docker network inspect bridge --format '{{with index .IPAM.Config 0}}{{or .Gateway .Subnet}}{{end}}' | sed 's|\.0/.*|.1|')
  port=$(sed -n 's|^AWS_ENDPOINT_URL=.*:\([0-9]*\).*|\1|p' "$variables")
  (: <>"/dev/tcp/$bridge/$port") 2>/dev/null || {
    echo "containers can't reach \`make run\`: start it again with BIND=$bridge" >&2
    exit 1
  }
fi

# SAM gives a function no variable that the template does not name: a copy of the template names this machine's too.
awk -F= -v root="$PWD" '
  NR == FNR { if ($1 ~ /^(AWS_ENDPOINT_URL|LOCAL_)/) more = more "        " $1 ": \"\"\n"; next }
  { sub("CodeUri: target/", "CodeUri: " root "/target/"); print }
  /^        TABLE_NAME:/ { printf "%s", more; more = "" }
' "$variables" template.yaml >target/sam/template.yaml

# Their values. A container reaches this machine by another name than this machine itself.
awk -F= '
  { value = substr($0, length($1) + 2) }
  $1 ~ /^AWS_ENDPOINT_URL/ { sub("//.*:", "//host.docker.internal:", value) }
  { printf "%s\"%s\": \"%s\"", NR == 1 ? "{\"Parameters\": {" : ", ", $1, value }
  END { print "}}" }
' "$variables" >target/sam/variables.json
