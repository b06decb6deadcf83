#!/bin/bash
{#
The batch script of a submission to Slurm; a copy in the workspace's templates/ folder takes its place.
options: sbatch's options from the experiment's slurm: settings. runs: one {path, attempt} for each element.
program: loradeck's path. submission: the id that the job's name holds.
Which elements there are, the job's name and the place of its output are given to sbatch beside this script.
#}
{% for option in options %}
#SBATCH {{ option | quoted }}
{% endfor %}
# Set up here what a run needs on its node, such as: module load cuda

runs=(
{% for run in runs %}
    {{ run.path | quoted }}
{% endfor %}
)
attempts=({% for run in runs %}{{ run.attempt }} {% endfor %})
element=$((SLURM_ARRAY_TASK_ID - 1))
# As many threads as the job was given processors, whatever else the node has.
export LORADECK_THREADS="${LORADECK_THREADS:-${SLURM_CPUS_PER_TASK:-${SLURM_CPUS_ON_NODE:-1}}}"

# In the shell's own place, so that Slurm's signals reach the supervisor.
exec {{ program | quoted }} supervise "${runs[element]}" --attempt "${attempts[element]}" \
    --submission {{ submission | quoted }}
