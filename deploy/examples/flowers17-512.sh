#!/usr/bin/env bash
# flowers17-512.yaml on mesh 2x8 with real processes: a coordinator and three workers of 8 slots on this host. Two of
# them train; after step KILL_AT one of the two is killed, and the job goes on, on the third, from its last checkpoint.
#
#   deploy/examples/flowers17-512.sh /path/to/data [STEPS [KILL_AT]]
set -euo pipefail

data="${1:?usage: $0 /path/to/data [STEPS [KILL_AT]]}"
steps="${2:-60}"
kill_at="${3:-30}"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
tandem="$here/../bin/tandem"
work="$(mktemp -d)"
pids=()

finish() {
  kill "${pids[@]}" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap finish EXIT

"$tandem" --version
export TANDEM_SERVER=http://127.0.0.1:18080
"$tandem" coordinator --rest-port 18080 --control-port 25530 --store "$work/store" >"$work/coordinator.log" 2>&1 &
pids+=($!)
for i in 1 2 3; do
  "$tandem" worker --slots 8 --coordinator 127.0.0.1:25530 --directory "$work/checkpoints" >"$work/worker$i.log" 2>&1 &
  pids+=($!)
done
for ((i = 0; i < 60; i++)); do
  "$tandem" workers 2>/dev/null | grep -c cpu | grep -qx 3 && break
  sleep 1
done

job="$("$tandem" submit "$here/flowers17-512.yaml" --set "DATA=$data" --set "STEPS=$steps")"
killed=
while row="$("$tandem" jobs | grep "^$job")"; do
  read -r _ _ state _ step _ <<<"$row"
  if [[ -z $killed && $state == RUNNING && ${step%/*} -ge $kill_at ]]; then
    # A worker's id names its host and process.
    killed="$("$tandem" workers | awk 'NR > 1 && $5 > 0 { print $1; exit }' | cut -d- -f2)"
    echo "$(date -u +%FT%T.%3NZ)  kill -9 of worker process $killed at step ${step%/*}"
    kill -9 "$killed"
  fi
  case $state in SUCCEEDED | FAILED | CANCELLED) break ;; esac
  sleep 1
done
"$tandem" events "$job"
[[ $state == SUCCEEDED && -n $killed ]]
