# Functions for the programs in this folder that start servers, or change them: `databases`, `pgbouncer`, `galera`,
# `postgres_replicas`, `mysql_replicas`, `partitions`. A program that starts servers makes a temporary folder with `begin_servers`;
# at its end, for whatever reason, its own `stop` runs and the folder is removed.

name=tests/$(basename "$0")
say() { printf '%s: %s\n' "$name" "$*" >&2; }

# Prints the comment at the start of the program.
usage() { sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; }

first_of() { # commands…
  local command
  for command in "$@"; do
    command -v "$command" && return
  done
  return 1
}

require() { # package command, …: pairs
  local missing=()
  while [ $# -gt 0 ]; do
    command -v "$2" >/dev/null || missing+=("$1")
    shift 2
  done
  if [ ${#missing[@]} -gt 0 ]; then
    say "not found: ${missing[*]}. On Debian and Ubuntu: apt-get install --no-install-recommends ${missing[*]}"
    exit 1
  fi
}

# Debian installs servers outside of a user's PATH, and PostgreSQL's programs in one folder per version.
PATH="$PATH:/usr/sbin:/usr/local/sbin"
# shellcheck disable=SC2012
for bin in $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin 2>/dev/null | sort -rV) ""; do
  if [ -x "$bin/pg_ctl" ]; then
    PATH="$bin:$PATH"
    break
  fi
done

begin_servers() {
  folder=$(mktemp -d "${TMPDIR:-/tmp}/$(basename "$0").XXXXXX")
  chmod 755 "$folder"
  trap end_servers EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

end_servers() {
  local code=$?
  trap '' INT TERM
  stop || true
  rm -rf "$folder"
  exit "$code"
}

# No server runs as root. Sets the array `as_<user>`: what is put before a command of the server.
run_as() { # user
  local -n as=as_$1
  as=()
  if [ "$(id -u)" = 0 ]; then
    local owner
    owner=$(owner_of "$1" nobody)
    as=(setpriv "--reuid=$owner" "--regid=$(id -g "$owner")" --clear-groups --inh-caps=-all env "HOME=$folder")
  fi
}

owner_of() { # users…
  local user
  for user in "$@"; do
    id -u "$user" >/dev/null 2>&1 && echo "$user" && return
  done
}

# Gives files to the user of a server.
give() { # user, files…
  [ "$(id -u)" != 0 ] || chown -R "$(owner_of "$1" nobody)" "${@:2}"
}

accepts() { # port: whether something listens there
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# The port is below the range of outgoing connections, so that none of them takes it before the server does.
free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); do
    accepts "$port" || { echo "$port"; return; }
  done
}

failed() { # server, log
  say "$1 does not start:"
  tail -n 20 "$2" >&2
  exit 1
}

wait_for_port() { # server, port, process, log
  local try
  for try in {1..300}; do
    accepts "$2" && return
    kill -0 "$3" 2>/dev/null || failed "$1" "$4"
    sleep 0.1
  done
  failed "$1" "$4"
}

kill_process() { # process
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}
