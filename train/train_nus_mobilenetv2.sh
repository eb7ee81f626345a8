#!/usr/bin/env bash
# Trains the published sampler: where to sample, learned from semantic boundaries.
#
#   SAMPLING_SIZE=192 bash train/train_nus_mobilenetv2.sh [--field value ...]
#
# Arguments are fields of the recipe nus/sampler (roadseg train --recipe nus/sampler --show).
# Run again, it goes on from its last checkpoint.
set -euo pipefail

SAMPLING_SIZE=${SAMPLING_SIZE:-128}   # shown in pictures only: the network learns the 8x8 grid
RECORDS=${RECORDS:-records}           # what `roadseg convert cityscapes --to records` wrote
RUNS=${RUNS:-runs}
# The name is the original's; the 128 in it is fixed text there too.
SAMPLER_RUN=${SAMPLER_RUN:-$RUNS/nus64_128_mobilenetv2_lr0.007_mt0.25}
RECIPE=${RECIPE:-nus/sampler}
# CUDA_VISIBLE_DEVICES is passed through; empty means the CPU.

if ! [[ $SAMPLING_SIZE =~ ^[1-9][0-9]*$ ]]; then
  echo "error: SAMPLING_SIZE='$SAMPLING_SIZE' is not a number; SAMPLING_SIZE=128, for example" >&2
  exit 2
fi

exec roadseg train --recipe "$RECIPE" --run "$SAMPLER_RUN" --records "$RECORDS" \
  --sampling-size "$SAMPLING_SIZE" "$SAMPLING_SIZE" "$@"
