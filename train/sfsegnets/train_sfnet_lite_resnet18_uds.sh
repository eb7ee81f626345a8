#!/usr/bin/env bash
# Trains SFNet-Lite on ResNet-18, UDS: 8 GPUs x 4 crops of 1024, 120 epochs (131,040 steps), from
# pretrained/resnet18-deep-inplane128.pth.
#
#   RECORDS=~/records/uds bash train/sfsegnets/train_sfnet_lite_resnet18_uds.sh [--field value ...]
#   ONE_GPU=1 CUDA_VISIBLE_DEVICES=0 bash train/sfsegnets/train_sfnet_lite_resnet18_uds.sh
#
# More variables (RUNS, CROP, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN): train/train.sh.
set -euo pipefail

exec bash "$(dirname "$0")/../sfsegnets.sh" sfnet_lite_resnet18_uds "$@"
