#!/usr/bin/env bash
# One training on several nodes of a Slurm cluster, one worker a node with all GPUs of its node:
#   sbatch slurm.sh --recipe fast_seg/icnet --records /data/records --run /data/runs/icnet
# Records and run folder lie on a file system that all nodes see. Three minutes before the time is
# up the workers get SIGUSR1 and save a checkpoint at one step; then the job goes back to the queue
# and continues. So it does after a worker was lost.
#SBATCH --job-name=roadseg
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=16
#SBATCH --time=24:00:00
#SBATCH --signal=USR1@180
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail
again=75              # status of workers that were stopped with steps left, or have lost another
most=${MAX_RESTARTS:-20}

status=0
# Not killed when one fails: the others say which one was lost, and end by themselves.
srun --kill-on-bad-exit=0 \
    "${ROADSEG:-roadseg}" launch --within slurm --port "${PORT:-23400}" -- \
    train --status-when-stopped "$again" "$@" || status=$?

# 128 and above: ended by a signal, as where a node runs out of memory.
if { [ "$status" -eq "$again" ] || [ "$status" -gt 128 ]; } &&
    [ "${SLURM_RESTART_COUNT:-0}" -lt "$most" ]; then
    echo "status $status: back to the queue"
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
