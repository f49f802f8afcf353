#!/usr/bin/env bash
# What action.yml runs: it fetches a release for this machine, checks it, starts it, and waits until it answers.
# From action.yml: VERSION, REPOSITORY_URL, FROM, PORT, MAIL_PORT, FORMATS, SIGNED, and GH_TOKEN for gh. From GitHub: RUNNER_TEMP,
# GITHUB_OUTPUT.
set -euo pipefail

# How long it may take from its start until it answers.
PATIENCE_S=60

fail() {
  echo "::error title=Counterfoil::${1//%/%25}"
  exit 1
}

# What stands on a line of its own in the log can be a command to the runner.
for input in "$VERSION" "$FROM" "$PORT" "$MAIL_PORT" "$FORMATS" "$SIGNED"; do
  [[ $input != *[[:cntrl:]]* ]] || fail "An input has a line break or a control character in it: each is one line of text."
done

case $(uname -sm) in
  "Linux x86_64") arch=x86_64 ;;
  "Linux aarch64") arch=arm64 ;;
  *) fail "There are releases for Linux on x86_64 and arm64, not for $(uname -sm)." ;;
esac
version=${VERSION#v}
# The release that this script is of.
[ -n "$version" ] || version=$(awk -F '"' '/^version = / {print $2; exit}' "$(dirname "${BASH_SOURCE[0]}")/../Cargo.toml")
[[ $version =~ ^[0-9A-Za-z.+-]+$ ]] || fail "The input version is no version such as 0.1.0: $version"
from=${FROM:-$REPOSITORY_URL/releases/download/v$version}
[[ $from =~ ^(https|file):// ]] || fail "The input from is no https or file URL: $from"
name=counterfoil-$version-$arch

folder=$(mktemp -d "$RUNNER_TEMP/counterfoil.XXXXXX")
cd "$folder"
for file in "$name.tar.gz" SHA256SUMS; do
  echo "==> fetching $from/$file"
  curl --proto '=https,file' --proto-redir '=https' -sSfL --retry 3 --max-time 300 -o "$file" "$from/$file" ||
    fail "$from/$file can't be fetched. Is there such a release? The input version names another."
done
grep -qxF "$(sha256sum "$name.tar.gz")" SHA256SUMS || fail "$name.tar.gz is not what SHA256SUMS says."
# The checksum is of the same release, and so proves nothing about who built it. An archive from elsewhere may be its
# user's own.
if [ -z "$FROM" ] && [[ $REPOSITORY_URL == https://github.com/* ]]; then
  repository=${REPOSITORY_URL#https://github.com/}
  can=$(gh attestation verify --help 2>/dev/null || true)
  if [[ $can == *--signer-workflow* ]]; then
    proof=(--repo "$repository" --signer-workflow "$repository/.github/workflows/release.yml")
    [[ $can != *--source-ref* ]] || proof+=(--source-ref "refs/tags/v$version")
    gh attestation verify "$name.tar.gz" "${proof[@]}" ||
      fail "Nothing proves that $repository built $name.tar.gz; what gh says is above."
    [[ $can == *--source-ref* ]] ||
      echo "::warning title=Counterfoil::gh is older than 2.68: from which tag $name.tar.gz was built is not checked."
  else
    echo "::warning title=Counterfoil::gh is missing, or can't verify attestations: who built $name.tar.gz is not checked."
  fi
fi
# Only gh is to have it.
unset GH_TOKEN
tar xzf "$name.tar.gz"

options=(--port "$PORT" --mail-port "$MAIL_PORT" --data-dir "$folder/data" --parameter "Formats=$FORMATS")
[ "$SIGNED" != true ] || options+=(--signed)
echo "==> starting"
: >log
"$name/run" "${options[@]}" </dev/null >>log 2>&1 &
pid=$!
deadline_s=$((SECONDS + PATIENCE_S))

# What it prints once it is ready: each address after its name.
address() { sed -n "s/^  $1  *//p" log | head -1; }
until grep -q '^ready$' log && [ -n "$(address 'HTTP API')" ] && [ -n "$(address mails)" ]; do
  if ! kill -0 $pid 2>/dev/null || [ $SECONDS -ge $deadline_s ]; then
    kill $pid 2>/dev/null || true
    cat log
    fail "It did not start; what it logged is above."
  fi
  sleep 0.2
done
base_url=$(address 'HTTP API')
curl --noproxy '*' -sSf --max-time 10 -o /dev/null "$base_url/" ||
  { kill $pid 2>/dev/null || true; cat log; fail "$base_url doesn't answer; what it logged is above."; }

# The demo merchant's key and secret are the same everywhere, and no secret.
cat >>"$GITHUB_OUTPUT" <<END
base-url=$base_url
mailbox-url=$(address mails)
key-id=pk_test_demo
secret=sk_test_demo
counterfoil=$folder/$name/counterfoil
data-dir=$folder/data
log=$folder/log
pid=$pid
END
echo "==> Counterfoil $version is at $base_url"
