#!/usr/bin/env bash
# `make dist` runs this: it packs what `local` needs where Rust is not, and what `sam deploy` reads. Two runs over the same binaries
# make the same archive.
#   dist.sh NAME BINARY...
# makes dist/NAME.tar.gz, whose only folder is NAME. NAME ends with the architecture (`-arm64`). Binaries are named as cargo names
# them (`create`) or as cargo-lambda does (`create/bootstrap`).
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1
shift

rm -rf target/dist
root=target/dist/$name
mkdir -p "$root" dist
for binary in "$@"; do
  binary_name=$(basename "${binary%/bootstrap}")
  case $binary_name in
    local | counterfoil) install "$binary" "$root/$binary_name" ;;
    # Where template.yaml's CodeUri says.
    *) install -D "$binary" "$root/target/lambda/$binary_name/bootstrap" ;;
  esac
done
# As committed, whatever lies in the working copy.
git diff --quiet HEAD -- || echo "dist.sh: what is not committed is in the binaries alone" >&2
git archive HEAD:tools run | tar x -C "$root"
git archive HEAD template.yaml samconfig.toml deploy docs examples README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md LICENSE \
  action.yml .github/workflows/release.yml tools/requirements.txt tests/events bench/results/README.md | tar x -C "$root"
sed -i "s/\"Architecture=[a-z0-9_]*\"/\"Architecture=${name##*-}\"/" "$root/samconfig.toml"
# What `sam deploy` and `local` would find missing only later.
sed -n 's|^ *CodeUri: *\(.*[^/]\)/*$|\1|p' "$root/template.yaml" | while read -r code; do
  [ -x "$root/$code/bootstrap" ] || { echo "dist.sh: $code/bootstrap, which template.yaml names, is not among the binaries" >&2; exit 1; }
done
# What is linked in may be passed on only with its licences: `make licences` wrote those of crates, Rust brings its library's.
cp target/THIRD-PARTY.txt "$root"
cp "$(rustc --print sysroot)/share/doc/rust/COPYRIGHT-library.html" "$root/THIRD-PARTY-RUST.html"

# The time of the commit, nobody's name, and permissions that don't depend on who builds.
tar --create --directory target/dist --sort=name --mtime="@$(git log -1 --format=%ct)" --owner=0 --group=0 --numeric-owner \
  --mode=u=rwX,go=rX --format=ustar "$name" | gzip --no-name >"dist/$name.tar.gz.new"
mv "dist/$name.tar.gz.new" "dist/$name.tar.gz"
rm -rf target/dist
(cd dist && sha256sum -- *.tar.gz >SHA256SUMS)
