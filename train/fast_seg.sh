#!/usr/bin/env bash
# Trains one network of Fast_Seg on Cityscapes; train_<network>.sh name it.
#
#   bash train/fast_seg.sh NETWORK [--field value ...]
#
# Arguments are fields of the recipe (roadseg train --recipe fast_seg/NETWORK --show); variables are
# those of train/train.sh: RECORDS, RUNS, ONE_GPU, CROP, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN.
set -euo pipefail

if [[ $# == 0 || $1 == -* ]]; then
  echo "error: the name of a network is wanted; bash train/fast_seg.sh icnet, for example" >&2
  exit 2
fi
exec bash "$(dirname "$0")/train.sh" "fast_seg/$1" "${@:2}"
