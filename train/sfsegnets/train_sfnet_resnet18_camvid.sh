#!/usr/bin/env bash
# Trains SFNet on ResNet-18, CamVid; no script is published: crops of 720x960, batch 16, 500 epochs
# (14,500 steps), from pretrained/resnet18-deep-inplane128.pth.
#
#   RECORDS=~/records/camvid bash train/sfsegnets/train_sfnet_resnet18_camvid.sh [--field value ...]
#   ONE_GPU=1 CUDA_VISIBLE_DEVICES=0 bash train/sfsegnets/train_sfnet_resnet18_camvid.sh
#
# More variables (RUNS, CROP, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN): train/train.sh.
set -euo pipefail

exec bash "$(dirname "$0")/../sfsegnets.sh" sfnet_resnet18_camvid "$@"
