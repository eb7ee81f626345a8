#!/usr/bin/env bash
# Trains SFNet on ResNet-18, Cityscapes with side heads: 8 GPUs x 2 crops of 1024, 300 epochs
# (55,800 steps), from pretrained/resnet18-deep-inplane128.pth.
#
#   RECORDS=~/records/cityscapes bash train/sfsegnets/train_sfnet_resnet18_cityscapes_side_heads.sh [--field value ...]
#   ONE_GPU=1 CUDA_VISIBLE_DEVICES=0 bash train/sfsegnets/train_sfnet_resnet18_cityscapes_side_heads.sh
#
# More variables (RUNS, CROP, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN): train/train.sh.
set -euo pipefail

exec bash "$(dirname "$0")/../sfsegnets.sh" sfnet_resnet18_cityscapes_side_heads "$@"
