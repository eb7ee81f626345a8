#!/usr/bin/env bash
# Trains SFNet-Lite on ResNet-18, Cityscapes: 8 GPUs x 2 crops of 1024, 1000 epochs (186,000 steps),
# from pretrained/resnet18-deep-inplane128.pth.
#
#   RECORDS=~/records/cityscapes bash train/sfsegnets/train_sfnet_lite_resnet18_cityscapes.sh [--field value ...]
#   ONE_GPU=1 CUDA_VISIBLE_DEVICES=0 bash train/sfsegnets/train_sfnet_lite_resnet18_cityscapes.sh
#
# More variables (RUNS, CROP, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN): train/train.sh.
set -euo pipefail

exec bash "$(dirname "$0")/../sfsegnets.sh" sfnet_lite_resnet18_cityscapes "$@"
