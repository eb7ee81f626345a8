#!/usr/bin/env bash
# Evaluates the published sampler: mean squared error of its grids on central crops of val.
#
#   bash train/eval_nus_mobilenetv2.sh [--follow | --step N | ...]
#
# Arguments are those of roadseg eval; --follow waits for new checkpoints.
set -euo pipefail

RECORDS=${RECORDS:-records}
RUNS=${RUNS:-runs}
SAMPLER_RUN=${SAMPLER_RUN:-$RUNS/nus64_128_mobilenetv2_lr0.007_mt0.25}
# CUDA_VISIBLE_DEVICES is passed through; empty means the CPU.

exec roadseg eval "$SAMPLER_RUN" --protocol nus --records "$RECORDS" "$@"
