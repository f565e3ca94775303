#!/usr/bin/env bash
# The table of deploy/README.md: every method by every seed on Fashion-MNIST, each one `tandem run` of
# fashion-mnist.yaml with one compute thread.
#
#   deploy/examples/fashion-mnist-table.sh DATA [RESULTS.csv]
#
# DATA/fashion-mnist holds the IDX files. Each finished run becomes a line of RESULTS.csv (fashion-mnist-results.csv
# beside this script); runs that have their line already are left out, so it may be stopped at any time and called
# again. A line counts only with the settings that it was made with: a hash of the job file and the method's
# parameters. At the end, or alone with TABLE_ONLY=1, it prints the table.
#
# SEEDS ("1 2 3"), METHODS (all), PARALLEL (2), PREFIX (a command in front of each run, such as `nice`).
set -euo pipefail

here="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)"
root="$(cd "$here/../.." && pwd)"
job="$here/fashion-mnist.yaml"

methods=(supervised pseudo-labels uda all-labels per-example taylor off flipped)

parameters() {
  case "$1" in
    supervised | pseudo-labels | uda) echo "ALGORITHM=$1" ;;
    *) echo "ALGORITHM=meta-pseudo-labels ESTIMATOR=$1" ;;
  esac
}

title() {
  case "$1" in
    supervised | uda) echo "$1" ;;
    pseudo-labels) echo "pseudo labels" ;;
    off | flipped) echo "UDA + feedback \`$1\`" ;;
    *) echo "UDA + MPL \`$1\`" ;;
  esac
}

settings() {
  { sed -e 's/ *#.*//' -e '/^$/d' "$job"; parameters "$1"; } | cksum | cut -d ' ' -f 1
}

# What a JSON object says under that name; nothing when it is silent.
value() {
  sed -n "s/.*\"$1\":\([0-9.eE+-]*\).*/\1/p" <<<"$2"
}

one() {
  local method="$1" seed="$2" results="$3" directory json began args
  grep -q "^$method,$seed,$(settings "$method")," "$results" && return
  directory="$(mktemp -d)"
  trap 'rm -rf "$directory"' RETURN
  args=()
  for p in $(parameters "$method"); do args+=(--set "$p"); done
  echo "$method, seed $seed: begins" >&2
  began=$SECONDS
  # One processor is one compute thread; two runs side by side then do not wait for each other.
  if ! json="$(TANDEM_JAVA_OPTS="-Xmx1500m -XX:ActiveProcessorCount=1 ${TANDEM_JAVA_OPTS:-}" OMP_NUM_THREADS=1 \
    ${PREFIX:-} "$root/deploy/bin/tandem" run "$job" --json --directory "$directory" \
    --set "DATA=$DATA" --set "SEED=$seed" "${args[@]}" 2>"$directory/log")"; then
    echo "$method, seed $seed: failed" >&2
    tail -n 5 "$directory/log" >&2
    return 1
  fi
  printf '%s,%s,%s,%s,%s,%s,%s,%s\n' "$method" "$seed" "$(settings "$method")" \
    "$(value accuracy.test "$json")" "$(value accuracy.teacher "$json")" "$((SECONDS - began))" \
    "$(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo unknown)" "$(date +%F)" >>"$results"
  echo "$method, seed $seed: $(value accuracy.test "$json") after $((SECONDS - began)) s" >&2
}

table() {
  local results="$1" method
  echo "| method | seeds | test accuracy, each seed | mean | largest - smallest | its teacher, mean |"
  echo "|---|---|---|---|---|---|"
  for method in "${methods[@]}"; do
    awk -F, -v method="$method" -v settings="$(settings "$method")" -v title="$(title "$method")" '
      $1 == method && $3 == settings {
        a = 100 * $4; n++; sum += a; each = each ((n > 1) ? ", " : "") sprintf("%.2f", a)
        if (n == 1 || a < low) low = a
        if (n == 1 || a > high) high = a
        if ($5 != "") { teachers++; teacher += 100 * $5 }
      }
      END {
        spread = (n > 1) ? sprintf("%.2f", high - low) : ""
        teacher = teachers ? sprintf("%.2f", teacher / teachers) : ""
        if (n) printf "| %s | %d | %s | %.2f | %s | %s |\n", title, n, each, sum / n, spread, teacher
      }' <(sort -t, -k1,1 -k2,2n "$results")
  done
}

if [[ "${1:-}" == --one ]]; then
  one "$2" "$3" "$4"
  exit
fi
[[ $# -ge 1 ]] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
export DATA="$1"
results="${2:-$here/fashion-mnist-results.csv}"
header=method,seed,settings,testAccuracy,teacherAccuracy,seconds,revision,date
[[ -f "$results" ]] || echo "$header" >"$results"
if [[ -z "${TABLE_ONLY:-}" ]]; then
  for seed in ${SEEDS:-1 2 3}; do
    for method in ${METHODS:-${methods[*]}}; do
      printf '%s\0' "$method" "$seed" "$results"
    done
  done | xargs -0 -n 3 -P "${PARALLEL:-2}" "$0" --one || failed=1
fi
table "$results"
exit "${failed:-0}"
