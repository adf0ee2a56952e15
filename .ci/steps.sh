# shellcheck shell=bash
# The runner of ./test.sh: steps with a log and a time limit, lanes that run side by side, and a summary. To be sourced.
#
#   step NAME COMMAND…   runs a command. Its output goes to a log; the terminal gets one line, or the log if it fails.
#   lane FUNCTION        runs a function with steps beside the others.
#   join                 waits for all lanes. The first step that fails ends them all, and the script, unless KEEP_GOING is set.
#   mark NAME            says that something is there, for example a build.
#   await NAME           waits for that.
#   summary              prints the totals and the slowest steps.

# Folder of the logs, and of everything that the lanes tell each other.
STEPS=$PWD/target/steps
# Time limit of one step, in seconds.
STEP_TIMEOUT=${STEP_TIMEOUT:-900}

rm -rf "$STEPS"
mkdir -p "$STEPS/marks"
started=$SECONDS
group=''
watchdog=''
lanes=()

# Each background job is a process group of its own, so that everything that it started can be ended with it.
set -m

# Ends the step that runs, and what it left behind.
end_group() {
  local leader
  for leader in $watchdog $group; do
    kill -- "-$leader" 2>/dev/null || true
  done
  group=''
  watchdog=''
}

end_all() {
  local lane
  end_group
  for lane in "${lanes[@]}"; do
    kill "$lane" 2>/dev/null || true
  done
  wait
}
trap end_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The totals of all test binaries in these logs, in the words of cargo test.
totals() { # logs…
  awk '/^test result:/ { passed += $4; failed += $6; ignored += $8; any = 1 }
    END { if (any) printf "%d passed; %d failed; %d ignored", passed, failed, ignored }' "$@"
}

# The tests that libtest calls slow and that have not ended since.
still_running() { # log
  awk '/^test .* has been running for over/ { slow[$2] } /^test .* \.\.\. / { delete slow[$2] }
    END { for (test in slow) print "  still running: " test }' "$1"
}

# Prints why a step failed, and ends the lane unless KEEP_GOING is set.
failed() { # step, log, seconds, exit code
  printf '\n== %s: its log, without the tests that passed\n' "$1"
  { grep -v '^test .* \.\.\. ok$' "$2" || true; } | tail -n 300
  if [ -e "$2.hung" ]; then
    printf '\ntest.sh: FAILED: "%s" was ended after its limit of %d s; its log is %s\n' "$1" "$STEP_TIMEOUT" "$2"
    still_running "$2"
  else
    printf '\ntest.sh: FAILED: "%s" after %d s with exit code %d; its log is %s\n' "$1" "$3" "$4" "$2"
  fi
  printf '%s\n' "$1" >>"$STEPS/failed"
  [ -n "${KEEP_GOING:-}" ] || exit 1
}

step() { # name, command…
  local name=$1 begun=$SECONDS log code=0 took result
  shift
  log=$STEPS/${name//[^[:alnum:]]/-}.log
  "$@" >"$log" 2>&1 </dev/null &
  group=$!
  (
    sleep "$STEP_TIMEOUT"
    touch "$log.hung"
    kill -TERM -- "-$group"
    sleep 5
    kill -KILL -- "-$group"
  ) >/dev/null 2>&1 &
  watchdog=$!
  disown "$watchdog"
  { wait "$group" || code=$?; } 2>/dev/null
  kill -KILL -- "-$group" 2>/dev/null || true
  group=''
  end_group
  took=$((SECONDS - begun))
  printf '%d\t%s\n' "$took" "$name" >>"$STEPS/times"
  if [ -e "$log.hung" ] || [ "$code" != 0 ]; then
    failed "$name" "$log" "$took" "$code"
    return
  fi
  result=$(totals "$log")
  printf '%4d s  %s%s\n' "$took" "$name" "${result:+: $result}"
}

lane() { # function
  (
    # shellcheck disable=SC2030
    lanes=()
    group=''
    watchdog=''
    set -m
    trap end_group EXIT
    trap 'exit 143' INT TERM
    "$1"
  ) &
  # shellcheck disable=SC2031
  lanes+=($!)
}

join() {
  local ended lane others
  while [ ${#lanes[@]} -gt 0 ]; do
    wait -n -p ended "${lanes[@]}" || exit 1
    others=()
    for lane in "${lanes[@]}"; do
      [ "$lane" = "$ended" ] || others+=("$lane")
    done
    lanes=("${others[@]}")
  done
}

mark() { touch "$STEPS/marks/$1"; }
await() { until [ -e "$STEPS/marks/$1" ]; do sleep 0.2; done; }

# What the script leaves out on this machine, and why. Never in silence.
not_run() { printf '%s\n' "$1" >>"$STEPS/not_run"; }

summary() {
  local took=$((SECONDS - started)) count
  count=$(wc -l <"$STEPS/times")
  printf '\nThe ten slowest steps:\n'
  sort -rn "$STEPS/times" | head -n 10 | while IFS=$'\t' read -r seconds name; do
    printf '%4d s  %s\n' "$seconds" "$name"
  done
  if [ -e "$STEPS/failed" ]; then
    printf '\ntest result: FAILED. %s in all\n' "$(totals "$STEPS"/*.log)"
    printf 'test.sh: %d of %d steps FAILED: %s\n' "$(wc -l <"$STEPS/failed")" "$count" "$(paste -sd ';' "$STEPS/failed" | sed 's/;/; /g')"
    exit 1
  fi
  printf '\ntest result: ok. %s in all\n' "$(totals "$STEPS"/*.log)"
  printf 'test.sh: all %d steps passed in %d min %d s; screenshots in %s' "$count" $((took / 60)) $((took % 60)) "$SHOTS"
  if [ -e "$STEPS/not_run" ]; then
    printf '; not run: %s' "$(paste -sd ';' "$STEPS/not_run" | sed 's/;/; /g')"
  fi
  printf '\n'
}
