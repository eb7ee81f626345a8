#!/usr/bin/env bash
# Trains DeepLabv3-MobileNetV2 behind learned sampling, or evaluates each new checkpoint of it.
#
#   SAMPLING_SIZE=192 bash train/train_mobilenetv2_with_nus.sh [--field value ...]
#   UNIFORM=1 SAMPLING_SIZE=192 bash train/train_mobilenetv2_with_nus.sh
#   SAMPLER=density SAMPLER_RUN=runs/density bash train/train_mobilenetv2_with_nus.sh
#   MODE=EVAL SAMPLING_SIZE=192 bash train/train_mobilenetv2_with_nus.sh [--max-evaluations N ...]
#
# Arguments are fields of the recipe nus/deeplabv3_mobilenet_v2, or those of roadseg eval.
# Run again, training goes on from its last checkpoint.
set -euo pipefail

SAMPLING_SIZE=${SAMPLING_SIZE:-128}   # samples a side; published: 128, 160, 192, 224
UNIFORM=${UNIFORM:-}                  # empty or 0: learned sampling. In the original 0 was uniform too
SAMPLER=${SAMPLER:-nus}               # nus (published), density, prior or uniform
MODE=${MODE:-TRAIN}                   # TRAIN or EVAL
RECORDS=${RECORDS:-records}           # what `roadseg convert cityscapes --to records` wrote
RUNS=${RUNS:-runs}
# Where the sampler was trained.
SAMPLER_RUN=${SAMPLER_RUN:-}
RECIPE=${RECIPE:-nus/deeplabv3_mobilenet_v2}
# CUDA_VISIBLE_DEVICES is passed through; empty means the CPU.

if ! [[ $SAMPLING_SIZE =~ ^[1-9][0-9]*$ ]]; then
  echo "error: SAMPLING_SIZE='$SAMPLING_SIZE' is not a number; SAMPLING_SIZE=128, for example" >&2
  exit 2
fi

[[ -z $UNIFORM || $UNIFORM == 0 ]] || SAMPLER=uniform
run=$RUNS/train_on_train_set_mobilenetv2_w_nus_at_$SAMPLING_SIZE
case $SAMPLER in
  nus)
    default=$RUNS/nus64_128_mobilenetv2_lr0.007_mt0.25
    ;;
  density | prior)
    run+=_$SAMPLER
    default=$RUNS/sampling/$SAMPLER
    ;;
  uniform)
    run+=_uniform
    ;;
  *)
    echo "error: SAMPLER='$SAMPLER'; there are nus, density, prior and uniform" >&2
    exit 2
    ;;
esac
sampling=(--sampler "$SAMPLER")
[[ $SAMPLER == uniform ]] || sampling+=(--sampler-run "${SAMPLER_RUN:-$default}")
RUN=${RUN:-$run}

case $MODE in
  TRAIN)
    exec roadseg train --recipe "$RECIPE" --run "$RUN" --records "$RECORDS" \
      --sampling-size "$SAMPLING_SIZE" "$SAMPLING_SIZE" "${sampling[@]}" "$@"
    ;;
  EVAL)
    # For ever, like the original; --until-step N or --max-evaluations N in "$@" ends it.
    exec roadseg eval "$RUN" --protocol nus --records "$RECORDS" --follow \
      --max-evaluations 0 "$@"
    ;;
  *)
    echo "error: MODE='$MODE'; there are TRAIN and EVAL" >&2
    exit 2
    ;;
esac
