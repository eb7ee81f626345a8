#!/usr/bin/env bash
# Trains one network of SFSegNets on one data set; sfsegnets/train_<network>_<data set>.sh name them.
#
#   bash train/sfsegnets.sh NETWORK_DATASET [--field value ...]
#
# Arguments are fields of the recipe (roadseg train --recipe sfsegnets/NETWORK_DATASET --show);
# variables are those of train/train.sh: RECORDS, RUNS, ONE_GPU, CROP, STEPS, BATCH, SPLIT,
# INITIAL_WEIGHTS, DRY_RUN.
set -euo pipefail

if [[ $# == 0 || $1 == -* ]]; then
  echo "error: a network and a data set are wanted;" \
    "bash train/sfsegnets.sh sfnet_resnet18_cityscapes, for example" >&2
  exit 2
fi
exec bash "$(dirname "$0")/train.sh" "sfsegnets/$1" "${@:2}"
