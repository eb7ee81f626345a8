#!/usr/bin/env bash
# Trains ESPNet from scratch as its authors do: Adam, batch 6, 300 epochs of five scales (743,750
# steps).
#
#   RECORDS=~/records/cityscapes bash train/train_espnet.sh [--field value ...]
#   ONE_GPU=1 CUDA_VISIBLE_DEVICES=0 bash train/train_espnet.sh
#
# More variables (RUNS, CROP, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN): train/fast_seg.sh.
set -euo pipefail

exec bash "$(dirname "$0")/fast_seg.sh" espnet "$@"
