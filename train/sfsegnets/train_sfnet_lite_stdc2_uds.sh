#!/usr/bin/env bash
# Trains SFNet-Lite on STDC2, UDS: 8 GPUs x 4 crops of 1024, 350 epochs (382,200 steps), from
# pretrained/STDCNet1446_76.47.tar.
#
#   RECORDS=~/records/uds bash train/sfsegnets/train_sfnet_lite_stdc2_uds.sh [--field value ...]
#   ONE_GPU=1 CUDA_VISIBLE_DEVICES=0 bash train/sfsegnets/train_sfnet_lite_stdc2_uds.sh
#
# More variables (RUNS, CROP, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN): train/train.sh.
set -euo pipefail

exec bash "$(dirname "$0")/../sfsegnets.sh" sfnet_lite_stdc2_uds "$@"
