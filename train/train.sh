#!/usr/bin/env bash
# Trains one recipe on the GPUs that are there. `roadseg list` names the recipes.
#
#   bash train/train.sh RECIPE [--field value ...]
#
# Arguments are fields of the recipe (roadseg train --recipe RECIPE --show).
# Run again, training goes on from its last checkpoint.
set -euo pipefail

if [[ $# == 0 || $1 == -* ]]; then
  echo "error: the name of a recipe is wanted; bash train/train.sh fast_seg/icnet, for example" >&2
  exit 2
fi
recipe=$1
shift
RECORDS=${RECORDS:-records}            # what `roadseg convert ... --to records` wrote
RUNS=${RUNS:-runs}
ONE_GPU=${ONE_GPU:-}                   # 1: batch 8 for one GPU, rate and steps to match
CROP=${CROP:-}                         # pixels, 832 or "360 480"; empty here and below: the recipe's
STEPS=${STEPS:-}
BATCH=${BATCH:-}                       # images in a step, over all GPUs; 8 or more
SPLIT=${SPLIT:-}                       # train, train+val, train_plus, ...
INITIAL_WEIGHTS=${INITIAL_WEIGHTS:-}   # a file, a run folder, or none
DRY_RUN=${DRY_RUN:-}                   # 1: print the command and stop
# CUDA_VISIBLE_DEVICES is passed through; empty means the CPU.

[[ -z $ONE_GPU || $ONE_GPU == 0 ]] || recipe+=_one_gpu
RUN=${RUN:-$RUNS/$recipe}

command=(roadseg train --recipe "$recipe" --run "$RUN" --records "$RECORDS")
if [[ -n $CROP ]]; then
  read -r height width <<<"$CROP"
  command+=(--crop-size "$height" "${width:-$height}")
fi
[[ -z $STEPS ]] || command+=(--steps "$STEPS")
[[ -z $BATCH ]] || command+=(--batch-size "$BATCH")
[[ -z $SPLIT ]] || command+=(--split "$SPLIT")
[[ -z $INITIAL_WEIGHTS ]] || command+=(--initial-weights "$INITIAL_WEIGHTS")

if [[ -n $DRY_RUN && $DRY_RUN != 0 ]]; then
  printf -v line '%q ' "${command[@]}" "$@"   # quoted, so that it can be pasted
  echo "${line% }"
  exit 0
fi
exec "${command[@]}" "$@"
