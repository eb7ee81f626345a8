#!/usr/bin/env bash
# Trains Semantics Sharing stage by stage and evaluates each: segmentation, flow, both fusions, and
# the whole. Run again, it goes on where it was stopped. The stage flow_views, flow on the pairs of
# both cameras without labels, is one of the small copies' stages, and can be one of the others'.
#
#   RECORDS=~/records/dual_camera FRAMES=~/records/camvid bash train/train_semantics_sharing.sh
#   SMALL=1 bash train/train_semantics_sharing.sh                 # sizes and steps for two cores
#   COUPLING=tight STAGES="fusion_narrow fusion_wide" bash train/train_semantics_sharing.sh
#
# Arguments are fields of every stage's recipe (roadseg train --recipe semantics_sharing/whole --show).
set -euo pipefail

RECORDS=${RECORDS:-records/dual_camera}   # what `roadseg convert dual_camera --to ...` wrote
FRAMES=${FRAMES:-records/camvid}          # single frames, of which the pairs for the flow are made
RUNS=${RUNS:-runs}
COUPLING=${COUPLING:-loose}               # tight: its flow learns with the first fusion
SMALL=${SMALL:-}                          # 1: the small copies of the recipes
copy= views=
[[ -z $SMALL || $SMALL == 0 ]] || copy=_small views=flow_views
STAGES=${STAGES:-segmentation flow $views fusion_narrow fusion_wide whole}
FLOW=${FLOW:-${views:-flow}}              # the stage whose flow is coupled
DRY_RUN=${DRY_RUN:-}                      # 1: print the commands and stop
# CUDA_VISIBLE_DEVICES is passed through; empty means the CPU.

case $COUPLING in
  loose) coupling= ;;
  tight) coupling=_tight STAGES=" $STAGES " STAGES=${STAGES/ flow / } STAGES=${STAGES/ flow_views / } ;;
  *) echo "error: COUPLING='$COUPLING'; there are loose and tight" >&2 && exit 2 ;;
esac

run_of() {   # the run folder of a stage
  local kind=$coupling
  [[ $1 != segmentation && $1 != flow && $1 != flow_views ]] || kind=
  echo "$RUNS/semantics_sharing/$1$kind$copy"
}

do_or_print() {
  if [[ -n $DRY_RUN && $DRY_RUN != 0 ]]; then
    printf -v line '%q ' "$@"   # quoted, so that it can be pasted
    echo "${line% }"
  else
    "$@"
  fi
}

for stage in $STAGES; do
  records=$RECORDS before=() start=
  case $stage in
    segmentation) ;;
    flow) records=$FRAMES ;;
    flow_views) start=$(run_of flow) ;;
    fusion_narrow)
      before=("$(run_of segmentation)")
      [[ $COUPLING == tight ]] || before+=("$(run_of "$FLOW")")
      ;;
    fusion_wide) before=("$(run_of fusion_narrow)") ;;
    whole) before=("$(run_of fusion_wide)") ;;
    *)
      echo "error: STAGES: '$stage'; there are segmentation, flow, flow_views, fusion_narrow, fusion_wide and whole" >&2
      exit 2
      ;;
  esac
  run=$(run_of "$stage")
  # A stage that was stopped has no successor yet: its status ends the script.
  command=(roadseg train --status-when-stopped 75 --recipe "semantics_sharing/$(basename "$run")")
  command+=(--run "$run" --records "$records")
  [[ ${#before[@]} == 0 ]] || command+=(--start.stages "${before[@]}")
  [[ -z $start ]] || command+=(--start.initial-weights "$start")
  do_or_print "${command[@]}" "$@"
  do_or_print roadseg eval "$run"
done
