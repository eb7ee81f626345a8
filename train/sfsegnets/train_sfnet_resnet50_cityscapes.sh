#!/usr/bin/env bash
# Trains SFNet on ResNet-50, Cityscapes; no script is published: 8 GPUs x 2 crops of 1024, 300
# epochs (55,800 steps), from pretrained/resnet50-deep.pth.
#
#   RECORDS=~/records/cityscapes bash train/sfsegnets/train_sfnet_resnet50_cityscapes.sh [--field value ...]
#   ONE_GPU=1 CUDA_VISIBLE_DEVICES=0 bash train/sfsegnets/train_sfnet_resnet50_cityscapes.sh
#
# More variables (RUNS, CROP, STEPS, BATCH, SPLIT, INITIAL_WEIGHTS, DRY_RUN): train/train.sh.
set -euo pipefail

exec bash "$(dirname "$0")/../sfsegnets.sh" sfnet_resnet50_cityscapes "$@"
