#!/usr/bin/env bash
# Everything that must hold, from a clean clone on a Debian machine with Rust: installs what is missing, checks format,
# lints and documents, tests every feature alone and all together, and rides against a real provider and in Chromium.
#
#   ./test.sh                  needs the package registries (crates.io, npm, Debian) and nothing else
#   SHOTS=folder ./test.sh     keeps the rides' screenshots there instead of in target/rides
set -euo pipefail
cd "$(dirname "$0")"
exec </dev/null
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}" RUST_BACKTRACE="${RUST_BACKTRACE:-0}" SHOTS="${SHOTS:-target/rides}"

started=$SECONDS
steps=0
not_run=()
group=

# Each step is a process group of its own, so that whatever it started ends with it.
set -m
end_group() {
  if [ -n "$group" ]; then
    kill -- "-$group" 2>/dev/null || true
    group=
  fi
}
trap end_group EXIT
trap 'exit 130' INT TERM

step() { # headline, command…
  local headline=$1 begun=$SECONDS
  shift
  printf '\n== %s\n' "$headline"
  "$@" &
  group=$!
  if ! wait "$group"; then
    printf '\ntest.sh: FAILED at "%s" after %d s (step %d)\n' "$headline" $((SECONDS - begun)) $((steps + 1))
    exit 1
  fi
  end_group
  steps=$((steps + 1))
  printf '   %s: %d s\n' "$headline" $((SECONDS - begun))
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -n "$@"
  else
    printf 'not root and no sudo; please run: %s\n' "$*"
    return 1
  fi
}

has() { command -v "$1" >/dev/null 2>&1; }

install_packages() {
  local wanted=()
  has cc || wanted+=(gcc libc6-dev)
  has python3 || wanted+=(python3)
  has npm || wanted+=(nodejs npm)
  has "${CHROMIUM:-chromium}" || wanted+=(chromium)
  has pkg-config || wanted+=(pkg-config)
  has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || wanted+=(postgresql)
  has mariadbd || [ -x /usr/sbin/mariadbd ] || wanted+=(mariadb-server)
  pkg-config --exists libpq 2>/dev/null || wanted+=(libpq-dev)
  pkg-config --exists libmariadb 2>/dev/null || wanted+=(libmariadb-dev)
  pkg-config --exists openssl 2>/dev/null || wanted+=(libssl-dev)
  # Debian's own python has Debian's packages; another one that comes first in PATH has not.
  /usr/bin/python3 -c 'import cryptography, jwt, oauthlib.oauth1' 2>/dev/null || wanted+=(python3 python3-oauthlib)
  if [ ${#wanted[@]} -gt 0 ]; then
    echo "installing ${wanted[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
  fi
  cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
  cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
}

# The provider and playwright need node 20. Where Debian's is older, npm itself has a newer one.
node_major() { node --version | sed 's/^v\([0-9]*\).*/\1/'; }
own_node=target/node/node_modules/node-linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
install_peers() {
  if [ "$(node_major)" -lt 20 ]; then
    npm install --silent --no-save --prefix target/node "$(basename "$own_node")@22.23.3"
  fi
  (cd tests/peers/oidc_provider && npm ci --silent)
  (cd tests/peers/browser && npm ci --silent)
}

features() { sed -n '/^\[features\]/,/^\[dep/s/^\([a-z][a-z0-9_-]*\) *=.*/\1/p' Cargo.toml | grep -vx default; }

lint() { cargo clippy --locked --quiet --all-targets "$@" -- -D warnings; }

# No locked crate that the library needs may want a newer Rust than it promises.
rust_version() {
  cargo metadata --locked --format-version 1 --all-features | python3 -c '
import json, sys
metadata = json.load(sys.stdin)
packages = {package["id"]: package for package in metadata["packages"]}
needs = {node["id"]: [dep["pkg"] for dep in node["deps"] if any(kind["kind"] != "dev" for kind in dep["dep_kinds"])]
         for node in metadata["resolve"]["nodes"]}
version = lambda package: tuple(int(part) for part in (package["rust_version"] or "1").split("."))[:2]
todo = [id for id, package in packages.items() if package["name"] == "rocket_dance"]
ours, seen = version(packages[todo[0]]), set()
while todo:
    id = todo.pop()
    if id not in seen:
        seen.add(id)
        todo += needs[id]
newer = sorted("{name} {version} needs Rust {rust_version}".format(**packages[id]) for id in seen if version(packages[id]) > ours)
sys.exit("\n".join(newer) or None)'
}

documents() { RUSTDOCFLAGS="-D warnings" cargo doc --locked --quiet --no-deps "$@"; }

packaged() {
  local files
  files=$(cargo package --locked --list --allow-dirty --package rocket_dance)
  for folder in migrations templates src; do
    grep -q "^$folder/" <<<"$files" || { echo "the package lacks $folder/"; return 1; }
  done
  for file in README.md CHANGELOG.md SECURITY.md LICENSE-MIT LICENSE-APACHE; do
    grep -qx "$file" <<<"$files" || { echo "the package lacks $file"; return 1; }
  done
  cargo package --locked --quiet --no-verify --allow-dirty --package rocket_dance
}

step "install what is missing" install_packages
step "install the peers" install_peers
if [ "$(node_major)" -lt 20 ]; then
  PATH="$PWD/$own_node/bin:$PATH"
fi

step "format" cargo fmt --all --check
step "format of bench" cargo fmt --check --manifest-path bench/Cargo.toml
step "format of fuzz" cargo fmt --check --manifest-path fuzz/Cargo.toml

step "lints, all features" lint --workspace --all-features
step "lints, no features" lint --package rocket_dance --no-default-features
for feature in $(features); do
  step "lints, $feature alone" lint --package rocket_dance --no-default-features --features "$feature"
done

step "rust-version" rust_version
step "documents" documents --package rocket_dance --all-features

step "tests, all features" cargo test --locked --quiet --workspace --all-features
# What strangers send is read alike whatever the features: it has a step of its own.
alone() { cargo test --locked --quiet --lib --no-default-features "$@" -- --skip fuzz::; }
step "tests, no features" alone
for feature in $(features); do
  step "tests, $feature alone" alone --features "$feature"
done

step "storages on three databases" tests/databases \
  cargo test --locked --quiet --package rocket_dance --all-features --lib -- --include-ignored

fed() { FUZZ_CASES=100000 cargo test --locked --quiet --package rocket_dance --all-features --lib fuzz::; }
step "100,000 inputs for every reader" fed

for database in postgres mysql; do
  on=(--package example_app --no-default-features --features "$database")
  step "lints, example app on $database" lint "${on[@]}"
  step "tests, example app on $database" tests/databases cargo test --locked --quiet "${on[@]}"
done
races() { tests/databases cargo run --locked --quiet --package races --all-features -- "$@"; }
step "races: one refresh" races refresh --rounds 10
step "races: first logins" races first-login --rounds 5
step "races: two nodes" races nodes --rounds 5 sqlite postgres
step "races: PostgreSQL killed" races soak --rounds 2

step "example app, debug" cargo build --locked --quiet --package example_app
step "example app, release" cargo check --locked --quiet --release --package example_app
step "bench compiles" cargo check --locked --quiet --manifest-path bench/Cargo.toml --target-dir target
step "package" packaged
step "rides" tests/databases cargo test --locked --test rides -- --include-ignored --test-threads 2
step "rides in OAuth 1.0a" cargo test --locked --package rocket_dance --all-features --test oauthlib -- --include-ignored

step "faults" cargo test --locked --package rocket_dance --all-features --test faults -- --include-ignored

if cargo +nightly --version >/dev/null 2>&1 && cargo fuzz --version >/dev/null 2>&1; then
  step "cargo-fuzz, 60 s for every reader" fuzz/run
else
  not_run+=("cargo-fuzz (it or a nightly toolchain is not installed)")
fi

if cargo deny --version >/dev/null 2>&1; then
  step "licenses and sources" cargo deny --offline check licenses bans sources
else
  not_run+=("licenses and sources (cargo-deny is not installed)")
fi

took=$((SECONDS - started))
printf '\ntest.sh: all %d steps passed in %d min %d s; screenshots in %s' "$steps" $((took / 60)) $((took % 60)) "$SHOTS"
[ ${#not_run[@]} = 0 ] || printf '; not run: %s' "${not_run[*]}"
printf '\n'
