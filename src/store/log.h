/*
 * What happened: easq.step, a row for each learning step, and easq.training.
 */
#ifndef EASQ_LOG_H
#define EASQ_LOG_H

#include "datatype/timestamp.h"

#include "store/model.h"

typedef struct EasqStepRow
{
	const char *model;
	const char *source;			/* "insert", "update", "backlog", "align", "train" */
	const char *status;			/* "applied", "skipped", "queued" */
	const char *reason;			/* or NULL */
	int64		adapter_version;	/* 0: none */
	int			answers;
	int			uncertain;		/* of the answers */
	int			pairs;
	int			behaviour_pairs;
	const EasqMetrics *metrics; /* or NULL */
} EasqStepRow;

extern void EasqLogStep(const EasqStepRow *row);

typedef struct EasqTrainingRow
{
	const char *model;
	TimestampTz started_at;
	int64		backbone_version;
	int			epochs;
	int64		rows;
	int64		groups;
	int64		pairs;
	int64		answers;
	double		loss;
	double		loss_main;
	double		loss_satisfaction;
	double		loss_alignment;
} EasqTrainingRow;

extern void EasqLogTraining(const EasqTrainingRow *row);

#endif
