#!/usr/bin/env bash
# The trials at length: a million random schedules over all cores, 1,000 kills, and 30,000 events in transactions. SEED=… repeats
# them: each 25,000 schedules have a seed of their own, from that one on.
set -euo pipefail

seed=${SEED:-$(date +%s)}
for shard in {0..39}; do echo $((seed + shard)); done |
  xargs -P "$(getconf _NPROCESSORS_ONLN)" -I '{}' env SEED='{}' SCHEDULES=25000 vitest run poller/schedules
SEED=$seed KILLS=1000 vitest run killed-poller
SEED=$seed EVENTS=30000 vitest run transactions-trial
