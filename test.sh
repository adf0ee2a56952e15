#!/usr/bin/env bash
# Checks everything that must hold, from a clean clone on a Debian machine with Rust: installs what is missing, checks format,
# lints and documentation, runs the tests with all features and with fewer, and rides the example app against a real
# provider and in Chromium.
#
#   ./test.sh                  needs the package registries (crates.io, npm, Debian) and nothing else
#   FULL=1 ./test.sh           runs the slow rounds (inputs for the readers, races) in full instead of in a short form
#   SHOTS=folder ./test.sh     keeps the screenshots of the rides there instead of in target/rides
#   KEEP_GOING=1 ./test.sh     runs the other steps after one has failed
#   STEP_TIMEOUT=n ./test.sh   ends a step after n seconds instead of 900
#
# Builds and tests run side by side, see `builds` and `tests` below. The log of each step is in target/steps.
set -euo pipefail
cd "$(dirname "$0")"
exec </dev/null
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}" RUST_BACKTRACE="${RUST_BACKTRACE:-0}" SHOTS="${SHOTS:-target/rides}"
# A debug build of the example app, with OAuth 1.0a for Jira.
app_features() { printf -- '--package example_app --no-default-features --features %s,demo,rsa-sha1' "$1"; }

. .ci/steps.sh

# What is missing on this machine.

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -n "$@"
  else
    printf 'This needs root, and there is no sudo. Run it yourself: %s\n' "$*"
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
  [ -x /usr/sbin/nginx ] || wanted+=(nginx-light)
  [ -x /usr/sbin/apache2 ] || wanted+=(apache2-bin)
  has redis-server || wanted+=(redis-server)
  has pkg-config || wanted+=(pkg-config)
  [ -x /usr/sbin/pgbouncer ] || wanted+=(pgbouncer)
  has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || wanted+=(postgresql)
  compgen -G '/usr/lib*/galera*/libgalera_smm.so' >/dev/null || wanted+=(galera-4)
  has mariadbd || [ -x /usr/sbin/mariadbd ] || wanted+=(mariadb-server)
  pkg-config --exists libpq 2>/dev/null || wanted+=(libpq-dev)
  pkg-config --exists libmariadb 2>/dev/null || wanted+=(libmariadb-dev)
  pkg-config --exists openssl 2>/dev/null || wanted+=(libssl-dev)
  # The tests use Debian's own Python, because another Python that comes first in PATH lacks Debian's packages.
  /usr/bin/python3 -c 'import cryptography, jwt, oauthlib.oauth1' 2>/dev/null || wanted+=(python3 python3-oauthlib)
  if [ ${#wanted[@]} -gt 0 ]; then
    echo "installing ${wanted[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
  fi
  cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
  cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
}

# The provider and Playwright need Node.js 20. Where Debian has an older one, npm installs a newer one.
node_major() { node --version | sed 's/^v\([0-9]*\).*/\1/'; }
own_node=target/node/node_modules/node-linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
install_peers() {
  if [ "$(node_major)" -lt 20 ]; then
    npm install --silent --no-save --prefix target/node "$(basename "$own_node")@22.23.3"
  fi
  (cd tests/peers/oidc_provider && npm ci --silent)
  (cd tests/peers/browser && npm ci --silent)
}

# The executables of a build. Tests run them without cargo, which holds a lock during the next build.

# Builds, and lists the executables in target/steps/<set>: "test" or "program", target, folder of the package, file.
build() { # set, cargo's arguments…
  local set=$1
  shift
  cargo "$@" --locked --quiet --message-format=json-render-diagnostics >"$STEPS/$set.json"
  python3 - "$STEPS/$set" <<'PYTHON'
import json, os, shutil, sys
path = sys.argv[1]
with open(path + ".json") as messages, open(path, "w") as out:
    for message in map(json.loads, messages):
        if message.get("executable") and message["target"]["kind"] != ["example"]:
            name, file = message["target"]["name"], message["executable"]
            kind = "test" if message["profile"]["test"] else "program"
            if kind == "program":
                # The next build with other features replaces it.
                file = shutil.copy2(file, f"{path}-{name}")
            print(kind, name, os.path.dirname(message["manifest_path"]), file, sep="\t", file=out)
PYTHON
}

built() { # set, kind: names of its executables
  awk -F '\t' -v kind="$2" '$1 == kind { print $2 }' "$STEPS/$1"
}

run_built() { # set, kind, name, arguments…
  local folder file
  IFS=$'\t' read -r folder file < <(awk -F '\t' -v kind="$2" -v name="$3" -v OFS='\t' '$1 == kind && $2 == name { print $3, $4 }' "$STEPS/$1")
  shift 3
  (cd "$folder" && CARGO_MANIFEST_DIR=$folder exec "$file" "$@")
}

run_tests() { # set, target, arguments…: fails also if no test ran
  local set=$1 name=$2
  shift 2
  run_built "$set" test "$name" "$@" | tee "$STEPS/$set-$name.out"
  grep -Eq '^test result: ok\. [1-9]' "$STEPS/$set-$name.out" || { echo "no test ran"; return 1; }
}
export -f run_built run_tests
export STEPS

# For the functions above, beside PostgreSQL and MariaDB.
on_databases() { tests/databases bash -euo pipefail -c '"$@"' bash "$@"; }

# The same behind PgBouncer in transaction mode.
on_pgbouncer() { on_databases tests/pgbouncer bash -euo pipefail -c '"$@"' bash "$@"; }

# The same with the tables of docs/partitions.sql.
on_partitions() { on_databases tests/partitions bash -euo pipefail -c '"$@"' bash "$@"; }

# The checks of the source.

features() { sed -n '/^\[features\]/,/^\[dep/s/^\([a-z][a-z0-9_-]*\) *=.*/\1/p' Cargo.toml | grep -vx default; }

lint() { nice -n 19 cargo clippy --locked --quiet --all-targets "$@" -- -D warnings; }

format() {
  cargo fmt --all --check
  # cargo fmt does not see these modules: a macro declares them.
  rustfmt --check --edition 2024 src/provider/*.rs
  cargo fmt --check --manifest-path bench/Cargo.toml
  cargo fmt --check --manifest-path fuzz/Cargo.toml
}

# No locked crate that the library needs may require a newer Rust than the library does.
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

documents() { RUSTDOCFLAGS="-D warnings" nice -n 19 cargo doc --locked --quiet --no-deps "$@"; }

# A deployed example app has no debug assertions and no demo provider, and nothing of `rocket_dance::testing`.
deployed_app() {
  local no_assertions=() package on
  for package in example_app rocket_dance; do
    no_assertions+=(--config "profile.dev.package.$package.debug-assertions=false")
  done
  on=(--locked --package example_app --no-default-features --features sqlite)
  nice -n 19 cargo check --quiet "${no_assertions[@]}" "${on[@]}"
  nice -n 19 cargo check --quiet "${no_assertions[@]}" --locked --package example_app
  if cargo tree "${on[@]}" --edges normal,features | grep 'rocket_dance feature "testing"'; then
    echo "the example app without its feature demo still has the feature testing"
    return 1
  fi
}

# Only the feature `pages` needs a template engine.
without_templates() {
  local tree=(cargo tree --locked --package rocket_dance --edges normal,build --prefix none --no-default-features --features)
  "${tree[@]}" sqlite,pages | grep '^tera ' >/dev/null || { echo "tera has another name"; return 1; }
  if "${tree[@]}" sqlite,postgres,mysql,rsa-sha1 | grep -E '^(tera|rocket_dyn_templates) '; then
    echo "the library needs templates without its feature pages"
    return 1
  fi
}

packaged() {
  local files
  files=$(cargo package --locked --list --allow-dirty --package rocket_dance)
  for folder in docs migrations templates src; do
    grep -q "^$folder/" <<<"$files" || { echo "the package lacks $folder/"; return 1; }
  done
  for file in README.md CHANGELOG.md SECURITY.md LICENSE-MIT LICENSE-APACHE docs/settings.md; do
    grep -qx "$file" <<<"$files" || { echo "the package lacks $file"; return 1; }
  done
  nice -n 19 cargo package --locked --quiet --allow-dirty --package rocket_dance
}

# The lanes.

peers() {
  step "install the peers" install_peers
  mark peers
}

# Everything that compiles, one after the other, since cargo has one lock. The builds are nice, so that the tests beside
# them get the processor whenever they want it.
#
# Each set of features is linted. Tests run with all features, with the default ones and with none: code that exists only
# without a feature is in the last two, and the tests of a feature alone would be the same tests on the same code.
builds() {
  local database feature
  step "build everything, all features" build workspace build --workspace --all-features --bins --tests
  mark workspace
  for database in postgres mysql; do
    # shellcheck disable=SC2046
    step "build the example app on $database" nice_build "$database" build $(app_features "$database") --bins --tests
    cp "$STEPS/$database-example_app" "$STEPS/example_app-$database"
    mark "$database"
  done
  step "build the tests, default features" nice_build default test --no-run --package rocket_dance --lib
  mark default
  step "build the tests, no features" nice_build none test --no-run --package rocket_dance --no-default-features --lib
  mark none
  step "build the tests, no templates" nice_build plain test --no-run --package rocket_dance --no-default-features \
    --features sqlite,testing --test plain_pages
  mark plain
  step "documented examples" nice -n 19 cargo test --locked --workspace --all-features --doc
  step "documented examples, default features" nice -n 19 cargo test --locked --package rocket_dance --doc

  step "format" format
  step "lints, all features" lint --workspace --all-features
  step "documents" documents --workspace --all-features
  step "lints, no features" lint --package rocket_dance --no-default-features
  for feature in $(features); do
    step "lints, $feature alone" lint --package rocket_dance --no-default-features --features "$feature"
  done
  step "lints, example app" lint --package example_app
  for database in postgres mysql; do
    # shellcheck disable=SC2046
    step "lints, example app on $database" lint $(app_features "$database")
  done
  step "example app as deployed" deployed_app
  step "no template engine without pages" without_templates
  step "bench compiles" nice -n 19 cargo check --locked --quiet --manifest-path bench/Cargo.toml --target-dir target
  step "rust-version" rust_version
  step "package" packaged
  # It builds the library once more, with the features of a first app.
  STEP_TIMEOUT=1800 step "the quickstart, as it is typed" nice -n 19 tests/quickstart

  if cargo deny --version >/dev/null 2>&1; then
    step "licenses and sources" cargo deny --offline check licenses bans sources
  else
    not_run "licenses and sources (cargo-deny is not installed)"
  fi
  not_run "semver (nothing is released yet; afterwards: .ci/before_release)"
}

nice_build() {
  local set=$1
  shift
  renice -n 19 $BASHPID >/dev/null
  build "$set" "$@"
}

# Everything that runs, as soon as it is built.
tests() {
  local name database cases=20000 rounds=short
  # The rides start these instead of building their own.
  export EXAMPLE_APPS=$STEPS
  [ -z "${FULL:-}" ] || cases=100000 rounds=full
  await workspace
  cp "$STEPS/workspace-example_app" "$STEPS/example_app-sqlite"
  step "unit tests, on three databases" on_databases run_tests workspace rocket_dance --include-ignored --skip fuzz::
  # Behind PgBouncer an app has no `on_connect`, and this PgBouncer knows only one user.
  step "accounts without a user, on two servers" on_databases run_tests workspace suite kept_servers --include-ignored
  step "storage through PgBouncer" on_pgbouncer run_tests workspace rocket_dance --include-ignored postgres:: coherence \
    --skip on_connect --skip cl_02 --skip database_check:: --skip roles:: --skip server_outages::
  for name in $(built workspace test); do
    case $name in
      rocket_dance | faults | oauthlib | rides) ;;
      *) step "tests of $name" run_tests workspace "$name" ;;
    esac
  done
  FUZZ_CASES=$cases step "$cases inputs for every reader" run_tests workspace rocket_dance --include-ignored fuzz::
  step "rides in OAuth 1.0a" run_tests workspace oauthlib --include-ignored

  await peers
  [ "$(node_major)" -ge 20 ] || PATH="$PWD/$own_node/bin:$PATH"
  step "faults" run_tests workspace faults --include-ignored

  for database in postgres mysql; do
    await "$database"
    step "tests of example_app on $database" on_databases run_tests "$database" example_app
  done
  step "tests of example_app through PgBouncer" on_pgbouncer run_tests postgres example_app
  step "rides" on_databases run_tests workspace rides --include-ignored --test-threads 2

  # How often each race runs.
  case $rounds in
    short) refreshes=10 logins=5 removals=20 decisions=3 handovers=5 outages=2 restarts=1 ;;
    full) refreshes=1000 logins=100 removals=1000 decisions=200 handovers=100 outages=20 restarts=10 ;;
  esac
  race "one refresh" refresh --rounds $refreshes
  race "first logins" first-login --rounds $logins
  race "removals" removal --rounds $removals
  race "decisions of one person" one-person --rounds $decisions
  race "two nodes" nodes --rounds $handovers sqlite postgres
  race "PostgreSQL killed" soak --rounds $outages
  race "rolling restart" rolling-restart --rounds $restarts sqlite postgres
  failover postgres --rounds $outages
  failover mysql --rounds $outages
  galera_race "one refresh" refresh --rounds $refreshes
  galera_race "first logins" first-login --rounds $logins
  galera_race "removals" removal --rounds $removals
  galera_race "decisions of one person" one-person --rounds $decisions
  for race_on in pooled_race race_on_partitions; do
    "$race_on" "one refresh" refresh --rounds $refreshes
    "$race_on" "first logins" first-login --rounds $logins
    "$race_on" "removals" removal --rounds $removals
  done

  for name in default none; do
    await "$name"
    # The readers are the same with any features, and have a step of their own.
    step "unit tests, $name features" run_tests "$name" rocket_dance --skip fuzz::
  done
  await plain
  step "pages without templates" run_tests plain plain_pages
}

race() { # name, arguments…
  local name=$1
  shift
  step "races: $name" on_databases run_built workspace program races "$@"
}

failover() { # database, arguments…
  local database=$1
  shift
  step "races: $database fails over" "tests/${database}_replicas" bash -c 'run_built "$@"' bash workspace program races failover "$@" "$database"
}

galera_race() { # name, arguments…
  local name=$1
  shift
  step "races on Galera: $name" tests/galera bash -c 'run_built "$@"' bash workspace program races "$@" --requests 60 mysql
}

pooled_race() { # name, arguments…
  local name=$1
  shift
  step "races through PgBouncer: $name" on_pgbouncer run_built workspace program races "$@" postgres
}

race_on_partitions() { # name, arguments…
  local name=$1
  shift
  step "races on partitions: $name" on_partitions run_built workspace program races "$@" postgres
}

step "install what is missing" install_packages
lane peers
lane builds
lane tests
join

if cargo +nightly --version >/dev/null 2>&1 && cargo fuzz --version >/dev/null 2>&1; then
  STEP_TIMEOUT=3600 step "cargo-fuzz, 60 s for every reader" fuzz/run
else
  not_run "cargo-fuzz (it or a nightly toolchain is not installed)"
fi

summary
