#!/usr/bin/env bash
# Trains SFNet on DFNet v2, CamVid; no script is published: crops of 720x960, batch 16, 500 epochs
# (14,500 steps), from pretrained/df2_imagenet.pth.
#
#   RECORDS=~/records/camvid bash train/sfsegnets/train_sfnet_dfnet_v2_camvid.sh [--field value ...]
#   ONE_GPU=1 CUDA_VISIBLE_DEVICES=0 bash train/sfsegnets/train_sfnet_dfnet_v2_camvid.sh
#
# More variables (RUNS, CROP, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN): train/train.sh.
set -euo pipefail

exec bash "$(dirname "$0")/../sfsegnets.sh" sfnet_dfnet_v2_camvid "$@"
