/*
 * What happened: easq.step, a row for each learning step, and easq.training.
 */
#ifndef EASQ_LOG_H
#define EASQ_LOG_H

#include "datatype/timestamp.h"

#include "store/model.h"

#define EASQ_MAX_DETAIL 500		/* bytes */

/* At most so many bytes of a text, to the end of a character; palloc'd. */
extern char *EasqClipDetail(const char *text);

typedef struct EasqStepRow
{
	const char *model;
	const char *adapter;		/* NULL: the model's own */
	const char *source;			/* "insert", "update", "backlog", "queue", "align", "train", "audit", "revival", "reset" */
	const char *status;			/* "applied", "shortened", "skipped", "queued", "reverted", "restarted" */
	const char *reason;			/* or NULL; for everybody who may score */
	const char *detail;			/* or NULL; for the author */
	Oid			author;			/* who attached the questionnaire; EASQ_NOBODY: several, or none */
	int64		adapter_version;	/* 0: none */
	int			answers;
	int			uncertain;		/* of the answers */
	int			pairs;
	int			behaviour_pairs;
	const EasqMetrics *metrics; /* or NULL */
	bool		guarded;		/* the behaviour budget was looked at: the rest are figures */
	double		strength;		/* of alignment, 0 to 1 */
	double		cost;			/* G of the ranking, the knob included */
	double		knob;
} EasqStepRow;

extern void EasqLogStep(const EasqStepRow *row);

typedef struct EasqTrainingRow
{
	const char *model;
	TimestampTz started_at;
	int64		backbone_version;
	int			epochs;			/* that the weights are of */
	int			epochs_run;
	int64		rows;
	int64		groups;
	int64		pairs;
	int64		answers;
	double		loss;
	double		loss_main;
	double		loss_satisfaction;
	double		loss_alignment;
	double		accuracy;		/* on held pairs, NaN: there are none; and of what needs no model, NULL: no such feature */
	const char *popularity_feature;
	double		popularity_accuracy;
	const char *single_feature;
	double		single_feature_accuracy;
} EasqTrainingRow;

extern void EasqLogTraining(const EasqTrainingRow *row);

/* Takes out of a model's steps what may quote people; whom, no step says. */
extern void EasqLogForgetQuotes(const char *model);

#endif
